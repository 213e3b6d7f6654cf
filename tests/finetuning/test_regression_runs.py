"""Numbers with error bars: trained, classified, evaluated, exported."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Column, Table
from support.helpers import write_png
from support.training_helpers import run_command, run_failing

from galaxtool.errors import InputError
from galaxtool.evaluation.regression_scores import measure_quantity
from galaxtool.tables.read import read_table
from galaxtool.taxonomy.quantities import parse_targets, read_values

pytestmark = pytest.mark.usefixtures("narrow", "in_an_empty_folder")

QUICK = ("--backbone", "small-resnet@none", "--epochs", 1, "--batch-size", 8, "--device", "cpu", "--precision", "fp32")
N = 24


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue of pictures with two columns of numbers, one of them with gaps."""
    folder = tmp_path_factory.mktemp("numbers")
    table = Table()
    table["id"] = [f"g{i}" for i in range(N)]
    table["file"] = [str(write_png(folder / f"{i}.png", i)) for i in range(N)]
    rng = np.random.default_rng(0)
    table["z"] = rng.uniform(0.01, 0.5, N)
    table["Bar length"] = np.where(np.arange(N) % 4 == 3, np.nan, rng.uniform(2, 9, N))
    table["z"][5] = np.nan
    table["Bar length"][5] = np.nan
    table["text"] = "many"
    table["same"] = 1.0
    table.write(folder / "catalogue.csv")
    return folder / "catalogue.csv"


def test_train_classify_and_evaluate(catalogue: Path) -> None:
    targets = ("--target", "z", "--target", "Bar length[arcsec]")
    code, _, said = run_command("finetune", catalogue, *targets, *QUICK, "-o", "run", "--json")
    assert code == 0, said
    assert "1 of the 24 images have no value of 'z' and 'Bar length', and were left out." in said
    record = json.loads(Path("run", "model", "model.json").read_text())
    assert record["head"] == "regression" and record["prior"] == {}
    assert [(q["column"], q["slug"], q["unit"]) for q in record["regression"]["quantities"]] == [
        ("z", "z", ""), ("Bar length", "bar_length", "arcsec"),
    ]  # fmt: skip
    metrics = json.loads(Path("run", "metrics.json").read_text())
    assert {*metrics["quantities"]} == {"z", "bar_length"}
    scores = metrics["quantities"]["z"]
    assert scores["error"] == "(predicted - true) / (1 + true)" and scores["rmse"]["low"] <= scores["rmse"]["value"]

    code, _, said = run_command("classify", catalogue, "--model", "run", "-o", "p.fits", "--device", "cpu")
    assert code == 0, said
    table = read_table(Path("p.fits"))
    ours = ["z", "z_low", "z_high", "bar_length", "bar_length_low", "bar_length_high"]
    assert table.colnames[-8:] == [*ours, "flags", "error"] and len(table) == N
    assert str(table["bar_length_high"].unit) == "arcsec" and table["z"].unit is None
    assert (table["z_low"] < table["z"]).all() and (table["bar_length"] < table["bar_length_high"]).all()
    assert set(map(str, table["label"])) <= {"", "--"}
    assert "in_z" in table.colnames

    code, _, said = run_command("evaluate", catalogue, "--model", "run", "--split", "all", "-o", "scores")
    assert code == 0, said
    found = json.loads(Path("scores", "metrics.json").read_text())
    truth = Table.read(catalogue)
    wanted = measure_quantity(
        *(np.array(table[name]) for name in ("bar_length", "bar_length_low", "bar_length_high")),
        np.ma.filled(truth["Bar length"].astype(float), np.nan), slug="bar_length", seed=0,
    )  # fmt: skip
    assert found["quantities"]["bar_length"]["rmse"]["value"] == pytest.approx(wanted["rmse"]["value"], rel=1e-4)
    assert found["quantities"]["bar_length"]["n"] == wanted["n"] == 17
    assert (Path("scores") / "tables" / "quantities.csv").is_file()
    assert "predicts numbers, and --html shows classes" in run_failing(
        "classify", catalogue, "--model", "run", "-o", "q.csv", "--html", "q.html"
    )
    assert "predicts numbers" in run_failing("evaluate", catalogue, "--model", "run", "-o", "s", "--coarse", "gz2-5")


