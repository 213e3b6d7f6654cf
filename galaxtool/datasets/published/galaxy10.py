"""Galaxy10 DECaLS, as published: 17,736 images of ten classes in one HDF5 file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from galaxtool.datasets.published.hdf5 import StackDataset, class_labels, read_columns
from galaxtool.errors import InputError
from galaxtool.taxonomy.assets import symbols_folder
from galaxtool.taxonomy.load import load_taxonomy
from galaxtool.types import Item

_COLUMNS = ("redshift", "pxscale")
_SDSS_SIDE = 69


def galaxy10_dataset(*, path: str | Path) -> StackDataset:
    """Open ``Galaxy10_DECals.h5`` (Leung & Bovy; https://github.com/henrysky/Galaxy10).

    Parameters
    ----------
    path : str or Path
        An HDF5 file with ``images`` (N, ny, nx, 3), uint8, top row first, and ``ans`` (N,), the class from 0 to 9;
        and where it has them, ``ra`` and ``dec`` (N,) in degrees, ``pxscale`` in arcsec per pixel, ``redshift``.

    Returns
    -------
    StackDataset
        Of N items in the file's order. An item's id is its number in the file, from 0; its label is the slug of a
        class of the taxonomy ``galaxy10``. ``redshift`` and ``pxscale`` are columns, None where not finite.

    Raises
    ------
    InputError
        If it is no such file, or that of the older Galaxy10 SDSS, whose numbers stand for other classes.

    Notes
    -----
    Do not trust ``redshift``: in the published file it repeats ``dec``. Nor has the file an official split, and some
    objects are in it twice; `galaxtool.datasets.splits.by_position` keeps those together by their positions.
    """
    path = Path(path)
    stack, columns = read_columns(path, "images", ("ans",), ("ra", "dec", *_COLUMNS))
    if stack.shape[1:3] == (_SDSS_SIDE, _SDSS_SIDE):
        raise InputError(
            f"'{path}' has images of 69 x 69 pixels: it is Galaxy10 SDSS, whose ten classes are others.",
            hint="Fetch Galaxy10_DECals.h5.",
        )
    taxonomy = load_taxonomy(symbols_folder() / "galaxy10")
    meaning = {item.index: item.slug for item in taxonomy.classes if item.index is not None}
    labels = class_labels(columns["ans"], meaning, "ans", path)
    ra, dec = _positions(columns, len(stack))
    others = {name: _finite(columns[name]) for name in _COLUMNS if name in columns}
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


def _positions(columns: dict[str, np.ndarray], n: int) -> tuple[list[float | None], list[float | None]]:
    """Return right ascension and declination of each image, both None where either is no angle."""
    if "ra" not in columns or "dec" not in columns:
        return [None] * n, [None] * n
    ra, dec = (columns[name].astype(np.float64) for name in ("ra", "dec"))
    known = np.isfinite(ra) & (np.abs(dec) <= 90)
    return _finite(np.where(known, ra % 360, np.nan)), _finite(np.where(known, dec, np.nan))


def _finite(values: np.ndarray) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in values.astype(np.float64).tolist()]
