"""An index on disk: vectors, the objects that they belong to, and the model."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from astropy.table import Table

from galaxtool.containers.find import locate_image
from galaxtool.errors import InputError, UnknownName
from galaxtool.models.find import ONNX, WEIGHTS, ModelFiles
from galaxtool.models.find import RECORD as MODEL_RECORD
from galaxtool.models.record import ModelRecord
from galaxtool.models.unlike_training import FILE_NAME as DETECTOR
from galaxtool.search.index.folder import ITEMS, MODEL, VECTORS, replace_folder
from galaxtool.search.index.record import COPIED, RECORD, IndexRecord
from galaxtool.types import ImageRef
from galaxtool.utils.atomic_write import write_json
from galaxtool.utils.local_path import to_local_path

_SCHEMA = pa.schema([("id", pa.string()), ("path", pa.string()), ("ra", pa.float64()), ("dec", pa.float64())])
_BANDS = "bands"  # a column only where some object has one file per band
_MAX_MEMBERS = 100  # images in the file of a query
_MAX_SUGGESTIONS = 5000  # ids that are compared with an unknown one


@dataclass(frozen=True, slots=True)
class IndexedObject:
    """One object of an index.

    Parameters
    ----------
    id : str
        Identifier, unique in the index.
    path : str
        Absolute path of its image, which may no longer exist.
    ra, dec : float or None
        Position in degrees, ICRS; None if unknown.
    bands : dict of str
        Absolute path of the file of each band; empty unless every band has its own file.
    """

    id: str
    path: str
    ra: float | None = None
    dec: float | None = None
    bands: dict[str, str] = field(default_factory=dict)

    @property
    def ref(self) -> ImageRef:
        """Where its image is stored on this disk."""
        if self.bands:
            return ImageRef(Path(self.path), bands=tuple((band, Path(path)) for band, path in self.bands.items()))
        return locate_image(self.path)


class Index:
    """An open index.

    Parameters
    ----------
    folder : Path
        Folder of the index.
    record : IndexRecord
        Content of its ``index.json``.
    items : pyarrow.Table
        The objects, with the columns ``id, path, ra, dec`` and perhaps ``bands``; row i belongs to vector i.
    vectors : faiss.Index
        The vectors, of unit length, searched by inner product.
    """

    def __init__(self, folder: Path, record: IndexRecord, items: pa.Table, vectors: Any) -> None:
        self.folder = folder
        self.record = record
        self.items = items
        self.vectors = vectors

    @classmethod
    def open(cls, folder: Path) -> Index:
        """Open an index directory.

        Raises
        ------
        InputError
            If the folder is not an index, or one of its files is missing or damaged.
        """
        if not folder.is_dir():
            raise InputError(
                f"There is no index at '{folder}'.", hint=f"Build one with: galaxtool index CUTOUTS -o {folder}"
            )
        _check_files(folder, (RECORD, VECTORS, ITEMS))
        record = IndexRecord.read(folder / RECORD)
        if record.model_at == COPIED:
            _check_files(folder, (f"{MODEL}/{MODEL_RECORD}",))
        try:
            items = _select_columns(pq.ParquetFile(to_local_path(folder / ITEMS)).read())
        except (pa.ArrowException, OSError, KeyError, ValueError) as error:
            raise _make_damage_error(folder / ITEMS, error) from error
        try:
            vectors = faiss.read_index(str(folder / VECTORS))
        except RuntimeError as error:
            raise _make_damage_error(folder / VECTORS) from error
        if not record.count == len(items) == vectors.ntotal or record.dim != vectors.d:
            raise InputError(
                f"The index '{folder}' is damaged: {RECORD} says {record.count} objects, {ITEMS} has {len(items)}, "
                f"{VECTORS} has {vectors.ntotal}.",
                hint="Build it again, or copy the whole directory again.",
            )
        return cls(folder, record, items, vectors)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, row: int) -> IndexedObject:
        values = self.items.slice(row, 1).to_pylist()[0]
        return IndexedObject(**{**values, _BANDS: json.loads(values.get(_BANDS) or "{}")})

    def row_of(self, name: str) -> int:
        """Return the row of the object with an identifier.

        Raises
        ------
        UnknownName
            If there is none; the message suggests the nearest of the first few thousand identifiers.
        """
        row: int = pc.index(self.items["id"], name).as_py()
        if row < 0 and (number := re.fullmatch(r"(\d+)(?:\.0*)?", name)):
            # 1234 and 1234.0, as programs write integers
            same = pc.match_substring_regex(self.items["id"], rf"^{number[1]}(\.0*)?$")
            row = pc.index(same, True).as_py() if pc.sum(same).as_py() == 1 else -1
        if row < 0:
            raise UnknownName("object in the index", name, self.items["id"].slice(0, _MAX_SUGGESTIONS).to_pylist())
        return row

    def find_image(self, path: Path) -> list[ImageRef]:
        """Return the images that are stored in a file: its members or HDUs, or the bands that it is one of."""
        absolute = os.path.abspath(path)  # noqa: PTH100  Path.resolve would follow links
        inside = pc.starts_with(self.items["path"], f"{absolute}[")
        if _BANDS in self.items.column_names:
            inside = pc.or_(inside, pc.match_substring(self.items[_BANDS], json.dumps(absolute)))
        return [self[int(row)].ref for row in pc.indices_nonzero(inside).slice(0, _MAX_MEMBERS).to_pylist()]

    def positions(self) -> tuple[np.ndarray, np.ndarray]:
        """Return right ascensions and declinations in degrees, float64 (N,), NaN where unknown."""
        return self.items["ra"].to_numpy(), self.items["dec"].to_numpy()

    def to_table(self) -> Table:
        """Return the objects as a table with the columns id, path, ra and dec, NaN where a position is unknown."""
        ra, dec = self.positions()
        return Table({"id": self.items["id"].to_pylist(), "path": self.items["path"].to_pylist(), "ra": ra, "dec": dec})

    def vector(self, row: int) -> np.ndarray:
        """Return the unit vector of an object, float32 (dim,); rounded where the index rounds."""
        if isinstance(self.vectors, faiss.IndexIVF):
            self.vectors.make_direct_map()
        vector = self.vectors.reconstruct(row)
        unit: np.ndarray = vector / np.linalg.norm(vector)
        return unit

    def all_vectors(self) -> np.ndarray:
        """Return the unit vectors of all objects, float32 (N, dim); rounded where the index rounds."""
        vectors: np.ndarray = self.vectors.reconstruct_n(0, len(self))
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return vectors

    def search(self, vector: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Find the nearest objects.

        Parameters
        ----------
        vector : ndarray of float32, shape (dim,)
            Vector of unit length.
        k : int
            Number of objects; all of them if there are fewer.

        Returns
        -------
        rows : ndarray of int, shape (min(k, N),)
            Rows of the objects, the most similar first.
        similarities : ndarray of float32, same shape
            Cosines, as exact as the index stores its vectors; never outside [-1, 1].
        """
        k = min(k, len(self))
        similarities, rows = self.vectors.search(np.ascontiguousarray(vector[None], dtype=np.float32), k)
        if (rows < 0).any() and isinstance(self.vectors, faiss.IndexIVF):
            # the clusters visited contain fewer than k objects
            everywhere = faiss.SearchParametersIVF()
            everywhere.nprobe = self.vectors.nlist
            similarities, rows = self.vectors.search(
                np.ascontiguousarray(vector[None], dtype=np.float32), k, params=everywhere
            )
        found = rows[0] >= 0
        return rows[0][found], np.clip(similarities[0][found], -1.0, 1.0)


