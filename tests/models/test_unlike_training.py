"""The flag ``UNLIKE_TRAINING``: what is flagged, how often it is wrong, and that every engine agrees."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from astropy.table import Table
from PIL import Image
from support.helpers import make_model, write_png
from support.training_helpers import make_task, run_command, write_class_folders

import galaxtool
from galaxtool.errors import ModelError
from galaxtool.finetuning.appearance import learn_appearance
from galaxtool.models.find import find_model
from galaxtool.models.onnx.metadata import METADATA_KEY
from galaxtool.models.unlike_training import FILE_NAME, UnlikeDetector, fit_detector, make_metadata, write_detector
from galaxtool.simulation.artefacts import ARTEFACTS, simulate_artefact
from galaxtool.simulation.sample import sample_dataset
from galaxtool.training.task import PictureSet
from galaxtool.vision.augment import Augmentation
from galaxtool.vision.image_statistics import measure_statistics
from galaxtool.vision.preprocess import Preprocess
from galaxtool.vision.survey import SurveyAugmentation

SIZE = 64
SLUGS = ("merging", "round_smooth", "barred_spiral")


def show(cutouts: list[galaxtool.Cutout]) -> np.ndarray:
    preprocess = Preprocess(size=SIZE)
    return np.stack([preprocess.picture(cutout) for cutout in cutouts])


def simulate_galaxies(n: int, seed: int) -> np.ndarray:
    sample = sample_dataset(n=n, seed=seed, size=SIZE, splits={"test": 1.0})
    return show([sample.cutout(i) for i in range(n)])


@pytest.fixture(scope="module")
def fitted() -> tuple[UnlikeDetector, dict[str, object]]:
    train = simulate_galaxies(200, seed=1)
    found = fit_detector(lambda rows: train[rows], len(train), simulate_galaxies(60, seed=2))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the bundled model, with weights and an ONNX file, that knows simulated galaxies."""
    bundled = find_model("mini").require_folder()
    folder = tmp_path_factory.mktemp("unlike") / "model"
    shutil.copytree(bundled, folder)
    (folder / FILE_NAME).unlink(missing_ok=True)
    sample = sample_dataset(n=150, seed=1, size=128, splits={"test": 1.0})
    preprocess = galaxtool.load_model("mini").record.make_preprocess()
    train = np.stack([preprocess.picture(sample.cutout(i)) for i in range(150)])
    found = fit_detector(lambda rows: train[rows], len(train), train[:0])
    assert found is not None
    write_detector(folder, found[0])
    record = {**json.loads((folder / "model.json").read_text()), "unlike_training": found[1]}
    (folder / "model.json").write_text(json.dumps(record))
    proto = onnx.load(folder / "model.onnx")
    stored = {entry.key: entry.value for entry in proto.metadata_props}
    values = {**json.loads(stored[METADATA_KEY]), "unlike_training": found[1]}
    onnx.helper.set_model_props(proto, {**stored, METADATA_KEY: json.dumps(values), **make_metadata(found[0])})
    onnx.save(proto, folder / "model.onnx")
    return folder


@pytest.mark.parametrize("kind", [kind for kind in ARTEFACTS if "star" not in kind or "saturated" in kind])
def test_images_without_a_galaxy_are_flagged(kind: str, fitted: tuple[UnlikeDetector, dict[str, object]]) -> None:
    pictures = show([simulate_artefact(kind, np.random.default_rng([5, i]), size=SIZE) for i in range(12)])
    assert fitted[0].find_unlike(pictures).mean() > 0.9


def test_few_images_like_the_training_are_flagged(fitted: tuple[UnlikeDetector, dict[str, object]]) -> None:
    detector, description = fitted
    assert description["calibrated_on"] == 260 and description["false_alarms"] == 0.01
    assert detector.find_unlike(simulate_galaxies(150, seed=3)).mean() < 0.05


def test_distances_are_those_of_the_third_nearest(fitted: tuple[UnlikeDetector, dict[str, object]]) -> None:
    detector, _ = fitted
    pictures = simulate_galaxies(5, seed=4)
    rows = (measure_statistics(pictures) - detector.center) / detector.scale
    each = np.linalg.norm(rows[:, None] - detector.stored.astype(float)[None], axis=-1)
    np.testing.assert_allclose(detector.measure(pictures), np.sort(each, axis=1)[:, 2], rtol=1e-3)
    own = measure_statistics(simulate_galaxies(200, seed=1))
    expected = np.linalg.norm(((own - detector.center) / detector.scale)[:, None] - detector.stored[None], axis=-1)
    np.testing.assert_allclose(detector.measure_rows(own, own=True), np.sort(expected, axis=1)[:, 3], rtol=2e-2)


