"""``galaxtool evaluate``: the files that it writes, and what it refuses."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from PIL import Image
from safetensors.numpy import load_file, save_file
from sklearn import metrics as sk
from support import evaluated
from support.helpers import SLUGS

import galaxtool
from galaxtool.assessment.measure import measure_retrieval_alone
from galaxtool.assessment.metrics.by_column import read_numbers, tabulate_by_column
from galaxtool.assessment.report import write_page
from galaxtool.assessment.score_rows import format_rows, list_tables
from galaxtool.assessment.scores_job import DatasetScores
from galaxtool.assessment.truth import Truth
from galaxtool.errors import GalaxtoolError, OutputExists
from galaxtool.tables.read import read_table
from galaxtool.types import Silent
from galaxtool.vision.perturb import LEVELS

model, images = evaluated.model, evaluated.images

PER_CLASS = 4


@pytest.fixture(scope="module")
def evaluation(model: Path, images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("out") / "evaluation"
    galaxtool.evaluate(images, model=model, output=output, by=["mag"], figures=False)
    return output


def read_metrics(folder: Path) -> dict[str, object]:
    return json.loads((folder / "metrics.json").read_text())


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def read_scored(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the probabilities and the classes of the labelled images that have both."""
    table = read_table(folder / "predictions.parquet")
    truth = np.ma.filled(table["truth"], "")
    known = (truth != "") & (np.ma.filled(table["error"], "") == "")
    probabilities = np.array([np.ma.filled(table[f"p_{slug}"], np.nan)[known] for slug in SLUGS]).T
    return probabilities, np.array([SLUGS.index(slug) for slug in truth[known]])


def test_the_table_is_that_of_classify_with_the_truth(evaluation: Path, model: Path, images: Path) -> None:
    galaxtool.classify([images / "labels.csv"], model=model, output=evaluation.parent / "p.parquet", overwrite=True)
    table, classified = read_table(evaluation / "predictions.parquet"), read_table(evaluation.parent / "p.parquet")
    ours = table.colnames[table.colnames.index("label") :]
    assert [name for name in ours if name.startswith("p_")] == [f"p_{slug}" for slug in SLUGS]
    assert table["truth"].tolist()[: 3 * PER_CLASS] == list(SLUGS) * PER_CLASS
    assert table["truth"].mask.tolist() == [False] * 12 + [True, False]
    assert set(table["in_truth"]) == {"x"} and table["mag"][3] == 18
    assert table["label"].tolist() == classified["label"].tolist()
    for slug in SLUGS:
        np.testing.assert_allclose(table[f"p_{slug}"].filled(-1), classified[f"p_{slug}"].filled(-1), atol=1e-6)
    assert all(Path(path).is_absolute() and Path(path).exists() for path in table["path"])
    assert table["error"][-1].startswith("'") and not any(table["error"][:-1])


def test_embeddings_are_those_of_embed(evaluation: Path, model: Path, images: Path) -> None:
    galaxtool.embed([images / "labels.csv"], model=model, output=evaluation.parent / "e.parquet", overwrite=True)
    ours, theirs = (
        pq.read_table(path) for path in (evaluation / "embeddings.parquet", evaluation.parent / "e.parquet")
    )
    assert ours.schema.equals(theirs.schema)
    assert ours["id"].to_pylist() == theirs["id"].to_pylist()
    np.testing.assert_allclose(
        *(np.stack(table["embedding"].to_numpy()) for table in (ours, theirs)), atol=1e-6
    )  # fmt: skip
    meta = [json.loads(table.schema.metadata[b"galaxtool"]) for table in (ours, theirs)]
    assert meta[0] == meta[1]


def test_accuracy_and_f1_are_those_of_scikit_learn(evaluation: Path) -> None:
    probabilities, targets = read_scored(evaluation)
    found = read_metrics(evaluation)
    predicted = probabilities.argmax(axis=1)
    assert found["n"] == len(targets) == 3 * PER_CLASS
    expected = {
        "accuracy": sk.accuracy_score(targets, predicted),
        "f1_macro": sk.f1_score(targets, predicted, average="macro"),
        "roc_auc": sk.roc_auc_score(targets, probabilities, multi_class="ovr"),
    }
    for name, value in expected.items():
        assert found[name]["value"] == pytest.approx(value, abs=1e-6)
        assert found[name]["low"] <= value <= found[name]["high"]


