"""Catalogues of detections by other programs: their units, their images, and what cannot be asked of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from galaxtool_detect import Detections, FieldImage, FieldOptions, open_detection_set, simulate_field
from galaxtool_detect.commands.evaluate import evaluate
from galaxtool_detect.commands.run import run
from galaxtool_detect.detectors.record import DetectorRecord
from galaxtool_detect.measures.finders import SepFinder
from galaxtool_detect.measures.table_finder import TableFinder
from galaxtool_detect.networks.config import NetworkConfig
from galaxtool_detect.simulation.run import write_field
from PIL import Image

from galaxtool import ConfigError, InputError, Silent


@pytest.fixture
def field(tmp_path: Path) -> FieldImage:
    """Return a field in Jy/beam, which is also map.fits, and cat.fits has its sources in mJy."""
    made = simulate_field(5, 0, FieldOptions(size=200, artefacts=False, density=40))
    write_field(made, tmp_path / "map.fits")
    n = len(made.boxes)
    ra, dec = made.wcs.all_pix2world(np.column_stack([made.truth["x"], made.truth["y"]]), 0)[:n].T
    table = Table({"ra": ra, "dec": dec, "a": np.full(n, 20.0), "b": np.full(n, 20.0), "pa": np.zeros(n)})
    for name, unit in (("flux", "mJy"), ("peak", "mJy/beam"), ("rms", "Jy/beam")):
        table[name] = made.truth[name][:n] * (1000 if unit.startswith("m") else 1)
        table[name].unit = unit
    table.write(tmp_path / "cat.fits")
    return made


@pytest.mark.usefixtures("field")
def test_true_fluxes_in_another_unit_than_the_map(tmp_path: Path) -> None:
    pytest.importorskip("sep")
    images, catalogue = tmp_path / "map.fits", str(tmp_path / "cat.fits")
    scores = evaluate(catalogue, images=images, model="sep", output=tmp_path / "sep").finders["sep"]
    assert all(0.3 < row["ratio"] < 1.2 for row in scores["flux_bias"])


def test_fluxes_in_another_unit_than_the_map(field: FieldImage, tmp_path: Path) -> None:
    images, catalogue = tmp_path / "map.fits", str(tmp_path / "cat.fits")
    given = {"images": images, "detections": [tmp_path / "cat.fits"], "output": tmp_path / "own"}
    scores = evaluate(catalogue, **given).finders["cat"]
    assert all(row["ratio"] == pytest.approx(1) for row in [*scores["flux_bias"], *scores["peak_bias"]])
    assert scores["reliability_snr"][0]["low"] < 10  # not a thousand times too high
    truth = np.sort(field.truth["snr"][: len(field.boxes)])
    np.testing.assert_allclose(np.sort(Table.read(tmp_path / "own" / "cat-sources.csv")["snr"]), truth, rtol=1e-4)


def test_nothing_can_be_injected_into_a_catalogue(field: FieldImage, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--inject adds sources to the images, and a catalogue of --detections"):
        evaluate(str(tmp_path / "map.fits"), detections=[tmp_path / "cat.fits"], inject=20, output=tmp_path / "out")


class Brightest:
    """An engine that finds a box around what is bright in a window of 64 pixels."""

    record = DetectorRecord(network=NetworkConfig(backbone="none", classes=("source",), image_size=64))

    def detect(self, images: np.ndarray) -> list[Detections]:
        rows, columns = np.nonzero(images[0, 0] > 0.5)
        box = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], np.float32)
        return [Detections(boxes=box, scores=np.ones(1, np.float32), labels=np.zeros(1, np.int64))]


@pytest.mark.parametrize("several", [False, True])
def test_rows_of_a_picture_count_from_its_top(several: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("galaxtool_detect.inference.run.open_engine", lambda *_: Brightest())
    picture = np.zeros((64, 64), np.uint8)
    picture[5:12, 20:40] = 200  # near the top, as Pillow counts rows
    pictures = [tmp_path / name for name in ("one.png", "two.png")[: 1 + several]]
    for path in pictures:
        Image.fromarray(picture).save(path)
    table = tmp_path / "found.csv"
    run(pictures, output=table)
    found = Table.read(table)
    assert [found[name][0] for name in ("x0", "y0", "x1", "y1")] == [19.5, 4.5, 39.5, 11.5]
    assert len(found) == len(pictures) and 5 <= found["y"][0] <= 11
    if not several:  # what was written is read as it was meant
        scores = evaluate(str(table), images=pictures[0], detections=[table], output=tmp_path / "out").finders["found"]
        assert scores["average_precision"]["map50"] == 1
        (field,) = open_detection_set(table, images=pictures[0])
        x0, y0, x1, y1 = np.rint(field.boxes[0] + 0.5).astype(int)
        assert (field.pixels[0, y0:y1, x0:x1] == 200).all()


@pytest.mark.parametrize(("other", "unit", "factor"), [("mJy/beam", "Jy / beam", 1.0), (None, "None", 1000.0)])
def test_maps_in_several_units(
    other: str | None, unit: str, factor: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("galaxtool_detect.inference.run.open_engine", lambda *_: Brightest())
    said: list[str] = []
    monkeypatch.setattr(Silent, "say", lambda _, message: said.append(message))
    header = fits.Header({"BUNIT": "Jy/beam"})
    pixels = np.random.default_rng(0).normal(0, 1e-3, (64, 64)).astype(np.float32)
    pixels[20:26, 30:36] += 1
    maps = [tmp_path / "one.fits", tmp_path / "two.fits"]
    fits.writeto(maps[0], pixels, header)
    fits.writeto(maps[1], 1000 * pixels, fits.Header({"BUNIT": other} if other else {}))
    run(maps, output=tmp_path / "found.ecsv", components=tmp_path / "parts.ecsv")
    for name in ("found", "parts"):
        table = Table.read(tmp_path / f"{name}.ecsv")
        assert str(table["peak"].unit) == unit
        np.testing.assert_allclose(table["peak"][1], factor * table["peak"][0], rtol=1e-4)
        np.testing.assert_allclose(table["rms"][1], factor * table["rms"][0], rtol=1e-4)
    assert any("state no unit" in one for one in said) == (other is None)


def test_boxes_in_pixels_without_their_images(tmp_path: Path) -> None:
    boxes = {"x0": [1.0, 5], "y0": [1.0, 5], "x1": [4.0, 9], "y1": [4.0, 9]}
    for name in ("one", "two"):
        fits.writeto(tmp_path / f"{name}.fits", np.zeros((20, 20), np.float32))
    Table({**boxes, "image": ["one.fits", "two.fits"]}).write(tmp_path / "truth.csv")
    Table(boxes).write(tmp_path / "found.csv")
    with pytest.raises(InputError, match="are in pixels, but the data have 2 images"):
        evaluate(str(tmp_path / "truth.csv"), detections=[tmp_path / "found.csv"], output=tmp_path / "out")


@pytest.mark.usefixtures("field")
def test_images_of_the_training_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sep")
    monkeypatch.setattr("galaxtool_detect.measures.run.open_finder", lambda *_, **__: SepFinder())
    run_folder, said = tmp_path / "run", []
    monkeypatch.setattr(Silent, "say", lambda _, message: said.append(message))
    catalogue, images = tmp_path / "cat.fits", tmp_path / "map.fits"
    config = {"dataset": {"value": str(catalogue)}, "images": {"value": str(images)}}
    (run_folder / "model").mkdir(parents=True)
    (run_folder / "manifest.json").write_text(json.dumps({"config": config}))
    for model in (run_folder, run_folder / "model"):
        evaluate(str(catalogue), images=images, model=str(model), output=tmp_path / model.name / "scores")
    assert len(said) == 2 and all("was trained on this data set: its scores are too high" in one for one in said)
    other = tmp_path / "other.fits"
    catalogue.rename(other)
    evaluate(str(other), images=images, model=str(run_folder), output=tmp_path / "other-scores")
    assert len(said) == 2


def test_images_of_one_name_in_two_folders(tmp_path: Path) -> None:
    columns = {"x0": [1.0, 5, 5], "y0": [1.0, 5, 5], "x1": [4.0, 9, 9], "y1": [4.0, 9, 9]}
    for name, images in (("full", ["a/train/1.png", "a/valid/1.png", "a/valid/2.png"]), ("plain", ["1.png"] * 3)):
        Table({**columns, "image": images}).write(tmp_path / f"{name}.csv")
    fields = [FieldImage(name=name, pixels=np.zeros((1, 9, 9), np.float32)) for name in ("train/1", "valid/1", "1")]
    counts = {
        name: [len(TableFinder(tmp_path / f"{name}.csv").find(one).detections) for one in fields]
        for name in ("full", "plain")
    }
    assert counts == {"full": [1, 1, 2], "plain": [3, 3, 3]}
