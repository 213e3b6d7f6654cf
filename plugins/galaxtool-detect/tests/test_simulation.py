"""Simulated fields: fluxes, noise, boxes, files."""

from __future__ import annotations

import json
import weakref
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from galaxtool_detect import FieldImage, FieldOptions, make_simulated_set, simulate, simulate_field
from galaxtool_detect.datasets.coco import read_coco
from galaxtool_detect.simulation.components import Components, make_covariance, render
from galaxtool_detect.simulation.crowding import draw_ragged_border, find_blends, look_up
from galaxtool_detect.simulation.noise import draw_confusion, draw_noise
from galaxtool_detect.simulation.outline import find_box
from galaxtool_detect.simulation.sources import CLASSES, draw_source
from scipy.ndimage import gaussian_filter

from galaxtool import ConfigError, GalaxtoolError, OutputExists, open_map


def test_a_point_is_the_beam() -> None:
    beam = make_covariance(6.0, 4.0, 30)
    point = Components(positions=np.array([[20.0, 24.0]]), fluxes=np.array([2.0]), covariances=np.zeros((1, 2, 2)))
    image = render(point, beam, (48, 40))
    assert image[24, 20] == pytest.approx(2.0)
    assert image.sum() == pytest.approx(2 * 2 * np.pi * np.sqrt(np.linalg.det(beam)), rel=1e-6)
    # half of the maximum lies at half the width along the axis, from north to east (to the left)
    x, y = 20 - 3 * np.sin(np.radians(30)), 24 + 3 * np.cos(np.radians(30))
    shifted = Components(
        positions=np.array([[20 + 20 - x, 24 + 24 - y]]), fluxes=point.fluxes, covariances=point.covariances
    )
    assert render(shifted, beam, (48, 40))[24, 20] == pytest.approx(1.0)


def test_a_source_is_convolved_as_by_scipy() -> None:
    source = Components(
        positions=np.array([[30.0, 30.0], [40.0, 26.0]]),
        fluxes=np.array([1.0, 3.0]),
        covariances=np.stack([np.eye(2) * 9.0, np.eye(2) * 4.0]),
    )
    y, x = np.mgrid[:64, :72]
    sky = sum(
        flux * np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * var)) / (2 * np.pi * var)
        for (px, py), flux, var in zip(source.positions, source.fluxes, (9.0, 4.0), strict=True)
    )
    beam = np.eye(2) * 2.5**2
    wanted = gaussian_filter(sky, 2.5, truncate=8) * 2 * np.pi * 2.5**2
    np.testing.assert_allclose(render(source, beam, (64, 72)), wanted, atol=2e-6)


def test_noise_is_correlated_like_the_beam() -> None:
    beam = make_covariance(5.0, 3.5, 0)
    noise = draw_noise((400, 400), beam, np.random.default_rng(0))
    assert noise.std() == pytest.approx(1, abs=0.03)
    # white noise smoothed by a Gaussian is correlated like a Gaussian that is wider by the square root of two
    for axis, variance in ((0, beam[1, 1]), (1, beam[0, 0])):
        shifted = np.roll(noise, -3, axis=axis)
        assert (noise * shifted).mean() == pytest.approx(np.exp(-9 / (4 * variance)), abs=0.04)


@pytest.mark.parametrize("kind", CLASSES)
def test_sources_have_a_flux_of_one(kind: str) -> None:
    for seed in range(5):
        source = draw_source(kind, np.random.default_rng(seed))
        assert source.fluxes.sum() == pytest.approx(1)
        assert (np.linalg.eigvalsh(source.covariances) > -1e-12).all()


