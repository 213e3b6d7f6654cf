"""Boxes from catalogues of positions and sizes."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from galaxtool_detect import CatalogueOptions, open_detection_set, simulate
from galaxtool_detect.datasets.catalogue import read_truth
from galaxtool_detect.datasets.names import SOURCES
from galaxtool_detect.training.pieces import divide_large

from galaxtool import InputError, Silent, TableError

SCALE = 2.0


def make_map(path: Path, *, turn: float = 0.0, beam: float = 8.0) -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], [150.0, 60.0], [50.5, 40.5]
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    wcs.wcs.cd = np.array([[-c, s], [s, c]]) * SCALE / 3600
    header = wcs.to_header()
    header.update(BUNIT="JY/BEAM", BMAJ=beam / 3600, BMIN=beam / 3600, BPA=0.0)
    data = np.zeros((80, 100), np.float32)
    data[:10] = np.nan
    fits.PrimaryHDU(data, header).writeto(path)
    return wcs


def make_catalogue(path: Path, wcs: WCS, x: list[float], y: list[float], **columns: object) -> None:
    ra, dec = wcs.all_pix2world(np.transpose([x, y]), 0).T
    Table({"ra": ra, "dec": dec, **columns}).write(path)


@pytest.mark.parametrize("turn", [0, 90, 30])
def test_an_ellipse_on_the_sky(tmp_path: Path, turn: float) -> None:
    wcs = make_map(tmp_path / "map.fits", turn=turn)
    make_catalogue(tmp_path / "list.csv", wcs, [30], [45], a=[40.0], b=[20.0], pa=[0.0])
    field = open_detection_set(tmp_path / "list.csv", images=tmp_path / "map.fits")[0]
    # the long axis points north; the box at half of the maximum
    angle = np.radians(turn)
    half_x = np.hypot(10 * np.sin(angle), 5 * np.cos(angle))
    half_y = np.hypot(10 * np.cos(angle), 5 * np.sin(angle))
    np.testing.assert_allclose(field.boxes, [(30 - half_x, 45 - half_y, 30 + half_x, 45 + half_y)], atol=0.01)


def test_sizes_in_other_units_and_below_the_beam(tmp_path: Path) -> None:
    wcs = make_map(tmp_path / "map.fits")
    table = {"Maj": [0.01, 0.0001, np.nan], "Min": [0.01, 0.0001, np.nan], "PA": [0.0, 0, 0], "S_Code": ["S", "S", "M"]}
    make_catalogue(tmp_path / "list.ecsv", wcs, [30, 50, 70], [45, 45, 45], **table)
    field = open_detection_set(tmp_path / "list.ecsv", images=tmp_path / "map.fits")[0]
    np.testing.assert_allclose(field.boxes[:, 2] - field.boxes[:, 0], [18, 4, 4], rtol=1e-3)  # degrees; the beam


def test_bright_sources_are_seen_farther_out(tmp_path: Path) -> None:
    wcs = make_map(tmp_path / "map.fits")
    columns = {
        "a": [8.0] * 3,
        "b": [8.0] * 3,
        "pa": [0.0] * 3,
        "peak_flux": [1.0, 1.0, 1.0],
        "local_rms": [0.3, 0.1, 1e-4],
    }
    make_catalogue(tmp_path / "list.csv", wcs, [30, 50, 70], [45, 45, 45], **columns)
    field = open_detection_set(tmp_path / "list.csv", images=tmp_path / "map.fits")[0]
    width = 4 * np.sqrt(np.log([2, 5, 1 / 0.03]) / np.log(2))
    np.testing.assert_allclose(field.boxes[:, 2] - field.boxes[:, 0], width, rtol=1e-3)
    np.testing.assert_allclose(field.truth["snr"], [1 / 0.3, 10, 1e4])


def test_sources_beyond_the_data(tmp_path: Path) -> None:
    wcs = make_map(tmp_path / "map.fits")
    make_catalogue(tmp_path / "list.csv", wcs, [30, 50, 500], [4, 45, 45], size=[20.0] * 3, flux=[1.0, 2.0, 3.0])
    field = open_detection_set(tmp_path / "list.csv", images=tmp_path / "map.fits")[0]
    assert len(field.boxes) == 1 and len(field.ignored) == 1  # one on blank pixels, one outside
    np.testing.assert_array_equal(field.truth["flux"], [2.0, np.nan])  # nothing can be found where there are no data


def test_boxes_in_pixels_for_many_images(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make_map(tmp_path / f"{name}.fits")
    Table(
        {
            "image": ["one.fits", "two.fits", "one.fits"], "xmin": [9.5, 20, 30], "ymin": [20.0] * 3,
            "xmax": [19.5, 30, 40], "ymax": [30.0] * 3, "class": ["b", "a", "a"], "split": ["train", "valid", "train"],
        }
    ).write(tmp_path / "list.csv")  # fmt: skip
    fields = open_detection_set(tmp_path / "list.csv")
    assert fields.classes == ("a", "b") and fields.names == ("one", "two") and fields.splits == ("train", "valid")
    assert fields[0].labels.tolist() == [1, 0]
    np.testing.assert_allclose(fields[0].boxes, [(9.5, 20, 19.5, 30), (30, 20, 40, 30)])


def test_boxes_in_pixels_for_one_of_many_images(tmp_path: Path) -> None:
    names = ["a/one.fits", "a/two.fits", "b/one.fits", "a/one.fits"]
    (tmp_path / "a").mkdir()
    for name in ("a/one", "other", "one"):
        make_map(tmp_path / f"{name}.fits")
    low, high = np.array([10.0, 20, 30, 40]), np.array([15.0, 25, 35, 45])
    Table({"image": names, "x0": low, "y0": low + 10, "x1": high, "y1": high + 10}).write(tmp_path / "list.csv")

    def find(image: str) -> list[float]:
        (field,) = open_detection_set(tmp_path / "list.csv", images=tmp_path / image)
        return field.boxes[:, 0].tolist()

    assert find("a/one.fits") == [10, 40]
    assert find("other.fits") == low.tolist()  # which the catalogue does not name
    with pytest.raises(InputError, match=r"several images called 'one\.fits'"):
        find("one.fits")


def test_ignored_boxes_outside_their_image(tmp_path: Path) -> None:
    make_map(tmp_path / "one.fits")
    low = np.array([10.0, 20, 300])
    columns = {"x0": low, "y0": low + 10, "x1": low + 5, "y1": low + 15, "flux": [1.0, 2, 3]}
    Table({**columns, "image": ["one.fits"] * 3, "type": ["fri", "", ""]}).write(tmp_path / "list.csv")
    fields = open_detection_set(tmp_path / "list.csv")
    for (field, *_), corner in ((fields, 20), (fields.divide(50), 20)):
        assert field.ignored.tolist() == [[corner, 30, corner + 5, 35]] and field.truth["flux"].tolist() == [1, 2]


def test_a_large_map_is_divided(tmp_path: Path) -> None:
    wcs = make_map(tmp_path / "map.fits")
    x, y = np.array([10, 48, 60, 90, 30, 5]), np.array([20, 20, 60, 70, 50, 5])
    make_catalogue(tmp_path / "list.csv", wcs, list(x), list(y), size=[16.0] * 6, flux=[1, 2, 3, 4, 5, 6])
    whole = open_detection_set(tmp_path / "list.csv", images=tmp_path / "map.fits")
    fields = whole.divide(50)
    assert [field.shape for field in fields] == [(40, 50)] * 4 and len(set(fields.names)) == 4
    # the box of the second source is cut by an edge, and the last source has no data
    for field, wanted in zip(fields, [[1, 2, np.nan], [2], [5], [3, 4]], strict=True):
        np.testing.assert_array_equal(field.truth["flux"], wanted)
    assert [(len(field.boxes), len(field.ignored)) for field in fields] == [(2, 1), (0, 1), (1, 0), (2, 0)]
    np.testing.assert_allclose(fields[3].boxes, [(6, 16, 14, 24), (36, 26, 44, 34)], atol=1e-3)
    np.testing.assert_allclose(fields[3].wcs.all_pix2world([(10, 20)], 0), wcs.all_pix2world([(60, 60)], 0))
    assert np.isnan(fields[0].pixels[:, :10]).all() and np.isfinite(fields[2].pixels).all()
    assert whole.divide(100).names == whole.names


@pytest.mark.parametrize(("side", "n"), [(120, 1), (300, 9), (2000, 16)])
def test_a_single_map_is_divided_to_validate(side: int, n: int, tmp_path: Path) -> None:
    fits.PrimaryHDU(np.zeros((side, side), np.float32)).writeto(tmp_path / "map.fits")
    Table({"x0": [10.0], "y0": [10.0], "x1": [20.0], "y1": [20.0]}).write(tmp_path / "list.csv")
    said: list[str] = []
    progress = type("Listening", (Silent,), {"say": lambda self, text: said.append(text)})()
    fields = divide_large(open_detection_set(tmp_path / "list.csv", images=tmp_path / "map.fits"), progress)
    assert len(fields) == n and said == ([] if n == 1 else [f"1 image is divided into {n} fields."])


def test_sources_without_a_class_are_ignored(tmp_path: Path) -> None:
    make_map(tmp_path / "one.fits")
    boxes = {"image": ["one.fits"] * 3, "x0": [9.5, 20, 30], "y0": [20.0] * 3, "x1": [19.5, 30, 40], "y1": [30.0] * 3}
    Table({**boxes, "type": ["fri", "", "frii"]}).write(tmp_path / "list.csv")
    fields = open_detection_set(tmp_path / "list.csv")
    assert fields.classes == ("fri", "frii")
    assert fields[0].labels.tolist() == [0, 1] and fields[0].ignored.tolist() == [[20, 20, 30, 30]]
    Table({**boxes, "type": ["", "", ""]}).write(tmp_path / "none.csv")
    fields = open_detection_set(tmp_path / "none.csv")
    assert fields.classes == ("source",) and len(fields[0].boxes) == 3


def test_a_simulated_folder_has_its_truth(tmp_path: Path) -> None:
    simulate(output=tmp_path, n=3, size=64, density=80, seed=4)
    for source in (tmp_path, tmp_path / "sources.csv"):
        for field in open_detection_set(source):
            assert len(field.truth["snr"]) == len(field.boxes) + len(field.ignored)
            assert (field.truth["snr"][: len(field.boxes)] >= 5).all()


def test_the_truth_of_thousands_of_images_is_read_in_seconds(tmp_path: Path) -> None:
    n = 5000
    images = [f"images/field-{i % n}.fits" for i in range(4 * n)]  # the rows of an image are not together
    numbers = np.arange(4.0 * n)
    Table({"image": images, "flux": numbers, "peak": numbers, "rms": numbers + 1, "snr": numbers}).write(
        tmp_path / SOURCES
    )
    start = time.process_time()
    truth = read_truth(tmp_path)
    assert time.process_time() - start < 5
    assert len(truth) == n
    np.testing.assert_array_equal(truth["field-3.fits"]["flux"], [3, n + 3, 2 * n + 3, 3 * n + 3])


def test_bad_catalogues(tmp_path: Path) -> None:
    wcs = make_map(tmp_path / "map.fits")
    fits.PrimaryHDU(np.zeros((80, 100), np.float32)).writeto(tmp_path / "bare.fits")
    make_catalogue(tmp_path / "bare.csv", wcs, [30], [45])
    image = tmp_path / "map.fits"
    with pytest.raises(InputError, match="has positions but no sizes") as caught:
        open_detection_set(tmp_path / "bare.csv", images=image)
    assert "--size-arcsec" in caught.value.hint
    sized = CatalogueOptions(size_arcsec=12)
    assert open_detection_set(tmp_path / "bare.csv", images=image, catalogue=sized)[0].boxes.tolist() == [
        [27, 42, 33, 48]
    ]
    with pytest.raises(InputError, match=r"bare\.fits' has no WCS, so the positions"):
        open_detection_set(tmp_path / "bare.csv", images=tmp_path / "bare.fits", catalogue=sized)
    with pytest.raises(InputError, match="no column with the image"):
        open_detection_set(tmp_path / "bare.csv", catalogue=sized)
    with pytest.raises(InputError, match="There is no image"):
        open_detection_set(tmp_path / "bare.csv", images=tmp_path / "none.fits", catalogue=sized)
    with pytest.raises(TableError, match="no column 'kind'"):
        open_detection_set(
            tmp_path / "bare.csv", images=image, catalogue=CatalogueOptions(size_arcsec=12, label_column="kind")
        )
    make_catalogue(tmp_path / "far.csv", wcs, [3000], [45], size=[9.0])
    with pytest.raises(InputError, match="None of the 1 sources"):
        open_detection_set(tmp_path / "far.csv", images=image)
    Table({"a": [1.0]}).write(tmp_path / "other.csv")
    with pytest.raises(InputError, match="neither boxes nor positions"):
        open_detection_set(tmp_path / "other.csv", images=image)
    Table({"image": ["map.fits"], "x0": [500], "y0": [1], "x1": [510], "y1": [9]}).write(tmp_path / "out.csv")
    with pytest.raises(InputError, match="a box outside its image"):
        open_detection_set(tmp_path / "out.csv")
