"""``galaxtool label`` without its page: `--replay` and `--rank`, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

import galaxtool
from galaxtool.cli.main import application
from galaxtool.errors import ConfigError, GalaxtoolError, InputError, OutputExists, TableError
from galaxtool.inference.embeddings.file import EmbeddedImage, open_embedding_writer
from galaxtool.labeling.answers import LogEntry
from galaxtool.labeling.log import LabelLog
from galaxtool.labeling.replay_scores import measure_ranking

COUNT, DIM, RARE = 300, 8, 15
SCORES = {
    "recall_top_0.1pct", "recall_top_1pct", "recall_top_5pct", "recall_top_10pct", "precision_top_1pct", "auroc",
    "average_precision",
}  # fmt: skip


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Embeddings in which a rare kind is a lump within the others, not at their edge."""
    rng = np.random.default_rng(2)
    values = rng.normal(0, 1, (COUNT, DIM)) + 3
    values[:RARE] = rng.normal(0, 0.4, (RARE, DIM)) + 3
    values[:RARE, 1] += 1.2
    vectors = (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)
    path = tmp_path_factory.mktemp("features") / "features.parquet"
    rows = [EmbeddedImage(f"f/g{i}", f"/nowhere/f/g{i}.fits", 10.0 + i, -1.0) for i in range(COUNT)]
    with open_embedding_writer(path, count=COUNT, dim=DIM, meta={}) as writer:
        writer.write(rows, vectors)
    return path


@pytest.fixture(scope="module")
def truth(features: Path) -> Path:
    path = features.with_name("truth.csv")
    rows = [f"f/g{i}.fits,{'ring' if i < RARE else 'other'}" for i in range(COUNT - 20)]
    path.write_text("\n".join(["path,label", *rows, "unknown.fits,ring", f"f/g{COUNT - 1}.fits,"]) + "\n")
    return path


@pytest.mark.slow
def test_a_replay_finds_more_than_a_forest(features: Path, truth: Path, tmp_path: Path) -> None:
    result = galaxtool.label(features, replay=truth, wanted="ring", output=tmp_path / "a", runs=1)
    record = json.loads((tmp_path / "a" / "replay.json").read_text())
    assert record == result.scores and (tmp_path / "a" / "replay.png").stat().st_size > 20_000
    assert (record["count"], record["wanted_count"], record["seen"]) == (COUNT - 20, RARE, 5 + 3 * 24)
    for method in ("loop", "random", "isolation_forest", "one_example"):
        assert set(record[method]) == SCORES == set(record["unseen"][method])
        assert all(one["low"] <= one["value"] <= one["high"] for one in record[method].values())
    recalls = {method: record[method]["recall_top_5pct"] for method in ("loop", "random", "isolation_forest")}
    assert recalls["loop"]["value"] >= 2 * recalls["isolation_forest"]["value"]
    assert recalls["loop"]["low"] > recalls["random"]["value"]
    assert all(one["found"] + one["left"] == RARE for one in record["remaining"])
    assert all(one["low"] <= one["left"] <= one["high"] and one["drawn"] == 6 for one in record["remaining"])
    assert [note for note in result.notes if "1 row of" in note and "does not have" in note]
    assert [note for note in result.notes if "20 objects of" in note]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes(features: Path, truth: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 4), ("b", 4), ("c", 5)):
        options = {"replay": truth, "wanted": "ring", "runs": 1, "pages": 1, "seed": seed}
        galaxtool.label(features, output=tmp_path / name, **options)
    files = ("replay.json", "replay.png", "replay.pdf")
    first, second, third = ([(tmp_path / n / file).read_bytes() for file in files] for n in "abc")
    assert first == second and first[0] != third[0]


def test_scores_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    is_wanted, scores = rng.random(500) < 0.1, rng.normal(size=500)
    found = measure_ranking(scores, is_wanted, rng)
    assert found["auroc"] == roc_auc_score(is_wanted, scores)
    assert found["average_precision"] == average_precision_score(is_wanted, scores)
    top = sorted(range(500), key=lambda row: -scores[row])
    assert found["recall_top_5pct"] == is_wanted[top[:25]].sum() / is_wanted.sum()
    assert found["recall_top_0.1pct"] == is_wanted[top[:1]].sum() / is_wanted.sum()
    assert found["precision_top_1pct"] == is_wanted[top[:5]].mean()
    ties = [measure_ranking(np.zeros(500), is_wanted, rng)["recall_top_10pct"] for _ in range(100)]
    assert np.mean(ties) == pytest.approx(0.1, abs=0.02)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "labels.csv"
    with LabelLog.open(path) as opened:
        for i in [*range(0, 12), *range(100, 120), 200]:
            label = "" if i == 200 else "wanted" if i < RARE else "unwanted"
            random = {"why": "random", "pool": COUNT - 31, "page": 1} if i in (11, 119) else {}
            opened.append(LogEntry(id=f"f/g{i}", label=label, by="anna", star=i == 200, **random))
        opened.append(LogEntry(id="f/g0", label="unwanted", by="bo", page=2))
        opened.append(LogEntry(id="f/g1", label="wanted", by="bo", page=2))
    return path