def test_the_threshold_is_a_conformal_quantile() -> None:
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (900, 8, 8, 3), dtype=np.uint8)
    train, valid, test = pictures[:100], pictures[100:500], pictures[500:]
    found = fit_detector(lambda rows: train[rows], len(train), valid, test=test)
    assert found is not None
    detector, description = found
    assert description["calibrated_on"] == 400  # so many that the training images are left out
    distances = np.sort(detector.measure(valid))
    assert detector.threshold == pytest.approx(float(distances[397 - 1]))  # ceil(401 x 0.99) = 397
    assert description["test"] == {"n": 400, "flagged": int((detector.measure(test) > detector.threshold).sum())}


@pytest.mark.parametrize(("n_train", "n_valid"), [(40, 200), (60, 30), (0, 0)])
def test_too_few_images_flag_nothing(n_train: int, n_valid: int) -> None:
    pictures = np.zeros((n_train + n_valid, 8, 8, 3), dtype=np.uint8)
    assert fit_detector(lambda rows: pictures[rows], n_train, pictures[n_train:]) is None


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_statistics_of_any_channels_are_finite(channels: int) -> None:
    rng = np.random.default_rng(channels)
    pictures = np.stack(
        [np.zeros((16, 16, channels), dtype=np.uint8), np.full((16, 16, channels), 255, dtype=np.uint8),
         rng.integers(0, 256, (16, 16, channels), dtype=np.uint8)]
    )  # fmt: skip
    statistics = measure_statistics(pictures)
    assert statistics.shape == (3, 29) and np.isfinite(statistics).all()
    assert measure_statistics(pictures[:0]).shape[0] == 0
    np.testing.assert_array_equal(statistics[2:], measure_statistics(pictures[2:]))


def test_statistics_against_their_definitions() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    found = np.exp(measure_statistics(picture[None])[0].astype(float)) - 0.003
    x = picture / 255
    gray = x.mean(axis=-1)
    y, z = np.indices(gray.shape) - 11.5
    r = np.hypot(y, z) / 24
    level = np.median(gray[r > 0.42])
    assert found[0] == pytest.approx(level, abs=0.02)
    assert found[9] == pytest.approx(max(0, gray[(r >= 0.32) & (r < 0.45)].mean() - level), abs=0.02)
    assert found[19] == pytest.approx(np.abs(np.diff(gray, axis=1)).mean(), rel=1e-3)
    assert found[22] == pytest.approx((x.max(axis=-1) - x.min(axis=-1)).mean(), rel=1e-3)
    neighbors = np.sort(np.stack([x[1:-1, :-2], x[1:-1, 2:], x[:-2, 1:-1], x[2:, 1:-1]]), axis=0)
    inner = x[1:-1, 1:-1]
    sticking = np.maximum(np.maximum(inner - neighbors[2], neighbors[1] - inner), 0).max(axis=-1)
    assert found[27] == pytest.approx(np.sort(sticking.ravel())[int(0.995 * sticking.size)], abs=0.01)
    assert found[28] == pytest.approx(np.abs(gray - gray[::-1, ::-1])[r < 0.3].mean(), rel=1e-3)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unlike_images")
    sample, preprocess = sample_dataset(n=3, seed=9, size=128, splits={"test": 1.0}), Preprocess(size=128)
    for i in range(3):
        Image.fromarray(preprocess.picture(sample.cutout(i))).save(folder / f"galaxy{i}.png")
    for kind in ("empty sky", "saturated star"):
        picture = preprocess.picture(simulate_artefact(kind, np.random.default_rng(3), size=128))
        Image.fromarray(picture).save(folder / f"{kind.replace(' ', '_')}.png")
    (folder / "broken.png").write_bytes(b"\x89PNG")
    return folder


def test_images_as_the_augmentation_shows_them_are_not_unlike() -> None:
    galaxies = simulate_galaxies(160, seed=1)
    pictures = PictureSet(pictures=galaxies, targets=np.zeros(160, dtype=np.int64), weights=np.ones(160))
    task = replace(
        make_task(), train=pictures, valid=pictures.select(np.arange(160) < 0), preprocess=Preprocess(size=SIZE)
    )
    gray = np.repeat(simulate_galaxies(60, seed=2).mean(axis=-1, keepdims=True).astype(np.uint8), 3, axis=-1)
    shares = []
    for augmentation in (Augmentation(), SurveyAugmentation(size=SIZE)):
        found = learn_appearance(replace(task, augmentation=augmentation), None)
        assert found is not None and found[1]["calibrated_on"] == 160
        shares.append(found[0].find_unlike(gray).mean())
    assert shares[0] > 0.9 and shares[1] < 0.5


