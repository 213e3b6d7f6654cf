"""The public API in memory: `load_model`, and its numbers against those of the commands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from support.helpers import write_fits, write_png
from support.training_helpers import run_command as run_galaxtool

import galaxtool
from galaxtool import Model, load_model
from galaxtool.errors import InputError, ModelError, UnknownName
from galaxtool.inference.model import MemoryItem, _split_array
from galaxtool.inference.training_domain import DOMAIN
from galaxtool.models.engines.open import open_engine
from galaxtool.models.find import find_model
from galaxtool.types import ImageRef


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Seventy images in files, of which one is damaged."""
    folder = tmp_path_factory.mktemp("images")
    for i in range(35):
        write_fits(folder / f"g{i:02}.fits", i, ra=150 + 0.01 * i, dec=-2.0, size=32)
        write_png(folder / f"p{i:02}.png", i)
    (folder / "g07.fits").write_text("SIMPLE = no")
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("mini")


@pytest.mark.parametrize("engine", ["onnx", pytest.param("torch", marks=pytest.mark.slow)])
def test_numbers_are_those_of_the_commands(engine: str, images: list[Path], tmp_path: Path) -> None:
    common = ("--engine", engine, "--executor", "threads", "--quiet")
    code, _, err = run_galaxtool("classify", *images, "-o", tmp_path / "p.ecsv", *common)
    assert code == 0, err
    assert run_galaxtool("embed", *images, "-o", tmp_path / "e.npy", *common)[0] == 0
    model = load_model("mini", engine=engine)
    table, expected = model.classify(images), Table.read(tmp_path / "p.ecsv")
    assert table.colnames == expected.colnames and len(table) == len(images)
    # ONNX Runtime adds up in another order where it has another number of threads
    tolerance = {"rtol": 0, "atol": 1e-5 if engine == "onnx" else 0}
    for name in expected.colnames:
        missing = np.nan if expected[name].dtype.kind == "f" else ""
        ours, theirs = (np.ma.filled(one[name], missing) for one in (table, expected))
        if ours.dtype.kind == "f":
            np.testing.assert_allclose(ours, theirs, equal_nan=True, **tolerance)
        else:
            assert list(ours) == list(theirs), name
    damaged = [path.name for path in images].index("g07.fits")
    assert table["error"][damaged] and not any(np.delete(np.array(table["error"]), damaged))
    embeddings = model.embed(images)
    np.testing.assert_allclose(embeddings, np.load(tmp_path / "e.npy"), equal_nan=True, **tolerance)
    assert np.isnan(embeddings[damaged]).all()
    np.testing.assert_allclose(np.linalg.norm(np.delete(embeddings, damaged, 0), axis=1), 1, atol=1e-5)


def test_an_image_is_a_path_a_reference_a_cutout_or_an_array(model: Model, images: list[Path]) -> None:
    fits, png = (next(path for path in images if path.suffix == suffix) for suffix in (".fits", ".png"))
    cutout = galaxtool.read_image(fits)
    picture = galaxtool.read_image(png)
    forms = [fits, str(fits), ImageRef(fits), cutout, cutout.data, cutout.data[0] if len(cutout.data) == 1 else fits]
    table = model.classify(forms)
    assert list(table["id"][:2]) == ["g00", "g00-2"] and list(table["path"][:4]) == [str(fits)] * 4
    assert list(table["id"][4:5]) == list(table["path"][4:5]) == ["image-4"]
    assert np.allclose(table["ra"][:4], 150) and table["ra"].mask[4]
    for name in model.classes:
        np.testing.assert_array_equal(table[f"p_{name}"], np.full(len(table), table[f"p_{name}"][0]))
    # uint8 arrays have the top row first, as the file has; a cutout has the bottom row first
    top_first = np.moveaxis(picture.data[:, ::-1], 0, -1)
    rows = model.embed([png, picture, top_first, picture.data[:, ::-1]])
    np.testing.assert_array_equal(rows, np.repeat(rows[:1], 4, axis=0))


def test_arrays_of_several_images(model: Model) -> None:
    rng = np.random.default_rng(2)
    gray, bands = rng.random((4, 40, 40)), rng.random((3, 40, 40))
    assert len(model.classify(gray)) == 4 and len(model.classify(bands)) == 1
    single = model.classify(list(gray))
    together = model.classify(gray)
    assert list(together["id"]) == list(single["id"]) == [f"image-{i}" for i in range(4)]
    np.testing.assert_array_equal(together["probability"], single["probability"])
    assert len(model.classify(np.stack([bands, bands]))) == 2
    gray[1] = np.nan
    table = model.classify(gray)
    assert "all are NaN" in table["error"][1] and table["label"].mask.tolist() == [False, True, False, False]
    assert len(model.classify([])) == 0 and model.embed([]).shape == (0, model.record.dim)


def test_inputs_that_cannot_be_used(model: Model, tmp_path: Path) -> None:
    for image, message in (
        (tmp_path / "none.fits", "There is nothing at"),
        (np.zeros((2, 2), dtype=complex), "^The array has the type complex128"),
        (np.zeros(5), "^The array has the shape 5, so it does not hold images"),
        ([3], "of type int is not an image"),
    ):
        with pytest.raises(InputError, match=message):
            model.classify(image)  # type: ignore[arg-type]
    with pytest.raises(UnknownName):
        load_model("minni")
    engine = open_engine(find_model("mini"))
    engine.record = replace(engine.record, head="none")
    with pytest.raises(ModelError, match="no classes"):
        Model(engine, "mini").classify(np.zeros((64, 64)))


def test_a_model_of_a_fixed_size_on_the_sky_assumes_the_pixel_scale_of_its_training(images: list[Path]) -> None:
    engine = open_engine(find_model("mini"))
    sized, domain = {**engine.record.preprocess, "size_arcsec": 6.0}, {"pixel_scale": 0.262}
    engine.record = replace(engine.record, preprocess=sized, data={**engine.record.data, DOMAIN: domain})
    model, png = Model(engine, "mini"), next(path for path in images if path.suffix == ".png")
    cutout = galaxtool.read_image(png)
    rows = model.embed([png, cutout, replace(cutout, pixel_scale=0.262)])
    np.testing.assert_array_equal(rows, np.repeat(rows[:1], 3, axis=0))
    assert "NO_SCALE" not in model.classify(png)["flags"][0]
    assert abs(model.embed(replace(cutout, pixel_scale=0.5)) - rows[0]).max() > 1e-3


def test_nothing_is_written(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model.classify(np.eye(64))
    model.embed(np.eye(64))
    assert not list(tmp_path.iterdir())


def test_planes_of_an_array_are_the_bands_that_the_model_looks_at() -> None:
    bands = tuple("grizy")
    array = np.random.default_rng(4).random((5, 30, 30)).astype(np.float32)
    for images, n in ((array, 1), (array[None], 1), (np.moveaxis(array, 0, -1), 1), (np.stack([array, array]), 2)):
        items = list(_split_array(images, bands, 0))
        assert [item.id for item in items] == [f"image-{i}" for i in range(n)]
        assert isinstance(items[0], MemoryItem) and items[0].load is not None
        cutout = items[0].load()
        assert cutout.bands == bands
        np.testing.assert_array_equal(cutout.data, array)
    assert len(list(_split_array(array, ("R", "G", "B"), 0))) == 5
