"""The objects that a page shows: those of an index, of a file of embeddings, or of images, which are indexed first."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import faiss
import numpy as np
import pyarrow as pa

from galaxtool.errors import ConfigError
from galaxtool.inference.embeddings.stored import is_embedding_file
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.search.features import FeatureArgs, Features, open_features
from galaxtool.search.index.objects import BANDS, OWN_COLUMNS
from galaxtool.search.index.record import RECORD
from galaxtool.search.index.search import Searcher
from galaxtool.search.open_source import open_source
from galaxtool.search.options import SourceArgs
from galaxtool.search.source import Source
from galaxtool.tables.formats.arrow_arrays import to_floats
from galaxtool.types import ImageRef, Progress
from galaxtool.utils.config import cache_dir
from galaxtool.utils.digests import hash_json
from galaxtool.vision.preprocess import Preprocess

_FOLDER_SUFFIX = ".explore"
_FIRST = 1000  # objects that tell about the columns


@dataclass(frozen=True, eq=False)
class Objects:
    """N objects with vectors, columns and pictures.

    Parameters
    ----------
    name : str
        Where they come from.
    reading : ReadingOptions
        How their images are read.
    preprocess : Preprocess
        How their pictures are made.
    digest : str
        Digest of the vectors and of what made them: a map of others is of no use.
    folder : Path
        Folder beside them, for maps and collections. It need not exist, or be possible to make.
    source : Source or None
        The index that they are from, with its model.
    features : Features or None
        The file of embeddings that they are from.
    """

    name: str
    reading: ReadingOptions
    preprocess: Preprocess
    digest: str
    folder: Path
    source: Source | None = None
    features: Features | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __len__(self) -> int:
        return len(self.source.index) if self.source is not None else len(self._file)

    @property
    def items(self) -> pa.Table:
        """All objects, with the columns id, path, ra and dec, and others; reading a million takes a second."""
        return self.source.index.items if self.source is not None else self._file.items

    def take(self, rows: Sequence[int] | np.ndarray) -> pa.Table:
        """Return some objects in this order, without reading all."""
        if self.source is not None:
            with self._lock:  # several threads ask at once
                return self.source.index.take_items(rows)
        return self._file.items.take(pa.array(rows, pa.int64()))

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return self.source.index.record.dim if self.source is not None else self._file.vectors.shape[1]

    @property
    def model(self) -> str:
        """Name of the model that made the vectors; empty if unknown."""
        return self.source.index.record.model if self.source is not None else self._file.model

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        """Return the unit vectors of some objects, float32 (n, dim)."""
        if self.source is not None:
            return self.source.index.vectors(rows)
        found: np.ndarray = self._file.vectors[rows]
        return found

    def search(self, vector: np.ndarray, k: int, keep: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Find the objects most similar to a vector among those to keep.

        Parameters
        ----------
        vector : ndarray of float32, shape (dim,)
            Unit vector.
        k : int
            Number of results; all to keep, if there are fewer.
        keep : ndarray of bool, shape (N,), or None
            Objects to search.

        Returns
        -------
        similarities : ndarray of float32, shape (n,)
            Cosines, the largest first.
        rows : ndarray of int64, shape (n,)
        """
        if self.source is not None:
            similarities, rows = self.source.index.search(vector[None], k, keep)
        else:
            similarities, rows = self._searcher.search(vector[None], k, keep)
        return np.clip(similarities[0], -1.0, 1.0), rows[0]

    def ref(self, row: int) -> ImageRef | None:
        """Return where the image of an object is stored; None if that is unknown."""
        if self.source is None:
            return self._file.ref(row)
        with self._lock:
            return self.source.index[row].ref

    def positions(self) -> tuple[np.ndarray, np.ndarray]:
        """Return right ascensions and declinations in degrees, float64 (N,), NaN where unknown."""
        return to_floats(self.items["ra"]), to_floats(self.items["dec"])

    @cached_property
    def first(self) -> pa.Table:
        """The first objects."""
        return self.take(range(min(len(self), _FIRST)))

    @property
    def column_names(self) -> list[str]:
        """Names of all columns."""
        return [name for name in self.first.column_names if name != BANDS]

    @cached_property
    def shown_names(self) -> list[str]:
        """Names of the columns that the page shows: not those of a catalogue that repeat our own."""
        return [name for name in self.column_names if not self._repeats(name)]

    @cached_property
    def has_positions(self) -> bool:
        """Whether some object has a position."""
        return any(np.isfinite(to_floats(table["ra"])).any() for table in (self.first, self.items))

    def _repeats(self, name: str) -> bool:
        ours = name.removeprefix("in_")
        return name != ours and ours in OWN_COLUMNS and self.first[name].equals(self.first[ours])

    @property
    def _file(self) -> Features:
        assert self.features is not None
        return self.features

    @cached_property
    def _searcher(self) -> Searcher:
        flat = faiss.IndexFlatIP(self.dim)
        flat.add(self._file.vectors)
        return Searcher(flat, self.vectors)


def open_objects(path: Path, args: FeatureArgs, progress: Progress) -> Objects:
    """Open an index or a file of embeddings, or index images in the cache.

    Raises
    ------
    InputError
        If the path does not exist, or cannot be used.
    IndexMismatch
        If a model is given, and the vectors were made with another one.
    """
    beside = path.with_name(f"{path.name}{_FOLDER_SUFFIX}")
    if is_embedding_file(path):
        return _open_file(open_features(args, progress), beside)
    is_index = (path / RECORD).is_file()
    source = open_source(
        SourceArgs(
            index=path if is_index else None,
            among=() if is_index else args.inputs,
            model=args.model,
            reading=args.reading,
            compute=args.compute,
            overwrite=args.overwrite,
        ),
        progress,
    )
    record = source.index.record
    return Objects(
        name=str(path),
        reading=replace(source.reading, **args.reading.list_changes()),
        preprocess=source.record.make_preprocess(),
        digest=hash_json([record.model_digest, record.preprocess_digest, record.count, record.created]),
        folder=beside,
        source=source,
    )


def _open_file(features: Features, folder: Path) -> Objects:
    vectors = np.ascontiguousarray(features.vectors)
    lengths = np.linalg.norm(vectors[:1000], axis=1)
    if not np.allclose(lengths, 1, atol=1e-2):
        raise ConfigError(
            f"The embeddings in '{features.name}' do not have unit length, so they have no cosines.",
            hint="Write them with `galaxtool embed`.",
        )
    status = Path(features.name).stat()  # the digest of a million vectors would take seconds
    sample = np.round(vectors[:: max(1, len(vectors) // 100)], 6).tolist()
    content = [features.digest, features.layer, len(vectors), status.st_size, status.st_mtime_ns, hash_json(sample)]
    return Objects(
        name=features.name,
        reading=features.reading,
        preprocess=features.preprocess,
        digest=hash_json(content),
        folder=folder,
        features=features,
    )


def find_cache_folder(objects: Objects) -> Path:
    """Return the folder in the user's cache for objects whose own folder cannot be written."""
    return cache_dir() / "explore" / objects.digest[:24]


def find_lasting_cache_folder(objects: Objects) -> Path:
    """Return the folder in the user's cache for what is kept while objects at the same place come and go."""
    place = os.path.abspath(objects.folder)  # noqa: PTH100  links are not followed
    return cache_dir() / "explore" / hash_json(place)[:24]