def test_the_box_of_a_gaussian() -> None:
    beam = np.eye(2) * 2.0**2
    point = Components(positions=np.array([[20.3, 25.0]]), fluxes=np.array([1.0]), covariances=np.zeros((1, 2, 2)))
    model = render(point, beam, (50, 40))
    for rms, level in ((0.01, 0.03), (0.1, 0.2), (1.0, 0.5)):
        half = 2 * np.sqrt(-2 * np.log(level))
        np.testing.assert_allclose(find_box(model, rms), (20.3 - half, 25 - half, 20.3 + half, 25 + half), atol=0.2)
    assert find_box(np.zeros((4, 4)), 1.0) is None


def test_a_field_depends_on_its_seed_and_number_only() -> None:
    options = FieldOptions(size=96)
    one, same, other = (simulate_field(3, i, options) for i in (5, 5, 6))
    np.testing.assert_array_equal(one.pixels, same.pixels)
    assert one.pixels.shape == (1, 96, 96) and one.pixels.dtype == np.float32
    assert not np.array_equal(one.boxes, other.boxes)
    assert make_simulated_set(8, 3, options=options)[5].pixels.tobytes() == one.pixels.tobytes()


def test_true_values_belong_to_the_boxes() -> None:
    for field in make_simulated_set(6, 1, options=FieldOptions(size=128, density=40, artefacts=False)):
        n = len(field.boxes)
        assert len(field.truth["snr"]) == n + len(field.ignored)
        assert (field.truth["snr"][:n] >= 5).all() and (field.truth["snr"][n:] < 5).all()
        np.testing.assert_allclose(field.truth["peak"], field.truth["snr"] * field.truth["rms"])
        assert (field.boxes[:, 2:] > field.boxes[:, :2]).all()
        assert field.boxes.min(initial=0) >= -0.5 and field.boxes.max(initial=0) <= 127.5
        bright = np.flatnonzero(field.truth["snr"][:n] > 30)
        for row in bright:
            x0, y0, x1, y1 = np.rint(field.boxes[row]).astype(int)
            peak = field.pixels[0, max(y0, 0) : y1 + 1, max(x0, 0) : x1 + 1].max()
            assert peak >= 0.85 * field.truth["peak"][row]


def test_the_files(tmp_path: Path) -> None:
    result = simulate(output=tmp_path / "fields", n=5, size=64, density=60, seed=2)
    table = Table.read(tmp_path / "fields" / "sources.csv")
    labelled = table[table["ignored"] == "False"]
    assert sum(result.sources.values()) == len(labelled)
    assert set(table["split"]) == {"train", "valid"}
    header = fits.getheader(tmp_path / "fields" / table["image"][0])
    assert header["BUNIT"] == "Jy/beam" and header["BMAJ"] > header["BMIN"] > 0
    rows = table[table["image"] == table["image"][0]]
    x, y = WCS(header).all_world2pix(np.transpose([rows["ra"], rows["dec"]]), 0).T
    np.testing.assert_allclose(x, rows["x"], atol=1e-4)
    np.testing.assert_allclose(y, rows["y"], atol=1e-4)
    with open_map(tmp_path / "fields" / table["image"][0]) as opened:
        wanted = simulate_field(2, 0, FieldOptions(size=64, density=60))
        np.testing.assert_array_equal(opened.read(), wanted.pixels)
        assert opened.beam is not None and wanted.beam is not None
        assert opened.beam.major == pytest.approx(wanted.beam.major)


def test_pixels_of_written_fields_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alive: list[weakref.ref[FieldImage]] = []
    most = []

    def watch(field: FieldImage, path: Path) -> None:
        alive.append(weakref.ref(field))
        most.append(sum(one() is not None for one in alive))

    monkeypatch.setattr("galaxtool_detect.simulation.run.write_field", watch)
    simulate(output=tmp_path, n=6, size=32)
    assert max(most) <= 2


