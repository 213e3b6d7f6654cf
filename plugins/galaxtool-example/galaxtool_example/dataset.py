"""A data set: shapes that are drawn on demand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from galaxtool import Cutout, Item

SIDE = 40
CLASSES = ("disc", "ring", "bar")
SPLITS = ("train", "train", "train", "valid", "test")


class Shapes:
    """Discs, rings and bars of any size, angle and brightness, in noise.

    Parameters
    ----------
    n : int
        Number of images; the classes alternate.
    seed : int
        Random seed. Image i depends on the seed only, not on `n`.
    """

    name = "example-shapes"

    def __init__(self, n: int, seed: int) -> None:
        self.seed = seed
        self.items = [
            Item(
                id=f"shape-{i:05d}",
                label=CLASSES[i % len(CLASSES)],
                split=SPLITS[i // len(CLASSES) % len(SPLITS)],
                # two arcminutes apart, so that no two count as the same part of the sky
                ra=(i / 30) % 360,
                dec=float(i // 10800),
            )
            for i in range(n)
        ]

    def cutout(self, index: int) -> Cutout:
        """Draw one image: float32 (1, 40, 40), row 0 at the bottom."""
        item = self.items[index]
        rng = np.random.default_rng((self.seed, index))
        image = rng.uniform(0.6, 1.4) * _draw(str(item.label), rng) + rng.normal(0, 0.05, (SIDE, SIDE))
        return Cutout(
            data=image[None].astype(np.float32),
            bands=("",),
            ra=item.ra,
            dec=item.dec,
            pixel_scale=0.5,
            source=item.id,
        )


def _draw(label: str, rng: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2 + rng.normal(0, 1, (2, 1, 1))
    radius, angle, size = np.hypot(x, y), rng.uniform(0, np.pi), rng.uniform(8, 13)
    if label == "disc":
        squared = (radius / (0.5 * size)) ** 2
    elif label == "ring":
        squared = ((radius - size) / 1.8) ** 2
    else:
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        squared = (along / size) ** 2 + (across / 1.8) ** 2
    return np.asarray(np.exp(-0.5 * squared))


def build(*, path: Path | None = None, n: int = 300, seed: int = 0) -> Shapes:
    """Create the data set."""
    return Shapes(n, seed)
