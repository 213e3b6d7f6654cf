"""Draw the figures of docs/figures.md, from simulated galaxies alone.

It simulates galaxies, evaluates the bundled model on them, trains small models, and draws one figure of each kind. Run
from anywhere; it takes about ten minutes on two cores, and what it made is kept in the folder that is named, so that a
second run only draws::

    python scripts/draw_gallery.py /tmp/gallery
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

import galaxtool

TARGET = Path(__file__).resolve().parent.parent / "docs" / "images"
PIXELS = 200
"""Pixels per inch of the pictures in the documentation."""

SCRATCH = "runs/scratch"
PROBES = {f"runs/probe-{fraction}-{seed}": (fraction, seed) for fraction in (0.1, 0.3, 1.0) for seed in (0, 1)}

FIGURES: tuple[tuple[str, Sequence[str], dict[str, Any]], ...] = (
    ("class-counts", ["runs/probe-0.3-0"], {}),
    ("training-curves", [SCRATCH], {}),
    ("data-fraction", [*PROBES, SCRATCH], {}),
    ("training-size", [*PROBES, SCRATCH], {"label": ["probe of mini"] * len(PROBES) + ["from scratch"]}),
    ("confusion", ["evaluation"], {}),
    ("class-f1", ["evaluation", SCRATCH], {"label": ["mini", "from scratch"], "option": ["relabel=gz1-coarse"]}),
    ("reliability", ["evaluation", SCRATCH], {"label": ["mini", "from scratch"]}),
    ("roc", ["evaluation"], {}),
    ("precision-recall", ["evaluation"], {}),
    ("accuracy-by", ["evaluation"], {"by": "mag_r", "option": ["axis=r magnitude"]}),
    ("tsne", ["evaluation"], {}),
    ("umap", ["evaluation"], {}),
    ("samples", ["test"], {"columns": 2}),
    ("class-sheet", ["test"], {"columns": 2}),
    ("pca-grid", ["evaluation"], {"columns": 2}),
    ("retrieval", ["evaluation"], {"columns": 2}),
    ("saliency", ["test"], {"columns": 2}),
)
"""Kind, inputs and options of each figure."""

OF_PICTURES = ("samples", "class-sheet", "pca-grid", "retrieval")
"""Kinds that show pictures."""


def make_inputs() -> None:
    """Simulate galaxies, evaluate the bundled model and train small ones, as far as that is not done yet."""
    if not Path("test").exists():
        galaxtool.simulate(output=Path("test"), n=600, seed=11)
    if not Path("train").exists():
        galaxtool.simulate(output=Path("train"), n=400, seed=12, size=64)
    if not Path("evaluation").exists():
        galaxtool.evaluate("test", model="mini", output=Path("evaluation"))
    common: dict[str, Any] = {"test_fraction": 0.2, "readouts": True}
    for name, (fraction, seed) in PROBES.items():
        if not Path(name, "report.html").exists():
            galaxtool.finetune(
                ["train"], output=Path(name), method="linear-probe", backbone="mini", fraction=fraction, seed=seed,
                overwrite=True, **common,
            )  # fmt: skip
    if not Path(SCRATCH, "report.html").exists():
        galaxtool.finetune(
            ["train"], output=Path(SCRATCH), method="supervised", backbone="small-resnet@none", image_size=64,
            epochs=20, overwrite=True, **common,
        )  # fmt: skip


def draw(kind: str, inputs: Sequence[str], options: dict[str, Any]) -> Path:
    """Draw a figure as a small file in the documentation: PNG, or JPEG if it shows pictures."""
    drawn = Path(f"{kind}.png")
    galaxtool.plot(kind, inputs, output=drawn, style=Path("gallery.mplstyle"), **options)
    path = TARGET / (f"{kind}.jpg" if kind in OF_PICTURES else drawn.name)
    TARGET.mkdir(exist_ok=True)
    with Image.open(drawn) as image:
        if kind in OF_PICTURES:
            image.convert("RGB").reduce(2).save(path, quality=80, optimize=True)
        else:
            image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    return path


def main() -> None:
    """Draw the figures of the kinds that are named, or all."""
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder, *kinds = sys.argv[1:]
    Path(folder).mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    Path("gallery.mplstyle").write_text(f"savefig.dpi: {PIXELS}\n")
    make_inputs()
    for kind, inputs, options in FIGURES:
        if not kinds or kind in kinds:
            path = draw(kind, inputs, options)
            print(f"{path} {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
