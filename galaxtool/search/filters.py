"""Filters that limit the results of a search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from astropy.table import Table

from galaxtool.errors import ConfigError, InputError, PluginError
from galaxtool.plugins.registration import Registration
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import SearchFilterSpec
from galaxtool.search.options import CONE, WHERE
from galaxtool.search.sky import find_separations
from galaxtool.search.source import Source
from galaxtool.tables.angles import parse_dec, parse_ra
from galaxtool.tables.filter import filter_rows, find_columns

RowFilter = Callable[[Table], np.ndarray]
"""A function of the rows of an index to a bool array, the rows to keep.

The rows have the columns id, path, ra, dec and those of the catalogue; or only those that the method ``find_columns``
of the function returns, which is given the names of all.
"""

_MOST_KEPT = 32  # masks that a source remembers


def select_rows(source: Source, filters: Sequence[str]) -> np.ndarray | None:
    """Return which objects pass all filters, bool (N,); None without any filter.

    Parameters
    ----------
    source : Source
        The index. It remembers the results of filters.
    filters : sequence of str
        Names of registered filters, each with its argument: ``cone:150.1,2.2,60``.

    Raises
    ------
    UnknownName
        If a filter does not exist.
    ConfigError, TableError
        If an argument is not valid.
    InputError
        If no object passes the filters.
    PluginError
        If a filter does not return a bool for each row.
    """
    if not filters:
        return None
    masks = [_select_by(source, text) for text in filters]
    keep: np.ndarray = np.logical_and.reduce(masks)
    if not keep.any():
        raise InputError(
            f"None of the {len(source.index)} objects of the index passes {' and '.join(map(_show_filter, filters))}.",
            hint="Widen the cone or the condition, or leave a filter out.",
        )
    return keep


def _select_by(source: Source, text: str) -> np.ndarray:
    """Return which objects pass one filter."""
    if (known := source.masks.get(text)) is not None:
        return known
    registration, argument = _find_filter(text)
    row_filter: RowFilter = registration.create(argument)
    every = ["id", "path", "ra", "dec", *source.columns]
    needs = getattr(row_filter, "find_columns", None)
    mask = np.asarray(row_filter(source.make_table(every if needs is None else needs(every))))
    if mask.shape != (len(source.index),) or mask.dtype != bool:
        raise PluginError(
            f"The search filter '{registration.spec.name}' of the plugin '{registration.plugin}' returned "
            f"{mask.dtype} of shape {mask.shape} for {len(source.index)} rows; it must return one bool per row.",
            hint="Leave the filter out, or update the plugin.",
        )
    while len(source.masks) >= _MOST_KEPT:
        source.masks.pop(next(iter(source.masks)))
    source.masks[text] = mask
    return mask


def _find_filter(text: str) -> tuple[Registration[SearchFilterSpec], str]:
    """Split ``NAME`` or ``NAME:ARGUMENT`` into the filter and its argument; the name may be ``plugin:name``."""
    collection = get_registry().search_filters
    for registration in collection:
        for name in (registration.qualified, registration.spec.name):
            if text == name or text.startswith(f"{name}:"):
                return collection.find(name), text[len(name) + 1 :]
    return collection.find(text.partition(":")[0]), ""


def _show_filter(text: str) -> str:
    """Return a filter as it is typed."""
    name, _, argument = text.partition(":")
    return f'--{name} "{argument}"' if name in (CONE, WHERE) else f"--filter {text}"


def make_cone_filter(argument: str) -> RowFilter:
    """Return a filter for objects near a position.

    Parameters
    ----------
    argument : str
        ``RA,DEC,RADIUS`` in degrees, degrees (ICRS) and arcsec; the first two also sexagesimal: ``10:00:24,+02:12:00``.

    Raises
    ------
    ConfigError
        If these are not three valid numbers.
    """
    try:
        center_ra, center_dec, width = argument.split(",")
        radius = float(width)
    except ValueError:
        raise ConfigError(
            f"--cone {argument} is not of the form RA,DEC,RADIUS.",
            hint="Give degrees, degrees and arcsec, e.g. --cone 150.1,2.2,60, or --cone 10:00:24,+02:12:00,60",
        ) from None
    ra, dec = parse_ra(center_ra, "--cone"), parse_dec(center_dec, "--cone")
    if not radius > 0:
        raise ConfigError(
            f"--cone {argument} is not a circle on the sky.", hint="Give degrees, degrees and arcsec above 0."
        )
    return ConeFilter(ra, dec, radius)


@dataclass(frozen=True)
class ConeFilter:
    """A filter for objects within `radius` arcsec of a position in degrees."""

    ra: float
    dec: float
    radius: float

    def find_columns(self, names: Sequence[str]) -> list[str]:
        """Return the columns that it needs."""
        return ["ra", "dec"]

    def __call__(self, rows: Table) -> np.ndarray:
        """Return which rows to keep."""
        ra, dec = np.asarray(rows["ra"]), np.asarray(rows["dec"])
        inside: np.ndarray = find_separations(ra, dec, self.ra, self.dec) <= self.radius
        return inside


def make_where_filter(argument: str) -> RowFilter:
    """Return a filter by an SQL condition on the columns of the index; see `galaxtool.tables.filter`."""
    if not argument.strip():
        raise ConfigError("--where has no condition.", hint='Write for example --where "dec > 30"')
    return WhereFilter(argument)


@dataclass(frozen=True)
class WhereFilter:
    """A filter by an SQL condition."""

    expression: str

    def find_columns(self, names: Sequence[str]) -> list[str]:
        """Return those of some columns that the condition names."""
        return find_columns(self.expression, names)

    def __call__(self, rows: Table) -> np.ndarray:
        """Return which rows to keep."""
        return filter_rows(rows, self.expression)
