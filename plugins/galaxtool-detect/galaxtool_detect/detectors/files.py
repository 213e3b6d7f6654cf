"""The folder of a trained detector: ``detector.json`` and ``weights.safetensors``."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from galaxtool import GalaxtoolError, ModelError, NetworkLimit, atomic_write, read_regular_text
from galaxtool_detect.detectors.record import DetectorRecord
from galaxtool_detect.networks.detector import Detector, restore_detector

RECORD, WEIGHTS = "detector.json", "weights.safetensors"


def save_detector(folder: Path, detector: Detector, record: DetectorRecord, *, half: bool = False) -> None:
    """Write a detector into a folder.

    Parameters
    ----------
    folder : Path
        Folder, which is created.
    detector : Detector
        Trained detector.
    record : DetectorRecord
        What it is.
    half : bool
        Whether to store weights in half precision, which takes half of the space. They are computed in single.
    """
    state = {key: value.detach().cpu().contiguous() for key, value in detector.state_dict().items()}
    if half:
        state = {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
    with atomic_write(folder / WEIGHTS) as temporary:
        save_file(state, temporary)
    with atomic_write(folder / RECORD) as temporary:
        temporary.write_text(json.dumps(record.as_dict(), indent=1) + "\n", encoding="utf-8")


def read_record(folder: Path) -> DetectorRecord:
    """Read what the detector in a folder is.

    Raises
    ------
    ModelError
        If the folder has no detector, or its record is damaged.
    """
    try:
        values = json.loads(read_regular_text(folder / RECORD))
    except FileNotFoundError as error:
        raise ModelError(
            f"'{folder}' has no detector: there is no {RECORD}.",
            hint="Give the folder of a run of `galaxtool detect train`, or leave --model out.",
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"'{folder / RECORD}' is damaged: {error}.") from error
    return DetectorRecord.from_dict(values, str(folder))


def load_detector(folder: Path) -> tuple[Detector, DetectorRecord]:
    """Load the detector in a folder, in single precision and evaluation mode.

    Raises
    ------
    ModelError
        If files are missing or damaged.
    """
    record = read_record(folder)
    try:
        state = load_file(folder / WEIGHTS)
        with NetworkLimit(state, str(folder)):
            detector = restore_detector(record.network)
        detector.load_state_dict(
            {key: value.float() if value.is_floating_point() else value for key, value in state.items()}
        )
    except GalaxtoolError:
        raise
    except Exception as error:  # safetensors and torch raise many exceptions
        raise ModelError(
            f"The weights '{folder / WEIGHTS}' cannot be used: {' '.join(str(error).split())[:120]}.",
            hint="Copy the whole folder again, or train the detector again.",
        ) from error
    return detector.requires_grad_(False).eval(), record


def as_half(detector: Detector) -> Detector:
    """Return the detector with the weights that a file in half precision stores, in place."""
    with torch.no_grad():
        for value in detector.state_dict().values():
            if value.is_floating_point():
                value.copy_(value.half().float())
    return detector