def write_index(
    folder: Path,
    *,
    vectors: Any,
    items: Sequence[IndexedObject],
    record: IndexRecord,
    model: ModelFiles,
    model_record: ModelRecord,
) -> None:
    """Write an index directory; if that fails, the former one is unchanged.

    Parameters
    ----------
    folder : Path
        Folder to write. Its content is replaced without a check; see `galaxtool.search.index.folder.check_target`.
    vectors : faiss.Index
        The vectors.
    items : sequence of IndexedObject
        The object of each vector.
    record : IndexRecord
        Content of ``index.json``; its `model_at` says whether the model is copied.
    model : ModelFiles
        Files of the model that made the vectors.
    model_record : ModelRecord
        Record of that model.
    """
    with replace_folder(folder) as temporary:
        pq.write_table(_make_table(items), to_local_path(temporary / ITEMS))
        faiss.write_index(vectors, str(temporary / VECTORS))
        if record.model_at == COPIED:
            copy_model(model, model_record, temporary / MODEL)
        write_json(temporary / RECORD, record.as_dict())


def _make_table(items: Sequence[IndexedObject]) -> pa.Table:
    """Return the objects as a table, with the column ``bands`` only if there is one file per band."""
    columns = {name: [getattr(item, name) for item in items] for name in _SCHEMA.names}
    for name in ("id", "path"):  # Parquet cannot store a file name that is not UTF-8
        columns[name] = [text.encode("utf-8", "backslashreplace").decode() for text in columns[name]]
    table = pa.table(columns, schema=_SCHEMA)
    if not any(item.bands for item in items):
        return table
    return table.append_column(_BANDS, pa.array([json.dumps(item.bands) for item in items], pa.string()))


