"""A detector that a training starts from: the same network, whose classes may be others."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch

from galaxtool import ConfigError
from galaxtool_detect.detectors.credits import Credits, check_detector_licence, credit_detector
from galaxtool_detect.detectors.files import load_detector
from galaxtool_detect.detectors.find import find_folder
from galaxtool_detect.networks.detector import Detector, restore_detector

_PREDICTOR = "heads.box_predictor."
_ROWS = {"cls_score": 1, "bbox_pred": 4}  # rows of a class in each layer of the predictor


def restart_detector(model: str, classes: Sequence[str], image_size: int | None) -> tuple[Detector, float, Credits]:
    """Return a detector with the weights of another one, the factor by which that one enlarges fields, and its credits.

    Classes that the other one lacks have random weights.

    Parameters
    ----------
    model : str
        Name of a detector that comes with the plugin, or the folder of a run or of a detector.
    classes : sequence of str
        Names of the classes to learn.
    image_size : int, optional
        Side of the network's images; that of the detector by default.

    Raises
    ------
    UnknownName
        If there is no such detector.
    ConfigError
        If it is a file in the ONNX format, which does not learn.
    ModelError
        If ``GALAXTOOL_LICENSES`` does not allow its licence.
    """
    if model.endswith(".onnx"):
        raise ConfigError(
            f"'{model}' is an ONNX file, which cannot be trained.", hint="Give the folder of the run that it is from."
        )
    old, record = load_detector(find_folder(model))
    check_detector_licence(record, model)
    config = dataclasses.replace(
        record.network, classes=tuple(classes), image_size=image_size or record.network.image_size
    )
    detector = restore_detector(config)
    state = detector.state_dict()
    for name, value in old.state_dict().items():
        if name.startswith(_PREDICTOR):
            value = _match_classes(value, state[name], record.network.classes, classes, _ROWS[name.split(".")[-2]])
        state[name] = value
    detector.load_state_dict(state)
    return detector.requires_grad_(True), record.upscale, credit_detector(record)


def _match_classes(
    old: torch.Tensor, new: torch.Tensor, old_classes: Sequence[str], classes: Sequence[str], rows: int
) -> torch.Tensor:
    """Return the weights of the new predictor with the rows of the background and of the classes that both have."""
    matched = new.clone()
    matched[:rows] = old[:rows]
    for i, name in enumerate(classes, start=1):
        if name in old_classes:
            j = list(old_classes).index(name) + 1
            matched[i * rows : (i + 1) * rows] = old[j * rows : (j + 1) * rows]
    return matched
