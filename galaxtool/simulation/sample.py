"""The built-in data set ``sample``: simulated galaxies, made when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from galaxtool.errors import ConfigError
from galaxtool.simulation.galaxy import CLASSES, Simulated, draw_position, simulate
from galaxtool.types import Cutout, Item

SPLIT_CODES = {"train": 0, "valid": 1, "test": 2}
"""What sets the random streams of the splits apart."""

SPLITS = {"train": 0.7, "valid": 0.1, "test": 0.2}
"""Share of each split unless others are given."""


def stream(seed: int, split: str, index: int) -> np.random.Generator:
    """Return the random stream of one object, which no other object shares.

    Parameters
    ----------
    seed : int
        Not negative.
    split : str
        A key of `SPLIT_CODES`.
    index : int
        Of the object in its split.
    """
    return np.random.default_rng([seed, SPLIT_CODES[split], index])


def slug_of(index: int) -> str:
    """Return the class of the object of an index: each in turn, so that any number is balanced within one."""
    slugs = tuple(CLASSES)
    return slugs[index % len(slugs)]


def simulate_object(seed: int, split: str, index: int, size: int) -> Simulated:
    """Return the object `index` of a split, `size` pixels a side; the same whenever it is asked for."""
    return simulate(slug_of(index), stream(seed, split, index), size=size)


class SimulatedSample:
    """Simulated galaxies of the ten ``galaxy10`` classes; a `galaxtool.datasets.protocols.Dataset`.

    Parameters
    ----------
    counts : mapping of str to int
        Number of objects of each split. Object i of a split is the same whatever the counts.
    seed : int
        Another seed gives other galaxies.
    size : int
        Side of the images in pixels; the field of view stays 67 arcsec.

    Attributes
    ----------
    items : list of Item
        Split after split, classes in turn; ``sim-train-000123`` is object 123 of the training split.
    """

    name = "sample"

    def __init__(self, counts: Mapping[str, int], *, seed: int = 0, size: int = 96) -> None:
        self.seed, self.size = seed, size
        self._where = [(split, index) for split, count in counts.items() for index in range(count)]
        self.items: Sequence[Item] = [self._item(split, index) for split, index in self._where]

    def _item(self, split: str, index: int) -> Item:
        # The position is the first thing drawn from an object's stream.
        ra, dec = draw_position(stream(self.seed, split, index))
        return Item(id=f"sim-{split}-{index:06d}", label=slug_of(index), split=split, ra=ra, dec=dec)

    def cutout(self, index: int) -> Cutout:
        """Draw the image of ``items[index]``: float32 (3, size, size) in nanomaggies, row 0 at the bottom."""
        split, number = self._where[index]
        return simulate_object(self.seed, split, number, self.size).cutout


def sample_dataset(
    *,
    path: Path | str | None = None,
    n: int = 2000,
    seed: int = 0,
    size: int = 96,
    splits: Mapping[str, float] | None = None,
) -> SimulatedSample:
    """Make the data set ``sample``; the factory of its spec.

    Parameters
    ----------
    path : None
        Not used: the sample reads no file.
    n : int
        Number of galaxies in all splits together.
    seed : int
        Not negative; another seed gives other galaxies.
    size : int
        Side of the images in pixels, at least 16.
    splits : mapping of str to float, optional
        Share of each of ``train``, ``valid``, ``test``; `SPLITS` when not given. Shares are relative to their sum.

    Raises
    ------
    ConfigError
        If an option's value cannot be used.
    """
    if path is not None:
        raise ConfigError(
            f"The data set 'sample' is simulated and reads no file, but '{path}' was given.", hint="Use 'sample' alone."
        )
    if n < 1 or seed < 0 or size < 16:
        raise ConfigError(
            f"The data set 'sample' cannot be made with n={n}, seed={seed}, size={size}.",
            hint="n must be 1 or more, seed 0 or more, size 16 or more.",
        )
    shares = SPLITS if splits is None else splits
    unknown = [split for split in shares if split not in SPLIT_CODES]
    if unknown or not shares or min(shares.values()) < 0 or sum(shares.values()) <= 0:
        raise ConfigError(
            f"The splits {dict(shares)} of the data set 'sample' cannot be used.",
            hint="Give shares above 0 for some of: train, valid, test.",
        )
    return SimulatedSample(_counts(n, shares), seed=seed, size=size)


def _counts(n: int, shares: Mapping[str, float]) -> dict[str, int]:
    edges = np.round(np.cumsum(list(shares.values())) / sum(shares.values()) * n).astype(int)
    return {split: int(count) for split, count in zip(shares, np.diff(edges, prepend=0), strict=True)}
