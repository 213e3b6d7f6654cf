"""What a detector is made of: what to cite for it, and the licence of the weights that it started from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from galaxtool import Citation, check_licence
from galaxtool_detect.detectors.record import DetectorRecord
from galaxtool_detect.networks.detector import Detector

FASTER_RCNN = Citation(
    text="Ren, S., He, K., Girshick, R. & Sun, J. 2015, Faster R-CNN: towards real-time object detection with region "
    "proposal networks, NeurIPS",
    arxiv="1506.01497",
)
LATERAL_PYRAMID = Citation(
    text="Lin, T.-Y. et al. 2017, Feature pyramid networks for object detection, CVPR", arxiv="1612.03144"
)
TRANSPOSED_PYRAMID = Citation(
    text="Li, Y., Mao, H., Girshick, R. & He, K. 2022, Exploring plain vision transformer backbones for object "
    "detection, ECCV",
    arxiv="2203.16527",
)
SETTINGS = Citation(
    text="Lastufka et al. 2024, Vision foundation models: can they be applied to astrophysics data?",
    arxiv="2409.11175",
)


@dataclass(frozen=True, kw_only=True)
class Credits:
    """What to cite for a detector, and under which licence it is.

    Parameters
    ----------
    citations : tuple of mapping
        ``text``, ``doi``, ``arxiv`` and ``bibcode`` of each work.
    licence : str
        Licence of the weights that the training started from; empty for random ones, or if it is not known.
    """

    citations: tuple[Mapping[str, Any], ...] = ()
    licence: str = ""


def credit_backbone(detector: Detector, model_folder: Path | None = None) -> Credits:
    """Return the credits of a detector on a backbone.

    Parameters
    ----------
    detector : Detector
        The detector.
    model_folder : Path, optional
        Model directory that the weights of the backbone are from, whose own citations count too.
    """
    backbone = detector.body.backbone
    pyramid = TRANSPOSED_PYRAMID if detector.body.patch else LATERAL_PYRAMID
    own = [asdict(one) for one in (FASTER_RCNN, pyramid, SETTINGS, *backbone.citations)]
    return Credits(citations=_unite(own, _read_citations(model_folder)), licence=backbone.licence)


def credit_detector(record: DetectorRecord) -> Credits:
    """Return the credits of a detector that another one is trained from."""
    own = [asdict(one) for one in (FASTER_RCNN, SETTINGS)]
    return Credits(citations=_unite(own, record.citations), licence=record.licence)


def check_detector_licence(record: DetectorRecord, name: str) -> None:
    """Raise `ModelError` if ``GALAXTOOL_LICENSES`` does not allow the licence of a detector.

    A detector that was trained from random weights and states no licence is the user's own, and always allowed.
    """
    if record.licence or record.training.get("mode") != "scratch":
        check_licence(record.licence, f"The weights of the detector '{name}'")


def _unite(*lists: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Return the citations of several lists, each once."""
    found = {tuple(sorted(one.items())): one for several in lists for one in several}
    return tuple(found.values())


def _read_citations(folder: Path | None) -> list[Mapping[str, Any]]:
    if folder is None:
        return []
    return list(json.loads((folder / "model.json").read_text(encoding="utf-8")).get("citations", []))
