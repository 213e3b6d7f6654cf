"""One table of the sources of several maps, in common units."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from astropy.table import Column, Table, vstack

from galaxtool_detect.catalog.missing import mask_missing


def stack_maps(tables: Sequence[tuple[Path, Table]]) -> tuple[Table, list[str]]:
    """Return the rows of several maps as one table, with the file of the map in front.

    Parameters
    ----------
    tables : sequence of (Path, Table)
        Each map and its catalogue, which is changed in place.

    Returns
    -------
    table : Table
        Values are in the unit of the first map, and have none where they cannot be converted to it.
    mixed : list of str
        Columns whose values are in the unit of each map.
    """
    catalogues = [table for _, table in tables]
    mixed = [name for name in catalogues[0].colnames if not _convert(catalogues, name)]
    for path, table in tables:
        table.add_column(Column([str(path)] * len(table), dtype=str), name="image", index=1)
    return mask_missing(vstack(catalogues, metadata_conflicts="silent")), mixed


def _convert(tables: Sequence[Table], name: str) -> bool:
    """Convert a column to the unit of the first table; without one in all tables, return False, if that cannot be."""
    units = [table[name].unit for table in tables]
    first = units[0]
    if all(unit == first for unit in units):
        return True
    is_common = first is not None and all(unit is not None and unit.is_equivalent(first) for unit in units)
    for table, unit in zip(tables, units, strict=True):
        values = np.asarray(table[name], float)
        table[name] = Column(values * unit.to(first) if is_common else values, unit=first if is_common else None)
    return is_common
