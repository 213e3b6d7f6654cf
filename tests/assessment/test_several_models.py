"""``galaxtool evaluate`` with several models: mean and spread, what is resumed, and what `compare` makes of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from support.helpers import SLUGS, make_model, write_fits

import galaxtool
from galaxtool.assessment import report
from galaxtool.assessment.same_settings import check_same_settings
from galaxtool.assessment.score_rows import QUANTITY_SCORES, list_tables
from galaxtool.assessment.spread import summarize_metrics
from galaxtool.cli.main import application
from galaxtool.errors import ConfigError, InputError
from galaxtool.types import Silent


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    lines = ["path,label,mag"]
    for seed in range(6):
        write_fits(folder / f"{seed}.fits", seed, size=24)
        lines.append(f"{seed}.fits,{SLUGS[seed % 3]},{15 + seed}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return [make_model(tmp_path_factory.mktemp("models") / f"seed{k}", seed=k) for k in range(2)]


@pytest.fixture(scope="module")
def together(images: Path, models: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("out") / "both"
    galaxtool.evaluate(images, model=models, output=output, by=["mag"], figures=False)
    return output


def read(folder: Path) -> dict[str, object]:
    return json.loads((folder / "metrics.json").read_text())


def test_scores_are_means_with_their_spread(together: Path) -> None:
    metrics = read(together)
    each = [read(together / "models" / f"seed{k}") for k in range(2)]
    assert metrics["n"] == 6 and list(metrics["models"]) == ["seed0", "seed1"]
    for name in ("accuracy", "f1_macro", "map"):
        entry, values = metrics[name], [one[name]["value"] for one in each]
        assert entry["values"] == values
        assert (entry["value"], entry["sd"]) == pytest.approx((np.mean(values), np.std(values, ddof=1)), abs=1e-6)
        assert (entry["lowest"], entry["highest"]) == (min(values), max(values))
        assert entry["low"] == pytest.approx(np.mean([one[name]["low"] for one in each]), abs=1e-6)
    assert metrics["accuracy"]["sd"] > 0 or metrics["map"]["sd"] > 0
    counts = [np.array(one["confusion"]["counts"]) for one in each]
    np.testing.assert_allclose(metrics["confusion"]["counts"], np.mean(counts, axis=0))
    header, first, *_ = (together / "tables" / "scores.csv").read_text().splitlines()
    assert header == "score,value,low,high,sd,lowest,highest" and first.startswith("accuracy,")
    assert "Mean over 2 models" in (together / "report.html").read_text()


def test_models_with_other_classes_have_one_confusion_matrix(images: Path, tmp_path: Path) -> None:
    every = ("disturbed", *SLUGS)
    models = [make_model(tmp_path / "three"), make_model(tmp_path / "four", every, seed=1)]
    galaxtool.evaluate(images, model=models, output=tmp_path / "both", figures=False)
    metrics = read(tmp_path / "both")
    first, second = (read(tmp_path / "both" / "models" / name)["confusion"] for name in ("three", "four"))
    slugs = metrics["confusion"]["classes"]
    assert slugs[:3] == first["classes"] and set(slugs) == set(second["classes"]) and slugs != second["classes"]
    order = [second["classes"].index(slug) for slug in slugs]
    expected = np.array(second["counts"])[np.ix_(order, order)].astype(float)
    expected[:3, :3] += first["counts"]
    np.testing.assert_allclose(metrics["confusion"]["counts"], expected / 2)
    lines = (tmp_path / "both" / "tables" / "confusion.csv").read_text().splitlines()
    assert lines[0] == ",".join(["true class", *slugs]) and len(lines) == 5


def test_numbers_in_different_units_have_no_mean() -> None:
    scores = {name: {"value": 1.0, "low": None, "high": None} for name in QUANTITY_SCORES}
    alike = {"unit": "mag", "n": 9, "error": "predicted - true", **scores}
    each = [{"quantities": {"d": {**alike, "unit": unit}, "m": alike}} for unit in ("pc", "kpc")]
    merged = summarize_metrics(each)
    assert list(merged["quantities"]) == ["m"] and merged["quantities"]["m"]["unit"] == "mag"
    assert [row["quantity"] for table in list_tables(merged) for row in table.rows] == ["m"]


def test_what_is_done_is_not_done_again(
    together: Path, images: Path, models: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = json.loads((together / "manifest.json").read_text())
    before = (together / "metrics.json").read_bytes()
    done = together / "models" / "seed0" / "predictions.parquet"
    touched = done.stat().st_mtime_ns
    (together / "manifest.json").write_text(json.dumps({**manifest, "status": "interrupted"}))
    words = ["evaluate", images, *(w for one in models for w in ("--model", one)), "-o", together, "--by", "mag"]
    with pytest.raises(SystemExit) as exit_:
        application()([*map(str, words), "--no-figures", "--resume"])
    assert not exit_.value.code and "lowest to highest" in capsys.readouterr().out
    assert (together / "metrics.json").read_bytes() == before and done.stat().st_mtime_ns == touched


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"split": "test", "prior": "uniform"}, "--split left out (now test), --prior training (now uniform)"),
        ({"seed": 3, "by": []}, "--by mag (now left out), --seed 0 (now 3)"),
        ({"coarse": "gz2-5", "tta": 4}, "--coarse left out (now gz2-5), --tta left out (now 4)"),
        ({"stretch": "asinh"}, "the options of reading left out (now --stretch asinh)"),
        ({"precision": "bf16"}, "--precision auto (now bf16)"),
        ({"label_column": "shape"}, "--label-column left out (now shape)"),
    ],
)
def test_other_settings_do_not_resume(
    together: Path, images: Path, models: list[Path], changes: dict[str, object], words: str
) -> None:
    manifest = together / "manifest.json"
    before = manifest.read_text()
    given = {"by": ["mag"], "figures": False, "resume": True, **changes}
    manifest.write_text(json.dumps({**json.loads(before), "status": "interrupted"}))
    try:
        with pytest.raises(InputError, match="was begun with") as caught:
            galaxtool.evaluate(images, model=models, output=together, **given)
        assert f"was begun with {words}." in str(caught.value) and "--overwrite" in str(caught.value.hint)
        one = together / "models" / "seed0"
        with pytest.raises(InputError, match="was begun with") as caught:
            galaxtool.evaluate(images, model=models[0], output=one, **given)
        assert f"was begun with {words}." in str(caught.value)
    finally:
        manifest.write_text(before)


def test_a_model_of_other_content_is_not_taken_as_done(
    together: Path, images: Path, models: list[Path], tmp_path: Path
) -> None:
    shutil.copytree(together, tmp_path / "both")
    for file in (tmp_path / "both" / "manifest.json", tmp_path / "both" / "models" / "seed0" / "manifest.json"):
        manifest = json.loads(file.read_text())
        if "model" in manifest:
            manifest["model"]["digest"] = "0" * 64
        else:
            manifest["status"] = "interrupted"
        file.write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=r"a model of the digest 000000000000 \(now"):
        galaxtool.evaluate(images, model=models, output=tmp_path / "both", by=["mag"], figures=False, resume=True)


def test_names_of_the_same_files_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = {"dataset": "set", "by": ["a"], "precision": "auto", "old": 1}
    config = {name: {"value": value} for name, value in entries.items()}
    (tmp_path / "manifest.json").write_text(json.dumps({"config": config}))
    (tmp_path / "set").mkdir()
    monkeypatch.chdir(tmp_path)
    settings = {"dataset": f"{tmp_path}/set", "by": ("a",), "precision": "fp32", "label_column": "x"}
    check_same_settings(tmp_path, settings, digest="d")
    with pytest.raises(InputError, match="DATASET set"):
        check_same_settings(tmp_path, {**settings, "dataset": "other"})


@pytest.mark.slow
def test_compare_takes_the_folder_as_one_name(together: Path, images: Path, models: list[Path], tmp_path: Path) -> None:
    galaxtool.evaluate(images, model=models[0], output=tmp_path / "one", figures=False)
    result = galaxtool.compare([tmp_path / "one", together], metric=["accuracy"], resamples=100)
    seeds = {one.name: one.seeds for one in result.scores}
    assert seeds == {"one": 1, "both": 2}


def test_a_figure_shows_one_of_them(together: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="an evaluation of 2 models") as caught:
        galaxtool.plot("confusion", together, output=tmp_path / "x.png")
    assert "seed0" in str(caught.value.hint)


def test_the_figures_of_several_models(together: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: dict[str, Figure] = {}
    monkeypatch.setattr(report, "save_figure", lambda figure, path, *others: drawn.update({path.stem: figure}))
    report.draw_figures(together, read(together), Silent(), [together / "models" / f"seed{k}" for k in range(2)])
    assert set(drawn) == {"class-f1", "roc", "precision-recall", "reliability", "accuracy-by-mag"}
    for name in ("roc", "accuracy-by-mag"):
        legends = [axes.get_legend() for axes in drawn[name].axes] + drawn[name].legends
        texts = " ".join(text.get_text() for legend in legends if legend for text in legend.get_texts())
        assert "seed0" in texts and "seed1" in texts, name
    (series,) = drawn["class-f1"].axes[0].containers
    each = [[one["f1"]["value"] for one in read(together / "models" / f"seed{k}")["classes"].values()] for k in (0, 1)]
    np.testing.assert_allclose(series.lines[0].get_xdata(), np.mean(np.array(each, float), axis=0), atol=1e-6)
    assert series.get_label() == "mean of 2 models"


def test_each_model_once(images: Path, models: list[Path], tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(models[0])
    for other in (models[0], f"{models[0]}/", tmp_path / "link"):
        with pytest.raises(ConfigError, match="given twice"):
            galaxtool.evaluate(images, model=[models[0], other], output=tmp_path / "x")
    with pytest.raises(ConfigError, match="No model"):
        galaxtool.evaluate(images, model=[], output=tmp_path / "x")
