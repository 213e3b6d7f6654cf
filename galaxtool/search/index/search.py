"""Search a FAISS index, all of it or some of its rows.

A filter is applied inside the search, so that k results come back whatever it keeps. Where it keeps few rows, these are
compared with the query one by one, which is exact and faster.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import faiss
import numpy as np

_untyped: Any = faiss  # its annotations lack keyword arguments

ReadVectors = Callable[[np.ndarray], np.ndarray]
"""A function from row numbers, int (n,), to unit vectors, float32 (n, dim)."""

_READ, _READ_HALF = 100, 10  # reading a vector takes as long as comparing it with so many queries
_MORE = 10  # results beyond those wanted, at least, that are ranked again with lengths of 1
_FEW = 20  # queries up to which half-precision vectors are compared as they are
_LINKS = 32  # rows that a graph looks at for each candidate
_BLOCK = 8192
_SMALL_BLOCK = 1024  # vectors that are copied or compared at a time where they should stay in the cache


class Searcher:
    """A FAISS index and how it is searched.

    Parameters
    ----------
    index : faiss.Index
        Index by inner product of N unit vectors.
    read_vectors : callable
        Returns the vectors of rows.
    refine : int
        Number of candidates for each result wanted, which are ranked again by their half-precision vectors; 1 for none.
    half_vectors : ndarray of float16, shape (N, dim), optional
        The vectors in half precision, which candidates are ranked again by, and a few queries are compared with faster.

    Attributes
    ----------
    settings : dict of int
        ``nlist`` and ``nprobe`` of an inverted file, ``efSearch`` of a graph, ``refine`` if it is above 1.
    """

    def __init__(
        self, index: Any, read_vectors: ReadVectors, *, refine: int = 1, half_vectors: np.ndarray | None = None
    ) -> None:
        self.index, self.read_vectors, self._half_vectors = index, read_vectors, half_vectors
        self._inverted: Any = faiss.try_extract_index_ivf(index)
        self._refined: Any = None
        if refine > 1 and half_vectors is not None:
            self._refined = _untyped.IndexRefine(index, open_half_index(half_vectors))
        self.settings: dict[str, int] = {"refine": refine} if refine > 1 else {}
        if self._inverted is not None:
            self.settings = {"nlist": self._inverted.nlist, "nprobe": self._inverted.nprobe, **self.settings}
        elif isinstance(index, faiss.IndexHNSW):
            self.settings = {"efSearch": index.hnsw.efSearch, **self.settings}

    def change(self, name: str, value: int) -> None:
        """Change a setting, also in the FAISS index."""
        if name == "nprobe":
            self._inverted.nprobe = value
        elif name == "efSearch":
            self.index.hnsw.efSearch = value
        self.settings[name] = value

    def search(self, vectors: np.ndarray, k: int, keep: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Find the nearest vectors.

        Parameters
        ----------
        vectors : ndarray of float32, shape (Q, dim)
            Queries, of unit length.
        k : int
            Number of results for each query.
        keep : ndarray of bool, shape (N,), optional
            Rows to search; by default all.

        Returns
        -------
        similarities : ndarray of float32, shape (Q, n)
            Cosines, the largest first; n is `k`, or the number of rows to search if that is less.
        rows : ndarray of int64, same shape
            Their rows.
        """
        vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        total = self.index.ntotal
        if keep is not None and keep.all():
            keep = None
        count = total if keep is None else int(np.count_nonzero(keep))
        k = min(k, count)
        if k == 0 or not len(vectors):
            return np.empty((len(vectors), k), np.float32), np.empty((len(vectors), k), np.int64)
        if keep is not None and self._is_exact_faster(len(vectors), count):
            return self._search_exactly(vectors, k, np.flatnonzero(keep))
        similarities, rows = self._search_selected(vectors, k, keep, count)
        if self._refined is not None:
            similarities, rows = self._compare(vectors, rows, k)
        short = (rows < 0).any(axis=1)
        if short.any():  # the part of the index that was visited has fewer than k
            chosen = np.arange(total) if keep is None else np.flatnonzero(keep)
            similarities[short], rows[short] = self._search_exactly(vectors[short], k, chosen)
        return similarities, rows

    def _search_exactly(self, vectors: np.ndarray, k: int, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self._half_vectors is not None and len(vectors) <= _FEW:
            near = search_half_vectors(vectors, min(_add_more(k), len(chosen)), chosen, self._half_vectors)
            return self._compare(vectors, near[1], k)
        return search_exactly(vectors, k, chosen, self.read_vectors)

    def _is_exact_faster(self, queries: int, count: int) -> bool:
        """Tell whether comparing all of `count` rows costs less than a search with a filter that keeps these."""
        read = _READ_HALF if self._half_vectors is not None and queries <= _FEW else _READ
        return count * (read + queries) <= queries * self._estimate_rows(count / self.index.ntotal)

    def _search_selected(
        self, vectors: np.ndarray, k: int, keep: np.ndarray | None, count: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Search the `count` rows to keep with FAISS; rows are -1 where it found too few.

        Results that are ranked again by half-precision vectors are more than k. Rounding changes the lengths of these
        vectors, and so the order of results that are equally near within 2e-5.
        """
        refined, fraction = self._refined is not None, count / self.index.ntotal
        wanted = min(k * self.settings["refine"], count) if refined else k
        params = self._make_parameters(wanted, keep, fraction)
        if refined:
            k = min(_add_more(k), wanted)
            # FAISS takes the whole part of this factor times k
            params = _untyped.IndexRefineSearchParameters(
                k_factor=max(1.0, (wanted + 0.5) / k), base_index_params=params
            )
        try:
            similarities, rows = (self._refined if refined else self.index).search(vectors, k, params=params)
        except RuntimeError:  # a kind of a plugin that cannot filter
            if keep is None:
                raise
            return np.empty((len(vectors), k), np.float32), np.full((len(vectors), k), -1, np.int64)
        return similarities, rows

    def _make_parameters(self, k: int, keep: np.ndarray | None, fraction: float) -> Any:
        """Return the parameters of a search by FAISS for k candidates among a fraction of all rows; None if plain."""
        effort = self._choose_effort(k)
        if keep is None and not effort:
            return None
        options: dict[str, Any] = {}
        if keep is not None:
            bits = np.packbits(keep, bitorder="little")  # the selector refers to it
            options["sel"] = _untyped.IDSelectorBitmap(bits)
        if self._inverted is not None:
            # as many of the rows to search are visited as of all rows without a filter
            probes = min(self._inverted.nlist, math.ceil(self._inverted.nprobe / fraction))
            params = _untyped.SearchParametersIVF(nprobe=probes, **options)
            if isinstance(self.index, faiss.IndexPreTransform):
                params = _untyped.SearchParametersPreTransform(index_params=params)
            return params
        if effort:
            return _untyped.SearchParametersHNSW(efSearch=math.ceil(effort["efSearch"] / fraction), **options)
        return _untyped.SearchParameters(**options)

    def _estimate_rows(self, fraction: float) -> float:
        """Return the number of rows that a search of a fraction of them looks at for each query."""
        total = float(self.index.ntotal)
        if self._inverted is not None:
            rows: float = total * min(1.0, float(self._inverted.nprobe) / (fraction * self._inverted.nlist))
            return rows
        effort = self.settings.get("efSearch")
        return total if effort is None else min(total, _LINKS * effort / fraction)

    def _choose_effort(self, k: int) -> Mapping[str, int]:
        """Return the effort of a graph, which must not be less than the number of results; else nothing."""
        effort = self.settings.get("efSearch")
        return {} if effort is None else {"efSearch": max(effort, k)}

    def _compare(self, vectors: np.ndarray, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the k nearest of some rows, -1 where there is none, by the stored vectors with lengths of 1."""
        similarities = np.empty(rows.shape, np.float32)
        step = max(1, _SMALL_BLOCK // rows.shape[1])
        for start in range(0, len(vectors), step):
            part = slice(start, start + step)
            found = self.read_vectors(np.maximum(rows[part], 0).ravel()).reshape(*rows[part].shape, -1)
            similarities[part] = np.matmul(found, vectors[part][:, :, None])[:, :, 0]
        similarities[rows < 0] = -np.inf
        return _choose_best(similarities, rows, k)


def _add_more(k: int) -> int:
    return k + max(k, _MORE)


def search_exactly(
    vectors: np.ndarray, k: int, chosen: np.ndarray, read_vectors: ReadVectors
) -> tuple[np.ndarray, np.ndarray]:
    """Compare queries with all chosen rows; see `Searcher.search`."""
    similarities = np.empty((len(vectors), 0), np.float32)
    rows = np.empty((len(vectors), 0), np.int64)
    for start in range(0, len(chosen), _BLOCK):
        block = chosen[start : start + _BLOCK]
        near, found = faiss.knn(vectors, read_vectors(block), min(k, len(block)), metric=faiss.METRIC_INNER_PRODUCT)
        similarities = np.concatenate([similarities, near], axis=1)
        rows = np.concatenate([rows, block[found]], axis=1)
        if similarities.shape[1] > k:
            best = np.argpartition(-similarities, k - 1, axis=1)[:, :k]
            similarities, rows = np.take_along_axis(similarities, best, 1), np.take_along_axis(rows, best, 1)
    order = np.lexsort((rows, -similarities), axis=1)
    return np.take_along_axis(similarities, order, 1), np.take_along_axis(rows, order, 1)


def search_half_vectors(
    vectors: np.ndarray, k: int, chosen: np.ndarray, half_vectors: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Compare a few queries with all chosen rows of float16 vectors (N, dim); see `Searcher.search`."""
    copied = np.empty((min(_SMALL_BLOCK, len(chosen)), vectors.shape[1]), np.float16)
    codes, similarities, rows = open_half_index(copied), [], []
    for start in range(0, len(chosen), _SMALL_BLOCK):
        block = chosen[start : start + _SMALL_BLOCK]
        codes.ntotal = len(block)
        np.take(half_vectors, block, axis=0, out=copied[: len(block)], mode="clip")  # NumPy buffers without a mode
        near, found = codes.search(vectors, min(k, len(block)))
        similarities.append(near)
        rows.append(block[found])
    return _choose_best(np.concatenate(similarities, axis=1), np.concatenate(rows, axis=1), k)


def _choose_best(similarities: np.ndarray, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the `k` largest similarities of each query and their rows, sorted."""
    order = np.argsort(-similarities, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(similarities, order, 1), np.take_along_axis(rows, order, 1)


def open_half_index(half_vectors: np.ndarray) -> Any:
    """Return a FAISS index of float16 vectors (N, dim) that refers to them instead of copying them."""
    codes = np.ascontiguousarray(half_vectors).view(np.uint8).reshape(-1)
    index = _untyped.IndexScalarQuantizer(
        half_vectors.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    index.codes = index.codes.create_view(faiss.swig_ptr(codes), codes.size, index.codes.owner)
    index.ntotal = len(half_vectors)
    index.referenced_objects = [codes]  # FAISS has only their address
    return index


def make_searcher(index: Any, half_vectors: np.ndarray | None, *, refine: int = 1) -> Searcher:
    """Return a searcher that reads vectors from a flat index itself, else from half-precision vectors."""

    def read(rows: np.ndarray) -> np.ndarray:
        return read_unit_vectors(index, half_vectors, rows)

    refine = refine if half_vectors is not None else 1
    return Searcher(
        index, read, refine=refine, half_vectors=None if isinstance(index, faiss.IndexFlat) else half_vectors
    )


def read_unit_vectors(index: Any, half_vectors: np.ndarray | None, rows: np.ndarray) -> np.ndarray:
    """Return the unit vectors of rows, float32 (n, dim), as exactly as they are stored."""
    if isinstance(index, faiss.IndexFlat):
        stored = faiss.rev_swig_ptr(index.get_xb(), index.ntotal * index.d).reshape(-1, index.d)
        found: np.ndarray = np.take(stored, rows, axis=0)
    elif half_vectors is not None:
        found = widen(np.take(half_vectors, rows, axis=0))  # twice as fast as an index in brackets
    else:
        if (inverted := faiss.try_extract_index_ivf(index)) is not None:
            inverted.make_direct_map()
        found = index.reconstruct_batch(np.asarray(rows, dtype=np.int64))
    lengths = np.sqrt(np.einsum("nd,nd->n", found, found))  # np.linalg.norm would take longer than all the rest
    found /= np.maximum(lengths, 1e-12)[:, None]
    return found


def widen(vectors: np.ndarray) -> np.ndarray:
    """Return half-precision vectors (N, dim) in single precision, as `ndarray.astype` does, but faster."""
    decoder = faiss.ScalarQuantizer(vectors.shape[1], faiss.ScalarQuantizer.QT_fp16)
    wide: np.ndarray = decoder.decode(np.ascontiguousarray(vectors).view(np.uint8))
    return wide
