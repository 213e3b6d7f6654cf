"""The loss and the scores of labels that are coarser than the classes, beside forms that are written out."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score
from support.training_helpers import make_task

from galaxtool.taxonomy.load import build_taxonomy
from galaxtool.training.dataset_scores import LabelTerms, score_datasets, validate_datasets
from galaxtool.training.losses.partial_labels import count_classes
from galaxtool.training.objective import ClassObjective
from galaxtool.training.options import TrainOptions
from galaxtool.training.stage import validate_logits
from galaxtool.training.step import Stepper
from galaxtool.training.task import Task

CLASSES = ("round", "disc", "bar", "merger")
SETS = np.array([*np.eye(4), [1, 1, 0, 0], [0, 1, 1, 1], [0, 0, 0, 1]], dtype=np.float32)


def make_objective(targets: list[int], *, sets: np.ndarray | None = SETS, **options: float | str) -> ClassObjective:
    return ClassObjective(
        taxonomy=build_taxonomy(CLASSES),
        options=TrainOptions(**options),  # type: ignore[arg-type]
        targets=np.array(targets),
        label_sets=sets,
    )


def write_out(logits: np.ndarray, targets: list[int], *, smoothing: float, weights: list[float]) -> float:
    """Return the loss in plain Python, with the sums as in the docs."""
    total = 0.0
    for row, label in zip(logits.tolist(), targets, strict=True):
        z = [math.exp(x - max(row)) for x in row]
        p = [x / sum(z) for x in z]
        loss = -math.log(sum(s * q for s, q in zip(SETS[label].tolist(), p, strict=True)))
        if label < len(CLASSES):
            loss = (1 - smoothing) * loss - smoothing * sum(math.log(q) for q in p) / len(p)
        total += weights[label] * loss
    return total / len(targets)


@given(
    seed=st.integers(0, 10_000),
    targets=st.lists(st.integers(0, 6), min_size=1, max_size=9),
    smoothing=st.sampled_from([0.0, 0.1]),
    weighted=st.booleans(),
)
def test_the_loss_is_that_written_out(seed: int, targets: list[int], smoothing: float, weighted: bool) -> None:
    train = [*targets, 0, 1, 2, 3]
    objective = make_objective(train, label_smoothing=smoothing, class_weights="inverse" if weighted else "none")
    shares = SETS / SETS.sum(axis=1, keepdims=True)
    counts = shares[train].sum(axis=0)
    weights = shares @ (counts.sum() / (4 * counts)) if weighted else np.ones(7)
    exact = np.random.default_rng(seed).normal(0, 2, (len(targets), 4))
    logits = torch.tensor(exact, dtype=torch.float32, requires_grad=True)
    loss = objective.loss(logits, torch.tensor(targets))
    loss.backward()

    def form(x: np.ndarray) -> float:
        return write_out(x, targets, smoothing=smoothing, weights=weights.tolist())

    assert loss.item() == pytest.approx(form(exact), rel=2e-5, abs=1e-6)
    slopes = np.zeros_like(exact)
    for place in np.ndindex(exact.shape):
        shift = np.zeros_like(exact)
        shift[place] = 1e-5
        slopes[place] = (form(exact + shift) - form(exact - shift)) / 2e-5
    np.testing.assert_allclose(logits.grad, slopes, rtol=1e-3, atol=1e-5)


@given(seed=st.integers(0, 10_000), targets=st.lists(st.integers(0, 3), min_size=1, max_size=9))
def test_labels_that_are_classes_have_the_cross_entropy(seed: int, targets: list[int]) -> None:
    logits = torch.from_numpy(np.random.default_rng(seed).normal(0, 5, (len(targets), 4)).astype(np.float32))
    own, labels = logits.clone().requires_grad_(), torch.tensor(targets)
    make_objective(targets).loss(own, labels).backward()
    plain = logits.clone().requires_grad_()
    F.cross_entropy(plain, labels).backward()
    torch.testing.assert_close(own.grad, plain.grad, rtol=1e-5, atol=1e-7)
    each = make_objective(targets).loss(logits[:1], labels[:1])
    assert each.item() == F.cross_entropy(logits[:1], labels[:1]).item()  # bit for bit


def test_weights_are_one_on_average_and_those_of_the_classes_of_a_label() -> None:
    targets = [0, 0, 0, 1, 4, 4, 5, 6, 2]
    objective = make_objective(targets, class_weights="inverse")
    found = objective.weights(torch.tensor(targets))
    assert found is not None and found.mean().item() == pytest.approx(1)
    plain = objective.weights(torch.arange(7))
    assert plain is not None
    assert plain[4].item() == pytest.approx(plain[:2].mean().item())
    assert plain[6] == plain[3]
    counts = count_classes(np.array(targets), 4, SETS)
    np.testing.assert_allclose(counts, [4, 1 + 1 + 1 / 3, 1 + 1 / 3, 1 / 3 + 1])
    np.testing.assert_allclose(objective.prior, counts / counts.sum())


def test_the_prior_counts_items_as_often_as_they_are_seen() -> None:
    weights = np.array([2.0, 1, 1, 4])
    objective = ClassObjective(
        taxonomy=build_taxonomy(CLASSES),
        options=TrainOptions(),
        targets=np.array([0, 2, 3, 4]),
        label_sets=SETS,
        item_weights=weights,
    )
    np.testing.assert_allclose(objective.prior, np.array([2 + 2, 2, 1, 1]) / 8)


@pytest.mark.parametrize("sets", [None, SETS])
def test_inverse_weights_give_every_class_the_same_share_of_an_epoch(sets: np.ndarray | None) -> None:
    targets = np.array([0] * 40 + [1] * 20 + [2] * 10 + [3] * 5)
    seen = np.where(targets == 2, 4.0, 1.0)  # a data set whose images are seen four times
    objective = ClassObjective(
        taxonomy=build_taxonomy(CLASSES),
        options=TrainOptions(class_weights="inverse"),
        targets=targets,
        label_sets=sets,
        item_weights=seen,
    )
    each = objective.weights(torch.from_numpy(targets))
    assert each is not None
    shares = np.bincount(targets, weights=each.numpy() * seen)
    np.testing.assert_allclose(shares / seen.sum(), 0.25, rtol=1e-6)


def test_accuracy_is_that_of_items_with_a_class_and_the_loss_that_of_all() -> None:
    logits = torch.log(torch.tensor([[0.7, 0.1, 0.1, 0.1], [0.2, 0.5, 0.2, 0.1], [0.1, 0.1, 0.1, 0.7]]))
    targets = np.array([0, 2, 4])
    row = make_objective([0, 2, 4]).validate(logits, targets)
    assert row["valid_accuracy"] == 0.5
    assert row["valid_loss"] == pytest.approx(-(math.log(0.7) + math.log(0.2) + math.log(0.2)) / 3, rel=1e-5)
    coarse = make_objective([4, 5]).validate(logits, np.array([4, 5, 4]))
    assert [*coarse] == ["valid_loss"]  # no image has a class
    assert make_objective([4, 5]).metrics(logits[:0], targets[:0], logits[:0].numpy(), temperature=1, seed=0) == {
        "n": 0
    }


TERMS = (
    LabelTerms(
        dataset="fine",
        column="fine",
        taxonomy="own",
        slugs=CLASSES,
        membership=np.eye(4),
        of_label=np.array([0, 1, 2, 3, -1, -1, 3]),
    ),
    LabelTerms(
        dataset="coarse",
        column="coarse",
        taxonomy="two",
        slugs=("smooth", "featured"),
        membership=np.array([[1, 0], [0, 1], [0, 1], [0, 0]]),  # a merger has no counterpart
        of_label=np.array([0, 1, 1, -1, 0, 1, -1]),
    ),
)


def test_each_data_set_is_scored_in_its_own_terms() -> None:
    rng = np.random.default_rng(5)
    logits = torch.from_numpy(rng.normal(0, 2, (40, 4)))
    targets, sources = rng.integers(0, 7, 40), np.arange(40) % 2
    row = validate_datasets(TERMS, logits, targets, sources)
    p = torch.softmax(logits, dim=1).numpy()
    fine = (sources == 0) & np.isin(targets, [0, 1, 2, 3, 6])
    truth = np.where(targets == 6, 3, targets)[fine]
    assert row["valid_accuracy_fine"] == accuracy_score(truth, p[fine].argmax(axis=1))
    assert row["valid_f1_fine"] == pytest.approx(f1_score(truth, p[fine].argmax(axis=1), average="macro"))
    coarse = (sources == 1) & ~np.isin(targets, [3, 6])
    two = np.stack([p[:, 0], p[:, 1] + p[:, 2]], axis=1) / p[:, :3].sum(axis=1, keepdims=True)
    truth = np.isin(targets, [1, 2, 5]).astype(int)[coarse]
    assert row["valid_accuracy_coarse"] == accuracy_score(truth, two[coarse].argmax(axis=1))
    assert row["valid_f1_mean"] == pytest.approx((row["valid_f1_fine"] + row["valid_f1_coarse"]) / 2)
    np.testing.assert_allclose(TERMS[1].convert(p), two)
    entries = score_datasets(TERMS, p, targets, sources, seed=0)
    assert entries["coarse"]["n"] == coarse.sum() and entries["coarse"]["taxonomy"] == "two"
    assert entries["coarse"]["accuracy"]["value"] == pytest.approx(row["valid_accuracy_coarse"], abs=1e-6)
    assert entries["coarse"]["classes"]["smooth"]["n"] == (truth == 0).sum()


def make_partial_task(terms: tuple[LabelTerms, ...] = ()) -> Task:
    """Return a task of three classes, in which every other label is coarser."""
    task = make_task(class_weights="inverse")
    sets = np.array([*np.eye(3), [1, 1, 0]], dtype=np.float32)
    targets = np.where(np.arange(10) % 2, 3, np.arange(10) % 3)
    valid = replace(task.valid, targets=np.array([0, 1, 2, 3, 3, 0]), sources=np.array([0, 0, 0, 1, 1, 1]))
    return replace(
        task,
        train=replace(task.train, targets=targets),
        valid=valid,
        objective=ClassObjective(taxonomy=task.taxonomy, options=task.options, targets=targets, label_sets=sets),
        label_sets=torch.from_numpy(sets),
        terms=terms,
    )


def test_a_step_divides_an_item_among_the_classes_of_its_label() -> None:
    from galaxtool.methods.supervised import stages

    task = make_partial_task()
    stage = stages(task)[0]
    seen = []
    loss = stage.loss
    stage.loss = lambda batch: (seen.append(batch.counts), loss(batch))[1]  # type: ignore[method-assign]
    stepper = Stepper(task, stage, torch.optim.AdamW([{"params": stage.trainable(), "scale": 1.0}]))
    value, _ = stepper.step(np.arange(4), 0, 0)
    assert math.isfinite(value)
    assert seen[0].tolist() == [2, 1, 1]  # labels 0, 3, 2, 3


def test_the_epoch_is_chosen_by_the_mean_over_data_sets_where_labels_are_coarse() -> None:
    terms = tuple(
        LabelTerms(
            dataset=name,
            column=name,
            taxonomy="own",
            slugs=slugs,
            membership=np.array(membership),
            of_label=np.array(of_label),
        )
        for name, slugs, membership, of_label in (
            ("a", ("ring", "disc", "smudge"), np.eye(3), [0, 1, 2, -1]),
            ("b", ("flat", "other"), [[1, 0], [1, 0], [0, 1]], [0, 0, 1, 0]),
        )
    )
    task = make_partial_task(terms)
    logits = torch.tensor([[3.0, 0, 0], [0, 3, 0], [3, 0, 0], [0, 3, 0], [0, 0, 3], [0, 3, 0]])
    row = validate_logits(task, logits, task.valid)
    assert row["valid_accuracy_a"] == pytest.approx(2 / 3) and row["valid_accuracy_b"] == pytest.approx(2 / 3)
    assert row["valid_accuracy"] == 0.5  # four images have a class
    better = {**row, "valid_f1_mean": row["valid_f1_mean"] + 0.1, "valid_f1_macro": 0.0}
    assert task.objective.score(better) > task.objective.score(row)