def test_the_manifest_says_what_was_scored(evaluation: Path, model: Path, images: Path) -> None:
    manifest = json.loads((evaluation / "manifest.json").read_text())
    assert manifest["command"] == "evaluate" and manifest["status"] == "done"
    assert manifest["config"]["model"]["value"] == str(model)
    assert set(manifest["outputs"]) >= {"metrics.json", "predictions.parquet", "embeddings.parquet"}
    with pytest.raises(OutputExists):
        galaxtool.evaluate(images, model=model, output=evaluation)


@pytest.mark.parametrize(
    ("rows", "options", "message", "hint"),
    [
        ("0.fits,spiral\n1.fits,spiral\n2.fits,bar", {}, "2 labels are not classes of the model.*'spiral' (2 images)",
         "Give a model of these classes"),
        ("0.fits,FRI\n1.fits,FRII\n2.fits,bent", {}, "3 labels are not classes of the model.*'FRI' (1 image)",
         "Give a model of these classes, such as --model mini-radio."),
        ("0.fits,spiral\n1.fits,merging\n2.fits,x", {}, "2 labels are not classes of the model.*'x' (1 image)",
         "--where"),
        ("0.fits,spiral\n1.fits,elliptical\n2.fits,spiral", {}, "labels are not classes", "--coarse gz1-coarse"),
        ("0.fits,merging\n1.fits,merging", {}, "All 2 images with a label are of one class, 'merging'", "--where"),
        ("0.fits,merging\n1.fits,round_smooth", {"split": "test"}, "None of the 2 images of .* is in the split 'test'",
         "no splits"),
        ("0.fits,merging\n1.fits,round_smooth", {"split": "tset"}, "--split is 'tset'", ""),
    ],
)  # fmt: skip
def test_what_cannot_be_scored_is_refused(
    rows: str, options: dict[str, str], message: str, hint: str, model: Path, images: Path, tmp_path: Path
) -> None:
    lines = [str(images / line) for line in rows.splitlines()]
    (tmp_path / "labels.csv").write_text("\n".join(["path,label", *lines]) + "\n")
    with pytest.raises(GalaxtoolError) as caught:
        galaxtool.evaluate(tmp_path, model=model, output=tmp_path / "out", **options)
    assert all(part in caught.value.message for part in message.split(".*"))
    assert hint in caught.value.hint
    assert not (tmp_path / "out").exists()


def test_tables_and_report_show_the_metrics(evaluation: Path) -> None:
    scores = {row["score"]: row for row in read_csv(evaluation / "tables" / "scores.csv")}
    metrics = read_metrics(evaluation)
    assert float(scores["accuracy"]["low"]) == metrics["accuracy"]["low"]
    assert {"accuracy", "f1_macro", "roc_auc", "ece", "brier", "map_at_5", "map"} <= set(scores)
    counts = [list(row.values())[1:] for row in read_csv(evaluation / "tables" / "confusion.csv")]
    probabilities, targets = read_scored(evaluation)
    expected = sk.confusion_matrix(targets, probabilities.argmax(axis=1), labels=range(3))
    assert [list(map(int, row)) for row in counts] == expected.tolist()
    page = (evaluation / "report.html").read_text()
    assert f"{metrics['accuracy']['value']:.3f}" in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page), "the page needs no other file"
    assert not (evaluation / "figures").exists()


def test_the_report_says_that_queries_were_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    truth = Truth(("a", "b"), np.arange(40) % 2)
    for most, text in ((30, "30 of the 40 images with a label and a prediction, drawn"), (40, "the 40 images with")):
        monkeypatch.setattr("galaxtool.assessment.measure.MOST_QUERIES", most)
        scores = DatasetScores(None, vectors, None, vectors[:, :0])  # type: ignore[arg-type]
        found = measure_retrieval_alone(truth, scores, seed=0, progress=Silent())
        assert found["n"] == 40 and found["retrieval"]["queries"].startswith(text)


