"""The columns of the catalogue that an index was built from, for figures that are coloured by them."""

from __future__ import annotations

import numpy as np

from galaxtool.plotting.images import TRUTH, fill_column
from galaxtool.search.features import Features
from galaxtool.search.labels import find_label_column
from galaxtool.tables.formats.parquet import to_astropy_column


def read_index_columns(features: Features) -> dict[str, np.ndarray]:
    """Return the columns of the catalogue of an index by name, with its labels as the true classes.

    There are none for features of anything else, or of images that were only indexed on demand.
    """
    if features.source is None or features.source.on_demand:
        return {}
    items = features.source.index.items
    names = [name for name in items.column_names if name not in features.items.column_names]
    columns = {name: fill_column(to_astropy_column(items.schema.field(name), items[name])) for name in names}
    label = find_label_column(names, None)
    return columns if label is None else {TRUTH: columns[label], **columns}
