"""Write an index directory."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from galaxtool.models.find import ModelFiles
from galaxtool.models.record import ModelRecord
from galaxtool.search.index.folder import ITEMS, MODEL, VECTORS, replace_folder
from galaxtool.search.index.half_vectors import NAME as HALF_VECTORS
from galaxtool.search.index.half_vectors import open_half_writer
from galaxtool.search.index.model_copy import copy_model
from galaxtool.search.index.record import COPIED, RECORD, IndexRecord
from galaxtool.utils.atomic_write import write_json
from galaxtool.utils.local_path import to_local_path

_ROW_GROUP = 16_384  # few rows are read at once


def write_index(
    folder: Path,
    *,
    index: Any,
    vectors: Iterable[np.ndarray],
    items: pa.Table,
    record: IndexRecord,
    model: ModelFiles,
    model_record: ModelRecord,
) -> None:
    """Write an index directory; if that fails, the former one is unchanged.

    Parameters
    ----------
    folder : Path
        Folder to write. Its content is replaced without a check; see `galaxtool.search.index.folder.check_target`.
    index : faiss.Index
        The index.
    vectors : iterable of ndarray
        The vectors in the same order, in blocks (n, dim).
    items : pyarrow.Table
        The object of each vector, see `galaxtool.search.index.objects.make_items`.
    record : IndexRecord
        Content of ``index.json``; its `model_at` says whether the model is copied.
    model : ModelFiles
        Files of the model that made the vectors.
    model_record : ModelRecord
        Record of that model.
    """
    with replace_folder(folder) as temporary:
        pq.write_table(items, to_local_path(temporary / ITEMS), row_group_size=_ROW_GROUP)
        with open_half_writer(temporary / HALF_VECTORS, record.count, record.dim) as writer:
            for block in vectors:
                writer.write(block)
        faiss.write_index(index, str(temporary / VECTORS))
        if record.model_at == COPIED:
            copy_model(model, model_record, temporary / MODEL)
        write_json(temporary / RECORD, record.as_dict())
