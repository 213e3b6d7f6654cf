r"""Contrastive losses over classes that share one prompt and one symbol.

A batch of N items has only K different prompts and symbols, so the N x N softmax of Wang et al. 2024 is computed over K
columns: the denominator of an item contains class k as often as k occurs in the batch,

.. math:: \sum_j \exp(s_{ij}/\tau) = \sum_k n_k \exp(s_{ik}/\tau),

with n_k the number of items of class k. Value and gradient are exact, and only K columns are computed instead of N.

An item whose label stands for several classes, with the weights r_k of a row of the label sets, has the loss

.. math:: -\log \sum_k r_k p_k,

with p_k the probability of class k; of a label that is a class, this is -log p_k as before. Where items are counted
(n_k), the row is divided by its sum: such an item counts in n_k by its shares, and its own column of the N x N softmax
is the mean of the columns of its classes, so the loss remains that of a softmax.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from galaxtool.training.losses.partial_labels import gather_labels

_NEVER = -1e4
"""Logarithm that stands for zero, and whose gradient is defined."""


def contrastive_losses(
    similarity: torch.Tensor, targets: torch.Tensor, counts: torch.Tensor | None, sets: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the negative log-probability of each row's own class, or of the classes that its label stands for.

    Parameters
    ----------
    similarity : Tensor, shape (M, K)
        Cosine divided by tau, of rows and classes.
    targets : Tensor of int64, shape (M,)
        Class of each row, or with `sets` its label.
    counts : Tensor, shape (K,), or None
        Number of items of each class in the batch, which makes the other items the negatives, as in Wang et al. 2024;
        classes that do not occur drop out, and those of the rows must occur. None makes the other classes the
        negatives, each counted once, whether in the batch or not.
    sets : Tensor, shape (L, K), or None
        Weights of the classes that each label stands for, as in `Task.label_sets`; each row divided by its sum if there
        are `counts`. None where each label is a class.

    Returns
    -------
    Tensor, shape (M,)
    """
    own = gather_labels(similarity, targets, None if sets is None else _log(sets.to(similarity.dtype)))
    weighted = similarity if counts is None else similarity + counts.to(similarity.dtype).log()
    return torch.logsumexp(weighted, dim=1) - own


def items_to_classes_loss(
    items: torch.Tensor,
    classes: torch.Tensor,
    targets: torch.Tensor,
    scale: torch.Tensor,
    counts: torch.Tensor | None,
    weights: torch.Tensor | None = None,
    sets: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the loss of images against prompts or symbols, averaged over the N items.

    Parameters
    ----------
    items : Tensor, shape (N, D)
        Embedding of each image, of unit length.
    classes : Tensor, shape (K, D)
        Embedding of each class, of unit length.
    targets : Tensor of int64, shape (N,)
        Classes of the items, or with `sets` their labels. The loss of an item with -1 is 0.
    scale : Tensor, scalar
        1 / tau.
    counts : Tensor, shape (K,), or None
        Number of items of each class as in `contrastive_losses`, over the whole batch of the step. If these items are
        only a part of it, the losses of the parts, each times its number of items, add up to that of the batch.
    weights : Tensor, shape (N,), or None
        Weight of each item. The sum is divided by N, not by the sum of the weights.
    sets : Tensor, shape (L, K), or None
        Same as in `contrastive_losses`.
    """
    n = len(targets)
    items, targets, weights = _drop_unlabeled(items, targets, weights)
    losses = contrastive_losses(compute_similarity(items, classes, scale), targets, counts, sets)
    return (losses if weights is None else weights * losses).sum() / n


def classes_to_items_loss(
    items: torch.Tensor,
    classes: torch.Tensor,
    targets: torch.Tensor,
    scale: torch.Tensor,
    *,
    by_class: bool,
    weights: torch.Tensor | None = None,
    sets: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the loss of prompts or symbols against images: the other half of OpenCLIP's symmetric loss.

    The prompt of each item is compared with all images of the batch, which must be whole.

    Parameters
    ----------
    items, classes, targets, scale, weights, sets
        Same as in `items_to_classes_loss`. Images without a label are not compared.
    by_class : bool
        Whether the negatives of a prompt are only the images of other classes, rather than all other images. An image
        whose label stands for several classes counts by the share of the others.
    """
    n = len(targets)
    items, targets, weights = _drop_unlabeled(items, targets, weights)
    similarity = compute_similarity(items, classes, scale)
    shares = get_shares(targets, similarity.shape[1], sets).to(similarity.dtype)
    if by_class:
        others = torch.logsumexp(similarity + _log(1 - shares, _NEVER), dim=0)
        total = torch.logaddexp(similarity, others)
    else:
        total = torch.logsumexp(similarity, dim=0)
    losses = -torch.logsumexp(similarity - total + _log(shares), dim=1)
    return (losses if weights is None else weights * losses).sum() / n


def classes_to_classes_loss(
    a: torch.Tensor,
    b: torch.Tensor,
    targets: torch.Tensor,
    scale: torch.Tensor,
    counts: torch.Tensor | None,
    weights: torch.Tensor | None = None,
    sets: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the loss of symbols against prompts, averaged over the N items of their classes.

    Parameters
    ----------
    a, b : Tensor, shape (K, D)
        Embeddings of each class, of unit length. Each counts once for every item of its class in the batch, and an item
        whose label stands for several classes counts for each by its share.
    targets, scale, counts, weights, sets
        Same as in `items_to_classes_loss`.
    """
    n = len(targets)
    _, targets, weights = _drop_unlabeled(targets, targets, weights)
    shares = get_shares(targets, len(a), sets).to(a.dtype)
    per_class = (shares if weights is None else weights.to(a.dtype)[:, None] * shares).sum(dim=0) / n
    rows = (shares > 0).any(dim=0).nonzero()[:, 0]
    losses = contrastive_losses(compute_similarity(a[rows], b, scale), rows, counts)
    return (per_class[rows] * losses).sum()


def normalize_sets(sets: torch.Tensor) -> torch.Tensor:
    """Divide each row of label sets (L, K) by its sum, which has no gradient."""
    return sets / sets.sum(dim=1, keepdim=True).detach()


def get_shares(targets: torch.Tensor, n_classes: int, sets: torch.Tensor | None) -> torch.Tensor:
    """Return the shares (N, K) of the classes in the labels of items, which add up to 1."""
    if sets is None:
        return F.one_hot(targets, n_classes)
    return normalize_sets(sets.detach())[targets]


def compute_similarity(a: torch.Tensor, b: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Return the cosine divided by tau, never in half precision, which is too coarse for the division."""
    with torch.autocast(a.device.type, enabled=False):
        return scale * a @ b.T


def normalize_rows(x: torch.Tensor) -> torch.Tensor:
    """Scale rows (N, D) to unit length, at least in float32."""
    return F.normalize(x.to(torch.promote_types(x.dtype, torch.float32)), dim=1)


def _log(x: torch.Tensor, of_zero: float = float("-inf")) -> torch.Tensor:
    """Return the logarithm, whose gradient at zero is zero."""
    return x.clamp_min(torch.finfo(x.dtype).tiny).log().masked_fill(x <= 0, of_zero)


def _drop_unlabeled(
    items: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Return the items that have a label."""
    labeled = targets >= 0
    if bool(labeled.all()):
        return items, targets, weights
    return items[labeled], targets[labeled], None if weights is None else weights[labeled]
