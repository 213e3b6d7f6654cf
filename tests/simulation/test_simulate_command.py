"""`galaxtool simulate`, and what can be done with what it makes."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from PIL import Image
from support.training_helpers import narrow_resnet, run_command, run_failing

import galaxtool as package
from galaxtool.errors import ConfigError, OutputExists
from galaxtool.simulation import write as write_module

GALAXY10 = {
    "disturbed", "merging", "round_smooth", "in_between_round_smooth", "cigar_shaped_smooth", "barred_spiral",
    "unbarred_tight_spiral", "unbarred_loose_spiral", "edge_on_without_bulge", "edge_on_with_bulge",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def labels(folder: str) -> list[dict[str, str]]:
    with Path(folder, "labels.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_fits_with_a_wcs_and_labels() -> None:
    code, printed, said = run_command("simulate", "-o", "made", "-n", 20, "--size", 64, "--json")
    assert code == 0, said
    result = json.loads(printed)
    assert result["n"] == 20 and result["labels"] == dict.fromkeys(result["labels"], 2)
    assert set(result["labels"]) == GALAXY10
    rows = labels("made")
    assert len(rows) == 20 and len({row["path"] for row in rows}) == 20
    for row in rows:
        with fits.open(Path("made", row["path"])) as units:
            data, header = units[0].data, units[0].header
        assert data.shape == (3, 64, 64) and np.isfinite(data).all()
        ra, dec = WCS(header, naxis=2).all_pix2world([[31.5, 31.5]], 0)[0]
        assert (ra, dec) == pytest.approx((float(row["ra"]), float(row["dec"])), abs=1e-3)


def test_png() -> None:
    assert run_command("simulate", "-o", "made", "-n", 3, "--size", 48, "--kind", "png", "--quiet") == (0, "", "")
    for row in labels("made"):
        with Image.open(Path("made", row["path"])) as image:
            assert (image.size, image.mode, image.format) == ((48, 48), "RGB", "PNG")


def files(folder: str) -> list[bytes]:
    return [file.read_bytes() for file in sorted(Path(folder, "images").iterdir())]


def test_same_seed_same_galaxies() -> None:
    for name, options in (("a", {}), ("b", {}), ("c", {"seed": 1}), ("d", {"split": "test"})):
        package.simulate(output=Path(name), n=4, size=32, kind="png", **options)
    assert files("a") == files("b")
    assert not set(files("a")) & set(files("c")) and not set(files("a")) & set(files("d"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-n", 0), "at least 1"),
        (("--size", 8), "--size at least 16"),
        (("--seed", -1), "--seed at least 0"),
        (("--kind", "jpg"), "not one of fits, png"),
        (("--split", "tset"), "Did you mean 'test'?"),
    ],
)
def test_wrong_options(options: tuple[object, ...], message: str) -> None:
    assert message in run_failing("simulate", "-o", "made", *options)
    assert not Path("made").exists()


def test_output_is_needed_and_spelt() -> None:
    assert "Missing option" in run_failing("simulate", code=2)
    assert "--output" in run_failing("simulate", "--outptu", "x", code=2)


def test_a_folder_in_use_is_kept() -> None:
    Path("made").mkdir()
    Path("made/thesis.tex").write_text("years")
    said = run_failing("simulate", "-o", "made", "-n", 2)
    assert "exists and is not empty" in said and "--overwrite" in said
    assert run_command("simulate", "-o", "made", "-n", 2, "--size", 32, "--overwrite")[0] == 0
    assert Path("made/thesis.tex").read_text() == "years" and len(labels("made")) == 2
    with pytest.raises(OutputExists):
        package.simulate(output=Path("made/thesis.tex"), n=2)


def test_an_empty_folder_is_taken() -> None:
    Path("made").mkdir()
    assert package.simulate(output="made", n=1, size=32).n == 1  # type: ignore[arg-type]
    with pytest.raises(ConfigError):
        package.simulate(output=Path("other"), kind="gif")


def test_overwriting_removes_earlier_galaxies() -> None:
    for n in (6, 2):
        package.simulate(output=Path("made"), n=n, size=32, overwrite=True)
    assert len(labels("made")) == 2
    assert {f"images/{file.name}" for file in Path("made/images").iterdir()} == {row["path"] for row in labels("made")}


def test_an_interrupted_run_leaves_no_labels_of_the_galaxies_that_it_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    package.simulate(output=Path("made"), n=3, size=32)
    write, calls = write_module._WRITERS["fits"], []

    def interrupted(*arguments: Any) -> None:
        calls.append(arguments)
        if len(calls) > 1:
            raise KeyboardInterrupt
        write(*arguments)

    monkeypatch.setitem(write_module._WRITERS, "fits", interrupted)
    with pytest.raises(KeyboardInterrupt):
        package.simulate(output=Path("made"), n=3, size=32, seed=1, overwrite=True)
    assert len(list(Path("made/images").iterdir())) == 1 and not Path("made/labels.csv").exists()


@pytest.mark.slow
def test_finetune_learns_from_it() -> None:
    for split, n in (("train", 20), ("valid", 10)):
        package.simulate(output=Path("set", split), n=n, size=48, split=split, kind="png")
    with narrow_resnet():
        result = package.finetune(
            ["set/train"], backbone="small-resnet@none", epochs=1, warmup_epochs=0, out=Path("run")
        )
        assert set(result.classes) == GALAXY10
        assert (result.model / "symbols" / "merging.png").is_file()
        table = package.classify(["set/valid/labels.csv"], model="run", output=Path("p.csv")).table
        assert len(table) == 10 and "in_label" in table.colnames and set(table["in_label"]) <= GALAXY10
