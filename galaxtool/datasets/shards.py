"""Labelled images in the cells of several Parquet files, as Hugging Face publishes large data sets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from galaxtool.datasets.catalogue import open_catalogue
from galaxtool.datasets.files import FileDataset, find_split
from galaxtool.inputs.names import make_unique

_NUMBER = re.compile(r"[-_.]?\d+([-_.]of[-_.]\d+)?$")


def open_shards(
    *,
    path: str | Path,
    shards: Sequence[Path],
    image_column: str | None = None,
    label_column: str | None = None,
    needs_labels: bool = True,
    ra_column: str | None = None,
    dec_column: str | None = None,
) -> FileDataset:
    """Open several Parquet files as one data set.

    Parameters
    ----------
    path : str or Path
        The folder or glob that names them; the name of the data set.
    shards : sequence of Path
        The files, in order. If they are called after different splits (``train-00000-of-00002.parquet``), these are the
        splits of their images.
    image_column, label_column, needs_labels, ra_column, dec_column
        As for `galaxtool.datasets.catalogue.open_catalogue`.

    Returns
    -------
    FileDataset
        One item for each row of each file, in order.
    """
    parts = [
        open_catalogue(
            path=shard,
            image_column=image_column,
            label_column=label_column,
            needs_labels=needs_labels,
            ra_column=ra_column,
            dec_column=dec_column,
        )
        for shard in shards
    ]
    splits = [find_split(_NUMBER.sub("", shard.stem)) or find_split(shard.parent.name) for shard in shards]
    given = splits if len(set(splits) - {""}) > 1 else [""] * len(shards)
    items = [
        replace(item, split=item.split or split)
        for part, split in zip(parts, given, strict=True)
        for item in part.items
    ]
    names = make_unique(item.id for item in items)
    notes = dict.fromkeys(note for part in parts for note in part.notes)
    return FileDataset(
        str(path), [replace(item, id=name) for item, name in zip(items, names, strict=True)], notes=tuple(notes)
    )
