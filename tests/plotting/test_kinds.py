"""The kinds of `galaxtool plot`, on run and evaluation directories as they are on the disk."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tomli_w
from matplotlib.figure import Figure
from sklearn.metrics import f1_score
from support.training_helpers import run_command

import galaxtool
from galaxtool.assessment.metrics.classes import Predictions, measure_classes
from galaxtool.errors import GalaxtoolError
from galaxtool.evaluation.calibration_error import expected_calibration_error
from galaxtool.evaluation.cross_fit import CrossFit
from galaxtool.plotting.request import PlotRequest
from galaxtool.plotting.scored import read_scored
from galaxtool.plugins.options import parse_options
from galaxtool.plugins.registry import get_registry
from galaxtool.types import Silent

RGZ = ["1c_1p", "1c_2p", "1c_3p", "2c_2p", "2c_3p", "3c_3p"]


class Notes(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, message: str) -> None:
        self.lines.append(message)


def draw(kind: str, *inputs: Path, options: Sequence[str] = (), log: Notes | None = None, **settings: object) -> Figure:
    """Return the figure of a kind."""
    registered = get_registry().plots.find(kind)
    values = parse_options(kind, registered.spec.options, options)
    texts = tuple(str(path) for path in inputs)
    request = PlotRequest(kind=kind, inputs=texts, options=values, log=log or Notes(), **settings)  # type: ignore[arg-type]
    figure: Figure = registered.create(request)
    return figure


def write_evaluation(folder: Path, classes: Sequence[str], truth: np.ndarray, **columns: object) -> np.ndarray:
    """Write an evaluation directory; return the probabilities."""
    rng = np.random.default_rng(len(classes))
    probabilities = rng.dirichlet(np.ones(len(classes)), size=len(truth))
    probabilities[np.arange(len(truth)), truth] += 0.5
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    scores = {f"p_{slug}": probabilities[:, k] for k, slug in enumerate(classes)}
    folder.mkdir(parents=True)
    table = pa.table({**columns, "truth": [classes[k] for k in truth], **scores})
    pq.write_table(table, folder / "predictions.parquet")
    return probabilities


def write_run(folder: Path, accuracies: Sequence[float], *, score: float, **config: object) -> Path:
    """Write a run directory whose validation loss is the error, with 6 training and 2 test images."""
    folder.mkdir(parents=True)
    rows = [
        {"stage": "one", "epoch": i + 1, "loss": 2.0 - i, "valid_loss": 1 - a, "valid_accuracy": a, "valid_f1_macro": a}
        for i, a in enumerate(accuracies)
    ]
    write_csv(folder / "history.csv", rows)
    n = int(60 * float(str(config.get("fraction", 1))))
    splits = ["train"] * n + ["test"] * 2
    write_csv(folder / "split.csv", [{"id": i, "label": "ab"[i % 2], "split": s} for i, s in enumerate(splits)])
    (folder / "config.toml").write_text(tomli_w.dumps({"finetune": {"method": "supervised", **config}}))
    entry = {"value": score, "low": 0.1, "high": 0.9}
    metrics = {"best_epoch": 2, "f1_macro": entry, "test": {"f1_macro": {**entry, "value": score / 2}}}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    return folder


def write_csv(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with evaluations and runs."""
    place = tmp_path_factory.mktemp("place")
    rng = np.random.default_rng(0)
    truth = rng.integers(6, size=300)
    magnitude = rng.uniform(14, 18, 300)
    magnitude[:3] = np.nan
    write_evaluation(place / "six", RGZ, truth, mag=magnitude, name=["x"] * 300)
    write_evaluation(place / "other" / "six", RGZ, truth, mag=magnitude)
    write_evaluation(place / "peaks", ["1p", "2p", "3p"], rng.integers(3, size=90))
    write_evaluation(place / "single", ["1p", "2p", "3p"], np.zeros(9, int))
    for seed in (0, 1):
        for fraction in (0.5, 1.0):
            accuracies = (0.5, 0.6 + fraction / 5 + seed / 10, 0.55)
            name = f"f{fraction}-{seed}"
            write_run(place / name, accuracies, score=fraction - seed / 10, fraction=fraction, backbone="mini")
    write_run(place / "scratch", (0.2, 0.3), score=0.3, backbone="mini@none")
    return place


