"""Test-time augmentation: results averaged over an image turned by quarters and mirrored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from galaxtool.backbones.layers import JOINT
from galaxtool.models.engines.protocol import Engine
from galaxtool.utils.digests import hash_json


class ViewedScores(NamedTuple):
    """The output of a model for N pictures, averaged over views of each.

    Parameters
    ----------
    embedding : ndarray of float32, shape (N, dim)
        Mean embeddings, scaled to unit length.
    probabilities : ndarray of float32, shape (N, K)
        Mean probabilities.
    upright : ndarray of float32, shape (N, dim)
        Embeddings of the pictures as they are.
    norms : ndarray of float32, shape (N,), or None
        Lengths of the embeddings before they were scaled; None for several views, or where the engine does not know.
    logits : ndarray of float32, shape (N, K), or None
        Outputs of the head; None for several views.
    """

    embedding: np.ndarray
    probabilities: np.ndarray
    upright: np.ndarray
    norms: np.ndarray | None = None
    logits: np.ndarray | None = None


def make_views(pictures: np.ndarray, tta: int) -> Iterator[np.ndarray]:
    """Yield the views of pictures (N, size, size, C), the pictures themselves first."""
    yield pictures
    for turns, mirrored in {2: ((0, True),)}.get(tta, [(k % 4, k >= 4) for k in range(1, tta)]):
        turned = np.rot90(pictures, turns, axes=(1, 2))
        yield np.ascontiguousarray(turned[:, :, ::-1] if mirrored else turned)


def run_views(engine: Engine, pictures: np.ndarray, tta: int) -> ViewedScores:
    """Score views of pictures, and average the results.

    Parameters
    ----------
    engine : Engine
        The model.
    pictures : ndarray of uint8, shape (N, size, size, C)
        Pictures as `Preprocess.picture` returns them.
    tta : int
        Number of views of each, of `galaxtool.inference.compute_options.VIEWS`; the model runs as many times.
    """
    views = make_views(pictures, tta)
    first = engine.run(next(views))
    if tta == 1:
        return ViewedScores(first.embedding, first.probabilities, first.embedding, first.norms, first.logits)
    embedding, probabilities = first.embedding.astype(np.float64), first.probabilities.astype(np.float64)
    for view in views:
        scores = engine.run(view)
        embedding += scores.embedding
        probabilities += scores.probabilities
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    return ViewedScores(embedding.astype(np.float32), (probabilities / tta).astype(np.float32), first.embedding)


def hash_with_views(preprocess_digest: str, tta: int) -> str:
    """Return the digest of a preprocessing and a number of views; that of the preprocessing for one view."""
    return preprocess_digest if tta == 1 else hash_json([preprocess_digest, {"tta": tta}])


def hash_with_passes(digest: str, passes: int) -> str:
    """Return the digest of a preprocessing and a number of passes with dropout; that of the preprocessing for none."""
    return hash_json([digest, {"passes": passes}]) if passes else digest


def hash_with_layer(digest: str, layer: str) -> str:
    """Return the digest of a preprocessing and a layer; that of the preprocessing for the embeddings themselves."""
    return digest if layer == JOINT else hash_json([digest, {"layer": layer}])