def test_a_class_may_be_called_low() -> None:
    confusion = {"classes": ["low", "high", "value"], "counts": [[3, 1, 0], [0, 2, 5], [1, 1, 1]]}
    (table,) = list_tables({"confusion": confusion})
    columns, rows = format_rows(table)
    assert columns == ("true class", "low", "high", "value")
    assert [list(row.values())[1:] for row in rows] == [["3", "1", "0"], ["0", "2", "5"], ["1", "1", "1"]]


def test_numbers_in_place_of_missing_values_are_tabulated_apart() -> None:
    table = Table({"mag": np.array([-99.0, *np.linspace(14, 18, 19)])})
    found = tabulate_by_column(read_numbers(table, "mag"), np.zeros(20, int), np.zeros(20, int))
    assert found["missing"]["n"] == 1 and (found["bins"][0]["low"], found["bins"][-1]["high"]) == (14, 18)


def test_columns_whose_names_differ_in_case_are_told_apart() -> None:
    table = Table({"g": [1.0, 2.0], "G": [3.0, 4.0], "Mag": [5.0, 6.0]})
    values = {name: read_numbers(table, name).tolist() for name in ("g", "G", "mag")}
    assert values == {"g": [1.0, 2.0], "G": [3.0, 4.0], "mag": [5.0, 6.0]}


def test_the_page_says_how_many_rows_of_a_long_table_it_shows(tmp_path: Path) -> None:
    classes = {f"c{number}": {"n": 1, "n_predicted": 1} for number in range(70)}
    metrics = {"model": "m", "dataset": "d", "split": "all", "n": 70, "classes": classes}
    write_page(tmp_path / "page.html", metrics, list_tables(metrics), [], notes=[], settings={})
    text = (tmp_path / "page.html").read_text()
    assert "The first 60 of 70 rows; tables/ has all of them." in text and ">c59<" in text and ">c60<" not in text


def test_accuracy_by_a_column_has_counts(evaluation: Path, model: Path, images: Path, tmp_path: Path) -> None:
    found = read_metrics(evaluation)["by"]["mag"]["bins"]
    table = read_table(evaluation / "predictions.parquet")[: 3 * PER_CLASS]
    assert sum(one["n"] for one in found) == 3 * PER_CLASS
    for one in found:
        own = (table["mag"] >= one["low"]) & (table["mag"] <= one["high"])
        right = (table["label"] == table["truth"])[own]
        assert (one["n"], one["accuracy"]["value"]) == (own.sum(), pytest.approx(right.mean(), abs=1e-6))
    for column, message in (("magn", "Did you mean 'mag'?"), ("truth", "is not numeric ('x', ...)")):
        with pytest.raises(GalaxtoolError) as caught:
            galaxtool.evaluate(images, model=model, output=tmp_path / "no", by=[column])
        assert message in caught.value.message and "mag" in caught.value.hint + caught.value.message


def test_coarser_terms_sum_the_probabilities(model: Path, images: Path, tmp_path: Path) -> None:
    found = galaxtool.evaluate(images, model=model, output=tmp_path / "coarse", coarse="gz1-coarse", figures=False)
    table = read_table(tmp_path / "coarse" / "predictions.parquet")
    parents = {"merging": "merger", "round_smooth": "elliptical", "barred_spiral": "spiral"}
    assert table["truth"].tolist()[:3] == list(parents.values())
    assert set(found.metrics["classes"]) == set(parents.values())
    assert found.metrics["n"] == 3 * PER_CLASS


def test_another_prior_and_several_views_are_those_of_classify(model: Path, images: Path, tmp_path: Path) -> None:
    shutil.copytree(model, tmp_path / "model")
    record = json.loads((model / "model.json").read_text())
    prior = dict(zip(SLUGS, (0.1, 0.6, 0.3), strict=True))
    changed = {**record, "prior": prior, "scores_prior": "training"}
    (tmp_path / "model" / "model.json").write_text(json.dumps(changed))
    options = {"model": tmp_path / "model", "prior": "uniform", "tta": 4}
    expected = galaxtool.classify([images / "labels.csv"], output=tmp_path / "p.parquet", **options).table
    found = galaxtool.evaluate(images, output=tmp_path / "out", figures=False, **options)
    table = read_table(tmp_path / "out" / "predictions.parquet")
    plain = galaxtool.classify([images / "labels.csv"], output=tmp_path / "q.parquet", model=model).table
    for slug in SLUGS:
        np.testing.assert_allclose(table[f"p_{slug}"].filled(-1), expected[f"p_{slug}"].filled(-1), atol=1e-6)
    assert not np.allclose(table[f"p_{SLUGS[0]}"].filled(-1), plain[f"p_{SLUGS[0]}"].filled(-1), atol=1e-3)
    probabilities, targets = read_scored(tmp_path / "out")
    loss = sk.log_loss(targets, probabilities, labels=range(3))
    assert found.metrics["cross_entropy"]["value"] == pytest.approx(loss, abs=1e-5)
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Class frequencies" in page and "Views" in page