def test_one_run_is_drawn_by_stage_and_several_beside_each_other(place: Path) -> None:
    losses, scores = draw("training-curves", place / "f1.0-0").axes
    assert losses.lines[0].get_ydata().tolist() == [2, 1, 0] and losses.lines[-1].get_xdata() == [2, 2]
    losses, scores = draw("training-curves", place / "f1.0-0", place / "scratch", options=["training=true"]).axes
    assert [line.get_ydata().tolist() for line in scores.lines] == [[0.5, 0.8, 0.55], [0.2, 0.3]]
    assert [line.get_label() for line in losses.lines][::2] == ["f1.0-0", "scratch"]


def test_best_accuracy_and_lowest_loss_by_fraction(place: Path) -> None:
    runs = [place / name for name in ("f0.5-0", "f0.5-1", "f1.0-0", "f1.0-1", "scratch")]
    accuracy, loss = draw("data-fraction", *runs).axes
    assert accuracy.lines[0].get_xydata() == pytest.approx(np.array([[50, 0.75], [100, 0.85]]))
    assert loss.lines[0].get_xydata() == pytest.approx(np.array([[50, 0.25], [100, 0.15]]))
    assert accuracy.lines[2].get_ydata()[0] == 0.3 and loss.lines[2].get_ydata()[0] == 0.7
    assert len(draw("data-fraction", *runs[:4]).axes[0].lines) == 2  # no line where nothing began from scratch
    (line,) = draw("data-fraction", *runs[:3], options=[f"scratch={runs[3]}"]).axes[0].lines[2:]
    assert line.get_ydata()[0] == pytest.approx(0.9)


def test_score_by_number_of_training_images(place: Path) -> None:
    runs = [place / name for name in ("f0.5-0", "f0.5-1", "f1.0-0", "f1.0-1")]
    axes = draw("training-size", *runs).axes[0]
    assert axes.get_ylabel() == "macro F1 score (test)"
    assert axes.containers[0].lines[0].get_xydata() == pytest.approx(np.array([[30, 0.225], [60, 0.475]]))
    (bars,) = axes.containers[0].lines[2]
    assert [path.vertices[:, 1].tolist() for path in bars.get_paths()] == [[0.2, 0.25], [0.45, 0.5]]
    axes = draw("training-size", *runs, split="valid", label=("a", "b", "a", "b")).axes[0]
    assert [line.get_label() for line in axes.containers] == ["a", "b"]
    assert axes.containers[0].lines[0].get_ydata().tolist() == [0.5, 1.0]


def test_classes_of_a_run_an_evaluation_and_a_data_set(place: Path, tmp_path: Path) -> None:
    axes = draw("class-counts", place / "f0.5-0").axes[0]
    assert [bar.get_width() for bar in axes.patches] == [15, 15, 1, 1]
    axes = draw("class-counts", place / "six").axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == [slug.replace("_", " ") for slug in RGZ]
    assert sum(bar.get_width() for bar in axes.patches) == 300
    (tmp_path / "own.csv").write_text("path,kind\na.png,ring\nb.png,\nc.png,ring\nd.png,bar\n")
    log = Notes()
    axes = draw("class-counts", tmp_path / "own.csv", truth="kind", options=["order=count"], log=log).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["ring", "bar"]
    assert log.lines == [f"1 row of '{tmp_path / 'own.csv'}' without a true class left out."]


