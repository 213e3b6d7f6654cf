"""The sources of maps as one table."""

from __future__ import annotations

import numpy as np
from astropy.table import MaskedColumn, Table, vstack

from galaxtool_detect.inference.run import MapDetections


def make_table(one: MapDetections, classes: tuple[str, ...]) -> Table:
    """Return a row for each source of a map: position, box, score and class."""
    found = one.found
    x, y = (found.boxes[:, 0] + found.boxes[:, 2]) / 2, (found.boxes[:, 1] + found.boxes[:, 3]) / 2
    ra, dec = one.map.to_sky(x, y)
    columns = {
        "id": [f"{one.path.stem}-{i + 1:05d}" for i in range(len(found))],
        "image": [str(one.path)] * len(found),
        "ra": MaskedColumn(ra, mask=np.isnan(ra), unit="deg"),
        "dec": MaskedColumn(dec, mask=np.isnan(dec), unit="deg"),
        **{name: found.boxes[:, i] for i, name in enumerate(("x0", "y0", "x1", "y1"))},
        "score": found.scores,
        "class": [classes[label] for label in found.labels],
    }
    types = [str, str, float, float, *["f4"] * 5, str]
    return Table(columns, dtype=types if not len(found) else None)


def join_tables(tables: list[Table]) -> Table:
    """Return the rows of all maps as one table."""
    return vstack(tables, metadata_conflicts="silent") if len(tables) > 1 else tables[0]
