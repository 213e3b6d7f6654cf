"""The labels of indexed images: those of a column of the catalogue that the index was built from."""

from __future__ import annotations

from galaxtool.search.index.store import Index
from galaxtool.search.labels import find_label_column
from galaxtool.tables.formats.parquet import to_astropy_column
from galaxtool.tables.formats.plain_columns import as_text, get_values_and_mask


def read_index_labels(index: Index, label_column: str | None) -> list[str | None] | None:
    """Return the label of each image of an index, None where it has none.

    Parameters
    ----------
    index : Index
        The index.
    label_column : str or None
        Column of the labels; by default one with a usual name such as ``label``.

    Returns
    -------
    list of str or None
        None if the index has no column with a usual name.

    Raises
    ------
    ConfigError
        If the named column does not exist.
    """
    items = index.items
    column = find_label_column(items.column_names, label_column)
    if column is None:
        return None
    values, mask = get_values_and_mask(to_astropy_column(items.schema.field(column), items[column]))
    pairs = zip(values.tolist(), mask.tolist(), strict=True)
    return [None if hidden else as_text(value) for value, hidden in pairs]
