"""Simulated data sets in the published layouts, which stand in for the real ones at the small scale."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.reproduction.options import ReproduceOptions
from galaxtool.reproduction.recipe import TableRecipe
from galaxtool.reproduction.simulated_radio import write_rgz
from galaxtool.reproduction.slots import fill_twins
from galaxtool.simulation.galaxy import CLASSES, NATIVE_SIZE, simulate_galaxy
from galaxtool.simulation.grid import NATIVE_SCALE
from galaxtool.utils.optional_imports import require
from galaxtool.vision.stretch import to_display

_SIDE = 64
_SEED = 13
_GALAXYMNIST = ("round_smooth", "cigar_shaped_smooth", "edge_on_without_bulge", "unbarred_tight_spiral")
"""The simulated class that stands for each class of GalaxyMNIST, in the order of its numbers."""


def simulate_data(recipe: TableRecipe, options: ReproduceOptions) -> dict[str, str]:
    """Simulate the data sets of a recipe, unless they are there; returns what to open for each slot."""
    folder = options.output / "simulated"
    found = {}
    for data in recipe.data:
        if data.same_as:
            continue
        path = folder / f"{data.reader}-{options.images}"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".unfinished-") as temporary:
                _WRITERS[data.reader](Path(temporary) / path.name, options.images)
                (Path(temporary) / path.name).rename(path)
        found[data.slot] = f"{data.reader}:{path}"
    return fill_twins(recipe, found)


def write_galaxy10(path: Path, n: int) -> None:
    """Write n simulated galaxies as the file of Galaxy10 DECaLS, which has some objects twice: here one in twenty.

    The arrays are ``images`` (n, 64, 64, 3) uint8, ``ans`` (n,) uint8, ``ra``, ``dec``, ``redshift`` and ``pxscale``.
    """
    codes = np.arange(n) % len(CLASSES)
    objects = np.arange(n)
    # one galaxy in twenty is that of ten rows before, which has the same class
    objects -= 10 * ((objects // 10 % 2 == 1) & (objects % 10 == objects // 20 % 10))
    images, positions = _simulate([list(CLASSES)[code] for code in codes], objects)
    scale = np.full(n, NATIVE_SCALE * NATIVE_SIZE / _SIDE)
    arrays = {"ra": positions[:, 0], "dec": positions[:, 1], "redshift": positions[:, 1], "pxscale": scale}
    _write_hdf5(path, {"images": images, "ans": codes.astype(np.uint8), **arrays})


def write_galaxymnist(path: Path, n: int) -> None:
    """Write n simulated galaxies as the two files of GalaxyMNIST, a fifth of them in the test file.

    The arrays of each are ``images`` (N, 64, 64, 3) and ``labels`` (N,), both uint8.
    """
    codes = np.arange(n) % len(_GALAXYMNIST)
    images, _ = _simulate([_GALAXYMNIST[code] for code in codes], np.arange(n) + 100_000)
    n_test = n // 5
    parts = {"train": slice(n_test, None), "test": slice(None, n_test)}
    for split, rows in parts.items():
        arrays = {"images": images[rows], "labels": codes[rows].astype(np.uint8)}
        _write_hdf5(path / f"{split}_dataset.hdf5", arrays)


def _simulate(slugs: list[str], objects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return display images (N, 64, 64, 3), top row first, and positions (N, 2) in degrees."""
    cutouts = [
        simulate_galaxy(slug, np.random.default_rng([_SEED, int(number)]), size=_SIDE)
        for slug, number in zip(slugs, objects, strict=True)
    ]
    images = np.stack([to_display(cutout) for cutout in cutouts])
    return images, np.array([(cutout.ra, cutout.dec) for cutout in cutouts])


def _write_hdf5(path: Path, arrays: dict[str, np.ndarray]) -> None:
    h5py: Any = require("h5py", why="Writing HDF5 files", install="h5py")
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array)


_WRITERS = {"galaxy10": write_galaxy10, "galaxymnist": write_galaxymnist, "rgz": write_rgz}
