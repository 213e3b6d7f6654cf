"""The learned noise of labels, beside a form that is written out, and what it learns from labels of known noise."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.training_helpers import make_smooth_task

from galaxtool.methods.supervised import stages
from galaxtool.taxonomy.load import build_taxonomy
from galaxtool.training.losses.label_noise import LabelNoise, NoisyLabels, make_start
from galaxtool.training.objective import ClassObjective
from galaxtool.training.optimizer import make_optimizer
from galaxtool.training.options import TrainOptions
from galaxtool.training.stage_setup import prepare_stages
from galaxtool.training.step import Stepper
from galaxtool.training.trainer import Trainer

RIGHT = np.array([[True, False], [True, False], [False, True], [False, False]])
"""Which of two labels is right for each of four classes; the last has neither."""


def make_noise(n_items: float = 100.0) -> LabelNoise:
    three = np.eye(4, 3, dtype=bool)
    return LabelNoise(
        [
            NoisyLabels("a", 0.2, ("a/smooth", "a/disc"), make_start(RIGHT, 0.2)),
            NoisyLabels("b", 0.3, ("b/x", "b/y", "b/z"), make_start(three, 0.3)),
        ],
        n_items,
    )


def make_objective(noise: LabelNoise) -> ClassObjective:
    sets = np.concatenate([np.eye(4), [[0, 1, 1, 0]], *(own.start.T for own in noise.noisy)]).astype(np.float32)
    return ClassObjective(
        taxonomy=build_taxonomy(["round", "oval", "disc", "odd"]),
        options=TrainOptions(),
        targets=np.arange(10),
        label_sets=sets,
        label_noise=noise,
    )


def test_the_start_has_the_rate_of_wrong_labels() -> None:
    start = make_start(RIGHT, 0.2)
    np.testing.assert_allclose(start, [[0.8, 0.2], [0.8, 0.2], [0.2, 0.8], [0.5, 0.5]])
    np.testing.assert_allclose(make_start(np.eye(3, dtype=bool), 0.3), np.full((3, 3), 0.15) + 0.55 * np.eye(3))
    assert make_start(np.ones((2, 1), dtype=bool), 0.2).tolist() == [[1], [1]]
    noise = make_noise()
    sets = make_objective(noise).label_sets()
    assert sets is not None
    np.testing.assert_allclose(sets[5:7].detach(), start.T, rtol=1e-6)
    np.testing.assert_array_equal(sets[:5].detach(), [*np.eye(4), [0, 1, 1, 0]])
    assert noise.penalty().item() == pytest.approx(0, abs=1e-7)


@given(seed=st.integers(0, 10_000), targets=st.lists(st.integers(0, 9), min_size=1, max_size=9))
def test_loss_and_penalty_are_those_written_out(seed: int, targets: list[int]) -> None:
    rng = np.random.default_rng(seed)
    noise = make_noise(n_items=70)
    parameters = rng.normal(0, 1, noise.logits.shape)
    noise.logits.data = torch.from_numpy(parameters).float()
    logits = rng.normal(0, 2, (len(targets), 4))

    def form(theta: np.ndarray) -> float:
        sets, divergence = [*np.eye(4).tolist(), [0, 1, 1, 0]], 0.0
        for own, part in zip(noise.noisy, np.split(theta, [8]), strict=True):
            matrix = [[math.exp(x) for x in row] for row in part.reshape(own.start.shape).tolist()]
            matrix = [[x / sum(row) for x in row] for row in matrix]
            sets += [[row[m] for row in matrix] for m in range(len(own.labels))]
            divergence += sum(
                p * math.log(p / q)
                for before, now in zip(own.start.tolist(), matrix, strict=True)
                for p, q in zip(before, now, strict=True)
            )
        total = 0.0
        for row, label in zip(logits.tolist(), targets, strict=True):
            z = sum(math.exp(x) for x in row)
            total -= math.log(sum(s * math.exp(x) / z for s, x in zip(sets[label], row, strict=True)))
        return total / len(targets) + 10 / 70 * divergence

    loss = make_objective(noise).loss(torch.from_numpy(logits), torch.tensor(targets)) + noise.penalty()
    loss.backward()
    assert loss.item() == pytest.approx(form(parameters), rel=1e-4)
    shifts = 1e-5 * np.eye(len(parameters))
    slopes = [(form(parameters + s) - form(parameters - s)) / 2e-5 for s in shifts]
    assert noise.logits.grad is not None
    np.testing.assert_allclose(noise.logits.grad, slopes, rtol=2e-3, atol=1e-4)


def test_the_matrix_is_learned_from_labels_of_known_noise() -> None:
    truth = np.array([[0.95, 0.05], [0.4, 0.6], [0.1, 0.9]])
    rng = np.random.default_rng(2)
    classes = rng.integers(0, 3, 3000)
    labels = (rng.random(3000) > truth[classes, 0]).astype(int)
    is_right = np.array([[True, False], [True, False], [False, True]])
    noise = LabelNoise([NoisyLabels("a", 0.1, ("a/x", "a/y"), make_start(is_right, 0.1))], 3000)
    objective = ClassObjective(
        taxonomy=build_taxonomy(["round", "oval", "disc"]),
        options=TrainOptions(),
        targets=labels,
        label_sets=np.concatenate([np.eye(3), noise.noisy[0].start.T]).astype(np.float32),
        label_noise=noise,
    )
    optimizer = torch.optim.Adam(noise.parameters(), lr=0.05)
    sure = torch.from_numpy(20.0 * np.eye(3)[classes])  # a model that knows the classes
    for _ in range(150):
        optimizer.zero_grad()
        (objective.loss(sure, torch.from_numpy(labels + 3)) + noise.penalty()).backward()
        optimizer.step()
    found = noise.describe(["round", "oval", "disc"])["a"]["classes"]
    np.testing.assert_allclose([[row["x"], row["y"]] for row in found.values()], truth, atol=0.03)


def test_a_stage_learns_the_noise_at_its_own_rate_and_without_decay(tmp_path: Path) -> None:
    task = make_smooth_task(epochs=1, weight_decay=0.3, lr=1e-4)
    start = make_start(np.eye(3, dtype=bool), 0.1)
    noisy = NoisyLabels("a", 0.1, ("a/x", "a/y", "a/z"), start)
    sets = np.concatenate([np.eye(3), start.T]).astype(np.float32)
    targets = np.arange(10) % 6
    noise = LabelNoise([noisy], 10)
    objective = ClassObjective(
        taxonomy=task.taxonomy, options=task.options, targets=targets, label_sets=sets, label_noise=noise
    )
    task = replace(
        task,
        train=replace(task.train, targets=targets),
        objective=objective,
        label_sets=torch.from_numpy(sets),
    )
    stage = stages(task)[0]
    prepare_stages(task, torch.nn.ModuleList([stage]))
    assert "label_noise.logits" in stage.state_dict()
    optimizer = make_optimizer(stage, task.backbone, task.options)
    (group,) = [g for g in optimizer.param_groups if any(p is noise.logits for p in g["params"])]
    assert group["weight_decay"] == 0 and group["scale"] * task.options.lr == pytest.approx(3e-3)
    stepper = Stepper(task, stage, optimizer)
    with torch.no_grad():
        noise.logits.add_(torch.arange(9.0) / 9)
    penalty = float(noise.penalty().detach())
    loss, _ = stepper.step(np.arange(4), 0, 0)
    whole = noise.logits.grad
    assert whole is not None and stepper.terms["noise"] == pytest.approx(penalty)
    before = whole.clone()
    parted = Stepper(replace(task, options=replace(task.options, accumulate=2)), stage, optimizer)
    again, _ = parted.step(np.arange(4), 0, 0)
    assert again == pytest.approx(loss, rel=1e-4)
    torch.testing.assert_close(noise.logits.grad, before, rtol=1e-3, atol=1e-6)
    outcome = Trainer(task, stages(task), tmp_path).fit()
    assert "loss_noise" in outcome.history[0]
