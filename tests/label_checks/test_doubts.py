"""``galaxtool doubts``: flipped labels and copies are found, and what it refuses."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from support.helpers import make_model, write_png

import galaxtool
from galaxtool.cli.main import application
from galaxtool.datasets.splits.leaks import Leaks, find_leaks
from galaxtool.errors import ConfigError, InputError, OutputExists
from galaxtool.label_checks.confident import compute_thresholds, count_confident_joint, find_wrong_labels
from galaxtool.label_checks.duplicates import SIDE, find_alike, find_duplicates
from galaxtool.label_checks.folds import cross_validate, draw_folds
from galaxtool.tables.read import read_table
from galaxtool.types import Item, Silent


def make_probabilities(seed: int, count: int = 300, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, count - classes)])
    logits = rng.normal(0, 1.5, (count, classes)) + 2 * np.eye(classes)[labels]
    values = np.exp(logits)
    return labels, values / values.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_confident_joint_is_that_of_the_paper_written_out(seed: int) -> None:
    labels, probabilities = make_probabilities(seed)
    thresholds = []
    for k in range(4):
        own = [probabilities[i, k] for i in range(300) if labels[i] == k]
        thresholds.append(sum(own) / len(own))
    joint = [[0] * 4 for _ in range(4)]
    for i in range(300):
        confident = [k for k in range(4) if probabilities[i, k] >= thresholds[k]]
        if confident:
            joint[labels[i]][max(confident, key=lambda k: probabilities[i, k])] += 1
    np.testing.assert_allclose(compute_thresholds(labels, probabilities), thresholds)
    assert count_confident_joint(labels, probabilities).tolist() == joint
    wrong = sum(joint[i][j] for i in range(4) for j in range(4) if i != j)
    least = sorted(range(300), key=lambda i: probabilities[i, labels[i]])[:wrong]
    expected = [i for i in least if probabilities[i].argmax() != labels[i]]
    assert find_wrong_labels(labels, probabilities).tolist() == expected and expected


def test_labels_that_are_right_are_not_doubted() -> None:
    labels = np.array([0, 0, 1, 1])
    assert find_wrong_labels(labels, np.eye(2)[labels] * 0.8 + 0.1).tolist() == []


def test_probabilities_are_those_of_models_that_have_not_seen_the_image() -> None:
    rng = np.random.default_rng(0)
    targets = np.repeat([0, 1, 2], 20)
    x = rng.normal(size=(60, 5)) + 2 * targets[:, None]
    folds = np.arange(60) % 4
    found = cross_validate(x, targets, folds, Silent())
    for fold in range(4):
        seen = folds != fold
        scale = StandardScaler().fit(x[seen])
        model = LogisticRegression(C=0.01, max_iter=1000).fit(scale.transform(x[seen]), targets[seen])
        np.testing.assert_allclose(found[~seen], model.predict_proba(scale.transform(x[~seen])), rtol=1e-6)
    alone = np.where(targets == 2, 0, folds)  # a class within one fold
    assert np.isnan(cross_validate(x, targets, alone, Silent())[targets == 2]).all()


def make_leaks(ra: np.ndarray, separation: float = 60.0) -> Leaks:
    return find_leaks([Item(id=str(i), ra=x, dec=0.0) for i, x in enumerate(ra.tolist())], separation_arcsec=separation)


def test_neighbors_are_in_one_fold() -> None:
    pairs = [(i, i + 1) for i in range(0, 40, 2)]
    ra = np.repeat(np.arange(20.0), 2) + np.tile([0, 50 / 3600], 20)
    folds = draw_folds(make_leaks(ra), np.arange(40) // 2 % 2, 5, 60.0, 0)
    assert all(folds[a] == folds[b] for a, b in pairs)
    assert np.bincount(folds).tolist() == [8] * 5
    with pytest.raises(InputError, match="form 1 group of neighbours"):
        draw_folds(make_leaks(np.zeros(8)), np.arange(8) % 2, 2, 60.0, 0)


def test_images_at_one_position_with_different_labels() -> None:
    blank = np.zeros((4, SIDE, SIDE), np.uint8)
    ra = np.array([0.0, 0.0, 0.5 / 3600, 1.4 / 3600])
    found = find_duplicates(make_leaks(ra), np.array([0, 1, 1, 0]), blank)
    assert [(one.first, one.second) for one in found] == [(0, 1), (0, 2), (2, 3)]
    assert {one.kind for one in found} == {"at the position"}


def test_many_copies_with_different_labels_are_each_listed_once() -> None:
    n = 2000
    targets = np.arange(n) % 2
    copies = np.stack([np.zeros(n - 1, int), np.arange(1, n)], axis=1)
    leaks = replace(make_leaks(np.arange(n) / 60), copies=copies)
    found = find_duplicates(leaks, targets, np.zeros((n, SIDE, SIDE), np.uint8))
    assert len(found) < n and {row for one in found for row in (one.first, one.second)} == set(range(n))


def test_turned_and_compressed_copies_are_alike() -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[-32:32, -32:32]
    galaxy = 200 * np.exp(-np.hypot(x, y) / 4)
    pictures = np.clip(galaxy + 20 + rng.normal(0, 6, (12, 64, 64)), 0, 255)
    pictures[5] = np.rot90(pictures[1], 3)
    pictures[7] = np.clip(0.7 * pictures[2].T + rng.normal(0, 2, (64, 64)), 0, 255)
    pictures[9] = pictures[10] = 0
    assert find_alike(pictures.astype(np.uint8)).tolist() == [[1, 5], [2, 7]]


# --- the command -----------------------------------------------------------------------------------------------------


def write_galaxy(path: Path, seed: int, color: int) -> None:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-20:20, -20:20]
    blob = np.exp(-np.hypot(x, y) / rng.uniform(5, 7))[..., None] * 180
    pixels = np.roll([1.0, 0.5, 0.2], color) * blob + 20 + rng.normal(0, 6, (40, 40, 1))
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Blobs of two colours, with a wrong label, a copy with the other label, an unlabelled and a damaged image."""
    folder = tmp_path_factory.mktemp("blobs")
    rows = []
    for i in range(40):
        write_galaxy(folder / f"g{i:02d}.png", i, i % 2)
        rows.append({"path": f"g{i:02d}.png", "label": "blue" if (i % 2) != (i == 6) else "red"})
    shutil.copy(folder / "g01.png", folder / "copy.png")
    rows.append({"path": "copy.png", "label": "red"})
    write_png(folder / "free.png", 0)
    (folder / "damaged.png").write_bytes(b"no")
    rows += [{"path": "free.png", "label": ""}, {"path": "damaged.png", "label": "red"}]
    with (folder / "labels.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, ("path", "label"))
        writer.writeheader()
        writer.writerows(rows)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


def test_a_wrong_label_and_a_copy_are_found(
    folder: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    output, page = tmp_path / "doubts.csv", tmp_path / "doubts.html"
    arguments = ["doubts", str(folder), "-o", str(output), "--html", str(page), "--model", str(model)]
    with pytest.raises(SystemExit) as exit_:
        application()([*arguments, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert not exit_.value.code
    assert (found["count"], found["unlabeled"], found["unreadable"]) == (41, 1, 1)
    table = read_table(output)
    assert table.colnames == ["id", "path", "label", "suggested", "p_blue", "p_red", "reason"]
    rows = {str(row["id"]): row for row in table}
    assert str(rows["g06"]["label"]) == "blue" and str(rows["g06"]["suggested"]) == "red"
    assert rows["g06"]["p_red"] > 0.5 and "for red" in str(rows["g06"]["reason"])
    np.testing.assert_allclose(np.asarray(table["p_red"]) + np.asarray(table["p_blue"]), 1, rtol=1e-6)
    assert "copy of the file of copy, labelled red" in str(rows["g01"]["reason"])
    assert found["duplicates"] == 1 and found["rows"] == len(table)
    text = page.read_text()
    both = sum(";" in str(row["reason"]) for row in table)  # such an image is shown twice
    assert text.count("data:image/jpeg") == len(table) + both and "The same object with different labels" in text
    assert "in the table only" not in text
    monkeypatch.setattr("galaxtool.label_checks.doubt_table._MOST_PAIRS", 0)
    galaxtool.doubts(folder, output=output, html=page, model=model)
    assert "1 further pair in the table only" in page.read_text()


def test_embeddings_are_kept_until_the_table_is_written(
    folder: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stop(Silent):
        def start(self, what: str, total: int | None = None) -> None:
            if what == "Writing":
                raise KeyboardInterrupt

    def refuses(*_: object) -> None:
        raise AssertionError("an image is embedded again")

    options = {"output": tmp_path / "d.csv", "model": model}
    with pytest.raises(KeyboardInterrupt) as caught:
        galaxtool.doubts(folder, **options, progress=Stop())
    assert "resume=True" in caught.value.__notes__[0]
    monkeypatch.setattr("galaxtool.label_checks.embedding._make_scorer", refuses)
    galaxtool.doubts(folder, **options, resume=True)
    assert [path.name for path in tmp_path.iterdir()] == ["d.csv"]


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("label = 'red' or label is null", "All 2[0-9] labels are 'red'"),
        ("label is null", "None of the 1 images of .* has a label"),
        ("label = 'red' or path like '%g03.png'", r"This class has fewer images than the 5 folds: 'blue' \(1\)"),
    ],
)
def test_labels_that_cannot_be_checked(folder: Path, model: Path, where: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        galaxtool.doubts(folder, output=tmp_path / "d.csv", model=model, where=where)
    assert not (tmp_path / "d.csv").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"folds": 1}, "--folds"), ({"separation": -1.0}, "--separation"), ({"seed": -1}, "--seed")],
)
def test_options_that_cannot_be_used(folder: Path, options: dict[str, float], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        galaxtool.doubts(folder, output=tmp_path / "d.csv", **options)


@pytest.mark.parametrize(("dataset", "what"), [("labels.csv", "the input"), ("", "the table of labels of the input")])
def test_the_labels_themselves_are_not_overwritten(dataset: str, what: str, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("path,label\na.png,ring\n")
    for outputs in ({"output": table}, {"output": tmp_path / "d.csv", "html": table}):
        with pytest.raises(OutputExists, match=f"labels.csv' is {what}, and would be overwritten"):
            galaxtool.doubts(tmp_path / dataset, overwrite=True, **outputs)
    assert table.read_text().startswith("path,label")
