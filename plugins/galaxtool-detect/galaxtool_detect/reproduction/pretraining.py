"""A backbone trained by galaxtool on cutouts of simulated sources, as the start of the small scale."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from galaxtool import Progress, finetune
from galaxtool_detect.boxes import DetectionSet, FieldImage
from galaxtool_detect.commands.simulate import simulate
from galaxtool_detect.datasets.open import open_detection_set
from galaxtool_detect.stretch import stretch
from galaxtool_detect.windows import cut_pixels

_SIDE = 64
_SEED = 1_000_003
"""Seed of the fields, which are not those that detectors see."""


def pretrain(backbone: str, folder: Path, settings: Mapping[str, Any], progress: Progress) -> str:
    """Train a backbone on the classes of simulated cutouts, and return its name with the path of its weights.

    Parameters
    ----------
    backbone : str
        Name of the backbone without weights.
    folder : Path
        Folder for the cutouts and the run; a finished run is not repeated.
    settings : mapping
        ``fields``, the number of fields that are cut, ``epochs``, and possibly ``image_sizes`` by backbone.
    progress : Progress
        Receives the progress.
    """
    run = folder / f"backbone-{backbone.replace(':', '-')}"
    weights = run / "model" / "weights.safetensors"
    if not weights.is_file():
        cutouts = folder / "cutouts"
        if not (cutouts / "done").is_file():
            fields = folder / "cutout-fields"
            simulate(output=fields, n=settings["fields"], seed=_SEED, overwrite=True)
            write_cutouts(open_detection_set(fields), cutouts / "images")
            (cutouts / "done").touch()
        finetune(
            str(cutouts / "images"),
            output=run,
            method="supervised",
            backbone=f"{backbone}@none",
            epochs=settings["epochs"],
            image_size=settings.get("image_sizes", {}).get(backbone),
            overwrite=run.exists(),
            progress=progress,
        )
    return f"{backbone}@{weights}"


def write_cutouts(fields: DetectionSet, folder: Path) -> None:
    """Write a picture of each source, stretched as a detector sees it, into a folder for its class."""
    for name in fields.classes:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for image in fields:
        for number, label in enumerate(image.labels.tolist()):
            picture = Image.fromarray(_cut(image, number))
            picture.save(folder / fields.classes[label] / f"{image.name}-{number}.png")


def _cut(image: FieldImage, number: int) -> np.ndarray:
    x0, y0, x1, y1 = image.boxes[number]
    left, bottom = (round(float(low + high) / 2) - _SIDE // 2 for low, high in ((x0, x1), (y0, y1)))
    shown = stretch(cut_pixels(image.pixels, left, bottom, _SIDE), image.unit)
    return np.asarray(np.rint(255 * shown[:, ::-1].transpose(1, 2, 0)), np.uint8)