def test_each_quantity_has_error_bars_of_its_own_length(
    catalogue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("galaxtool.evaluation.error_bars._LEAST", 3)
    targets = ("--target", "z", "--target", "Bar length[arcsec]")
    for name, more in (("run", ()), ("plain", ("--no-calibrate",))):
        code, _, said = run_command("finetune", catalogue, *targets, *QUICK, *more, "-o", name)
        assert code == 0, said
    factors = json.loads(Path("run", "model", "model.json").read_text())["temperature"]
    assert len(factors) == 2 and factors[0] != factors[1]
    code, _, said = run_command("export", "--model", "run", "-o", "model.onnx")
    assert code == 0, said
    tables = []
    for model in ("run", "model.onnx", "plain"):
        output = tmp_path / f"{model}.csv"
        code, _, said = run_command("classify", catalogue, "--model", model, "-o", output, "--device", "cpu")
        assert code == 0, said
        tables.append(read_table(output))
    for slug, factor in zip(("z", "bar_length"), factors, strict=True):
        bars = [np.array(table[f"{slug}_high"]) - np.array(table[slug]) for table in tables]
        np.testing.assert_allclose(bars[1], bars[0], rtol=1e-3)
        np.testing.assert_allclose(bars[0], factor * bars[2], rtol=1e-3)


def interrupt_training(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a catalogue, and begin a training of its redshifts that ends before the first epoch."""
    table.write("mine.csv")

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("galaxtool.training.trainer.Trainer.fit", interrupt)
        assert run_command("finetune", "mine.csv", "--target", "z", *QUICK, "-o", "run")[0] == 130


def test_resume_where_the_values_have_changed(catalogue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table.read(catalogue)
    interrupt_training(table, monkeypatch)
    table["z"][0] += 0.1
    table.write("mine.csv", overwrite=True)
    assert "The values to learn have changed" in run_failing("finetune", "--resume", "run")
    table["z"][0] = Table.read(catalogue)["z"][0]
    table.write("mine.csv", overwrite=True)
    code, _, said = run_command("finetune", "--resume", "run")
    assert code == 0, said


def test_resume_where_the_splits_have_changed(catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table.read(catalogue)
    table["split"] = ["train"] * 16 + ["valid"] * 8
    interrupt_training(table, monkeypatch)
    table["split"] = table["split"][::-1]
    table.write("mine.csv", overwrite=True)
    code, _, said = run_command("finetune", "--resume", "run")
    assert code == 0, said
    with Path("run/split.csv").open(newline="") as stream:
        trained = [row["id"] for row in csv.DictReader(stream) if row["split"] == "train"]
    assert len(trained) == 15 and trained[0] == "g0"  # one has no value
    (quantity,) = json.loads(Path("run", "model", "model.json").read_text())["regression"]["quantities"]
    known = [z for name, z in zip(table["id"], table["z"], strict=True) if name in trained]
    assert quantity["center"] == pytest.approx(np.median(known))


def test_trainings_that_were_scored_on_different_images(catalogue: Path) -> None:
    for seed in (0, 1):
        more = ("--target", "z", "--test-fraction", 0.3, "--seed", seed, "--no-calibrate")
        code, _, said = run_command("finetune", catalogue, *more, *QUICK, "-o", f"run{seed}")
        assert code == 0, said
    given = ("evaluate", catalogue, "--model", "run0", "--model", "run1", "-o", "both", "--no-figures", "--json")
    code, out, said = run_command(*given)
    assert code == 0, said
    assert "The models were scored on different images" in said
    manifest = Path("both", "manifest.json")
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "status": "interrupted"}))
    code, again, said = run_command(*given, "--resume")
    assert code == 0, said
    assert json.loads(again) == json.loads(out)  # also the number of images without a value


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--target", "redshft"), "has a column 'redshft'"),
        (("--target", "text"), "contains 'many', which is not a number"),
        (("--target", "same"), "all the same"),
        (("--target", "z", "--target", "Z"), "names 'Z' twice"),
        (("--target", "z_low", "--target", "z"), "'z_low' and 'z' would both give predictions called 'z_low'"),
        (("--target", "z[parsecks]"), "not one that astropy knows"),
        (("--target", "[arcsec]"), "names no column"),
        (("--head", "regression"), "needs the name of a column of numbers"),
        (("--target", "z", "--head", "linear"), "The head 'linear' does not learn from values."),
        (("--target", "z", "--votes", "gz2"), "cannot be learned at once"),
        (("--target", "z", "--taxonomy", "galaxy10"), "quantities instead of classes"),
        (("--target", "z", "--method", "galaxalign"), "cannot train the head 'regression'"),
        (("--target", "z", "--class-weights", "inverse"), "for classes, and numbers are learned"),
    ],
)
def test_what_cannot_be_learned(arguments: tuple[str, ...], message: str, catalogue: Path) -> None:
    method = () if "--method" in arguments else ("--method", "supervised")
    assert message in run_failing("finetune", catalogue, *arguments, *method, *QUICK, "-o", "bad")


def test_units_and_names() -> None:
    found = parse_targets(["z", "Bar length [arcsec]", "v[km/s]"])
    assert [(q.column, q.slug, q.unit) for q in found] == [
        ("z", "z", ""), ("Bar length", "bar_length", "arcsec"), ("v", "v", "km/s"),
    ]  # fmt: skip
    assert found[1].outputs == ("bar_length_low", "bar_length", "bar_length_high")


def test_values_are_converted_to_the_unit_of_the_target(catalogue: Path, tmp_path: Path) -> None:
    table = Table.read(catalogue)
    radius = np.linspace(1, 9, N)
    for unit, factor in (("arcmin", 1), ("arcsec", 60), ("kpc", 1)):
        table["r"] = Column(radius * factor, unit=unit)
        table["r"][3] = -99
        table.write(tmp_path / f"{unit}.fits", overwrite=True)
    both = (tmp_path / "arcmin.fits", tmp_path / "arcsec.fits")
    for target, factor in (("r", 1), ("r[arcsec]", 60)):
        code, _, said = run_command("finetune", *both, "--target", target, *QUICK, "-o", "run", "--overwrite")
        assert code == 0, said
        (quantity,) = json.loads(Path("run", "model", "model.json").read_text())["regression"]["quantities"]
        assert quantity["unit"] == ("arcmin" if factor == 1 else "arcsec")
        assert quantity["center"] == pytest.approx(5 * factor, rel=0.2)
    assert "The values of 'r' in arcmin are converted to arcsec." in said
    assert "2 of the 48 values of 'r' are taken for missing ones: -99." in said

    scores = []
    for name in ("arcmin", "arcsec"):
        code, _, said = run_command(
            "evaluate", tmp_path / f"{name}.fits", "--model", "run", "--split", "all", "-o", name, "--device", "cpu"
        )
        assert code == 0, said
        scores.append(json.loads(Path(name, "metrics.json").read_text())["quantities"]["r"]["rmse"]["value"])
    assert scores[0] == pytest.approx(scores[1], rel=1e-5) and scores[0] > 10
    said = run_failing("evaluate", tmp_path / "kpc.fits", "--model", "run", "--split", "all", "-o", "kpc")
    assert "The column 'r' is in kpc, which cannot be converted to arcsec" in said


@pytest.mark.parametrize(
    ("stated", "unit", "factor"),
    [("arcmin", "arcsec", 60), ("mag(AB)", "mag", 1), ("furlongs", "arcsec", 1), ("", "arcsec", 1), ("arcsec", "", 1)],
)
def test_units_of_values(stated: str, unit: str, factor: float) -> None:
    quantity = replace(parse_targets(["r"])[0], unit=unit)
    values, _ = read_values([{"r": 2.0}], [quantity], [{"r": stated}] if stated else [{}])
    assert values.tolist() == [[pytest.approx(2 * factor)]]


def test_logarithms_of_different_units() -> None:
    (gravity,), (magnitude,) = parse_targets(["g[dex(cm/s2)]"]), parse_targets(["m[mag(AB)]"])
    values, notes = read_values([{"g": 2.4}, {"g": 4.4}], [gravity], [{"g": "dex(m/s2)"}, {"g": "dex"}])
    assert values[:, 0] == pytest.approx([4.4, 4.4])
    assert notes == ("The values of 'g' in dex(m/s2) are converted to dex(cm/s2).",)
    with pytest.raises(InputError, match=r"is in mag\(ST\), which cannot be converted to mag\(AB\)"):
        read_values([{"m": 20.0}], [magnitude], [{"m": "mag(ST)"}])