def test_f1_of_coarser_classes_is_that_of_summed_probabilities(place: Path) -> None:
    options = ["relabel=rgz-peaks,rgz-components"]
    figure = draw("class-f1", place / "six", place / "peaks", label=("six", "peaks"), options=options)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["rgz", "rgz-peaks", "rgz-components"]
    table = pq.read_table(place / "six" / "predictions.parquet").to_pydict()
    sums = np.array([np.sum([table[f"p_{s}"] for s in RGZ if s.endswith(peak)], axis=0) for peak in ("1p", "2p", "3p")])
    truth = [int(slug[3]) - 1 for slug in table["truth"]]
    series = {line.get_label(): line.lines[0].get_xdata() for line in figure.axes[1].containers}
    assert list(series) == ["six", "peaks"]
    assert series["six"] == pytest.approx(f1_score(truth, sums.argmax(axis=0), average=None), abs=1e-6)


def test_f1_stands_beside_its_class_whatever_their_order(place: Path, tmp_path: Path) -> None:
    right = {"3p": "3p", "1p": "2p", "2p": "2p"}
    rows = [{"truth": t, **{f"p_{slug}": int(slug == p) for slug in right}} for t, p in right.items()] * 9
    write_csv(tmp_path / "own.csv", rows)
    axes = draw("class-f1", tmp_path / "own.csv", place / "six", options=["relabel=rgz-peaks"]).axes[0]
    names = [text.get_text().split()[1] for text in axes.get_yticklabels()]
    assert dict(zip(names, axes.containers[0].lines[0].get_xdata(), strict=True)) == {
        "one": 0, "two": pytest.approx(2 / 3, abs=1e-6), "three": 1
    }  # fmt: skip


@pytest.mark.slow
def test_f1_has_the_intervals_of_evaluate(place: Path) -> None:
    scored = read_scored(place / "peaks", Notes())
    predictions = Predictions(scored.classes, scored.targets, scored.probabilities, scored.probabilities)
    told = measure_classes(predictions, seed=0, progress=Silent())["classes"]
    (container,) = draw("class-f1", place / "peaks").axes[0].containers
    assert container.lines[0].get_xdata().tolist() == [told[slug]["f1"]["value"] for slug in scored.classes]
    ends = [path.vertices[:, 0].tolist() for path in container.lines[2][0].get_paths()]
    assert ends == [pytest.approx([told[slug]["f1"]["low"], told[slug]["f1"]["high"]]) for slug in scored.classes]


