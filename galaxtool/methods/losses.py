r"""Contrastive losses over classes that share one prompt and one symbol.

In a batch of N items there are only K different prompts and symbols, so the N x N softmax of the paper is computed over
K columns: an item's denominator holds class k as often as k occurs in the batch,

.. math:: \sum_j \exp(s_{ij}/\tau) = \sum_k n_k \exp(s_{ik}/\tau),

with n_k the number of items of class k. That is exact, in value and gradient, and costs K columns instead of N.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F


def contrastive_rows(similarity: torch.Tensor, targets: torch.Tensor, counts: torch.Tensor | None) -> torch.Tensor:
    """Return each row's negative log-probability of its own class.

    Parameters
    ----------
    similarity : Tensor, shape (M, K)
        Cosine over tau, rows against classes.
    targets : Tensor of int64, shape (M,)
        Each row's class.
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


def items_to_classes(
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
        Unit length, one an image.
    classes : Tensor, shape (K, D)
        Unit length, one a class.
    targets : Tensor of int64, shape (N,)
        Classes of the items.
    scale : Tensor, scalar
        1 / tau.
    counts : Tensor, shape (K,), or None
        As in `contrastive_rows`; of the whole step's batch where these items are only a part of it, so that the parts'
        losses, each times its number of items, add up to the whole batch's.
    weights : Tensor, shape (N,), or None
        How much each item counts; the mean stays one over N items, not over their weights.
    """
    each = contrastive_rows(_similarity(items, classes, scale), targets, counts)
    return each.mean() if weights is None else (weights * each).mean()


def classes_to_classes(
    a: torch.Tensor,
    b: torch.Tensor,
    targets: torch.Tensor,
    scale: torch.Tensor,
    counts: torch.Tensor | None,
    weights: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the loss of symbols against prompts, averaged over the N items that have them.

    Parameters
    ----------
    a, b : Tensor, shape (K, D)
        Unit length, one a class; each stands in a batch once for every item of its class.
    targets, scale, counts, weights
        As in `items_to_classes`.
    """
    rows = torch.unique(targets)
    each = contrastive_rows(_similarity(a[rows], b, scale), rows, counts)
    share = torch.bincount(targets, weights, minlength=len(a))[rows].to(each.dtype) / len(targets)
    return (share * each).sum()


def _similarity(a: torch.Tensor, b: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Return cosine over tau; never in half precision, whose steps are too coarse once divided by tau."""
    with torch.autocast(a.device.type, enabled=False):
        return scale * a @ b.T


def unit(x: torch.Tensor) -> torch.Tensor:
    """Return rows (N, D) at unit length, in float32 at least."""
    return F.normalize(x.to(torch.promote_types(x.dtype, torch.float32)), dim=1)
