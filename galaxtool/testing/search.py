"""Check kinds of similarity index, and filters of searches."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
from astropy.table import MaskedColumn, Table

from galaxtool.errors import GalaxtoolError
from galaxtool.plugins.registry import get_registry
from galaxtool.search.index.search import Searcher

_N, _DIM, _K = 2000, 32, 10
_LEAST_RECALL = 0.5


def check_index(name: str, *, seed: int = 0) -> None:
    """Check a registered kind of index on 2,000 random unit vectors.

    The checks are:

    - The factory returns a FAISS index with all vectors, by inner product, and leaves its argument as it is.
    - A vector finds itself; at least half of the true 10 nearest are found; similarities are those of the vectors: in a
      search, which ranks candidates again if the kind has `refine`.
    - A query alone finds what it finds among others, also after the index was stored and loaded.

    Parameters
    ----------
    name : str
        Name of the kind, plain or as ``plugin:name``.
    seed : int
        Random seed of the vectors.

    Raises
    ------
    AssertionError
        If a check fails.
    """
    rng = np.random.default_rng(seed)
    # clustered, as embeddings are
    drawn = rng.normal(size=(20, _DIM))[np.arange(_N) % 20] + 0.5 * rng.normal(size=(_N, _DIM))
    scaled = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    vectors: np.ndarray = np.ascontiguousarray(scaled, dtype=np.float32)
    kept = vectors.copy()
    registration = get_registry().indexes.find(name)
    index: Any = registration.create(vectors)
    assert isinstance(index, faiss.Index), f"The kind '{name}' makes a {type(index).__name__}, not a faiss.Index."
    assert np.array_equal(kept, vectors), f"The kind '{name}' changes the vectors that it is given."
    assert (index.ntotal, index.d) == (_N, _DIM), f"The kind '{name}' holds {index.ntotal} vectors of {_N}."
    assert index.metric_type == faiss.METRIC_INNER_PRODUCT, (
        f"The kind '{name}' does not compare by inner product; similarities are cosines of unit vectors."
    )
    halves = vectors.astype(np.float16)
    searcher = Searcher(index, lambda rows: vectors[rows], refine=registration.spec.refine, half_vectors=halves)
    similarities, rows = searcher.search(vectors[:100], _K)
    exact = np.argsort(-vectors[:100] @ vectors.T, axis=1)[:, :_K]
    recall = float(np.mean([len({*a} & {*b}) / _K for a, b in zip(rows.tolist(), exact.tolist(), strict=True)]))
    assert recall >= _LEAST_RECALL, f"The kind '{name}' finds {recall:.0%} of the 10 nearest vectors."
    assert (rows[:, 0] == np.arange(100)).mean() > 0.9, f"Vectors in an index '{name}' do not find themselves."
    wanted = (vectors[:100, None] * vectors[rows]).sum(axis=2)
    assert float(np.abs(similarities - wanted).max()) < 0.05, f"Similarities of the kind '{name}' are not the cosines."
    plain = index.search(vectors[:10], _K)[1]
    loaded = faiss.deserialize_index(faiss.serialize_index(index))
    for other, what in ((index, "alone"), (loaded, "after it was stored")):
        again = np.concatenate([other.search(vectors[i : i + 1], _K)[1] for i in range(10)])
        assert np.array_equal(again, plain), f"An index '{name}' finds other vectors {what}."


def check_search_filter(name: str, argument: str) -> None:
    """Check a registered filter of searches on a table of indexed objects, some without a position.

    Parameters
    ----------
    name : str
        Name of the filter, plain or as ``plugin:name``.
    argument : str
        A valid argument, as after the colon of ``--filter NAME:ARGUMENT``.

    Raises
    ------
    AssertionError
        If it does not return a bool array with a value for each row, changes the table, decides differently for a row
        alone, or raises something other than a `GalaxtoolError` for an argument that means nothing.
    """
    found = get_registry().search_filters.find(name)
    rows = _make_rows()
    kept = rows.copy()
    keep = found.create(argument)
    first = keep(rows)
    _check_mask(name, first, len(rows))
    assert all(np.array_equal(rows[c], kept[c]) for c in kept.colnames), f"The filter '{name}' changes the table."
    _check_mask(name, keep(rows[:0]), 0)
    alone = [bool(keep(rows[i : i + 1])[0]) for i in range(len(rows))]
    assert alone == first.tolist(), f"The filter '{name}' decides differently for a row alone."
    try:
        found.create("\x00 ? nonsense ?")(rows)
    except GalaxtoolError:
        pass
    except Exception as error:
        raise AssertionError(
            f"The filter '{name}' raises {type(error).__name__} ({error}) for a wrong argument; raise "
            "galaxtool.ConfigError with a hint."
        ) from error


def _make_rows() -> Table:
    table = Table()
    table["id"] = [f"object {i}" for i in range(8)]
    table["path"] = [f"cutouts/{i}.fits" for i in range(8)]
    missing = np.arange(8) == 3
    table["ra"] = MaskedColumn(np.linspace(0, 350, 8), mask=missing)
    table["dec"] = MaskedColumn(np.linspace(-80, 80, 8), mask=missing)
    return table


def _check_mask(name: str, mask: Any, n: int) -> None:
    assert (
        isinstance(mask, np.ndarray) and not np.ma.isMaskedArray(mask) and mask.dtype == bool and mask.shape == (n,)
    ), (
        f"The filter '{name}' returns {getattr(mask, 'dtype', type(mask).__name__)} of shape "
        f"{getattr(mask, 'shape', ())} for {n} rows, not a plain bool array of shape ({n},)."
    )
