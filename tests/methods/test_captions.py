"""The loss of images and captions, against its written-out form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.training_helpers import make_task

from galaxtool.errors import ConfigError
from galaxtool.methods.captions import compare_with_captions, compute_caption_loss, draw_captions
from galaxtool.methods.losses import normalize_rows
from galaxtool.plugins.registry import get_registry
from galaxtool.training.task import Batch


def write_out(images, texts, own, true, scale):
    """Compute the loss pair by pair."""
    s = (scale * images @ texts.T).numpy()
    losses = []
    for i, c in enumerate(own):
        wrong_texts = [own[j] for j in range(len(own)) if not true[i, own[j]]]
        wrong_images = [j for j in range(len(own)) if not true[j, c]]
        to_texts = np.exp(s[i, c]) / (np.exp(s[i, c]) + sum(np.exp(s[i, text]) for text in wrong_texts))
        to_images = np.exp(s[i, c]) / (np.exp(s[i, c]) + sum(np.exp(s[j, c]) for j in wrong_images))
        losses.append(-0.5 * (np.log(to_texts) + np.log(to_images)))
    return np.array(losses)


@settings(max_examples=30, deadline=None)
@given(own=st.lists(st.integers(0, 3), min_size=2, max_size=9), seed=st.integers(0, 99))
def test_loss_is_that_of_the_pairs_without_captions_that_are_true_as_well(own, seed):
    numbers = {c: k for k, c in enumerate(dict.fromkeys(own))}
    if len(numbers) < 2:
        return
    own = [numbers[c] for c in own]
    torch.manual_seed(seed)
    images = normalize_rows(torch.randn(len(own), 5)).requires_grad_()
    texts = normalize_rows(torch.randn(len(numbers), 5)).requires_grad_()
    scale = torch.tensor(7.0)
    true = torch.rand(len(own), len(numbers)) < 0.3
    true[range(len(own)), own] = True
    losses = compare_with_captions(images, texts, torch.tensor(own), true, scale)
    expected = write_out(images.detach(), texts.detach(), own, true, 7.0)
    np.testing.assert_allclose(losses.detach(), expected, rtol=1e-4, atol=1e-6)
    losses.sum().backward()
    assert images.grad.isfinite().all() and texts.grad.isfinite().all()


def captioned(items: int = 6):
    task = make_task(items=items)
    captions = [(f"galaxy {k}", f"number {k}", "a galaxy") if k % 2 == 0 else () for k in range(items)]
    return task, replace(task.train, captions=captions)


def test_a_caption_is_drawn_anew_in_each_epoch_and_stays_the_same_when_resumed():
    _, pictures = captioned()
    drawn = [draw_captions(pictures, [5, 4, 0, 2], seed=1, epoch=epoch) for epoch in range(12)]
    assert drawn[3] == draw_captions(pictures, [5, 4, 0, 2], seed=1, epoch=3)
    assert all(rows == [1, 2, 3] for rows, _ in drawn)
    assert {texts[0] for _, texts in drawn} == {"galaxy 4", "number 4", "a galaxy"}
    # an item has the same caption in whatever part of the batch it is
    assert draw_captions(pictures, [2], seed=1, epoch=3)[1][0] == drawn[3][1][2]


def test_the_loss_counts_items_without_captions_as_zero():
    task, pictures = captioned()
    images = normalize_rows(torch.randn(4, task.backbone.dim))
    batch = Batch(
        images=None, targets=torch.zeros(4, dtype=torch.long), items=torch.tensor([5, 4, 0, 1]), counts=None,
        epoch=2, step=0,
    )  # fmt: skip
    scale = torch.tensor(10.0)

    def loss(chosen):
        part = replace(batch, items=batch.items[chosen])
        part = compute_caption_loss(images[chosen], part, pictures, task.backbone.embed_text, scale, seed=0)
        return part.item()

    both = loss([1, 2])
    assert both > 0
    assert loss([0, 1, 2, 3]) == pytest.approx(both / 2, rel=1e-5)
    assert loss([0, 3]) == 0
    assert compute_caption_loss(images, batch, task.train, task.backbone.embed_text, scale, seed=0).item() == 0


@pytest.mark.parametrize("method", ["clip", "galaxalign", "galaxalign-v2"])
def test_methods_add_the_term_and_report_it(method):
    task, pictures = captioned()
    targets = torch.from_numpy(pictures.targets[[0, 2, 4, 1]])
    batch = Batch(
        images=torch.randn(4, 3, 8, 8), targets=targets, items=torch.tensor([0, 2, 4, 1]),
        counts=torch.bincount(targets).float(),
        epoch=2, step=0,
    )  # fmt: skip
    found = {}
    for name, train, weight in (("without", task.train, 2.0), ("with", pictures, 2.0), ("ignored", pictures, 0.0)):
        given = replace(task, train=train, options=replace(task.options, method={"caption_weight": weight}))
        stage = get_registry().methods.find(method).create(given)[0].eval()
        found[name] = stage.loss(batch)
    assert "captions" not in found["without"].terms and "captions" not in found["ignored"].terms
    term = found["with"].terms["captions"].item()
    assert term > 0
    assert found["with"].total.item() == pytest.approx(found["without"].total.item() + 2 * term, rel=1e-5)
    assert found["ignored"].total.item() == pytest.approx(found["without"].total.item(), rel=1e-6)
    with pytest.raises(ConfigError, match="caption_weight"):
        get_registry().methods.find(method).create(
            replace(task, options=replace(task.options, method={"caption_weight": -1.0}))
        )
