"""``galaxtool compare``: paired differences of evaluations."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.stats import binom_conf_interval
from scipy.stats import binom
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score
from support.training_helpers import run_command, run_failing

import galaxtool
from galaxtool.comparison.metrics import find_metrics
from galaxtool.errors import InputError
from galaxtool.evaluation.calibration_error import expected_calibration_error
from galaxtool.evaluation.paired import adjust_p_values, compare_correct, resample_scores
from galaxtool.evaluation.resamples import StratifiedResamples
from galaxtool.plotting.scored import read_labels, read_scored
from galaxtool.types import Silent
from galaxtool.utils.run_directory import RunDirectory

SLUGS = ("spiral", "elliptical", "edge_on")
N = 300
ID_TEXTS = [str(1000 + i) for i in range(N)]


def make_probabilities(targets: np.ndarray, skill: float, seed: int) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(size=(len(targets), len(SLUGS)))
    logits[np.arange(len(targets)), targets] += skill
    exact = np.exp(logits)
    return exact / exact.sum(axis=1, keepdims=True)


TARGETS = np.random.default_rng(7).choice(3, N, p=[0.6, 0.3, 0.1])
SKILLS = {"good": 2.6, "fair": 2.0, "poor": 1.0}
PROBABILITIES = {name: make_probabilities(TARGETS, skill, seed) for seed, (name, skill) in enumerate(SKILLS.items())}


def write_predictions(
    path: Path,
    probabilities: np.ndarray,
    targets: np.ndarray = TARGETS,
    *,
    ids: list[str] | None = None,
    slugs: tuple[str, ...] = SLUGS,
    **changes: Any,
) -> Path:
    """Write the table of predictions of an evaluation; None as a change leaves a column out."""
    n = len(targets)
    columns: dict[str, Any] = {
        "p_bulge": np.zeros(n),  # a column of the catalogue
        "id": ids or [f"g{i}" for i in range(n)],
        "path": [f"/nowhere/{i}.png" for i in range(n)],
        "split": ["test"] * n,
        "truth": [SLUGS[t] for t in targets],
        "label": [slugs[k] for k in probabilities.argmax(axis=1)],
        "probability": probabilities.max(axis=1),
        **{f"p_{slug}": probabilities[:, k] for k, slug in enumerate(slugs)},
        "flags": [""] * n,
        "error": [""] * n,
        **changes,
    }
    path.mkdir(parents=True, exist_ok=True)
    table = pa.table({name: values for name, values in columns.items() if values is not None})
    pq.write_table(table, path / "predictions.parquet")
    return path


@pytest.fixture(scope="module")
def evaluations(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("evaluations")
    return {name: write_predictions(root / name, values) for name, values in PROBABILITIES.items()}


# --- numbers ---------------------------------------------------------------------------------------------------------


def prepare(*names: str) -> list[Any]:
    return [metric.prepare for metric in find_metrics(names, has_probabilities=True)[0]]


def test_resampled_scores_are_those_of_a_plain_loop() -> None:
    both = [PROBABILITIES["good"], PROBABILITIES["poor"]]
    references: list[Any] = [
        lambda p, t, w: accuracy_score(t, p.argmax(axis=1), sample_weight=w),
        lambda p, t, w: f1_score(t, p.argmax(axis=1), average="macro", sample_weight=w),
        lambda p, t, w: np.mean([roc_auc_score(t == k, p[:, k], sample_weight=w) for k in range(3)]),
        lambda p, t, w: expected_calibration_error(*(np.repeat(values, w.astype(int), axis=0) for values in (p, t))),
    ]
    scores = prepare("accuracy", "f1_macro", "roc_auc", "ece")
    found = resample_scores(scores, [[p] for p in both], TARGETS, resamples=15, seed=3)
    for r, weights in enumerate(StratifiedResamples(TARGETS, seed=3, count=15)):
        for m, score in enumerate(references):
            expected = [score(p, TARGETS, weights) for p in both]
            np.testing.assert_allclose(found[m].draws[r], expected, rtol=1e-9)
    once = np.ones(N)
    for m, score in enumerate(references):
        value, low, high = found[m].find_difference(0, 1)
        assert value == pytest.approx(score(both[1], TARGETS, once) - score(both[0], TARGETS, once), abs=1e-12)
        ends = np.percentile(found[m].draws[:, 1] - found[m].draws[:, 0], [2.5, 97.5])
        np.testing.assert_allclose((low, high), (min(ends[0], value), max(ends[1], value)))


def test_the_interval_of_a_difference_has_its_analytic_width() -> None:
    a, b = (PROBABILITIES[name].argmax(axis=1) == TARGETS for name in ("good", "fair"))
    groups = [[PROBABILITIES["good"]], [PROBABILITIES["fair"]]]
    (found,) = resample_scores(prepare("accuracy"), groups, TARGETS, resamples=2000, seed=1)
    # the variance of a mean over strata of a paired difference
    parts = [(b[k == TARGETS].astype(float) - a[k == TARGETS]) for k in range(3)]
    error = np.sqrt(sum(len(own) * own.var() for own in parts)) / N
    _, low, high = found.find_difference(0, 1)
    assert high - low == pytest.approx(2 * 1.96 * error, rel=0.06)


def test_classifiers_of_one_group_are_drawn_too() -> None:
    """The interval of a mean over trainings covers what another set of trainings would give."""
    accuracy = prepare("accuracy")
    each = [make_probabilities(TARGETS, skill, seed) for seed, skill in enumerate((0.5, 1.5, 3.0))]
    (alone,) = resample_scores(accuracy, [[each[0]]], TARGETS, resamples=400)
    (group,) = resample_scores(accuracy, [each], TARGETS, resamples=400)
    shares = np.array([(values.argmax(axis=1) == TARGETS).mean() for values in each])
    np.testing.assert_allclose(group.values[0], shares)
    assert group.draws.var() == pytest.approx(shares.var() / 3, rel=0.25)  # the trainings differ more than images do
    assert alone.draws.var() < group.draws.var() / 4


@pytest.mark.parametrize(("a", "b"), [(0, 0), (1, 0), (7, 2), (3, 3), (40, 12)])
def test_mcnemar_is_the_exact_binomial_test(a: int, b: int) -> None:
    first = np.array([True] * a + [False] * b + [True] * 9 + [False] * 4)
    second = np.array([False] * a + [True] * b + [True] * 9 + [False] * 4)
    found = compare_correct(first, second)
    assert (found.only_first, found.only_second) == (a, b)
    tail = sum(binom.pmf(k, a + b, 0.5) for k in range(min(a, b) + 1))
    assert found.p == pytest.approx(min(1.0, 2 * tail))


def test_p_values_are_corrected_by_holm() -> None:
    p = [0.04, 0.001, np.nan, 0.03, 0.6]
    found = adjust_p_values(p)
    assert np.isnan(found[2])
    np.testing.assert_allclose(np.array(found)[[0, 1, 3, 4]], [0.09, 0.004, 0.09, 0.6])
    assert adjust_p_values([0.6, 0.7]) == [1.0, 1.0] and adjust_p_values([]) == []


@pytest.mark.slow
def test_equal_classifiers_are_rarely_told_apart() -> None:
    """Of 60 pairs that differ by chance alone, about 5 % have a p-value below 0.05."""
    p = []
    for seed in range(60):
        targets = np.random.default_rng(seed).integers(0, 3, 90)
        both = [[make_probabilities(targets, 1.5, 1000 + 2 * seed + k)] for k in (0, 1)]
        p.append(resample_scores(prepare("f1_macro"), both, targets, resamples=200, seed=seed)[0].find_p_value(0, 1))
    assert np.mean(np.array(p) < 0.05) < 0.15 and np.median(p) > 0.25


# --- the command -----------------------------------------------------------------------------------------------------


def test_a_comparison_of_three(evaluations: dict[str, Path], tmp_path: Path) -> None:
    given = [*evaluations.values(), "--resamples", "100"]
    code, out, said = run_command("compare", *given, "--json")
    assert code == 0, said
    result = json.loads(out)
    assert result["n"] == N and [*result["evaluations"]] == ["good", "fair", "poor"]
    values = {(one["name"], one["metric"]): one["value"] for one in result["scores"]}
    for name, probabilities in PROBABILITIES.items():
        assert values[name, "accuracy"] == pytest.approx(accuracy_score(TARGETS, probabilities.argmax(axis=1)))
    of_accuracy = [one for one in result["differences"] if one["metric"] == "accuracy"]
    assert [(one["first"], one["second"]) for one in of_accuracy] == [
        ("good", "fair"),
        ("good", "poor"),
        ("fair", "poor"),
    ]
    right = {name: p.argmax(axis=1) == TARGETS for name, p in PROBABILITIES.items()}
    for one in of_accuracy:
        a, b = right[one["first"]], right[one["second"]]
        assert (one["test"], one["only_first"], one["only_second"]) == ("McNemar", (a & ~b).sum(), (b & ~a).sum())
        assert one["difference"] == pytest.approx(b.mean() - a.mean(), abs=1e-6)
        assert one["low"] <= one["difference"] <= one["high"]
    np.testing.assert_allclose(
        [one["p_holm"] for one in of_accuracy], adjust_p_values([one["p"] for one in of_accuracy]), rtol=1e-4
    )
    assert of_accuracy[1]["better"] == "good" and of_accuracy[2]["better"] == "fair"
    (error,) = [o for o in result["differences"] if (o["metric"], o["first"], o["second"]) == ("ece", "good", "poor")]
    assert error["low"] <= error["difference"] <= error["high"] and error["test"] == "bootstrap"

    code, out, said = run_command("compare", *given, "--against", "poor", "--metric", "accuracy", "-o", tmp_path / "c")
    assert code == 0, said
    assert "good - poor" in out and "fair - poor" in out and "fair - good" not in out
    with (tmp_path / "c" / "tables" / "differences.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["first"], row["second"], row["metric"]) for row in rows] == [
        ("poor", "good", "accuracy"),
        ("poor", "fair", "accuracy"),
    ]
    saved = json.loads((tmp_path / "c" / "comparison.json").read_text())
    assert [str(one["difference"]) for one in saved["differences"]] == [row["difference"] for row in rows]
    assert json.loads((tmp_path / "c" / "manifest.json").read_text())["status"] == "done"
    assert {path.name for path in (tmp_path / "c" / "figures").iterdir()} == {"differences.png", "differences.pdf"}
    assert "--overwrite" in run_failing("compare", *given, "-o", tmp_path / "c")


def test_an_evaluation_is_not_replaced_by_its_comparison(
    evaluations: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    RunDirectory.create(tmp_path / "own", command="evaluate", config={}).finish("done")
    shutil.copytree(evaluations["good"], tmp_path / "own", dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    for other in ([], ["--overwrite"]):
        said = run_failing("compare", "mine=own", evaluations["fair"], "-o", tmp_path / "own", *other)
        assert "'mine=own' is read from the run" in said and "Choose another --output." in said
    assert (tmp_path / "own" / "predictions.parquet").is_file()


def test_rows_are_paired_by_identifier(evaluations: dict[str, Path], tmp_path: Path) -> None:
    order = np.random.default_rng(0).permutation(N)
    shuffled = write_predictions(
        tmp_path / "shuffled", PROBABILITIES["fair"][order], TARGETS[order], ids=[f"g{i}" for i in order]
    )
    straight = galaxtool.compare([evaluations["good"], evaluations["fair"]], resamples=100)
    mixed = galaxtool.compare([evaluations["good"], shuffled], resamples=100)
    assert [one.difference for one in mixed.differences] == [one.difference for one in straight.differences]
    assert [one.low for one in mixed.differences] == [one.low for one in straight.differences]


def test_evaluations_of_different_images(evaluations: dict[str, Path], tmp_path: Path) -> None:
    part = write_predictions(
        tmp_path / "part", PROBABILITIES["fair"][50:], TARGETS[50:], ids=[f"g{i}" for i in range(50, N)]
    )
    said = run_failing("compare", evaluations["good"], part)
    assert "different images: 300 in" in said and "share 250" in said and "--common" in said
    result = galaxtool.compare([evaluations["good"], part], common=True, resamples=100)
    assert result.n == 250 and "50 that are not in all evaluations" in result.notes[0]
    other = write_predictions(tmp_path / "other", PROBABILITIES["fair"], ids=[f"h{i}" for i in range(N)])
    said = run_failing("compare", evaluations["good"], other, "--common")
    assert "No image is in all" in said and "'h0'" in said and "paired by the column id" in said


def test_rows_without_truth_or_prediction_are_left_out_and_counted(
    evaluations: dict[str, Path], tmp_path: Path
) -> None:
    truth: list[str | None] = [SLUGS[t] for t in TARGETS]
    truth[:4] = [None] * 4
    broken = PROBABILITIES["fair"].copy()
    broken[10] = np.nan
    labels = [SLUGS[k] for k in PROBABILITIES["fair"].argmax(axis=1)]
    gaps = write_predictions(tmp_path / "gaps", broken, truth=truth, label=labels)
    result = galaxtool.compare([gaps, evaluations["good"]], resamples=100, common=True)
    assert result.n == N - 5
    assert "4 without a true class, 1 without a prediction" in result.notes[0]


def test_models_of_different_classes(evaluations: dict[str, Path], tmp_path: Path) -> None:
    """A class that a model does not have has probability 0."""
    two = PROBABILITIES["fair"][:, :2]
    few = write_predictions(tmp_path / "few", two / two.sum(axis=1, keepdims=True), slugs=SLUGS[:2])
    result = galaxtool.compare([evaluations["good"], few], resamples=100, metric=["accuracy", "roc_auc"])
    assert "never predicts edge_on" in result.notes[0]
    values = {(one.name, one.metric): one.value for one in result.scores}
    assert values["few", "accuracy"] == pytest.approx((two.argmax(axis=1) == TARGETS).mean())
    assert values["few", "roc_auc"] < values["good", "roc_auc"]


def test_a_table_of_labels_alone_is_compared_in_what_labels_give(evaluations: dict[str, Path], tmp_path: Path) -> None:
    with (tmp_path / "theirs.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "truth", "label"])
        for i, k in enumerate(PROBABILITIES["poor"].argmax(axis=1)):
            writer.writerow([f"g{i}", SLUGS[TARGETS[i]], SLUGS[k]])
    result = galaxtool.compare([evaluations["good"], f"zoobot={tmp_path / 'theirs.csv'}"], resamples=100)
    assert [*result.evaluations] == ["good", "zoobot"]
    of_labels = {"accuracy", "balanced_accuracy", "f1_macro", "precision_macro"}
    assert {one.metric for one in result.scores} == of_labels
    assert any("roc_auc" in note and "only predicted classes" in note for note in result.notes)
    values = {(one.name, one.metric): one.value for one in result.scores}
    expected = f1_score(TARGETS, PROBABILITIES["poor"].argmax(axis=1), average="macro")
    assert values["zoobot", "f1_macro"] == pytest.approx(expected, abs=1e-6)
    with pytest.raises(InputError, match="only predicted classes"):
        galaxtool.compare([evaluations["good"], tmp_path / "theirs.csv"], metric=["roc_auc"])


def test_the_spread_of_several_seeds(tmp_path: Path) -> None:
    each = {
        name: [make_probabilities(TARGETS, skill, 50 + 10 * k + s) for s in range(3)]
        for k, (name, skill) in enumerate((("new", 2.4), ("old", 1.2)))
    }
    given = [
        f"{name}={write_predictions(tmp_path / f'{name}{s}', values)}"
        for name, own in each.items()
        for s, values in enumerate(own)
    ]
    result = galaxtool.compare(given, resamples=200, metric=["accuracy"])
    for name, own in each.items():
        (score,) = [one for one in result.scores if one.name == name]
        accuracies = [(values.argmax(axis=1) == TARGETS).mean() for values in own]
        assert score.seeds == 3 and score.value == pytest.approx(np.mean(accuracies), abs=1e-6)
        assert score.spread == pytest.approx(np.std(accuracies, ddof=1), rel=1e-4)
        assert (score.lowest, score.highest) == pytest.approx((min(accuracies), max(accuracies)), abs=1e-6)
    (difference,) = result.differences
    assert (difference.test, difference.better, difference.only_first) == ("bootstrap", "new", None)
    code, out, said = run_command("compare", *given, "--resamples", "100", "--metric", "accuracy")
    assert code == 0 and "spread" in out, said
    code, out, said = run_command("compare", *given[:3], "--resamples", "100", "--metric", "accuracy")
    assert code == 0 and "spread" in out and "better" not in out, said


def test_runs_are_compared_on_their_test_images(tmp_path: Path) -> None:
    for name in ("good", "poor"):
        run = tmp_path / name
        run.mkdir()
        np.savez(
            run / "readouts.npz", classes=np.array(SLUGS), targets=TARGETS, linear=PROBABILITIES[name],
            knn=PROBABILITIES["fair"],
        )  # fmt: skip
        with (run / "split.csv").open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["id", "path", "label", "split", "weight"])
            writer.writerow(["x", "x.png", "spiral", "train", 1.0])
            writer.writerows([f"g{i}", "", SLUGS[t], "test", 1.0] for i, t in enumerate(TARGETS))
    good, poor = tmp_path / "good", tmp_path / "poor"
    result = galaxtool.compare([good, poor, f"{poor}:knn"], resamples=100, metric=["accuracy"])
    assert [one.value for one in result.scores] == pytest.approx(
        [(PROBABILITIES[name].argmax(axis=1) == TARGETS).mean() for name in ("good", "poor", "fair")], abs=1e-6
    )
    assert "Did you mean 'knn'?" in run_failing("compare", good, f"{poor}:knm")
    np.savez(poor / "readouts.npz", classes=np.array(SLUGS), targets=TARGETS[:-1], linear=PROBABILITIES["poor"][:-1])
    assert "are not the 300 test images" in run_failing("compare", good, poor)
    (poor / "readouts.npz").unlink()
    said = run_failing("compare", good, poor)
    assert "has not kept" in said and "galaxtool evaluate DATASET --model" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"truth": None}, "no column 'truth' with the true classes"),
        ({"id": None}, "no column 'id'"),
        ({"id": ["same"] * N}, "1 identifier in"),
        ({"truth": ["spiral"] * N}, "another true class in"),
        ({"truth": [None] * N}, "None of the 300 rows of"),
        ({"label": None, **{f"p_{slug}": None for slug in SLUGS}, "p_bulge": None}, "neither probabilities"),
    ],
)
def test_tables_that_cannot_be_compared(
    change: dict[str, Any], said: str, evaluations: dict[str, Path], tmp_path: Path
) -> None:
    bad = write_predictions(tmp_path / "bad", PROBABILITIES["fair"], **change)
    with pytest.raises(galaxtool.GalaxtoolError) as caught:
        galaxtool.compare([evaluations["good"], bad], resamples=100)
    assert said in caught.value.message and caught.value.hint


def test_a_table_without_rows(evaluations: dict[str, Path], tmp_path: Path) -> None:
    table = pq.read_table(evaluations["fair"] / "predictions.parquet").slice(0, 0)
    (tmp_path / "none").mkdir()
    pq.write_table(table, tmp_path / "none" / "predictions.parquet")
    assert "None of the 0 rows" in run_failing("compare", evaluations["good"], tmp_path / "none")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("@good", "comparing needs two"),
        ("@good @good", "is given 2 times"),
        ("@good @fair other=@good/", "is given 2 times"),
        ("@good @fair @good/predictions.parquet", "is given 2 times"),
        ("mean=@several @several/models/a", "models/a' is given 2 times"),
        ("@good nowhere", "There is no evaluation at"),
        ("@good @empty", "neither an evaluation nor a run"),
        ("@good @fair --against goof", "Did you mean 'good'?"),
        ("@good @fair --metric acuracy", "Did you mean 'accuracy'?"),
        ("@good @fair --metric map", "scores of embeddings"),
        ("@good @fair --resamples 3", "too few"),
    ],
)
def test_requests_that_cannot_be_met(given: str, said: str, evaluations: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("good", "fair"):
        shutil.copytree(evaluations[name], tmp_path / "several" / "models" / {"good": "a", "fair": "b"}[name])
    places = {**evaluations, "empty": tmp_path / "empty", "several": tmp_path / "several"}
    named = (re.sub(r"@(\w+)", lambda found: str(places[found[1]]), text) for text in given.split())
    assert said in run_failing("compare", *named)


def test_classes_and_identifiers_that_became_floats_are_whole_numbers_again(tmp_path: Path) -> None:
    slugs = ("1", "2", "3")
    truth = [slugs[t] for t in TARGETS]
    plain = write_predictions(tmp_path / "plain", PROBABILITIES["good"], slugs=slugs, ids=ID_TEXTS, truth=truth)
    lines = ["id,truth,label,p_1,p_2,p_3"]
    for row, (text, values) in enumerate(zip(truth, PROBABILITIES["good"].tolist(), strict=True)):
        true = "nan" if row < 5 else f"{text}.0"  # as pandas writes a column of integers with missing values
        lines.append(f"{row + 1000}.0,{true},{slugs[int(np.argmax(values))]}.0," + ",".join(map(str, values)))
    other = tmp_path / "other.csv"
    other.write_text("\n".join(lines) + "\n")
    result = galaxtool.compare([plain, other], common=True)
    accuracies = [one.value for one in result.scores if one.metric == "accuracy"]
    expected = accuracy_score(TARGETS[5:], PROBABILITIES["good"][5:].argmax(axis=1))
    assert result.n == N - 5 and accuracies == pytest.approx([expected, expected], abs=1e-5)
    assert not any("never predicts" in note for note in result.notes)
    assert len(read_labels(other, "truth", Silent())) == N - 5
    assert read_scored(other, Silent()).classes == slugs


def test_a_perfect_model_and_a_constant_one_have_intervals(evaluations: dict[str, Path], tmp_path: Path) -> None:
    perfect = write_predictions(tmp_path / "perfect", np.eye(3)[TARGETS])
    constant = write_predictions(tmp_path / "constant", np.eye(3)[np.zeros(N, dtype=int)])
    result = galaxtool.compare([evaluations["good"], perfect, constant], metric=["accuracy", "f1_macro"])
    scores = {(one.name, one.metric): one for one in result.scores}
    spirals = int((TARGETS == 0).sum())
    for name, right in (("perfect", N), ("constant", spirals)):
        low, high = binom_conf_interval(right, N, interval="wilson", confidence_level=0.95)
        one = scores[name, "accuracy"]
        assert (one.low, one.high) == (pytest.approx(low, abs=1e-6), pytest.approx(high, abs=1e-6))
    rare = int((TARGETS == 2).sum())
    low, _ = binom_conf_interval(rare, rare, interval="wilson", confidence_level=0.95)
    assert scores["perfect", "f1_macro"].low == pytest.approx(low, abs=1e-6)
    good = scores["good", "accuracy"]
    assert good.low is not None and good.value is not None and good.low < good.value
