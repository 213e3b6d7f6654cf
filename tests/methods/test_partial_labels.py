"""Contrastive losses of labels that stand for several classes, and symmetric ones, against loops in float64."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.training_helpers import DIM, make_smooth_task, make_task

from galaxtool.errors import ConfigError
from galaxtool.methods.galaxalign import stages
from galaxtool.methods.losses import (
    classes_to_classes_loss,
    classes_to_items_loss,
    items_to_classes_loss,
    normalize_rows,
    normalize_sets,
)
from galaxtool.training.objective import ClassObjective
from galaxtool.training.optimizer import make_optimizer
from galaxtool.training.step import Stepper
from galaxtool.training.task import Batch

K = 4
SETS = [
    *np.eye(K).tolist(),
    [1.0, 1.0, 0.0, 0.0],  # a coarse label
    [0.0, 1.0, 1.0, 1.0],
    [0.9, 0.3, 0.05, 0.0],  # a noisy one
]


def cosines(a: torch.Tensor, b: torch.Tensor, scale: torch.Tensor) -> list[list[torch.Tensor]]:
    def unit(v: torch.Tensor) -> torch.Tensor:
        return v / v.square().sum().sqrt()

    return [[scale * (unit(x) * unit(y)).sum() for y in b] for x in a]


def write_out(
    kind: str, items: torch.Tensor, a: torch.Tensor, b: torch.Tensor, targets: list[int], scale: torch.Tensor,
    contrast: str, weights: list[float],
) -> torch.Tensor:  # fmt: skip
    """Return a term of the loss as a sum over items and over the pairs of items and classes.

    An item is in the batch as each of its classes, with the share of that class.
    """
    sets, n = np.array(SETS), len(targets)
    share = {i: sets[t] / sets[t].sum() for i, t in enumerate(targets) if t >= 0}
    against_a, between = cosines(items, a, scale), cosines(b, a, scale)
    total = torch.zeros((), dtype=torch.float64)
    for i in share:
        if kind == "classes":  # b, class by class of the item, against a
            for own in range(K):
                if share[i][own] > 0:
                    below = sum(
                        (share[j][k] if contrast == "instance" else 1 / len(share)) * between[own][k].exp()
                        for j in share for k in range(K)
                    )  # fmt: skip
                    total = total - weights[i] * share[i][own] * (between[own][own].exp() / below).log()
            continue
        row = share[i] if contrast == "instance" or kind == "back" else sets[targets[i]]
        above = torch.zeros((), dtype=torch.float64)
        for own in range(K):
            if kind == "items":  # the item against all classes of all items, or against each class
                below = sum(
                    (share[j][k] if contrast == "instance" else 1 / len(share)) * against_a[i][k].exp()
                    for j in share for k in range(K)
                )  # fmt: skip
            else:  # the class against all items, or against those of other classes
                below = sum(
                    (1.0 if j == i or contrast == "instance" else 1 - share[j][own]) * against_a[j][own].exp()
                    for j in share
                )  # fmt: skip
                if contrast == "class":
                    below = below + (1 - share[i][own]) * against_a[i][own].exp()
            above = above + row[own] * against_a[i][own].exp() / below
        total = total - weights[i] * above.log()
    return total / n


def compute(
    kind: str, items: torch.Tensor, a: torch.Tensor, b: torch.Tensor, targets: list[int], scale: torch.Tensor,
    contrast: str, weights: list[float],
) -> torch.Tensor:  # fmt: skip
    rows, sets = torch.tensor(targets), torch.tensor(SETS, dtype=torch.float64)
    shares = normalize_sets(sets)
    counts = shares[rows[rows >= 0]].sum(dim=0) if contrast == "instance" else None
    sets = sets if counts is None else shares
    x, a, b = (normalize_rows(each) for each in (items, a, b))
    weighted = torch.tensor(weights, dtype=torch.float64)
    if kind == "items":
        return items_to_classes_loss(x, a, rows, scale, counts, weighted, sets)
    if kind == "classes":
        return classes_to_classes_loss(b, a, rows, scale, counts, weighted, sets)
    return classes_to_items_loss(x, a, rows, scale, by_class=contrast == "class", weights=weighted, sets=sets)


@pytest.mark.parametrize("contrast", ["instance", "class"])
@pytest.mark.parametrize("kind", ["items", "classes", "back"])
@settings(max_examples=15, deadline=None)
@example(targets=[4, -1, 0, 2, 6, 5], seed=1)
@example(targets=[4], seed=2)
@example(targets=[1, 1, 1], seed=3)
@given(targets=st.lists(st.integers(-1, len(SETS) - 1), min_size=1, max_size=6), seed=st.integers(0, 1000))
def test_partial_labels_equal_the_written_out_form(targets: list[int], seed: int, kind: str, contrast: str) -> None:
    found = []
    for function in (compute, write_out):
        generator = torch.Generator().manual_seed(seed)
        leaves = [torch.randn(n, DIM, generator=generator, dtype=torch.float64) for n in (len(targets), K, K)]
        weights = (0.5 + torch.rand(len(targets), generator=generator, dtype=torch.float64)).tolist()
        leaves.append(torch.tensor(math.log(8.0), dtype=torch.float64))
        for leaf in leaves:
            leaf.requires_grad_()
        value = function(kind, *leaves[:3], targets, leaves[3].exp(), contrast, weights)
        if value.requires_grad:
            value.backward()
        gradients = [torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves]
        found.append((value.detach(), gradients))
    (value, gradients), (wanted, wanted_gradients) = found
    torch.testing.assert_close(value, wanted, rtol=1e-9, atol=1e-9)
    for own, reference in zip(gradients, wanted_gradients, strict=True):
        torch.testing.assert_close(own, reference, rtol=1e-7, atol=1e-9)


def test_a_label_that_means_any_class_says_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    x, a = (torch.randn(n, DIM, generator=generator, dtype=torch.float64) for n in (1, K))
    sets = torch.ones(1, K, dtype=torch.float64)
    loss = items_to_classes_loss(x, a, torch.tensor([0]), torch.tensor(9.0), None, sets=sets)
    assert float(loss) == pytest.approx(0, abs=1e-12)


def test_learned_sets_have_finite_gradients() -> None:
    sets = torch.tensor(SETS, requires_grad=True)
    x, a = torch.randn(2, DIM), torch.randn(K, DIM)
    items_to_classes_loss(x, a, torch.tensor([0, 6]), torch.tensor(1.0), None, sets=sets).backward()
    assert sets.grad is not None and bool(sets.grad.isfinite().all()) and float(sets.grad[6, 0]) < 0


# --- whole stages ----------------------------------------------------------------------------------------------------


def with_sets(task: Any) -> Any:
    """Return the task, two of whose labels stand for two classes each."""
    sets = np.concatenate([np.eye(3), [[1, 1, 0], [0, 0.2, 0.8]]])
    targets = task.train.targets.copy()
    targets[:4] = [3, 4, 3, -1]
    task = replace(task, train=replace(task.train, targets=targets))
    sets = sets.astype(np.float32)
    objective = ClassObjective(taxonomy=task.taxonomy, options=task.options, targets=targets, label_sets=sets)
    return replace(task, label_sets=torch.from_numpy(sets), objective=objective)


@pytest.mark.parametrize("contrast", ["instance", "class"])
def test_steps_count_partial_labels_by_their_shares(contrast: str) -> None:
    found = []
    for accumulate in (1, 3):
        task = with_sets(make_smooth_task(contrast=contrast, accumulate=accumulate))
        torch.manual_seed(2)
        stage = stages(task)[-1]
        stage.begin()
        stepper = Stepper(task, stage, make_optimizer(stage, task.backbone, task.options))
        counts = stepper._count_classes(np.arange(10))
        loss, _ = stepper.step(np.arange(10), epoch=0, step=0)
        found.append((loss, stepper.norm, stepper.terms, stepper.norms))
    # targets 3, 4, 3, -1, then 1, 2, 0, 1, 2, 0
    assert counts.tolist() == pytest.approx([2 + 1, 2 + 1 + 0.2, 2 + 0.8])
    whole, parts = found
    assert parts[0] == pytest.approx(whole[0], rel=1e-5) and parts[1] == pytest.approx(whole[1], rel=1e-4)
    assert parts[2] == pytest.approx(whole[2], rel=1e-5) and parts[3] == pytest.approx(whole[3], rel=1e-4)
    assert whole[0] == pytest.approx(sum(whole[2].values()), rel=1e-5) and len(whole[2]) == 3


def test_each_tower_is_clipped_by_itself() -> None:
    task = make_task(lr=0.1)
    stage: Any = stages(task)[-1]
    stage.begin()
    stage.train()
    stepper = Stepper(task, stage, make_optimizer(stage, task.backbone, task.options))
    stepper.step(np.arange(10), epoch=0, step=0)
    stage.zero_grad()
    batch = Batch(
        images=stage.inputs(task, np.arange(10), 0), targets=torch.from_numpy(task.train.targets),
        items=torch.arange(10), counts=torch.tensor([4.0, 3.0, 3.0]), epoch=0, step=0,
    )  # fmt: skip
    stage.loss(batch).total.backward()
    towers = {"image": task.backbone.image_tower, "symbol": stage.symbols, "text": task.backbone.words}
    groups = {name: list(tower.parameters()) for name, tower in towers.items()} | {"rest": [stage.log_scale]}
    raw = {name: torch.cat([p.grad.flatten() for p in group]) for name, group in groups.items()}
    stage.zero_grad()
    stepper.step(np.arange(10), epoch=0, step=0)
    assert stepper.norms == pytest.approx({name: float(gradient.norm()) for name, gradient in raw.items()}, rel=1e-4)
    assert stepper.norm == pytest.approx(float(torch.cat(list(raw.values())).norm()), rel=1e-4)
    assert max(stepper.norms.values()) > 1
    for name, group in groups.items():
        clipped = torch.cat([p.grad.flatten() for p in group if p.grad is not None])
        torch.testing.assert_close(clipped, raw[name] / max(1.0, stepper.norms[name]), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("rate", "moves"), [(0.05, True), (0.0, False)])
def test_the_temperature_has_a_rate_of_its_own(rate: float, moves: bool) -> None:
    task = make_task(lr=1e-5, method={"temperature_lr": rate})
    stage: Any = stages(task)[0]
    optimizer = make_optimizer(stage, task.backbone, task.options)
    stepper = Stepper(task, stage, optimizer)
    stepper.lr = 5e-6  # halfway through the schedule
    before = float(stage.log_scale.detach())
    stepper.step(np.arange(4), epoch=0, step=0)
    stepper.update()
    assert abs(float(stage.log_scale.detach()) - before) == pytest.approx(rate / 2, rel=1e-3)
    assert stepper.lr == pytest.approx(5e-6) and stage.log_scale.requires_grad == moves
    rates = [group for group in optimizer.param_groups if any(p is stage.log_scale for p in group["params"])]
    assert [group["weight_decay"] for group in rates] == [0.0] * moves


def test_the_temperature_starts_from_that_of_the_weights_and_comes_back_from_the_limit() -> None:
    task = make_task()
    task.backbone.logit_scale = torch.nn.Parameter(torch.tensor(math.log(30.0)))
    stage: Any = stages(task)[0]
    assert float(stage.scale().detach()) == pytest.approx(30.0)
    task.backbone.logit_scale.data.fill_(7.0)
    stage = stages(task)[0]
    with torch.no_grad():
        stage.log_scale += 1
    stage.after_step(0.5)
    stage.scale().backward()
    assert float(stage.scale().detach()) == pytest.approx(100.0, rel=1e-4) and float(stage.log_scale.grad) > 0


def test_options_change_the_loss_as_they_say() -> None:
    def find(number: int, **method: Any) -> Any:
        task = make_smooth_task(method={"symbol_copies": 1, **method})
        torch.manual_seed(2)
        stage = stages(task)[number]
        stage.begin()
        batch = Batch(
            images=stage.inputs(task, np.arange(6), 0), targets=torch.from_numpy(task.train.targets[:6]),
            items=torch.arange(6), counts=torch.tensor([2.0, 2.0, 2.0]), epoch=0, step=0,
        )  # fmt: skip
        loss: Any = stage.loss(batch)
        return float(loss.total.detach()), {name: float(term.detach()) for name, term in loss.terms.items()}

    for number, half in ((0, 0.5), (1, 1.0)):
        total, terms = find(number, symbol_weight=0.25)
        assert total == pytest.approx(
            half * sum(term * (1.0 if name == "image_text" else 0.25) for name, term in terms.items()), rel=1e-5
        )
    assert set(terms) == {"image_text", "image_symbol", "symbol_text"}
    assert find(1)[0] != pytest.approx(find(1, symmetric=True)[0], rel=1e-4)
    with pytest.raises(ConfigError, match="symbol_weight is -1"):
        find(1, symbol_weight=-1.0)
    with pytest.raises(ConfigError, match="a batch cannot be divided"):
        stages(make_smooth_task(accumulate=2, method={"symmetric": True}))
