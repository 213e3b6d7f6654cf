"""``--tta``: results averaged over an image turned and mirrored, in every engine and in an index."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from support.helpers import make_model, write_fits
from support.training_helpers import run_command, run_failing

import galaxtool
from galaxtool.inference.views import make_views
from galaxtool.models.engines.onnx import OnnxEngine

SLUGS = ("merging", "round_smooth", "barred_spiral")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four images, of which one is not symmetric and has copies turned and mirrored."""
    folder = tmp_path_factory.mktemp("images")
    for seed in range(3):
        write_fits(folder / f"{seed}.fits", seed)
    data = fits.getdata(folder / "0.fits")
    fits.writeto(folder / "turned.fits", np.ascontiguousarray(np.rot90(data)[:, ::-1]))
    return folder


def test_views_are_the_turns_and_their_mirror_images() -> None:
    picture = np.arange(9, dtype=np.uint8).reshape(1, 3, 3, 1)
    for tta, count in ((1, 1), (2, 2), (4, 4), (8, 8)):
        views = list(make_views(picture, tta))
        assert len({view.tobytes() for view in views}) == len(views) == count
        assert np.array_equal(views[0], picture) and all(view.flags.c_contiguous for view in views)
    assert np.array_equal(list(make_views(picture, 2))[1][0, :, :, 0], picture[0, :, ::-1, 0])
    assert np.array_equal(list(make_views(picture, 4))[2][0, :, :, 0], picture[0, ::-1, ::-1, 0])


@pytest.mark.parametrize("engine", ["onnx", pytest.param("torch", marks=pytest.mark.slow)])
def test_results_are_means_over_the_views(engine: str, images: Path, tmp_path: Path) -> None:
    model = galaxtool.load_model("mini", engine=engine)
    preprocess = model.record.make_preprocess()
    pictures = np.stack([preprocess.picture(galaxtool.read_image(path)) for path in sorted(images.iterdir())])
    turned = [np.rot90(view, k, axes=(1, 2)) for view in (pictures, pictures[:, :, ::-1]) for k in range(4)]
    scores = [model.engine.run(np.ascontiguousarray(view)) for view in turned]
    probabilities = np.mean([one.probabilities for one in scores], axis=0)
    embeddings = np.mean([one.embedding for one in scores], axis=0)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    table = galaxtool.classify([images], engine=engine, tta=8, output=tmp_path / "p.ecsv").table
    found = np.array([table[f"p_{slug}"] for slug in model.classes]).T
    np.testing.assert_allclose(found, probabilities, atol=1e-5)
    assert table.meta["TTA"] == "8"
    assert run_command("embed", images, "--engine", engine, "--tta", 8, "-o", tmp_path / "e.npy", "--quiet")[0] == 0
    np.testing.assert_allclose(np.load(tmp_path / "e.npy"), embeddings, atol=1e-5)
    assert json.loads((tmp_path / "e.meta.json").read_text())["tta"] == 8
    np.testing.assert_allclose(model.embed([str(images)], tta=8), embeddings, atol=1e-5)
    plain = model.embed([str(images)])
    assert np.abs(plain - embeddings).max() > 1e-3


def test_an_index_asks_in_the_way_it_was_built(images: Path, tmp_path: Path) -> None:
    for name, extra in (("plain", ()), ("turned", ("--tta", 8))):
        code, _, err = run_command("index", images, "-o", tmp_path / name, "--quiet", *extra)
        assert code == 0, err
    plain, turned = (json.loads((tmp_path / name / "index.json").read_text()) for name in ("plain", "turned"))
    assert (plain["tta"], turned["tta"]) == (1, 8)
    assert plain["preprocess_digest"] != turned["preprocess_digest"]
    for name, expected in (("turned", 1.0), ("plain", None)):
        output = tmp_path / f"{name}.csv"
        code, _, err = run_command(
            "similar", images / "0.fits", "--index", tmp_path / name, "-o", output, "-k", 4, "--quiet"
        )
        assert code == 0, err
        similarity = dict(zip(*(Table.read(output)[column] for column in ("id", "similarity")), strict=True))
        assert similarity["0"] == pytest.approx(1, abs=1e-4)
        if expected:  # the turned copy has the same views
            assert similarity["turned"] == pytest.approx(1, abs=1e-4)
        else:
            assert similarity["turned"] < 0.9999


def test_a_model_can_ask_for_views(images: Path, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model", SLUGS)
    digest = galaxtool.load_model(folder).record.digest
    wanted = galaxtool.load_model(folder).embed([str(images)], tta=4)
    record = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**record, "tta": 4}))
    model = galaxtool.load_model(folder)
    assert model.record.digest != digest
    np.testing.assert_array_equal(model.embed([str(images)]), wanted)
    result = galaxtool.embed([images], model=folder, tta=1, output=tmp_path / "e.npy")
    np.testing.assert_allclose(np.load(tmp_path / "e.npy"), model.embed([str(images)], tta=1), atol=1e-6)
    assert result.preprocess_digest == model.record.make_preprocess().digest


def test_the_model_runs_once_for_each_view(images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, run = [], OnnxEngine.run
    monkeypatch.setattr(OnnxEngine, "run", lambda self, x: runs.append(len(x)) or run(self, x))
    for tta in (1, 2, 8):
        galaxtool.classify([images], tta=tta, executor="threads", output=tmp_path / f"{tta}.csv")
    assert runs == [4] * 11


def test_other_numbers_of_views_are_refused(images: Path, tmp_path: Path) -> None:
    assert "--tta is 3; it must be one of 1, 2, 4, 8." in run_failing(
        "classify", images, "--tta", 3, "-o", tmp_path / "p.csv"
    )
