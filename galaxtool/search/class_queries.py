"""Texts and symbols that the recall of an index is measured on.

They lie apart from the images, so that an index which finds the neighbours of images well may still miss theirs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from galaxtool.backbones.layers import JOINT
from galaxtool.models.engines.protocol import Engine
from galaxtool.search.index.record import IndexRecord

_NAMES = {"prompt": "texts", "symbol": "symbols"}


class ClassQueries(NamedTuple):
    """Unit vectors, float32 (Q, dim), that a search is tuned on, and others that its recall is measured on."""

    tuned_on: np.ndarray
    measured_on: np.ndarray


def find_class_queries(engine: Engine, record: IndexRecord) -> dict[str, ClassQueries]:
    """Return the ``texts`` and ``symbols`` of a model's classes, and mixtures of two.

    A search is tuned on the means of pairs, and measured on the classes themselves and on mixtures of three to one.
    Nothing is returned for an index of another layer than that which images share with texts and symbols.
    """
    if record.layer != JOINT:
        return {}
    found = {}
    for name, vectors in engine.class_embeddings().items():
        if name in _NAMES and vectors.ndim == 2 and vectors.shape[1] == record.dim and np.isfinite(vectors).all():
            found[_NAMES[name]] = _mix(np.asarray(vectors, dtype=np.float32))
    return found


def _mix(vectors: np.ndarray) -> ClassQueries:
    first, second = np.triu_indices(len(vectors), k=1)
    halves = vectors[first] + vectors[second]
    mostly = np.concatenate([vectors, 3 * vectors[first] + vectors[second], vectors[first] + 3 * vectors[second]])
    return ClassQueries(_normalize(halves if len(halves) else vectors), _normalize(mostly))


def _normalize(vectors: np.ndarray) -> np.ndarray:
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return np.ascontiguousarray(vectors / lengths, dtype=np.float32)
