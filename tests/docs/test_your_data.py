"""Each command of docs/your-data.md and docs/large-jobs.md is run, on small data of the names that they have."""

from __future__ import annotations

import json
import re
import shlex
import tarfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from support.helpers import make_model, write_fits, write_png
from support.training_helpers import narrow_resnet, run_command, write_class_folders

from galaxtool.tables.read import read_table

DOCS = Path(__file__).resolve().parents[2] / "docs"


def commands_in(document: Path) -> list[str]:
    """Return the commands in the console blocks of a document."""
    blocks = re.findall(r"^```console\n(.*?)^```", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("galaxtool ")]


COMMANDS = commands_in(DOCS / "your-data.md")
LARGE = commands_in(DOCS / "large-jobs.md")
TRAINING = [command for command in COMMANDS if " finetune " in command or "--model" in command]
SINGLE = [c for c in COMMANDS if "--shard" not in c and "merge" not in c and c not in TRAINING]
QUICK = (
    "--backbone",
    "small-resnet@none",
    "--method",
    "supervised",
    "--epochs",
    "1",
    "--batch-size",
    "8",
    "--device",
    "cpu",
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that the page names."""
    here = tmp_path_factory.mktemp("data")
    for i in range(2):
        write_fits(here / "cutouts" / f"c{i}.fits", i, ra=10.0 + i, dec=0.0, size=40)
        write_png(here / "pictures" / f"p{i}.png", i)
        for band in "grz":
            write_fits(here / "bands" / f"b{i}_{band}.fits", i, ra=10.0, dec=0.0, size=40)
    write_png(here / "more" / "a.png", 3)
    (here / "list.txt").write_text("# mine\ncutouts/c0.fits\n\npictures/p1.png\n")
    with tarfile.open(here / "survey.tar", "w") as tar, zipfile.ZipFile(here / "survey.zip", "w") as packed:
        for path in sorted((here / "cutouts").iterdir()):
            tar.add(path, f"field/{path.name}")
            packed.write(path, f"field/{path.name}")
    stack = np.random.default_rng(0).normal(size=(3, 3, 32, 32)).astype(np.float32)
    np.save(here / "stack.npy", stack)
    with h5py.File(here / "stack.h5", "w") as file:
        file["images"] = stack
    Table({"objid": [7, 8], "path": ["cutouts/c0.fits", "cutouts/c1.fits"], "mag": [17.1, 18.2]}).write(
        here / "catalogue.csv"
    )
    Table({"number": [7, 8], "stamp": ["cutouts/c0.fits", "cutouts/c1.fits"]}).write(here / "objects.fits")
    images = [fits.ImageHDU(plane, name=name) for plane, name in zip(stack[0], ("A", "B", "C"), strict=True)]
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto(here / "objects_in_hdus.fits")
    plain = [fits.ImageHDU(stack[0, 0], name="SCI"), fits.ImageHDU(np.uint8(stack[0, 0] > 1), name="MASK")]
    weights = fits.ImageHDU(np.float32(stack[0, 0] < 1), name="WHT")
    fits.HDUList([fits.PrimaryHDU(), *plain, weights]).writeto(here / "masked.fits")
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(stack[1, 0], name="SCI")]).writeto(here / "mosaic.fits")
    return here


@pytest.fixture(scope="module")
def labelled(place: Path) -> Path:
    """The same folder, with everything to train on."""
    rows = []
    for i in range(8):
        name = f"{('ring', 'disc')[i % 2]}/{i}"
        for band in "grz":
            write_fits(place / "labelled_bands" / f"{name}_{band}.fits", i, ra=10.0 + i, dec=0.0, size=40)
        path = write_fits(place / "labelled" / f"{name}.fits", i, ra=10.0 + i, dec=0.0, size=96)
        data, header = fits.getdata(path, header=True)
        planes = {"SCI": data, "MASK": np.uint8(data > 0.9), "WHT": np.float32(data < 0.9)}
        units = [fits.ImageHDU(plane, header, name=extension) for extension, plane in planes.items()]
        fits.HDUList([fits.PrimaryHDU(), *units]).writeto(path, overwrite=True)
        rows.append((f"labelled_bands/{name}", name.partition("/")[0]))
    Table(rows=rows, names=("path", "label")).write(place / "rows.csv")
    with tarfile.open(place / "labelled.tar", "w") as tar:
        tar.add(place / "labelled", "labelled")
    write_class_folders(place / "labelled_pictures")
    pictures = sorted((place / "labelled_pictures").rglob("*.png"))
    (place / "unlabelled.txt").write_text("".join(f"{path}\n" for path in pictures))
    return place


def rows_of(command: str, place: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> Table:
    monkeypatch.chdir(place)
    code, _, err = run_command(*shlex.split(command)[1:], "--model", model, "--overwrite", "--quiet")
    assert code == 0, err
    words = shlex.split(command)
    table = read_table(Path(words[words.index("-o") + 1] if "-o" in words else "predictions.csv"))
    assert len(table) and not [error for error in np.ma.filled(table["error"], "") if error]
    return table


@pytest.mark.parametrize("command", SINGLE)
def test_the_command_does_what_it_says(command: str, place: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(rows_of(command, place, model, monkeypatch))


@pytest.mark.slow
def test_what_is_trained_on(labelled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(labelled)
    for name in ("_draw_history", "_draw_confusion"):
        monkeypatch.setattr(f"galaxtool.finetuning.report.{name}", lambda *_, **__: None)
    with narrow_resnet():
        for command in TRAINING:
            words = shlex.split(command)[1:]
            words[1:1] = QUICK if words[0] == "finetune" else ("--overwrite",)  # what the command says goes last
            code, _, err = run_command(*words)
            assert code == 0 and "Left out" not in err, err
    assert len(TRAINING) == 9 and len(read_table(Path("predictions.csv"))) == 2
    told = {run.name: json.loads((run / "model" / "model.json").read_text()) for run in Path("runs").iterdir()}
    assert told["rows"]["data"]["reading"] == {"bands": ["g", "r", "z"], "pattern": "{id}_{band}.fits"}
    assert told["field"]["preprocess"]["size_arcsec"] == 20 and told["pictures"]["data"]["field_arcsec"] == 8
    assert told["unlabelled"]["head"] == "none" and told["glob"]["data"]["counts"]["train"]["ring"]


def test_shards(place: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    for command in (c for c in COMMANDS if "shared.fits" in c):
        named = [] if "merge" in command else ["--model", model]
        code, _, err = run_command(*shlex.split(command)[1:], *named)
        assert code == 0, err
    assert len(read_table(Path("shared.fits"))) == 2


def test_large_jobs(place: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    here = [c for c in LARGE if "/survey" not in c and "@images" not in c and "ray" not in c]
    for command in here:
        named = [] if "merge" in command else ["--model", model]
        code, _, err = run_command(*shlex.split(command)[1:], *named)
        assert code == 0, err
    assert len(here) == 4 and "c1" in Path("shared.html").read_text(encoding="utf-8")


def test_what_a_source_gives(place: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(command: str) -> Table:
        return rows_of(f"galaxtool classify {command}", place, model, monkeypatch)

    assert list(rows("survey.tar")["path"]) == ["survey.tar[field/c0.fits]", "survey.tar[field/c1.fits]"]
    assert list(rows("survey.zip")["ra"]) == pytest.approx([10.0, 11.0], abs=0.01)
    assert list(rows("stack.h5")["path"])[2].endswith("2]") and len(rows("stack.npy")) == 3
    assert len(rows("objects_in_hdus.fits --each-hdu")) == 3 and len(rows("objects_in_hdus.fits")) == 1
    assert list(rows('bands/ --bands g,r,z --pattern "{id}_{band}.fits"')["id"]) == ["b0", "b1"]
    assert list(rows("@list.txt")["path"]) == ["cutouts/c0.fits", "pictures/p1.png"]
    flags = list(rows("pictures/ --size-arcsec 20")["flags"])
    assert all("NO_SCALE" in text for text in flags)
    assert "NAN_PIXELS" in rows("masked.fits --hdu SCI --mask-hdu MASK")["flags"][0]
    kept = rows("catalogue.csv")
    assert list(kept["objid"]) == [7, 8] and list(kept["mag"]) == pytest.approx([17.1, 18.2])
