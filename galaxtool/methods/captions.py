r"""A contrastive loss of images and the sentences about them.

In each epoch, one caption of each image that has captions is drawn. The M images of a batch that have captions are
compared with the captions drawn, in both directions as in CLIP (Radford et al. 2021, arXiv:2103.00020). A caption is
not a negative of an image that has the same one among its captions: with T_i the captions of image i and c_i the one
drawn, the loss is the sum over i, divided by the number N of all images of the batch, of half of

.. math:: -\log\frac{e^{s_{ii}}}{e^{s_{ii}} + \sum_{c_j \notin T_i} e^{s_{ij}}}
          -\log\frac{e^{s_{ii}}}{e^{s_{ii}} + \sum_{c_i \notin T_j} e^{s_{ji}}}

with s_ij the cosine of image i and caption j, divided by tau. Each different caption is encoded once.

If a batch is divided into parts, or among processes, the captions of the other parts are not negatives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from galaxtool.methods.losses import normalize_rows
from galaxtool.training.task import Batch, PictureSet

_NEVER = -1e4
"""Similarity that stands for minus infinity, and whose gradient is defined."""


def draw_captions(pictures: PictureSet, items: Sequence[int], *, seed: int, epoch: int) -> tuple[list[int], list[str]]:
    """Draw a caption for each item that has any.

    Parameters
    ----------
    pictures : PictureSet
        The pictures, with captions.
    items : sequence of int
        Numbers of the items.
    seed, epoch : int
        Seed of the training and number of the epoch; with the number of the item they decide the caption.

    Returns
    -------
    rows : list of int
        Positions in `items` of those that have captions.
    captions : list of str
        The caption of each of them.
    """
    if pictures.captions is None:
        return [], []
    rows = [row for row, item in enumerate(items) if pictures.captions[item]]
    own = [pictures.captions[items[row]] for row in rows]
    generators = (np.random.default_rng([seed, epoch, items[row]]) for row in rows)
    return rows, [texts[int(rng.integers(len(texts)))] for texts, rng in zip(own, generators, strict=True)]


def compute_caption_loss(
    images: torch.Tensor,
    batch: Batch,
    pictures: PictureSet,
    embed_text: Callable[[Sequence[str]], torch.Tensor],
    scale: torch.Tensor,
    *,
    seed: int,
) -> torch.Tensor:
    """Return the loss of the images of a batch against their captions: the sum over the M images with captions, by N.

    Parameters
    ----------
    images : Tensor, shape (N, D)
        Embedding of each image, of unit length.
    batch : Batch
        The batch, whose items are numbers of `pictures`.
    pictures : PictureSet
        The training pictures.
    embed_text : callable
        Embeds texts as (U, D).
    scale : Tensor, scalar
        1 / tau.
    seed : int
        Seed of the training.

    Returns
    -------
    Tensor, scalar
        0 if fewer than two different captions were drawn.
    """
    rows, captions = draw_captions(pictures, batch.items.tolist(), seed=seed, epoch=batch.epoch)
    texts = list(dict.fromkeys(captions))
    if len(texts) < 2:
        return images.sum() * 0
    column = {text: number for number, text in enumerate(texts)}
    own = torch.tensor([column[caption] for caption in captions], device=images.device)
    known = [pictures.captions[int(batch.items[row])] for row in rows] if pictures.captions is not None else []
    true = torch.tensor([[text in each for text in texts] for each in known], device=images.device)
    losses = compare_with_captions(images[rows], normalize_rows(embed_text(texts)), own, true, scale)
    return losses.sum() / len(images)


def compare_with_captions(
    images: torch.Tensor, texts: torch.Tensor, own: torch.Tensor, true: torch.Tensor, scale: torch.Tensor
) -> torch.Tensor:
    """Return the loss of each image against the captions of all.

    Parameters
    ----------
    images : Tensor, shape (M, D)
        Embedding of each image, of unit length.
    texts : Tensor, shape (U, D)
        Embedding of each different caption, of unit length.
    own : Tensor of int64, shape (M,)
        Number of the caption that was drawn for each image; each caption was drawn for at least one.
    true : Tensor of bool, shape (M, U)
        Whether each caption is among those of each image, and so not a negative of it.
    scale : Tensor, scalar
        1 / tau.

    Returns
    -------
    Tensor, shape (M,)
    """
    with torch.autocast(images.device.type, enabled=False):
        similarity = scale * images.float() @ texts.float().T
    positive = similarity.gather(1, own[:, None])[:, 0]
    negative = similarity.masked_fill(true, _NEVER)
    # another caption is a negative once for each image that it was drawn for
    drawn = torch.bincount(own, minlength=len(texts))
    other_texts = torch.logsumexp(negative + drawn.log(), dim=1)
    other_images = torch.logsumexp(negative, dim=0)[own]
    against = torch.logaddexp(positive, other_texts) + torch.logaddexp(positive, other_images)
    return 0.5 * against - positive
