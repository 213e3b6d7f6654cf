"""Positions on the sky from the columns of a catalogue."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle
from astropy.table import Column, Table

from galaxtool.inputs.cells import TextColumn
from galaxtool.tables.column_names import DEC_COLUMNS, RA_COLUMNS, find_column


def read_positions(table: Table, source: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return right ascension and declination in degrees, ICRS, NaN where unknown.

    Numbers, also in columns of text, are degrees unless the column has another unit. Other text is sexagesimal, with
    right ascension in hours. A value that is not an angle, or a declination beyond a pole (the -99 of many catalogues),
    is unknown.

    Parameters
    ----------
    table : Table
        Catalogue of N rows.
    source : Path
        Path of the catalogue, for messages.

    Returns
    -------
    ra, dec : ndarray, shape (N,)
        NaN everywhere if the table has no columns of positions.
    """
    ra = find_column(table, None, RA_COLUMNS, source)
    dec = find_column(table, None, DEC_COLUMNS, source)
    if ra is None or dec is None:
        return np.full(len(table), np.nan), np.full(len(table), np.nan)
    alpha, delta = _degrees(table[ra], u.hourangle), _degrees(table[dec], u.deg)
    known = np.isfinite(alpha) & (np.abs(delta) <= 90)
    alpha = np.where(known, alpha, np.nan) % 360
    alpha[alpha == 360] = 0.0  # a value below zero by less than a rounding error
    return alpha, np.where(known, delta, np.nan)


def _degrees(column: Column, sexagesimal: u.Unit) -> np.ndarray:
    """Return a column of angles in degrees; NaN where masked or not an angle."""
    data = np.ma.getdata(column, subok=False)
    if data.ndim > 1 or data.dtype.kind not in "iufU":
        return np.full(len(data), np.nan)
    unit = u.hourangle if column.unit == u.hour else column.unit  # right ascension is often given in plain hours
    is_angle = unit is not None and unit.is_equivalent(u.deg)
    scale = unit.to(u.deg) if is_angle else 1.0
    if data.dtype.kind == "U":
        sexagesimal = unit if is_angle else sexagesimal
        return np.array([_parse_angle(text, scale, sexagesimal) for text in TextColumn(column)], dtype=float)
    return np.where(np.ma.getmaskarray(np.ma.asarray(column)), np.nan, data.astype(float) * scale)


def _parse_angle(text: str, scale: float, sexagesimal: u.Unit) -> float:
    with suppress(ValueError):
        return float(text) * scale
    with suppress(ValueError):
        return float(Angle(text, unit=sexagesimal).deg)
    return float("nan")
