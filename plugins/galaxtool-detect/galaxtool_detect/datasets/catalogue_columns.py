"""The columns of a catalogue of sources: boxes, sizes, classes and fluxes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.table import Table

from galaxtool import TableError
from galaxtool_detect.catalog.units import find_conversion
from galaxtool_detect.datasets.ellipses import EllipseSizes

_BOXES = (("x0", "y0", "x1", "y1"), ("xmin", "ymin", "xmax", "ymax"))
_LABELS = ("label", "class", "class_name", "type", "morphology")
_SIZES: tuple[tuple[tuple[str, ...], u.Unit], ...] = (
    (("a", "b", "pa"), u.arcsec),  # Aegean
    (("Maj", "Min", "PA"), u.deg),  # PyBDSF
    (("major", "minor", "pa"), u.arcsec),
    (("fitted_major", "fitted_minor", "fitted_pos_ang"), u.arcsec),  # FIRST, and others after it
    (("bmaj", "bmin", "bpa"), u.arcsec),
    (("width", "height"), u.arcsec),
    (("size_arcsec",), u.arcsec),
    (("size",), u.arcsec),
    (("diameter",), u.arcsec),
)
_DEGREES = 3  # columns of an ellipse, the last one an angle
_TRUTH = {
    "flux": ("flux", "int_flux", "total_flux", "integrated_flux", "fint", "s_int", "flux_int"),
    "peak": ("peak", "peak_flux", "flux_peak", "fpeak", "s_peak"),
    "rms": ("rms", "local_rms", "isl_rms", "rms_image", "noise"),
    "snr": ("snr", "sn", "s_n"),
}


def find_column(table: Table, wanted: str | None, usual: Sequence[str], source: Path) -> str | None:
    """Return the name of a column: the one that the user named, else one of the usual ones, in any case.

    Raises
    ------
    TableError
        If the table lacks the column that the user named.
    """
    if wanted is not None:
        if wanted in table.colnames:
            return wanted
        raise TableError(f"'{source}' has no column '{wanted}'.", hint=f"It has {', '.join(table.colnames)}.")
    names = {name.lower(): name for name in reversed(table.colnames)}
    return next((names[name.lower()] for name in usual if name.lower() in names), None)


def read_numbers(table: Table, name: str) -> np.ndarray:
    """Return a column as float64, NaN where there is no value or no number."""
    try:
        return np.asarray(np.ma.filled(np.ma.asarray(table[name]).astype(float), np.nan))
    except (TypeError, ValueError):
        return np.full(len(table), np.nan)


def read_texts(table: Table, name: str) -> np.ndarray:
    """Return a column as texts, empty where there is no value."""
    values = np.ma.asarray(table[name])
    return np.array(["" if hidden else str(value).strip() for value, hidden in zip(
        values.data.tolist(), np.ma.getmaskarray(values), strict=True
    )])  # fmt: skip


def group_rows(texts: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the rows of each text, ascending; the texts are in the order of their first rows."""
    rows: dict[str, list[int]] = {}
    for row, text in enumerate(texts):
        rows.setdefault(text, []).append(row)
    return {text: np.array(some) for text, some in rows.items()}


def find_boxes(table: Table) -> np.ndarray | None:
    """Return the boxes in pixels, shape (N, 4), or None."""
    for names in _BOXES:
        columns = [find_column(table, None, (name,), Path()) for name in names]
        if None not in columns:
            return np.column_stack([read_numbers(table, str(column)) for column in columns])
    return None


def find_sizes(table: Table, size_arcsec: float | None) -> EllipseSizes | None:
    """Return the sizes of the sources, or None.

    Parameters
    ----------
    table : Table
        The catalogue.
    size_arcsec : float, optional
        Side of all boxes, which takes precedence over the columns.
    """
    truth = find_truth(table)
    if size_arcsec is not None:
        side = np.full(len(table), float(size_arcsec))
        return EllipseSizes(major=side, minor=side, angle=np.zeros(len(table)), is_box=True)
    for names, unit in _SIZES:
        columns = [find_column(table, None, (name,), Path()) for name in names]
        if None in columns:
            continue
        major, *rest = (_to_arcsec(table, str(column), unit) for column in columns[:2])
        angle = read_numbers(table, str(columns[2])) if len(columns) == _DEGREES else np.zeros(len(table))
        return EllipseSizes(
            major=major,
            minor=rest[0] if rest else major,
            angle=np.nan_to_num(angle),
            is_box=len(names) != _DEGREES,
            contrast=_find_contrast(truth),
        )
    return None


def _to_arcsec(table: Table, name: str, unit: u.Unit) -> np.ndarray:
    """Return a column of angles in arcsec; its own unit counts, if it has one."""
    own = table[name].unit
    stated = u.Unit(str(own), parse_strict="silent") if own is not None else unit
    factor = stated.to(u.arcsec) if stated.is_equivalent(u.arcsec) else unit.to(u.arcsec)
    return np.asarray(read_numbers(table, name) * factor)


def _find_contrast(truth: dict[str, np.ndarray]) -> np.ndarray | None:
    """Return the ratio of noise to peak, if the catalogue says."""
    if "snr" not in truth:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(1 / truth["snr"])


def find_labels(table: Table, wanted: str | None, source: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the class of each source as an index, -1 for one without a class, and the names of the classes.

    All sources are of one class if no column has any.
    """
    column = find_column(table, wanted, _LABELS, source)
    texts = np.zeros(0, str) if column is None else read_texts(table, column)
    classes = tuple(sorted(set(texts.tolist()) - {""}))
    if not classes:
        return np.zeros(len(table), np.int64), ("source",)
    labels = np.searchsorted(np.array(classes), texts).astype(np.int64)
    return np.where(texts == "", -1, labels), classes


def find_truth(table: Table) -> dict[str, np.ndarray]:
    """Return the fluxes and signal-to-noise ratios that a catalogue states."""
    found = {}
    for key, names in _TRUTH.items():
        column = find_column(table, None, names, Path())
        if column is not None:
            found[key] = read_numbers(table, column)
    if "snr" not in found and "peak" in found and "rms" in found:
        units = find_truth_units(table)
        factor = find_conversion(units["rms"], units["peak"])
        with np.errstate(divide="ignore", invalid="ignore"):
            found["snr"] = found["peak"] / (factor * found["rms"])
    return found


def find_truth_units(table: Table) -> dict[str, str]:
    """Return the unit of each column that `find_truth` reads, empty where none is stated."""
    columns = {key: find_column(table, None, names, Path()) for key, names in _TRUTH.items()}
    return {key: str(table[name].unit or "") for key, name in columns.items() if name is not None}


def convert_truth(truth: dict[str, np.ndarray], units: dict[str, str], image: str) -> dict[str, np.ndarray]:
    """Return the fluxes of a catalogue in the unit of an image, as far as both units are known.

    Parameters
    ----------
    truth, units : dict
        What `find_truth` and `find_truth_units` return.
    image : str
        Unit of the pixels.
    """
    factors = {key: find_conversion(units.get(key, ""), image) for key in truth if key != "snr"}
    return {key: values * factors.get(key, 1.0) for key, values in truth.items()}