def test_f1_of_several_seeds_is_their_mean(place: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    for seed in (0, 1):
        write_evaluation(tmp_path / f"s{seed}", ["1p", "2p", "3p"], rng.integers(3, size=60))
    seeds = [tmp_path / "s0", tmp_path / "s1"]
    one, two, both = (
        draw("class-f1", *inputs, label=("new",) * len(inputs)).axes[0].containers
        for inputs in (seeds[:1], seeds[1:], seeds)
    )
    assert len(both) == 1 and both[0].get_label() == "new"
    values = [series[0].lines[0].get_xdata() for series in (one, two, both)]
    assert not np.allclose(values[0], values[1]) and values[2] == pytest.approx((values[0] + values[1]) / 2)


def test_the_reliability_of_a_cross_fitted_evaluation_is_cross_fitted(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "peaks", tmp_path / "peaks")
    cross_fit = CrossFit(2.0, (1.0, 0.5, 1.5))
    calibration = {"cross_fitted": True, **cross_fit.as_dict()}
    (tmp_path / "peaks" / "metrics.json").write_text(json.dumps({"calibration": calibration}))
    scored = read_scored(place / "peaks", Notes())
    held_out = cross_fit.recalibrate(scored.probabilities, scored.targets)
    inputs = (place / "peaks", tmp_path / "peaks")
    texts = draw("reliability", *inputs, label=("plain", "run")).axes[0].get_legend().get_texts()
    plain, fitted = (expected_calibration_error(values, scored.targets) for values in (scored.probabilities, held_out))
    assert abs(plain - fitted) > 0.002
    assert [text.get_text() for text in texts] == [f"plain, ECE {plain:.3f}", f"run, ECE {fitted:.3f}, cross-fitted"]


def test_inputs_of_the_same_name_are_told_apart(place: Path) -> None:
    upper = draw("reliability", place / "six", place / "other" / "six").axes[0]
    labels = [text.get_text() for text in upper.get_legend().get_texts()]
    assert [label.rpartition(",")[0] for label in labels] == [str(place / "six"), str(place / "other" / "six")]


def test_rows_without_a_value_or_beyond_the_range_are_left_out(place: Path) -> None:
    log = Notes()
    _, lower = draw("accuracy-by", place / "six", by="mag", options=["range=14:16", "bins=3"], log=log).axes
    table = pq.read_table(place / "six" / "predictions.parquet").to_pydict()
    magnitudes = np.array(table["mag"], dtype=float)
    n = int(((magnitudes >= 14) & (magnitudes <= 16)).sum())
    assert log.lines == [f"{300 - n} rows of '{place / 'six'}' left out: 'mag' is unknown or out of range."]
    assert lower.containers[0].lines[0].get_xdata()[-1] <= 16


@pytest.mark.parametrize("kind", ["roc", "precision-recall", "reliability", "class-f1", "confusion"])
def test_a_run_with_readouts_is_an_evaluation_of_its_test_split(kind: str, place: Path, tmp_path: Path) -> None:
    table = pq.read_table(place / "peaks" / "predictions.parquet").to_pydict()
    scores = np.array([table[f"p_{slug}"] for slug in ("1p", "2p", "3p")], dtype=np.float32).T
    targets = np.array([int(slug[0]) - 1 for slug in table["truth"]])
    classes = np.array(["1p", "2p", "3p"])
    np.savez(tmp_path / "readouts.npz", classes=classes, targets=targets, prompt=scores[:, ::-1], both=scores)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.json").write_text(json.dumps({"method": {"score": "both"}}))
    assert describe(draw(kind, tmp_path, label=("x",))) == describe(draw(kind, place / "peaks", label=("x",)))


def describe(figure: Figure) -> list[object]:
    """Return what the panels of a figure show."""
    return [
        [np.round(line.get_xydata(), 5).tolist() for line in axes.lines] + [text.get_text() for text in axes.texts]
        for axes in figure.axes
    ]


@pytest.mark.parametrize(
    ("kind", "inputs", "settings", "message"),
    [
        ("training-curves", ("six",), {}, "'{place}/six' is not a run"),
        ("training-curves", ("nothing",), {}, "nothing at '{place}/nothing'"),
        ("training-curves", (), {}, "'training-curves' draws runs, and none is given"),
        ("data-fraction", ("scratch",), {"options": ["scratch={place}/scratch"]}, "drawn as the line from scratch"),
        ("training-size", ("scratch",), {"options": ["score=f1_marco"]}, "Did you mean 'f1_macro'"),
        ("training-size", ("scratch",), {"split": "train"}, "--split is 'train'"),
        ("roc", ("single",), {}, "All images of '{place}/single' are of one class, '1p'"),
        ("roc", ("scratch",), {}, "The run '{place}/scratch' has no predictions of images with a true class"),
        ("roc", (), {}, "'roc' draws evaluations, and none is given"),
        ("roc", ("six", "peaks"), {"label": ("a", "a")}, "--label 'a' is given 2 times, and 'roc' draws each input"),
        ("accuracy-by", ("six",), {}, "'accuracy-by' needs the column to divide by"),
        ("accuracy-by", ("six",), {"by": "magn"}, "Did you mean 'mag'?"),
        ("accuracy-by", ("six",), {"by": "name"}, "The column 'name' of '{place}/six' is not numeric"),
        ("accuracy-by", ("six",), {"by": "mag", "options": ["range=18:14"]}, "range=18:14 is not a range"),
        ("accuracy-by", ("six",), {"by": "mag", "options": ["range=1:2"]}, "No row of '{place}/six' has a value"),
        ("accuracy-by", ("six",), {"by": "mag", "options": ["bins=0"]}, "it must be from 1 to 100"),
        ("class-f1", ("six",), {"options": ["relabel=gz1-coarse"]}, "counterpart in the taxonomy 'gz1-coarse'"),
        ("class-f1", ("six",), {"options": ["relabel=rgz-peak"]}, "Did you mean 'rgz-peaks'?"),
        ("class-counts", ("six/predictions.parquet",), {"truth": "nam"}, "Did you mean 'name'?"),
    ],
)
def test_what_cannot_be_drawn(
    kind: str, inputs: Sequence[str], settings: dict[str, object], message: str, place: Path
) -> None:
    if "options" in settings:
        settings = {**settings, "options": [str(text).format(place=place) for text in settings["options"]]}  # type: ignore[attr-defined]
    with pytest.raises(GalaxtoolError) as caught:
        draw(kind, *(place / name for name in inputs), **settings)  # type: ignore[arg-type]
    assert message.format(place=place) in caught.value.message
    assert caught.value.hint or "Did you mean" in caught.value.message


def test_a_run_without_history_or_with_an_empty_one(place: Path, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[finetune]\n")
    code, _, err = run_command("plot", "training-curves", tmp_path)
    assert code == 1 and "has no history: there is no history.csv" in err
    (tmp_path / "history.csv").write_text("stage,epoch,loss\n")
    with pytest.raises(galaxtool.InputError, match="has no epoch yet"):
        draw("training-curves", tmp_path)
    (tmp_path / "history.csv").write_text("stage,epoch,loss\none,1,0.5\n")
    with pytest.raises(galaxtool.InputError, match="no column 'valid_accuracy'"):
        draw("training-curves", tmp_path, place / "scratch")
    with pytest.raises(galaxtool.InputError, match="there is no metrics") as caught:
        draw("training-size", tmp_path)
    assert "--resume" in caught.value.hint


DAMAGED = {
    "text.csv": b"p_a,p_b,truth\n0.5,0.5,a\nx,0.3,b\n",
    "cut.parquet": b"PAR1\x00\x01",
    "run/history.csv": b"\xff\xfe\x00stage",
    "run/metrics.json": b"{",
    "run/readouts.npz": b"PK\x03\x04",
}
"""Name of a file -> its content, which is not what it should be."""


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("confusion", "text.csv", "The column 'p_a' of '{path}' is not numeric."),
        ("confusion", "cut.parquet", "The table '{path}' cannot be read"),
        ("roc", "run", "'{path}/readouts.npz' is damaged."),
        ("training-curves", "run", "'{path}/history.csv' is damaged."),
        ("training-size", "run", "The scores '{path}/metrics.json' are damaged."),
    ],
)
def test_damaged_files(kind: str, name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    for file, content in DAMAGED.items():
        (tmp_path / file).write_bytes(content)
    with pytest.raises(GalaxtoolError) as caught:
        draw(kind, tmp_path / name)
    assert message.format(path=tmp_path / name) in caught.value.message


@pytest.mark.parametrize("kind", ["confusion", "reliability", "class-f1", "class-counts"])
def test_a_single_image_of_a_single_class(kind: str, tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("p_a,truth\n1,a\n")
    assert draw(kind, tmp_path / "one.csv").axes


@pytest.mark.slow
def test_every_kind_draws_one_and_two_columns_wide(place: Path) -> None:
    runs, six = (place / "f1.0-0", place / "scratch"), (place / "six",)
    inputs = {"training-curves": runs, "data-fraction": runs, "training-size": runs}
    others = ("class-counts", "confusion", "class-f1", "reliability", "roc", "precision-recall", "accuracy-by")
    for kind in (*inputs, *others):
        for columns, width in ((1, 3.4), (2, 7.0)):
            by = "mag" if kind == "accuracy-by" else None
            figure = draw(kind, *inputs.get(kind, six), by=by, columns=columns)
            assert figure.get_figwidth() == width and 0.5 < figure.get_figheight() < 9, kind
