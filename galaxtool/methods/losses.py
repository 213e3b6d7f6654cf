r"""Contrastive losses over classes that share one prompt and one symbol.

A batch of N items has only K different prompts and symbols, so the N x N softmax of Wang et al. 2024 is computed over K
columns: the denominator of an item contains class k as often as k occurs in the batch,

.. math:: \sum_j \exp(s_{ij}/\tau) = \sum_k n_k \exp(s_{ik}/\tau),

with n_k the number of items of class k. Value and gradient are exact, and only K columns are computed instead of N.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F


def contrastive_losses(similarity: torch.Tensor, targets: torch.Tensor, counts: torch.Tensor | None) -> torch.Tensor:
    """Return the negative log-probability of each row's own class.

    Parameters
    ----------
    similarity : Tensor, shape (M, K)
        Cosine divided by tau, of rows and classes.
    targets : Tensor of int64, shape (M,)
        Class of each row.
    counts : Tensor, shape (K,), or None
        Number of items of each class in the batch, which makes the other items the negatives, as in Wang et al. 2024;
        classes that do not occur drop out, and those of the rows must occur. None makes the other classes the
        negatives, each counted once, whether in the batch or not.

    Returns
    -------
    Tensor, shape (M,)
    """
    own = similarity.gather(1, targets[:, None])[:, 0]
    weighted = similarity if counts is None else similarity + counts.to(similarity.dtype).log()
    return torch.logsumexp(weighted, dim=1) - own


def items_to_classes_loss(
    items: torch.Tensor,
    classes: torch.Tensor,
    targets: torch.Tensor,
    scale: torch.Tensor,
    counts: torch.Tensor | None,
    weights: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the loss of images against prompts or symbols, averaged over the N items.

    Parameters
    ----------
    items : Tensor, shape (N, D)
        Embedding of each image, of unit length.
    classes : Tensor, shape (K, D)
        Embedding of each class, of unit length.
    targets : Tensor of int64, shape (N,)
        Classes of the items.
    scale : Tensor, scalar
        1 / tau.
    counts : Tensor, shape (K,), or None
        Number of items of each class as in `contrastive_losses`, over the whole batch of the step. If these items are
        only a part of it, the losses of the parts, each times its number of items, add up to that of the batch.
    weights : Tensor, shape (N,), or None
        Weight of each item. The sum is divided by N, not by the sum of the weights.
    """
    losses = contrastive_losses(_compute_similarity(items, classes, scale), targets, counts)
    return losses.mean() if weights is None else (weights * losses).mean()


def classes_to_classes_loss(
    a: torch.Tensor,
    b: torch.Tensor,
    targets: torch.Tensor,
    scale: torch.Tensor,
    counts: torch.Tensor | None,
    weights: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the loss of symbols against prompts, averaged over the N items of their classes.

    Parameters
    ----------
    a, b : Tensor, shape (K, D)
        Embeddings of each class, of unit length. Each counts once for every item of its class in the batch.
    targets, scale, counts, weights
        Same as in `items_to_classes_loss`.
    """
    rows = torch.unique(targets)
    losses = contrastive_losses(_compute_similarity(a[rows], b, scale), rows, counts)
    shares = torch.bincount(targets, weights, minlength=len(a))[rows].to(losses.dtype) / len(targets)
    return (shares * losses).sum()


def _compute_similarity(a: torch.Tensor, b: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Return the cosine divided by tau, never in half precision, which is too coarse for the division."""
    with torch.autocast(a.device.type, enabled=False):
        return scale * a @ b.T


def normalize_rows(x: torch.Tensor) -> torch.Tensor:
    """Scale rows (N, D) to unit length, at least in float32."""
    return F.normalize(x.to(torch.promote_types(x.dtype, torch.float32)), dim=1)
