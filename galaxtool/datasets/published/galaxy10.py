"""Galaxy10 DECaLS, as published: 17,736 images of ten classes in one HDF5 file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from galaxtool.datasets.published.hdf5 import StackDataset, decode_labels, read_columns
from galaxtool.errors import InputError
from galaxtool.taxonomy.assets import find_symbols_folder
from galaxtool.taxonomy.load import load_taxonomy
from galaxtool.types import Item

_COLUMNS = ("redshift", "pxscale")
SDSS_SIDE = 69
"""Side in pixels of the images of Galaxy10 SDSS, which has other classes."""


def open_galaxy10(*, path: str | Path) -> StackDataset:
    """Open ``Galaxy10_DECals.h5`` (Leung & Bovy; https://github.com/henrysky/Galaxy10).

    Parameters
    ----------
    path : str or Path
        An HDF5 file with ``images`` (N, ny, nx, 3), uint8, top row first, and ``ans`` (N,), the class from 0 to 9.
        Optional arrays are ``ra`` and ``dec`` (N,) in degrees, ``pxscale`` in arcsec per pixel, and ``redshift``.

    Returns
    -------
    StackDataset
        N items in the order of the file. The id of an item is its row, from 0; its label is the slug of a class of the
        taxonomy ``galaxy10``. ``redshift`` and ``pxscale`` are columns, None where not finite.

    Raises
    ------
    InputError
        If it is not such a file, or is the older Galaxy10 SDSS, whose numbers mean other classes.

    Notes
    -----
    Do not use ``redshift``: in the published file it repeats ``dec``. The file has no official split, and contains some
    objects twice; `galaxtool.datasets.splits.by_position` keeps these together by their positions.
    """
    path = Path(path)
    stack, columns = read_columns(path, "images", ("ans",), ("ra", "dec", *_COLUMNS))
    if stack.shape[1:3] == (SDSS_SIDE, SDSS_SIDE):
        raise InputError(
            f"'{path}' has images of 69 x 69 pixels: this is Galaxy10 SDSS, which has other classes.",
            hint=f"Write galaxy10-sdss:{path}, or download Galaxy10_DECals.h5.",
        )
    taxonomy = load_taxonomy(find_symbols_folder() / "galaxy10")
    meaning = {item.index: item.slug for item in taxonomy.classes if item.index is not None}
    labels = decode_labels(columns["ans"], meaning, "ans", path)
    ra, dec = clean_positions(columns, len(stack))
    others = {name: _replace_nonfinite(columns[name]) for name in _COLUMNS if name in columns}
    items = [
        Item(
            id=str(row),
            label=label,
            ra=ra[row],
            dec=dec[row],
            columns={name: values[row] for name, values in others.items()},
        )
        for row, label in enumerate(labels)
    ]
    where = [(stack, row) for row in range(len(stack))]
    return StackDataset("galaxy10", items, where, scale_column="pxscale")


def clean_positions(columns: dict[str, np.ndarray], n: int) -> tuple[list[float | None], list[float | None]]:
    """Return right ascension and declination of each image, both None if either is not a valid angle."""
    if "ra" not in columns or "dec" not in columns:
        return [None] * n, [None] * n
    ra, dec = (columns[name].astype(np.float64) for name in ("ra", "dec"))
    known = np.isfinite(ra) & (np.abs(dec) <= 90)
    return _replace_nonfinite(np.where(known, ra % 360, np.nan)), _replace_nonfinite(np.where(known, dec, np.nan))


def _replace_nonfinite(values: np.ndarray) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in values.astype(np.float64).tolist()]
