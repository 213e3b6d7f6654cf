"""How `galaxtool finetune` reads and shows images: HDUs, masks, bands, the field of view, on real files."""

from __future__ import annotations

import json
import re
import tarfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from support.helpers import write_fits
from support.training_helpers import run_command, run_failing, write_class_folders

from galaxtool.datasets.open import open_dataset, open_datasets
from galaxtool.datasets.splits.by_position import find_leak_groups
from galaxtool.errors import ConfigError, InputError, TableError
from galaxtool.finetuning import task as training_task
from galaxtool.images.read_options import ReadOptions
from galaxtool.inference.field_of_view import describe_field_difference, summarize_fields
from galaxtool.inference.image_sample import look_at_images
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inputs.gather import gather
from galaxtool.models.record import ModelRecord
from galaxtool.tables.read import read_table

pytestmark = pytest.mark.usefixtures("narrow", "in_an_empty_folder")

QUICK = (
    "--backbone", "small-resnet@none", "--method", "supervised", "--epochs", "1", "--batch-size", "8", "--device",
    "cpu", "--precision", "fp32",
)  # fmt: skip
KINDS = ("ring", "disc")
PATTERN = "{id}_{band}.fits"


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """The picture of each item that a training has read, by id."""
    pictures: dict[str, np.ndarray] = {}
    read = training_task.read_pictures

    def spy(labeled: Any, split: str, *rest: Any, **options: Any) -> Any:
        found, problems = read(labeled, split, *rest, **options)
        rows = np.flatnonzero(labeled.splits == split)
        assert not problems and len(rows) == len(found)
        pictures.update({labeled.items[row].id: picture for row, picture in zip(rows, found.pictures, strict=True)})
        return found, problems

    monkeypatch.setattr(training_task, "read_pictures", spy)
    return pictures


def trained(*args: object, run: str = "run") -> dict[str, Any]:
    code, _, said = run_command("finetune", *args, *QUICK, "--out", run)
    assert code == 0, said
    return json.loads(Path(run, "model", "model.json").read_text())


def classified(*args: object, run: str = "run") -> Table:
    code, _, said = run_command("classify", *args, "--model", run, "-o", "p.csv", "--device", "cpu", "--overwrite")
    assert code == 0, said
    return read_table(Path("p.csv"))


def noise(seed: int, size: int = 20) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(size, size)).astype(np.float32)


