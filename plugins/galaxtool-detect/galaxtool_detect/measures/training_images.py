"""Whether a detector is scored on the images that it was trained on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from galaxtool import read_regular_text
from galaxtool_detect.boxes import DetectionSet
from galaxtool_detect.training.config import describe_source


def count_training_images(model: str, data: DetectionSet, dataset: str, images: Path | None) -> int:
    """Return how many of the images that are scored were for training, as far as the run of a detector says.

    Parameters
    ----------
    model : str
        Name or path of the detector; only the folder of a run says what it was trained on.
    data : DetectionSet
        What is scored.
    dataset : str
        Its name, as the user gave it.
    images : Path, optional
        Its images, as the user gave them.
    """
    config = _read_config(Path(model).expanduser())
    own = (describe_source(dataset), None if images is None else str(images.expanduser().resolve()))
    if not config or tuple(config.get(name, {}).get("value") for name in ("dataset", "images")) != own:
        return 0
    return sum(split in ("", "train") for split in data.splits) if data.splits else len(data)


def _read_config(folder: Path) -> Mapping[str, Any]:
    """Return the settings of the run of a folder, or of the folder around that of a model; nothing if there is none."""
    for one in (folder, folder.parent):
        try:
            config = json.loads(read_regular_text(one / "manifest.json"))["config"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
        if isinstance(config, dict) and all(isinstance(value, dict) for value in config.values()):
            return config
    return {}
