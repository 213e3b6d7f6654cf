"""The built-in data set ``sample``: simulated galaxies, made when they are read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from galaxtool.errors import ConfigError
from galaxtool.simulation.galaxy import CLASSES, SimulatedGalaxy, draw_position, simulate
from galaxtool.simulation.sentences import describe
from galaxtool.types import Cutout, Item

SPLIT_CODES = {"train": 0, "valid": 1, "test": 2}
"""Number of each split in the seed of the random number generators."""

SPLITS = {"train": 0.7, "valid": 0.1, "test": 0.2}
"""Default fraction of each split."""

_SENTENCES = 1  # makes the random numbers of sentences different from those of images


def make_generator(seed: int, split: str, index: int) -> np.random.Generator:
    """Return the random number generator of one object; each object has its own stream.

    Parameters
    ----------
    seed : int
        Seed of the sample, not negative.
    split : str
        Key of `SPLIT_CODES`.
    index : int
        Index of the object in its split.
    """
    return np.random.default_rng([seed, SPLIT_CODES[split], index])


def choose_class(index: int) -> str:
    """Return the class of an object: the classes take turns, so that their numbers differ by at most one."""
    slugs = tuple(CLASSES)
    return slugs[index % len(slugs)]


def simulate_object(seed: int, split: str, index: int, size: int) -> SimulatedGalaxy:
    """Simulate the object `index` of a split with a side of `size` pixels; the result is always the same."""
    return simulate(choose_class(index), make_generator(seed, split, index), size=size)


def describe_object(seed: int, split: str, index: int, properties: Collection[str]) -> tuple[str, ...]:
    """Write sentences on the object `index` of a split, which has these properties; the result is always the same."""
    return describe(properties, np.random.default_rng([seed, SPLIT_CODES[split], index, _SENTENCES]))


class SimulatedSample:
    """Simulated galaxies of the ten ``galaxy10`` classes; a `galaxtool.datasets.protocols.Dataset`.

    Parameters
    ----------
    counts : mapping of str to int
        Number of objects in each split. Object i of a split does not depend on the counts.
    seed : int
        Random seed of the sample.
    size : int
        Side of the images in pixels; the field of view stays 67 arcsec.

    Attributes
    ----------
    items : list of Item
        One split after the other, with the classes taking turns; ``sim-train-000123`` is object 123 of the training
        split.
    """

    name = "sample"

    def __init__(self, counts: Mapping[str, int], *, seed: int = 0, size: int = 96) -> None:
        self.seed, self.size = seed, size
        self._keys = [(split, index) for split, count in counts.items() for index in range(count)]
        self._properties: dict[int, frozenset[str]] = {}
        self.items: Sequence[Item] = [self._make_item(split, index) for split, index in self._keys]

    def _make_item(self, split: str, index: int) -> Item:
        # the position is the first draw of each object
        ra, dec = draw_position(make_generator(self.seed, split, index))
        return Item(id=f"sim-{split}-{index:06d}", label=choose_class(index), split=split, ra=ra, dec=dec)

    def cutout(self, index: int) -> Cutout:
        """Simulate the image of ``items[index]``: float32 (3, size, size) in nanomaggies, row 0 at the bottom."""
        split, number = self._keys[index]
        simulated = simulate_object(self.seed, split, number, self.size)
        self._properties[index] = simulated.properties
        return simulated.cutout

    def properties(self, index: int) -> frozenset[str]:
        """Return the properties of ``items[index]``; its image is simulated, unless `cutout` has done so before."""
        if index not in self._properties:
            self.cutout(index)
        return self._properties[index]

    def captions(self, index: int) -> tuple[str, ...]:
        """Return sentences that are true of ``items[index]``."""
        return describe_object(self.seed, *self._keys[index], self.properties(index))


def sample_dataset(
    *,
    path: Path | str | None = None,
    n: int = 2000,
    seed: int = 0,
    size: int = 96,
    splits: Mapping[str, float] | None = None,
) -> SimulatedSample:
    """Make the data set ``sample``; this is the factory of its spec.

    Parameters
    ----------
    path : None
        Must be None, because the sample reads no file.
    n : int
        Total number of galaxies in all splits.
    seed : int
        Random seed, not negative.
    size : int
        Side of the images in pixels, at least 16.
    splits : mapping of str to float, optional
        Fraction of ``train``, ``valid`` and ``test``, relative to their sum; by default `SPLITS`.

    Raises
    ------
    ConfigError
        If the value of an option is not valid.
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
            hint="Give positive fractions for some of: train, valid, test.",
        )
    return SimulatedSample(_split_counts(n, shares), seed=seed, size=size)


def _split_counts(n: int, shares: Mapping[str, float]) -> dict[str, int]:
    edges = np.round(np.cumsum(list(shares.values())) / sum(shares.values()) * n).astype(int)
    return {split: int(count) for split, count in zip(shares, np.diff(edges, prepend=0), strict=True)}
