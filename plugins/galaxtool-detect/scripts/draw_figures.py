"""Draw the figures of docs/detection.md: ``python plugins/galaxtool-detect/scripts/draw_figures.py``."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from galaxtool_detect import CatalogueOutputs, Detections, FieldMap, FieldOptions, build_catalogue, simulate_field
from galaxtool_detect.catalog.write import write_catalogue
from galaxtool_detect.commands.evaluate import evaluate
from galaxtool_detect.simulation.run import write_field
from galaxtool_detect.simulation.sources import CLASSES
from PIL import Image

TARGET = Path(__file__).resolve().parents[3] / "docs" / "images"


def main() -> None:
    """Draw both figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        field = simulate_field(7, 3, FieldOptions(density=40))
        boxes = Detections(boxes=field.boxes, scores=np.ones(len(field.boxes)), labels=field.labels)
        image = FieldMap(field)
        catalogue = build_catalogue(image, boxes, CLASSES, name="field")
        outputs = CatalogueOutputs(table=folder / "sources.csv", overlay=folder / "overlay.png")
        write_catalogue(image, catalogue, outputs, title="A simulated field")
        save(folder / "overlay.png", "detection-overlay.jpg", 2)
        write_field(simulate_field(5, 0, FieldOptions(size=700, artefacts=False)), folder / "map.fits")
        evaluate(str(folder / "map.fits"), model="sep", output=folder / "scores", inject=1500)
        save(folder / "scores" / "scores.png", "detection-scores.jpg", 2)


def save(path: Path, name: str, factor: int) -> None:
    """Store a figure as a small JPEG."""
    with Image.open(path) as figure:
        figure.convert("RGB").reduce(factor).save(TARGET / name, quality=85, optimize=True)


if __name__ == "__main__":
    main()