def with_hdus(path: Path, seed: int) -> Path:
    """Write a file whose first image is not the wanted one, with a mask and weights that leave a column out each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mask, weight = np.zeros((20, 20), np.uint8), np.ones((20, 20), np.float32)
    mask[:, 3], weight[:, 5] = 1, 0
    units = [("RAW", noise(0)), ("SCI", noise(seed)), ("MASK", mask), ("WHT", weight)]
    fits.HDUList([fits.PrimaryHDU(), *(fits.ImageHDU(data, name=name) for name, data in units)]).writeto(path)
    return path


def folder_with_hdus(root: Path) -> Path:
    for i in range(8):
        with_hdus(root / KINDS[i % 2] / f"{i}.fits", 10 + i)
    return root


# --- HDUs, masks and weights -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_hdu_and_masks_reach_the_training(seen: dict[str, np.ndarray]) -> None:
    folder_with_hdus(Path("set"))
    plain = trained("set", "--hdu", "SCI", run="plain")
    unmasked = dict(seen)
    record = trained("set", "--hdu", "SCI", "--mask-hdu", "MASK", "--weight-hdu", "WHT")
    assert all(not np.array_equal(seen[name], unmasked[name]) for name in unmasked) and len(seen) == 8
    assert plain["data"]["reading"] == {"hdu": "SCI"}
    assert record["data"]["reading"] == {"hdu": "SCI", "mask_hdu": "MASK", "weight_hdu": "WHT"}
    trained("set", run="raw")
    assert len({picture.tobytes() for picture in seen.values()}) == 1  # they are all of the same first image
    assert len(classified("set", "--hdu", "SCI", "--mask-hdu", "MASK")) == 8


@pytest.mark.slow
def test_settings_are_in_the_manifest_and_resume_keeps_them(seen: dict[str, np.ndarray]) -> None:
    folder_with_hdus(Path("set"))
    Path("my.toml").write_text('[finetune]\nmask_hdu = "MASK"\n')
    trained("set", "--hdu", "SCI", "--config", "my.toml", "--stretch", "asinh:softening=3")
    manifest = json.loads(Path("run", "manifest.json").read_text())
    assert manifest["config"]["hdu"] == {"value": "SCI", "source": "flag"}
    assert manifest["config"]["mask_hdu"] == {"value": "MASK", "source": "file my.toml"}
    assert manifest["config"]["bands"] == {"value": [], "source": "default"}
    written = Path("run", "config.toml").read_text()
    assert 'hdu = "SCI"' in written and 'stretch = "asinh:softening=3"' in written
    before, record = dict(seen), Path("run", "model", "model.json").read_text()
    Path("run", "manifest.json").write_text(json.dumps({**manifest, "status": "interrupted"}))
    said = run_failing("finetune", "--resume", "run", "--hdu", "RAW")
    assert "--hdu has another value there" in said
    seen.clear()
    code, _, said = run_command("finetune", "--resume", "run")
    assert code == 0, said
    assert seen.keys() == before.keys() and all(np.array_equal(seen[name], before[name]) for name in before)
    again = json.loads(Path("run", "model", "model.json").read_text())
    assert again["preprocess"] == json.loads(record)["preprocess"]
    assert again["preprocess"]["stretch"]["softening"] == 3.0
    trained("--config", "run/config.toml", run="again")  # what a run leaves is a recipe for another
    assert all(np.array_equal(seen[name], before[name]) for name in before)


def test_every_kind_of_data_set_reads_so() -> None:
    folder_with_hdus(Path("set"))
    files = sorted(Path("set").rglob("*.fits"))
    rows = {"path": [str(path) for path in files], "label": [path.parent.name for path in files]}
    Table(rows).write("rows.csv")
    Table({**rows, "path": [path.relative_to("set").as_posix() for path in files]}).write("rows.fits")
    Path("named").mkdir()
    Table({**rows, "path": [f"../{path}" for path in files]}).write("named/labels.csv")
    for split in ("train", "valid"):
        for path in files:
            target = Path("split", split, *path.parts[1:])
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    with tarfile.open("set.tar", "w") as packed:
        packed.add("set")
    Path("set/rows.fits").write_bytes(Path("rows.fits").read_bytes())
    Table({**rows, "path": [f"set.tar[{path.as_posix()}]" for path in files]}).write("packed.csv")
    reading = ReadOptions(hdu="SCI", mask_hdu="MASK", weight_hdu="WHT", pixel_scale=0.4)
    for name in ("set", "split", "named", "rows.csv", "set/rows.fits", "set.tar", "packed.csv"):
        dataset = open_dataset(name, reading=reading)
        assert len(dataset.items) == (16 if name == "split" else 8), name
        for i in range(0, len(dataset.items), 3):
            cutout = dataset.cutout(i)
            seed = int(re.findall(r"(\d+)\.fits", str(dataset.items[i].ref))[-1])
            wanted = noise(10 + seed)
            wanted[:, [3, 5]] = np.nan
            assert np.array_equal(cutout.data[0], wanted, equal_nan=True), name
            assert cutout.pixel_scale == 0.4 and cutout.mask is not None


def test_a_catalogue_may_say_which_hdu_a_row_means() -> None:
    header = fits.getheader(write_fits(Path("place.fits"), 0, ra=10.0, dec=5.0))
    images = [fits.ImageHDU(noise(k), header, name=f"O{k}") for k in range(4)]
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto("many.fits")
    Table({"id": list("abcd"), "path": ["many.fits"] * 4, "hdu": [4, 3, 2, 1], "label": ["x", "y"] * 2}).write("t.csv")
    dataset = open_dataset("t.csv")
    for i in range(4):
        assert np.array_equal(dataset.cutout(i).data[0], noise(3 - i))
    assert str(dataset.items[0].ref) == "many.fits[4]"
    assert (
        len(set(find_leak_groups(dataset.items).tolist())) == 1
    )  # all claim one position, which is few enough to believe


def test_neighbours_are_found_by_the_hdu_that_is_read() -> None:
    for i in range(16):
        path = write_fits(
            Path("set") / KINDS[i % 2] / f"{i}.fits", i, ra=10.0 + i // 4, dec=5.0
        )  # each place four times
        data, header = fits.getdata(path, header=True)
        units = [fits.PrimaryHDU(data + 1), fits.ImageHDU(data, header, name="SCI")]
        fits.HDUList(units).writeto(path, overwrite=True)
    trained("set", "--hdu", "SCI", "--valid-fraction", "0.25", "--seed", "5")
    split = read_table(Path("run/split.csv"))
    places: dict[int, set[str]] = {}
    for name, part in zip(split["id"], split["split"], strict=True):
        places.setdefault(int(name.split("/")[1]) // 4, set()).add(part)
    assert sorted(map(len, places.values())) == [1, 1, 1, 1]


# --- bands -----------------------------------------------------------------------------------------------------------


def in_bands(root: Path, names: list[str], bands: str = "grz") -> Path:
    for i, name in enumerate(names):
        for k, band in enumerate(bands):
            write_fits(root / f"{name}_{band}.fits", 10 * i + k, ra=20.0 + i, dec=5.0, size=16)
    return root


@pytest.mark.slow
def test_a_file_for_each_band_is_trained_on(seen: dict[str, np.ndarray]) -> None:
    in_bands(Path("set"), [f"{KINDS[i % 2]}/{i}" for i in range(8)])
    trained("set", "--bands", "z,g", "--pattern", PATTERN)
    two = dict(seen)
    assert sorted(two) == sorted(f"{KINDS[i % 2]}/{i}" for i in range(8))
    record = trained("set", "--pattern", PATTERN, "--channels", "g,r,z", run="three")
    assert record["preprocess"]["channels"] == ["g", "r", "z"] and record["data"]["reading"] == {"pattern": PATTERN}
    assert len(classified("set", "--pattern", PATTERN, run="three")) == 8
    assert not any(np.array_equal(seen[name], two[name]) for name in two)
    said = run_failing("finetune", "set", *QUICK, "--pattern", PATTERN, "--bands", "g,i", "--out", "x")
    assert "None of the" in said and "_i.fits" in said


def test_rows_name_an_object_without_the_band() -> None:
    in_bands(Path("images"), ["a/1", "a/2"])
    Table({"id": [7, 8], "path": ["images/a/2", "images/a/1"], "label": ["x", "y"]}).write("t.csv")
    Table({"name": ["a/1"], "label": ["x"]}).write("images/t.fits")
    reading = ReadOptions(bands=("r", "g"))
    dataset = open_dataset("t.csv", pattern=PATTERN, reading=reading)
    assert [item.id for item in dataset.items] == ["7", "8"]
    cutout = dataset.cutout(0)
    assert cutout.bands == ("r", "g")
    for plane, band in zip(cutout.data, "rg", strict=True):
        assert np.array_equal(plane, fits.getdata(f"images/a/2_{band}.fits"))
    by_id = open_dataset("images/t.fits", pattern=PATTERN, reading=reading)
    assert np.array_equal(by_id.cutout(0).data, open_dataset("t.csv", pattern=PATTERN, reading=reading).cutout(1).data)
    with pytest.raises(ConfigError, match=r"was given with the catalogue .*, but no bands") as caught:
        open_dataset("t.csv", pattern=PATTERN)
    assert "--bands" in caught.value.hint
    Table({"path": ["images/a/9", ""], "label": ["x", "y"]}).write("gone.csv")
    with pytest.raises(InputError, match=r"names 2 files that do not exist, of 2; the first is '.*a/9_r\.fits'"):
        open_dataset("gone.csv", pattern=PATTERN, reading=reading)


@pytest.mark.parametrize("name", ["t.csv", "labels.csv"])
def test_a_column_for_each_band(name: str) -> None:
    in_bands(Path("set"), ["1", "2"], "gr")
    columns = {f"{band}_path": [f"{i}_{band}.fits" for i in (1, 2)] for band in "gr"}
    Table({"label": ["x", "y"], **columns}).write(f"set/{name}")
    where = "set" if name == "labels.csv" else f"set/{name}"
    dataset = open_dataset(where, image_column="{band}_path")
    assert dataset.cutout(1).bands == ("g", "r")
    assert np.array_equal(dataset.cutout(1).data[1], fits.getdata("set/2_r.fits"))
    other = open_dataset(where, image_column="{band}_path", reading=ReadOptions(bands=("r", "g")))
    assert np.array_equal(other.cutout(1).data, dataset.cutout(1).data[::-1])
    with pytest.raises(TableError, match="no column 'i_path'"):
        open_dataset(where, image_column="{band}_path", reading=ReadOptions(bands=("i",)))


# --- what a data set cannot heed --------------------------------------------------------------------------------------


def stack(path: str) -> str:
    images = np.random.default_rng(0).integers(0, 255, (10, 69 + 1, 70, 3), dtype=np.uint8)
    with h5py.File(path, "w") as file:
        file["images"], file["ans"] = images, np.arange(10) % 10
    return path


def test_data_sets_without_hdus_refuse_hdu_options() -> None:
    stack("g.h5")
    write_class_folders(Path("pictures"))
    for name in ("sample:n=40", "galaxy10:g.h5", "g.h5"):
        for flag in ("--hdu", "--mask-hdu", "--weight-hdu"):
            said = run_failing("finetune", name, *QUICK, flag, "SCI", "--out", "run")
            assert f"The data set '{name}' has no HDUs, so {flag} changes nothing." in said and "Leave" in said
    said = run_failing("finetune", "sample", "galaxy10:g.h5", *QUICK, "--hdu", "1", "--out", "run")
    assert "The data sets sample, galaxy10:g.h5 have no HDUs" in said
    for name in ("sample:n=40", "galaxy10:g.h5"):
        said = run_failing("finetune", name, *QUICK, "--pattern", PATTERN, "--out", "run")
        assert "has no files for each band, so --pattern changes nothing" in said
    said = run_failing("finetune", "g.h5", *QUICK, "--pattern", PATTERN, "--out", "run")
    assert "'g.h5', which is not a folder" in said and "unpack" in said
    said = run_failing("finetune", *QUICK, "--pattern", PATTERN, "--out", "run")  # of the built-in data set
    assert "--pattern changes nothing" in said
    assert not Path("run").exists()


def test_a_mixture_may_have_hdus_in_part() -> None:
    folder_with_hdus(Path("set"))
    in_bands(Path("bands"), ["a/1", "b/2"])
    one, other = open_datasets(["set", "sample:n=10"], reading=ReadOptions(hdu="SCI"))
    assert np.array_equal(one.cutout(0).data[0], noise(11)) and other.cutout(0).bands == ("g", "r", "z")
    one, other = open_datasets(["bands", "sample:n=10"], pattern=PATTERN, reading=ReadOptions(bands=("r",)))
    assert len(one.items) == 2 and other.cutout(0).bands == ("r",) and len(other.items) == 10


# --- the field of view ------------------------------------------------------------------------------------------------


def galaxy(path: Path, *, kind: int, ra: float, scale: float, size: int) -> None:
    """Write a galaxy of a certain size on the sky, in g, r and z, by its surface brightness in nanomaggies."""
    y, x = (np.mgrid[:size, :size] - (size - 1) / 2) * scale
    profile = 2 * np.exp(-((x / 4) ** 2 + (y / (1.5 + 2 * kind)) ** 2))
    header = fits.getheader(write_fits(path, 0, ra=ra, dec=5.0, size=size))
    header["CDELT1"], header["CDELT2"] = -scale / 3600, scale / 3600
    header["BANDS"], header["BUNIT"] = "grz", "nanomaggy"
    cube = np.stack([profile, 1.5 * profile, 2 * profile]).astype(np.float32)
    fits.writeto(path, cube, header, overwrite=True)


def two_telescopes(root: Path) -> Path:
    for i in range(8):
        for name, scale, size in (("fine", 0.25, 144), ("coarse", 0.5, 120)):
            galaxy(root / KINDS[i % 2] / f"{i}_{name}.fits", kind=i % 2, ra=10.0 + i, scale=scale, size=size)
    return root


@pytest.mark.slow
def test_an_object_looks_the_same_through_two_telescopes(seen: dict[str, np.ndarray]) -> None:
    two_telescopes(Path("set"))

    def apart() -> float:
        pairs = [(f"{KINDS[i % 2]}/{i}_fine", f"{KINDS[i % 2]}/{i}_coarse") for i in range(8)]
        return max(np.abs(seen[a].astype(float) - seen[b]).mean() for a, b in pairs)

    enough = ("--valid-fraction", "0.25")
    plain = trained("set", *enough, run="plain")
    assert apart() > 5 and plain["preprocess"].get("size_arcsec") is None
    assert "field_arcsec" in plain["data"]  # 36 and 60 arcsec: all within a factor of two
    record = trained("set", *enough, "--size-arcsec", "24")
    assert apart() < 0.5
    assert record["preprocess"]["size_arcsec"] == 24 and record["data"]["field_arcsec"] == 24
    by_itself, asked = classified("set"), classified("set", "--size-arcsec", "24")
    assert list(by_itself["p_disc"]) == list(asked["p_disc"])
    other = classified("set", "--size-arcsec", "12")
    assert list(by_itself["p_disc"]) != list(other["p_disc"])
    by_id = dict(zip(by_itself["id"], by_itself["p_disc"], strict=True))
    for name in (f"{KINDS[i % 2]}/{i}" for i in range(8)):
        assert by_id[f"{name}_fine"] == pytest.approx(by_id[f"{name}_coarse"], abs=0.02)


@pytest.mark.slow
def test_pixel_scale_can_be_given_for_pictures(seen: dict[str, np.ndarray]) -> None:
    write_class_folders(Path("set"))
    said = run_failing("finetune", "set", *QUICK, "--size-arcsec", "6", "--out", "lost")
    assert "None of the" in said and "gives its pixel scale" in said and "--pixel-scale" in said
    record = trained("set", "--size-arcsec", "6", "--pixel-scale", "0.5")
    assert record["data"]["field_arcsec"] == 6 and record["data"]["reading"] == {"pixel_scale": 0.5}
    assert not any("NO_SCALE" in text for text in classified("set", "--pixel-scale", "0.5")["flags"])
    # without it, the scale of the training is assumed
    assert (
        classified("set")["probability"].tolist() == classified("set", "--pixel-scale", "0.5")["probability"].tolist()
    )
    for i in range(3):
        write_fits(Path("set/ring") / f"f{i}.fits", i, ra=10.0 + i, dec=0.0)
    code, _, said = run_command(
        "finetune", "set", *QUICK, "--size-arcsec", "6", "--split", split_of(), "--out", "mixed"
    )
    assert code == 0, said
    assert "do not give their pixel scale and are shown whole" in said
    assert "field_arcsec" not in json.loads(Path("mixed/model/model.json").read_text())["data"]


def split_of() -> str:
    """Write a split with pictures and FITS files on both sides."""
    paths = sorted(str(path) for path in Path("set").rglob("*.*"))
    Table({"path": paths, "split": [("train", "valid")[i % 2] for i in range(len(paths))]}).write("split.csv")
    return "split.csv"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--size-arcsec", "0"), "--size-arcsec is 0.0; it must be above 0"),
        (("--pixel-scale", "-1"), "--pixel-scale is -1.0; it must be above 0"),
        (("--size-arcsec", "nan"), "must be above 0"),
        (("--size-arcsec", "9", "--crop", "0.5"), "--crop changes nothing with --size-arcsec"),
        (("--stretch", "asinh:sofening=3"), "Did you mean 'softening'?"),
        (("--stretch", "asin"), "asin"),
        (("--pattern", "{id}.fits"), "has no {band}"),
        (("--bands", "g,g", "--pattern", PATTERN), "'g' is named twice"),
        (("--hdu", "SCIENCE"), "SCIENCE"),
    ],
)
def test_invalid_options_are_refused(options: tuple[str, ...], says: str) -> None:
    folder_with_hdus(Path("set"))
    said = run_failing("finetune", "set", *QUICK, *options, "--out", "run")
    assert says in said


@pytest.mark.slow
def test_the_field_of_view_is_noted_and_compared() -> None:
    for i in range(8):
        write_fits(Path("set") / KINDS[i % 2] / f"{i}.fits", i, ra=10.0 + i, dec=0.0, size=48)
        write_fits(Path("wide") / f"{i}.fits", i, ra=10.0 + i, dec=0.0, size=200)
        write_fits(Path("near") / f"{i}.fits", i, ra=10.0 + i, dec=0.0, size=20)
        write_fits(Path("nowhere") / f"{i}.fits", i)
    plain, half = trained("set", "--seed", "1"), trained("set", "--crop", "0.5", "--seed", "1", run="half")
    assert plain["data"]["field_arcsec"] == pytest.approx(48 * 0.262, rel=1e-4)
    assert half["data"]["field_arcsec"] == pytest.approx(24 * 0.262, rel=1e-4)
    record = ModelRecord.read(Path("run/model/model.json"))

    def note(name: str, **options: Any) -> str:
        reading = ReadingOptions(**options)
        sample = look_at_images(gather([name]).items, reading.read_options)
        return describe_field_difference(record, reading, sample.cutouts)

    said = (
        "The model was trained on 12.6 arcsec; these images show 52.4 arcsec: --size-arcsec 12.6 cuts the same field."
    )
    assert note("wide") == said
    for images, is_said in (("wide", True), ("set", False)):
        code, _, err = run_command("classify", images, "--model", "run", "-o", f"{images}.csv")
        assert code == 0 and (said in " ".join(err.split())) == is_said
    assert note("near").endswith("these images show 5.24 arcsec: larger cutouts would show the same field.")
    assert note("set") == note("nowhere") == note("wide", size_arcsec=12.6) == ""
    assert note("nowhere", pixel_scale=0.6).startswith(
        "The model was trained on 12.6 arcsec; these images show 28.8 arcsec"
    )
    Path("wide/0.fits").write_bytes(b"no image")
    assert note("wide") == said
    cut = trained("set", "--size-arcsec", "10", run="cut")
    assert cut["data"]["field_arcsec"] == 10
    record = ModelRecord.read(Path("cut/model/model.json"))  # which note() looks at
    assert note("wide") == ""  # it cuts by itself


def test_no_field_of_view_where_there_is_none_in_common() -> None:
    assert summarize_fields(None) == {} == summarize_fields(np.array([]))
    assert summarize_fields(np.array([10.0] * 9 + [np.nan])) == {"field_arcsec": 10.0}
    assert summarize_fields(np.array([10.0] * 8 + [np.nan] * 2)) == {}
    assert summarize_fields(np.linspace(5, 100, 50)) == {}
    assert summarize_fields(np.array([67.2, 66.9, 67.0])) == {"field_arcsec": 67.0}


# --- globs and lists -------------------------------------------------------------------------------------------------


def test_images_of_a_glob_or_a_list_are_of_the_class_that_their_folder_is_called() -> None:
    for i in range(8):
        write_fits(Path("sky", "deep", KINDS[i % 2], f"{i}.fits"), i, ra=10.0 + i, dec=0.0, size=20)
    write_fits(Path("sky", "stray.fits"), 9, size=20)
    with tarfile.open("more.tar", "w") as tar:
        tar.add("sky/deep/ring/0.fits", "ring/archived.fits")
    glob = open_dataset("sky/deep/*/*.fits")
    assert sorted((item.ref.path.name, item.label) for item in glob.items if item.ref) == sorted(
        (f"{i}.fits", KINDS[i % 2]) for i in range(8)
    )
    assert np.isfinite(glob.cutout(0).data).all()
    with_hdus(Path("sky/deep/disc/hdus.fits"), 3)
    Path("some.txt").write_text(
        "sky/deep/ring/0.fits\nsky/deep/disc/1.fits\nmore.tar[ring/archived.fits]\nsky/deep/disc/hdus.fits[2]\n"
    )
    assert [item.label for item in open_dataset("@some.txt").items] == ["ring", "disc", "ring", "disc"]
    assert {item.label for item in open_dataset("@some.txt", needs_labels=False).items} == {None}
    Path("sky/deep/disc/hdus.fits").unlink()
    record = trained("sky/deep/*/*.fits")
    assert record["data"]["counts"]["train"] == {"disc": 3, "ring": 3}


def test_missing_files_of_a_list_are_reported() -> None:
    write_fits(Path("ring/a.fits"), 1, size=20)
    Path("some.txt").write_text("ring/a.fits\nring/b.fits\n")
    with pytest.raises(InputError, match=r"names 1 files that do not exist, of 2; the first is 'ring/b\.fits'"):
        open_dataset("@some.txt")
    with pytest.raises(InputError, match="disc"):
        open_dataset("disc/*.fits")
    Table({"path": ["ring/a.fits"], "label": ["spiral"]}).write("rows.csv")
    Path("more.txt").write_text("ring/a.fits\nrows.csv\n")
    with pytest.raises(InputError, match="names a catalogue among the images"):
        open_dataset("@more.txt")
    with pytest.raises(ConfigError, match="no option --label-column"):
        open_dataset("@some.txt", label_column="kind")


def test_classify_reports_the_reading_options_of_the_training() -> None:
    for i in range(8):
        with_hdus(Path("data", KINDS[i % 2], f"{i}.fits"), i)
    trained("data", "--hdu", "SCI", "--mask-hdu", "MASK")
    code, _, said = run_command("classify", "data", "--model", "run", "-o", "p.csv")
    assert code == 0 and "The model was trained with --hdu SCI --mask-hdu MASK;" in said
    code, _, said = run_command("classify", "data", "--model", "run", "-o", "q.csv", "--hdu", "2", "--mask-hdu", "MASK")
    assert code == 0 and "was trained with" not in said