def list_flagged(table: Table) -> set[str]:
    flags = np.ma.filled(table["flags"], "")
    return {Path(path).stem for path, flag in zip(table["path"], flags, strict=True) if "UNLIKE_TRAINING" in flag}


@pytest.mark.parametrize("engine", ["onnx", pytest.param("torch", marks=pytest.mark.slow)])
def test_every_engine_flags_the_same(engine: str, model: Path, images: Path, tmp_path: Path) -> None:
    expected = {"empty_sky", "saturated_star"}
    result = galaxtool.classify(
        [images], model=model, engine=engine, output=tmp_path / "p.ecsv", html=tmp_path / "p.html"
    )
    assert list_flagged(result.table) == expected and result.flags["UNLIKE_TRAINING"] == 2
    said = "UNLIKE_TRAINING is set for about 0.01 of images like those of the training"
    assert said in result.table.meta["UNLIKE"] and said in (tmp_path / "p.html").read_text()
    assert list_flagged(galaxtool.load_model(model, engine=engine).classify([str(images)], tta=8)) == expected


def test_a_model_without_statistics_flags_nothing(images: Path, tmp_path: Path) -> None:
    plain = make_model(tmp_path / "plain", SLUGS)
    result = galaxtool.classify([images], model=plain, output=tmp_path / "p.ecsv", html=tmp_path / "p.html")
    assert not list_flagged(result.table) and "UNLIKE" not in result.table.meta
    assert "UNLIKE_TRAINING" not in result.flags


@pytest.mark.slow
def test_an_export_keeps_the_statistics(model: Path, tmp_path: Path) -> None:
    exported, images = tmp_path / "model.onnx", tmp_path / "images"
    for seed in range(16):
        write_png(images / f"{seed}.png", seed)
    for precision in ("fp32", "int8"):
        checked = ("--check-on", images, "--allow-drop", 100) if precision == "int8" else ()
        common = ("export", "--model", model, "-o", exported, "--precision", precision, "--quiet")
        code, _, err = run_command(*common, *checked)
        assert code == 0, err
        detectors = [galaxtool.load_model(name).engine.detector for name in (model, exported)]
        assert detectors[0].to_bytes() == detectors[1].to_bytes()
        assert detectors[0].threshold == detectors[1].threshold


def test_a_query_says_that_it_is_unlike(model: Path, images: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    code, _, err = run_command("index", images, "-m", model, "-o", index)
    assert code == 0 and "UNLIKE_TRAINING" in err, err
    assert json.loads((index / "index.json").read_text())["flags"]["UNLIKE_TRAINING"] == 2
    for name, flagged in (("empty_sky", True), ("galaxy0", False)):
        query = (images / f"{name}.png", "--index", index, "-o", tmp_path / "s.csv")
        code, _, err = run_command("similar", *query)
        assert code == 0, err
        assert ("The query is flagged UNLIKE_TRAINING" in err) == flagged


def test_damaged_statistics_are_an_error(model: Path, tmp_path: Path) -> None:
    for name in ("model.json", "weights.safetensors"):
        (tmp_path / name).write_bytes((model / name).read_bytes())
    assert galaxtool.load_model(tmp_path).engine.detector is None  # copied without the file: nothing is flagged
    (tmp_path / FILE_NAME).write_bytes(b"nothing")
    with pytest.raises(ModelError, match="statistics of the training images"):
        galaxtool.load_model(tmp_path)


@pytest.mark.usefixtures("narrow", "in_an_empty_folder")
def test_a_training_keeps_what_its_images_look_like(tmp_path: Path) -> None:
    data = write_class_folders(tmp_path / "data", each=60)
    code, _, err = run_command(
        "finetune", data, "-o", tmp_path / "run", "--method", "supervised", "--backbone", "small-resnet@none",
        "--epochs", 1, "--test-fraction", 0.1, "--quiet",
    )  # fmt: skip
    assert code == 0, err
    stored = json.loads((tmp_path / "run" / "model" / "model.json").read_text())["unlike_training"]
    split = Table.read(tmp_path / "run" / "split.csv")
    assert stored["calibrated_on"] == int((split["split"] != "test").sum())
    assert stored["test"]["n"] == int((split["split"] == "test").sum())
    model = galaxtool.load_model(tmp_path / "run")
    Image.fromarray(np.zeros((24, 24, 3), dtype=np.uint8)).save(tmp_path / "black.png")
    assert "UNLIKE_TRAINING" in model.classify(tmp_path / "black.png")["flags"][0]
    table = model.classify(sorted((data / "ring").iterdir()))
    assert len(list_flagged(table)) < 6
