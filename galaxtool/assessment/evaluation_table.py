"""The prediction table of an evaluation, with the true class of each image, and its file of embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from astropy.table import Column, MaskedColumn, Table

from galaxtool.assessment.labeled_items import DatasetItem
from galaxtool.assessment.scores_job import DatasetScores
from galaxtool.assessment.truth import Truth
from galaxtool.datasets.protocols import Dataset
from galaxtool.datasets.subset import create_items_table
from galaxtool.inference.coarse_terms import CoarseTerms
from galaxtool.inference.embeddings.compute import to_position
from galaxtool.inference.embeddings.file import EmbeddedImage, open_embedding_writer
from galaxtool.inference.predictions.parts import make_part_table
from galaxtool.models.record import ModelRecord
from galaxtool.tables.text_arrays import make_text_array

_NOT_OWN = ("id", "path", "label", "split", "ra", "dec")
_OURS = ("truth", "split")


def make_evaluation_table(
    dataset: Dataset,
    items: Sequence[DatasetItem],
    splits: Sequence[str],
    truth: Truth,
    scores: DatasetScores,
    record: ModelRecord,
    terms: CoarseTerms | None,
) -> Table:
    """Return the table of predictions with the columns of the data set, and before the label ``split`` and ``truth``.

    The truth is the slug of a class, masked where it is unknown; the split is masked where there is none, and the path
    is empty for images that the data set generates. A model without classes has no labels and no probabilities.
    """
    own = [dataset.items[item.row] for item in items]
    columns = create_items_table(own)
    columns.remove_columns([name for name in _NOT_OWN if name in columns.colnames])
    for name in columns.colnames:
        if name.lower() in _OURS:
            columns.rename_column(name, f"in_{name}")
    table = make_part_table(items, columns if columns.colnames else None, [scores.batch], record, 1, terms)
    if record.head == "none":
        table.remove_columns([f"p_{slug}" for slug in record.slugs])  # the catalogue may have others of such names
        for name in ("label", "probability"):
            table[name] = MaskedColumn(table[name], mask=True)
    generated = np.array([item.ref.path.name == item.id and not item.ref.path.is_absolute() for item in items])
    if generated.any():
        table["path"] = Column(np.where(generated, "", table["path"]))
    at = table.colnames.index("label")
    truths = MaskedColumn(make_text_array(truth.texts), mask=truth.targets < 0, name="truth", description="true class")
    split = MaskedColumn(make_text_array(splits), mask=[not text for text in splits], name="split")
    table.add_columns([split, truths], indexes=[at, at])
    return table


def write_evaluation_embeddings(
    path: Path, items: Sequence[DatasetItem], table: Table, scores: DatasetScores, meta: dict[str, object]
) -> None:
    """Write the file of embeddings that ``galaxtool embed`` would write."""
    batch = scores.batch
    images = [
        EmbeddedImage(item.id, str(where), *to_position(ra, dec), error)
        for item, where, ra, dec, error in zip(items, table["path"], batch.ra, batch.dec, batch.errors, strict=True)
    ]
    with open_embedding_writer(path, count=len(images), dim=scores.embeddings.shape[1], meta=meta) as writer:
        writer.write(images, scores.embeddings)