@pytest.mark.slow
def test_perturbed_images_are_scored_and_figures_drawn(model: Path, images: Path, tmp_path: Path) -> None:
    with pytest.raises(GalaxtoolError, match="'blur'"):
        galaxtool.evaluate(images, model=model, output=tmp_path / "no", perturb=["blur"])
    output = tmp_path / "out"
    found = galaxtool.evaluate(images, model=model, output=output, perturb=["crop,rotation"], by=["mag"]).metrics
    assert found["robustness"]["n"] == found["n"]
    curves = found["robustness"]["curves"]
    assert {kind: [one["level"] for one in rows] for kind, rows in curves.items()} == {
        "crop": [1.0, *LEVELS["crop"]],
        "rotation": [0.0, *LEVELS["rotation"]],
    }
    for rows in curves.values():
        assert rows[0]["meaning"] == "unchanged"
        assert rows[0]["accuracy"]["value"] == found["accuracy"]["value"]
    assert not (output / "perturbed").exists()
    kinds = {"confusion", "class-f1", "roc", "precision-recall", "reliability", "accuracy-by-mag", "robustness"}
    assert {path.name for path in (output / "figures").iterdir()} == {
        f"{kind}{suffix}" for kind in kinds for suffix in (".png", ".pdf")
    }
    assert (output / "report.html").read_text().count("data:image/png;base64") == len(kinds)
    drawn = galaxtool.plot("robustness", output, output=tmp_path / "robustness.png").output
    with Image.open(drawn) as picture:
        assert picture.width == 1020


def test_a_model_without_classes_is_scored_by_retrieval(model: Path, images: Path, tmp_path: Path) -> None:
    shutil.copytree(model, tmp_path / "model")
    record = json.loads((model / "model.json").read_text())
    (tmp_path / "model" / "model.json").write_text(json.dumps({**record, "head": "none"}))
    weights = load_file(model / "weights.safetensors")
    kept = {name: array for name, array in weights.items() if not name.startswith("head.")}
    save_file(kept, tmp_path / "model" / "weights.safetensors")
    for option, value in (("coarse", "gz1-coarse"), ("by", ["mag"]), ("perturb", ["noise"]), ("prior", "uniform")):
        with pytest.raises(GalaxtoolError, match=f"has no classes, and --{option} needs probabilities of classes"):
            galaxtool.evaluate(images, model=tmp_path / "model", output=tmp_path / "no", **{option: value})
    found = galaxtool.evaluate(images, model=tmp_path / "model", output=tmp_path / "out")
    assert set(found.metrics) >= {"n", "map", "map_at_5", "retrieval"} and "accuracy" not in found.metrics
    assert "only retrieval is scored" in found.notes[0]
    table = read_table(tmp_path / "out" / "predictions.parquet")
    assert table["label"].mask.all() and [name for name in table.colnames if name.startswith("p_")] == ["p_value"]
    assert table["truth"].tolist()[:3] == list(SLUGS)
    embeddings = np.stack(pq.read_table(tmp_path / "out" / "embeddings.parquet")["embedding"].to_numpy())[:12]
    order = np.argsort(-embeddings @ embeddings.T, axis=1)[:, 1:]
    hits = [[(j % 3) == (i % 3) for j in row] for i, row in enumerate(order)]
    expected = np.mean([sk.average_precision_score(row, -np.arange(11)) for row in hits])
    assert found.metrics["map"]["value"] == pytest.approx(expected, abs=1e-6)
    assert set(found.metrics["retrieval"]) >= {"cosine", "dot_product"}