def test_the_coco_file_has_the_boxes(tmp_path: Path) -> None:
    simulate(output=tmp_path, n=3, size=64, density=80, seed=4)
    fields = read_coco(tmp_path)
    wanted = make_simulated_set(3, 4, options=FieldOptions(size=64, density=80))
    assert fields.splits == wanted.splits and set(fields.classes) <= set(CLASSES)
    for found, true in zip(fields, wanted, strict=True):
        np.testing.assert_allclose(found.boxes, true.boxes, atol=2e-3)
        np.testing.assert_allclose(found.ignored, true.ignored, atol=2e-3)
        assert [fields.classes[label] for label in found.labels] == [CLASSES[label] for label in true.labels]
    assert json.loads((tmp_path / "boxes.json").read_text())["images"][0]["split"] == "train"


def test_other_fields_are_as_without_crowded_ones() -> None:
    plain, mixed = (FieldOptions(size=96, crowded=share) for share in (0.0, 0.5))
    same = [np.array_equal(simulate_field(5, i, plain).pixels, simulate_field(5, i, mixed).pixels) for i in range(12)]
    assert 2 < sum(same) < 10


def test_crowded_fields_have_many_compact_sources() -> None:
    plain, crowded = (
        [simulate_field(6, i, FieldOptions(size=128, crowded=share)) for i in range(12)] for share in (0.0, 1.0)
    )
    few, many = (sum(len(field.boxes) for field in fields) for fields in (plain, crowded))
    assert many > 3 * few
    labels = np.concatenate([field.labels for field in crowded])
    assert np.mean(labels == CLASSES.index("compact")) > 0.85
    assert any(np.isnan(field.pixels).any() for field in crowded)


def test_confusion_and_ragged_borders() -> None:
    rng = np.random.default_rng(1)
    faint = draw_confusion((200, 220), make_covariance(4.0, 4.0, 0), rng)
    assert faint.shape == (200, 220) and faint.std() == pytest.approx(1, abs=0.1)
    assert np.mean(faint**3) > 0.2  # sources are positive
    border = draw_ragged_border((90, 80), rng)
    assert 0 < border.mean() < 0.6


def test_a_source_under_a_brighter_one_is_a_blend() -> None:
    beam = make_covariance(4.0, 4.0, 0)
    x, y = np.array([20.0, 21.0, 40.0]), np.array([20.0, 20.0, 22.0])
    points = Components(
        positions=np.stack([x, y], axis=1), fluxes=np.array([1.0, 0.3, 0.3]), covariances=np.zeros((3, 2, 2))
    )
    sky = render(points, beam, (48, 64))
    # the peak of the pair is at the brighter one, a pixel from the other, and then two
    assert find_blends(sky, x, y, 3.0).tolist() == [False, False, False]
    x[1] = 22.0
    assert find_blends(sky, x, y, 3.0).tolist() == [False, True, False]


def test_the_middle_of_a_source_may_be_outside() -> None:
    image = np.arange(12).reshape(3, 4)
    assert look_up(image, np.array([-1.0, 4.2, 1.4]), np.array([0.0, 2.6, 1.0])).tolist() == [0, 11, 5]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"crowded": 1.5}, ConfigError, "--crowded is 1.5"),
        ({"n": 0}, ConfigError, "-n is 0"),
        ({"size": 8}, ConfigError, "--size is 8"),
        ({"density": -1.0}, ConfigError, "--density is -1"),
        ({"valid": 1.0}, ConfigError, "--valid is 1"),
    ],
)
def test_wrong_options(tmp_path: Path, options: dict[str, float], error: type[GalaxtoolError], message: str) -> None:
    with pytest.raises(error, match=message):
        simulate(output=tmp_path / "new", **options)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_is_not_empty(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputExists, match="not empty"):
        simulate(output=tmp_path, n=1, size=32)
    simulate(output=tmp_path, n=2, size=32, overwrite=True)
    simulate(output=tmp_path, n=1, size=32, overwrite=True)
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert len(list((tmp_path / "images").iterdir())) == 1


def test_fields_without_sources(tmp_path: Path) -> None:
    simulate(output=tmp_path, n=2, size=32, density=0)
    assert [len(field.boxes) for field in read_coco(tmp_path)] == [0, 0]
