"""Galaxy10 SDSS, as published: 21,785 images of 69 x 69 pixels and ten classes in one HDF5 file."""

from __future__ import annotations

from pathlib import Path

from galaxtool.datasets.published.galaxy10 import SDSS_SIDE, clean_positions
from galaxtool.datasets.published.hdf5 import StackDataset, decode_labels, read_columns
from galaxtool.errors import InputError
from galaxtool.types import Item

CLASSES = (
    "disk face-on no spiral", "smooth completely round", "smooth in-between round", "smooth cigar-shaped",
    "disk edge-on rounded bulge", "disk edge-on boxy bulge", "disk edge-on no bulge", "disk face-on tight spiral",
    "disk face-on medium spiral", "disk face-on loose spiral",
)  # fmt: skip
"""The class of each number; they are other classes than those of Galaxy10 DECaLS."""


def open_galaxy10_sdss(*, path: str | Path) -> StackDataset:
    """Open ``Galaxy10.h5`` (Leung & Bovy; https://github.com/henrysky/Galaxy10), the set before Galaxy10 DECaLS.

    Parameters
    ----------
    path : str or Path
        An HDF5 file with ``images`` (N, 69, 69, 3), uint8, top row first, and ``ans`` (N,), the class from 0 to 9.
        Optional arrays are ``ra`` and ``dec`` (N,) in degrees.

    Returns
    -------
    StackDataset
        N items in the order of the file; the id of an item is its row, from 0, and its label one of `CLASSES`.

    Raises
    ------
    InputError
        If it is not such a file, or is Galaxy10 DECaLS.
    """
    path = Path(path)
    stack, columns = read_columns(path, "images", ("ans",), ("ra", "dec"))
    if stack.shape[1:3] != (SDSS_SIDE, SDSS_SIDE):
        raise InputError(
            f"'{path}' has images of {stack.shape[2]} x {stack.shape[1]} pixels; those of Galaxy10 SDSS have 69 x 69.",
            hint=f"Galaxy10 DECaLS is galaxy10:{path}.",
        )
    labels = decode_labels(columns["ans"], dict(enumerate(CLASSES)), "ans", path)
    ra, dec = clean_positions(columns, len(stack))
    items = [Item(id=str(row), label=label, ra=ra[row], dec=dec[row]) for row, label in enumerate(labels)]
    return StackDataset("galaxy10-sdss", items, [(stack, row) for row in range(len(stack))])