def _select_columns(table: pa.Table) -> pa.Table:
    """Return the columns of an index, each of the type that it must have."""
    schema = _SCHEMA.append(pa.field(_BANDS, pa.string())) if _BANDS in table.column_names else _SCHEMA
    return table.select(schema.names).cast(schema)


def copy_model(model: ModelFiles, record: ModelRecord, target: Path) -> None:
    """Copy the files of a model into a new folder, which is then a model directory."""
    target.mkdir()
    write_json(target / MODEL_RECORD, record.as_dict())
    if model.onnx is not None:
        shutil.copyfile(model.onnx, target / ONNX)
    if model.folder is None:
        return
    if (model.folder / WEIGHTS).is_file():
        shutil.copyfile(model.folder / WEIGHTS, target / WEIGHTS)
    if (model.folder / DETECTOR).is_file():
        shutil.copyfile(model.folder / DETECTOR, target / DETECTOR)
    _copy_symbols(record, model.folder / "symbols", target / "symbols")


def _copy_symbols(record: ModelRecord, source: Path, target: Path) -> None:
    """Copy the drawings that a record names, and nothing else that is there: not what links lead to."""
    for entry in record.taxonomy["classes"]:
        for name in (entry.get("symbol"), *(entry.get("variants") or ())):
            if not isinstance(name, str) or name in ("", ".", "..") or "/" in name or not (source / name).exists():
                continue
            if (source / name).is_symlink() or not (source / name).is_file():
                raise InputError(
                    f"'{source / name}' is not a regular file, so it is not copied into the index.",
                    hint="Replace it by the drawing itself.",
                )
            target.mkdir(exist_ok=True)
            shutil.copyfile(source / name, target / name)


def _check_files(folder: Path, names: Sequence[str]) -> None:
    """Raise `InputError` if a folder lacks one of the files of an index."""
    missing = [name for name in names if not os.path.lexists(folder / name)]
    if len(missing) == len(names) and RECORD in missing:
        raise InputError(f"'{folder}' is not an index: it has no {RECORD}.", hint="Build one with `galaxtool index`.")
    if missing:
        raise InputError(
            f"The index '{folder}' is incomplete: {missing[0]} is missing.",
            hint="Copy the whole directory again, or build it again with `galaxtool index`.",
        )


def _make_damage_error(file: Path, error: Exception | None = None) -> InputError:
    """Return the error about a damaged file of an index."""
    why = f" ({' '.join(str(error).split())[:120]})" if error else ""
    return InputError(f"'{file}' is damaged{why}.", hint="Build the index again with `galaxtool index`.")