def test_a_ranking_of_all_objects(
    features: Path, log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = log.read_bytes()
    with pytest.raises(SystemExit) as exit_:
        application()(["label", str(features), "-o", str(log), "--rank", str(tmp_path / "ranked.parquet"), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert not exit_.value.code and log.read_bytes() == before
    assert found["labels"] == {"wanted": 11, "unwanted": 20} and found["model"] == "logistic regression"
    assert found["remaining"]["drawn"] == 2 and found["remaining"]["hits"] == 1
    assert found["remaining"]["value"] == pytest.approx(10 + (COUNT - 31) / 2 - 11)  # 10 were known before page 1
    assert found["agreement"] == [{"first": "anna", "second": "bo", "count": 2, "share": 0.5, "kappa": 0.0}]
    table = pq.read_table(tmp_path / "ranked.parquet")
    assert table.column_names == ["id", "path", "ra", "dec", "label", "score", "rank", "percentile"]
    assert len(table) == COUNT and table["rank"].to_pylist() == list(range(1, COUNT + 1))
    assert (np.diff(table["score"].to_numpy()) <= 0).all()
    labels = dict(zip(table["id"].to_pylist(), table["label"].to_pylist(), strict=True))
    assert labels["f/g2"] == "wanted" and not labels["f/g0"] and not labels["f/g200"]
    rest = [name for name in table["id"].to_pylist() if not labels[name]]
    assert {"f/g12", "f/g13", "f/g14"} & set(rest[:12])


def test_a_ranking_by_other_labels(features: Path, truth: Path, tmp_path: Path) -> None:
    options = {"labels": truth, "rank": tmp_path / "ranked.csv", "output": tmp_path / "none.csv"}
    result = galaxtool.label(features, classes=["ring,other"], **options)
    assert result.labels == {"ring": RARE, "other": COUNT - 20 - RARE} and result.remaining is None
    first = (tmp_path / "ranked.csv").read_text().splitlines()[0]
    assert first == "id,path,ra,dec,label,best,score,rank,percentile,score_ring,score_other"
    assert not (tmp_path / "none.csv").exists()


def test_no_object_is_best_of_a_class_without_labels(features: Path, tmp_path: Path) -> None:
    with LabelLog.open(tmp_path / "labels.csv") as opened:
        for i in range(8):
            opened.append(LogEntry(id=f"f/g{i}", label="ab"[i % 2], by="anna"))
    paths = {"output": tmp_path / "labels.csv", "rank": tmp_path / "ranked.parquet"}
    assert galaxtool.label(features, classes=["a,b,c"], **paths).model == "centroids"
    table = pq.read_table(tmp_path / "ranked.parquet")
    best, scores = table["best"].to_pylist(), [table[f"score_{name}"].to_numpy() for name in "abc"]
    assert set(best) == {"a", "b"} and best == ["ab"[i] for i in np.argmax(scores[:2], axis=0)]
    assert table["score"].to_numpy().tolist() == np.max(scores[:2], axis=0).tolist() and np.isnan(scores[2]).all()


def test_objects_of_one_identifier_are_told_apart(tmp_path: Path) -> None:
    vectors = np.random.default_rng(1).normal(0, 1, (30, 6)).astype(np.float32)
    with open_embedding_writer(tmp_path / "twice.parquet", count=30, dim=6, meta={}) as writer:
        writer.write([EmbeddedImage(f"g{i % 15}", "", None, None) for i in range(30)], vectors)
    with LabelLog.open(tmp_path / "labels.csv") as opened:
        opened.append(LogEntry(id="g3-2", label="wanted", by="anna"))
        opened.append(LogEntry(id="g3", label="unwanted", by="anna"))
    paths = {"output": tmp_path / "labels.csv", "rank": tmp_path / "ranked.parquet"}
    assert galaxtool.label(tmp_path / "twice.parquet", **paths).labels == {"wanted": 1, "unwanted": 1}
    table = pq.read_table(tmp_path / "ranked.parquet")
    labels = dict(zip(table["id"].to_pylist(), table["label"].to_pylist(), strict=True))
    assert len(labels) == 30 and {name for name, label in labels.items() if label} == {"g3", "g3-2"}
    assert labels["g3-2"] == "wanted" and labels["g3"] == "unwanted"


def test_labels_follow_images_whose_identifiers_got_another_number(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    north, south = ([EmbeddedImage(f"g-{i}", f"/{side}/g-{i}.fits", None, None) for i in range(3)] for side in "ns")
    with LabelLog.open(tmp_path / "labels.csv") as opened:
        for one, label in zip(south, ("wanted", "unwanted"), strict=False):  # labelled by themselves
            opened.append(LogEntry(id=one.id, path=one.path, label=label))
        opened.append(LogEntry(id="g-2", path="/gone/g-2.fits", label="wanted"))  # this image was moved
    for k, rows in enumerate((north + south, south + north)):
        path, ranked = tmp_path / f"merged{k}.parquet", tmp_path / f"ranked{k}.parquet"
        with open_embedding_writer(path, count=6, dim=4, meta={}) as writer:
            writer.write(rows, vectors)
        notes = galaxtool.label(path, output=tmp_path / "labels.csv", rank=ranked).notes
        assert ["2 objects of" in note and "got another number" in note for note in notes] == [True] * (k == 0)
        table = pq.read_table(ranked)
        labels = dict(zip(table["path"].to_pylist(), table["label"].to_pylist(), strict=True))
        moved = "/n/g-2.fits" if k == 0 else "/s/g-2.fits"
        assert {name: label for name, label in labels.items() if label} == {
            "/s/g-0.fits": "wanted", "/s/g-1.fits": "unwanted", moved: "wanted",
        }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"replay": "truth.csv"}, ConfigError, "needs the label"),
        ({"replay": "truth.csv", "wanted": "rings"}, InputError, "Did you mean 'ring'"),
        ({"replay": "none.csv", "wanted": "ring"}, InputError, "none.csv"),
        ({"replay": "labels.csv", "wanted": "wanted", "label_column": "labl"}, TableError, "Did you mean 'label'"),
        ({"replay": "strange.csv", "wanted": "ring"}, InputError, "None of the 2 rows"),
        ({"replay": "twice.csv", "wanted": "ring"}, InputError, "gives 'f/g0' two labels, 'ring' and 'other'"),
        ({"replay": "one.csv", "wanted": "ring"}, InputError, "All 1 objects"),
        ({"replay": "few.csv", "wanted": "ring"}, InputError, "too few to measure"),
        ({"replay": "bare.csv", "wanted": "ring"}, TableError, "no column of paths or identifiers"),
        ({"replay": "truth.csv", "wanted": "ring", "runs": 0}, ConfigError, "--runs is 0"),
        ({"replay": "truth.csv", "wanted": "ring", "rank": "r.csv"}, ConfigError, "Both --replay and --rank are given"),
        ({"replay": "truth.csv", "wanted": "ring", "text": "a ring"}, ConfigError, "Both --replay and --text"),
        ({"replay": "truth.csv", "wanted": "ring", "output": "truth.csv"}, GalaxtoolError, "not a folder"),
        ({"rank": "r.csv", "output": "none.csv"}, InputError, "none.csv"),
        ({"rank": "labels.csv"}, OutputExists, "would be overwritten"),
        ({"rank": "r.txt"}, GalaxtoolError, "r.txt"),
        ({"rank": "r.csv", "classes": ["a,b"]}, ConfigError, "labels that are not asked for now, unwanted, wanted"),
        ({"rank": "r.csv", "classes": ["a"]}, ConfigError, "has 1 names"),
        ({"rank": "r.csv", "classes": ["a,a"]}, ConfigError, "names 'a' twice"),
        ({"rank": "r.csv", "classes": ["a,b"], "taxonomy": "gz2-5"}, ConfigError, "Both --classes and --taxonomy"),
        ({"rank": "r.csv", "scale": "5-0"}, ConfigError, "not a range of grades"),
        ({"rank": "r.csv", "scale": "0-5", "wanted": "x"}, ConfigError, "grades of interest"),
        ({"rank": "r.csv", "wanted": "unwanted"}, ConfigError, "the label of all others"),
        ({"rank": "r.csv", "text": "a ring", "id": "x"}, ConfigError, "--text and --id"),
        ({"rank": "r.csv", "text": "a ring"}, ConfigError, "Both --rank and --text are given"),
        ({"rank": "r.csv", "by": " "}, ConfigError, "--by is not a name"),
        ({"rank": "r.csv", "output": "other.csv"}, InputError, "None of the 1 objects"),
        ({"rank": "r.csv", "output": "starred.csv"}, InputError, "has no labels to rank by"),
    ],
)
def test_what_cannot_be_used(
    features: Path, truth: Path, log: Path, options: dict[str, object], error: type[Exception], message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(log.parent)
    Path("truth.csv").write_bytes(truth.read_bytes())
    tables = {
        "strange": "id,label\nx,ring\ny,other\n", "twice": "id,label\nf/g0,ring\nf/g0,other\n",
        "one": "id,label\nf/g0,ring\n", "few": "id,label\nf/g0,ring\nf/g1,other\n", "bare": "label\nring\n",
    }  # fmt: skip
    for name, text in tables.items():
        Path(f"{name}.csv").write_text(text)
    for name, answer in (("other", LogEntry(id="x", label="wanted")), ("starred", LogEntry(id="f/g0", star=True))):
        with LabelLog.open(Path(f"{name}.csv")) as opened:
            opened.append(answer)
    paths = ("replay", "output", "rank")
    given = {name: Path(value) if name in paths else value for name, value in options.items()}  # type: ignore[arg-type]
    with pytest.raises(error, match=message):
        galaxtool.label(features, **{"output": Path("new") if "replay" in options else log, **given})
    assert not Path("new").exists() and not Path("r.csv").exists()
