"""Simulated radio galaxies in the layout of the development kit of Radio Galaxy Zoo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

_SIDE = 132
_BEAM = 4.0
_SEED = 17
_CLASSES = ("1_1", "1_2", "1_3", "2_2", "2_3", "3_3")
"""Numbers of components and peaks, as the annotations have them."""

_EVERY_WITH_TWO = 8
"""Every so many images have a second labelled galaxy, and are to be left out."""


def write_rgz(path: Path, n: int) -> None:
    """Write n images of 132 x 132 pixels with their annotations; a fifth of them is for the test.

    Peaks are beams along a line. Those of one component are joined by a bridge; components are further apart.
    """
    folder = path / "RGZ2017"
    for name in ("Annotations", "PNGImages", "ImageSets/Main"):
        (folder / name).mkdir(parents=True)
    lists: dict[str, list[str]] = {"train": [], "test": []}
    for number in range(n):
        name = f"FIRSTJ{number // 60 % 24:02d}{number % 60:02d}00.0+{number % 70:02d}0000_logminmax"
        label = _CLASSES[number % len(_CLASSES)]
        pixels = simulate_radio_galaxy(label, np.random.default_rng([_SEED, number]))
        Image.fromarray(pixels).save(folder / "PNGImages" / f"{name}.png")
        labels = [label, "1_1"] if number % _EVERY_WITH_TWO == _EVERY_WITH_TWO - 1 else [label]
        (folder / "Annotations" / f"{name}.xml").write_text(_annotate(name, labels), encoding="utf-8")
        lists["test" if number // len(_CLASSES) % 5 == 4 else "train"].append(name)
    for split, names in lists.items():
        text = "".join(f"{name}\n" for name in names)
        (folder / "ImageSets" / "Main" / f"{split}D1.txt").write_text(text, encoding="utf-8")


def simulate_radio_galaxy(label: str, rng: np.random.Generator) -> np.ndarray:
    """Return uint8 (132, 132): a logarithm of the brightness between its extremes, as in the published images."""
    components, peaks = (int(text) for text in label.split("_"))
    angle = rng.uniform(0, np.pi)
    direction = np.array([np.cos(angle), np.sin(angle)])
    gaps = [rng.uniform(28, 36) if k < components - 1 else rng.uniform(11, 14) for k in range(peaks - 1)]
    offsets = np.cumsum([0.0, *gaps])
    offsets -= offsets.mean()
    y, x = np.mgrid[:_SIDE, :_SIDE] - (_SIDE - 1) / 2
    image = np.zeros((_SIDE, _SIDE))
    for k, offset in enumerate(offsets):
        image += rng.uniform(0.6, 1.0) * _beam(x, y, offset * direction)
        if k >= components:
            image += 0.4 * _beam(x, y, (offset + offsets[k - 1]) / 2 * direction)
    image += rng.normal(0, 0.02, image.shape)
    logarithm = np.log10(np.clip(image, 0.02, None))
    scaled = (logarithm - logarithm.min()) / (logarithm.max() - logarithm.min())
    return np.asarray(np.rint(255 * scaled), np.uint8)


def _beam(x: np.ndarray, y: np.ndarray, center: np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(-((x - center[0]) ** 2 + (y - center[1]) ** 2) / (2 * _BEAM**2)))


def _annotate(name: str, labels: list[str]) -> str:
    box = "<bndbox><xmin>40</xmin><ymin>40</ymin><xmax>92</xmax><ymax>92</ymax></bndbox>"
    objects = "".join(f"<object><name>{label}</name><difficult>0</difficult>{box}</object>" for label in labels)
    size = f"<size><width>{_SIDE}</width><height>{_SIDE}</height><depth>1</depth></size>"
    return f"<annotation><folder>RGZ2017</folder><filename>{name}.png</filename>{size}{objects}</annotation>"
