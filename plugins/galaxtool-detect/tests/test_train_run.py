"""Train a tiny detector as a user, resume it, run it on maps, export it."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from astropy.io import fits
from astropy.table import Table
from galaxtool_detect.commands.export import export
from galaxtool_detect.commands.run import run
from galaxtool_detect.commands.simulate import simulate
from galaxtool_detect.commands.train import train
from galaxtool_detect.detectors.files import load_detector
from galaxtool_detect.training.start import restart_detector
from PIL import Image

from galaxtool import ConfigError, InputError, ModelError, OutputExists, UnknownName, UnreadableImage, cite

pytestmark = pytest.mark.slow
TINY = {"backbone": "small-resnet@none", "mode": "scratch", "head": "small", "image_size": 64, "batch_size": 4}


@pytest.fixture(scope="module")
def fields(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fields") / "fields"
    simulate(output=folder, n=16, size=64, seed=2, density=60)
    return folder


@pytest.fixture(scope="module")
def trained(fields: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run") / "run"
    train(str(fields), output=path, epochs=2, **TINY)
    return path


def read_history(path: Path) -> list[dict[str, str]]:
    with (path / "history.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_run_has_its_history_sweep_and_detector(trained: Path) -> None:
    rows = read_history(trained)
    assert len(rows) == 2 and {"loss", "valid_loss", "valid_map50", "loss_classifier"} <= set(rows[0])
    with (trained / "lr_sweep.csv").open(newline="") as stream:
        rates = list(csv.DictReader(stream))
    assert [row["chosen"] for row in rates].count("True") == 1
    manifest = json.loads((trained / "manifest.json").read_text())
    assert manifest["status"] == "done" and manifest["config"]["lr"]["value"] in [float(row["lr"]) for row in rates]
    record = json.loads((trained / "model" / "detector.json").read_text())
    assert manifest["citations"] == record["citations"] and record["licence"] == ""
    assert "@inproceedings{Ren2015," in cite(trained).bibtex
    assert record["network"]["classes"] == ["compact", "double", "bent", "extended"]
    assert 3 < record["beam_pixels"] < 6


def test_one_map_with_its_catalogue_is_enough(tmp_path: Path) -> None:
    simulate(output=tmp_path / "one", n=1, size=192, seed=3, density=80, valid=0)
    (image,) = (tmp_path / "one" / "images").iterdir()
    result = train(
        str(tmp_path / "one" / "sources.csv"), images=image, output=tmp_path / "run", epochs=1, lr=1e-3, **TINY
    )
    record = json.loads((result.model / "detector.json").read_text())
    assert record["training"]["fields"] == 3 and read_history(result.run)[0]["valid_loss"] > "0"


def test_an_interrupted_run_ends_like_one_that_was_not(fields: Path, tmp_path: Path) -> None:
    options = [f"--{key.replace('_', '-')}={value}" for key, value in {**TINY, "lr": 1e-3, "epochs": 3}.items()]
    command = [sys.executable, "-m", "galaxtool", "detect", "train", str(fields), *options, "--quiet"]
    subprocess.run([*command, "-o", str(tmp_path / "whole")], check=True)
    process = subprocess.Popen([*command, "-o", str(tmp_path / "cut")], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 300
    while not (tmp_path / "cut" / "history.csv").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=300)
    assert process.returncode == 130
    train(resume=tmp_path / "cut")
    whole, cut = (read_history(tmp_path / name) for name in ("whole", "cut"))
    for column in ("loss", "valid_loss", "valid_map50"):
        assert [row[column] for row in cut] == [row[column] for row in whole]


def test_processes_of_torchrun_train_together(fields: Path, tmp_path: Path) -> None:
    options = [f"--{key.replace('_', '-')}={value}" for key, value in {**TINY, "epochs": 1}.items()]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "galaxtool"]
    command = [*launch, "detect", "train", str(fields), "-o", str(tmp_path / "run"), *options]
    subprocess.run(command, check=True, timeout=500, capture_output=True)
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["status"] == "done" and len(read_history(tmp_path / "run")) == 1
    assert (tmp_path / "run" / "model" / "weights.safetensors").is_file()
    assert not (tmp_path / "run" / "sweep").exists()


def test_a_training_starts_from_another_detector(trained: Path, fields: Path, tmp_path: Path) -> None:
    old, _ = load_detector(trained / "model")
    # a rate of next to nothing keeps the weights
    result = train(str(fields), output=tmp_path / "run", start=str(trained), epochs=1, batch_size=4, lr=1e-12)
    new, record = load_detector(result.model)
    state = new.state_dict()
    for name, value in old.state_dict().items():
        torch.testing.assert_close(state[name], value, atol=1e-5, rtol=0)
    assert record.network.backbone == "small-resnet" and record.training["start"] == "run"
    assert record.training["backbone"] == "small-resnet" and record.training["head"] == "small"
    assert record.upscale == load_detector(trained / "model")[1].upscale


def test_classes_of_the_same_name_keep_their_weights(trained: Path) -> None:
    old, _ = load_detector(trained / "model")
    new, _, _ = restart_detector(str(trained), ("ring", "double", "compact"), None)
    classes, boxes = old.heads.box_predictor.cls_score.weight, old.heads.box_predictor.bbox_pred.bias
    assert new.config.classes == ("ring", "double", "compact")
    assert torch.equal(new.heads.box_predictor.cls_score.weight[[0, 2, 3]], classes[[0, 2, 1]])
    assert torch.equal(new.heads.box_predictor.bbox_pred.bias[8:], boxes[[8, 9, 10, 11, 4, 5, 6, 7]])
    assert all(parameter.requires_grad for parameter in new.parameters())


def test_a_detector_to_start_from_must_learn(fields: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="nothing"):
        train(str(fields), output=tmp_path / "run", start="nothing")
    with pytest.raises(ConfigError, match="ONNX"):
        train(str(fields), output=tmp_path / "run", start="detector.onnx")
    with pytest.raises(ConfigError, match="--mode scratch"):
        train(str(fields), output=tmp_path / "run", start="radio", mode="scratch")
    with pytest.raises(ConfigError, match="so --backbone and --head would have no effect"):
        train(str(fields), output=tmp_path / "run", start="radio", backbone="resnet18", head="small")
    assert not (tmp_path / "run").exists()


def write_map(path: Path, shape: tuple[int, ...], seed: int = 0) -> Path:
    pixels = np.random.default_rng(seed).normal(0, 1e-4, shape).astype(np.float32)
    pixels[..., :5, :] = np.nan
    y, x = np.mgrid[: shape[-2], : shape[-1]]
    for cy, cx in ((30, 40), (90, 100), (60, 20)):
        pixels += (5e-3 * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 8)).astype(np.float32)
    header = fits.Header(
        {"BUNIT": "Jy/beam", "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CDELT1": -5e-4, "CDELT2": 5e-4}
    )
    header.update(
        {"CRVAL1": 150.0, "CRVAL2": 2.0, "CRPIX1": 60.0, "CRPIX2": 60.0, "BMAJ": 2e-3, "BMIN": 2e-3, "BPA": 0.0}
    )
    fits.PrimaryHDU(pixels, header).writeto(path)
    return path


def test_a_map_with_degenerate_axes_gives_the_same_sources(trained: Path, tmp_path: Path) -> None:
    flat = write_map(tmp_path / "flat.fits", (120, 130))
    write_map(tmp_path / "deep.fits", (1, 1, 120, 130))
    result = run([flat], model=str(trained), output=tmp_path / "a.ecsv", threshold=0.05)
    run([tmp_path / "deep.fits"], model=str(trained), output=tmp_path / "b.ecsv", threshold=0.05)
    one, other = Table.read(tmp_path / "a.ecsv"), Table.read(tmp_path / "b.ecsv")
    assert len(one) == result.sources > 0
    for column in ("x0", "y0", "x1", "y1", "score"):
        np.testing.assert_array_equal(one[column], other[column])
    assert not list(tmp_path.glob("*.unfinished"))


def test_several_maps_have_one_catalogue_and_a_figure_each(trained: Path, tmp_path: Path) -> None:
    for i in range(2):
        write_map(tmp_path / f"map{i}.fits", (120, 130), seed=i)
    paths = [tmp_path / "map0.fits", tmp_path / "map1.fits"]
    result = run(
        paths,
        model=str(trained),
        output=tmp_path / "all.fits",
        regions=[tmp_path / "all.reg"],
        overlay=tmp_path / "all.png",
        threshold=0.05,
    )
    table = Table.read(tmp_path / "all.fits")
    assert len(table) == result.sources and set(map(str, table["image"])) <= set(map(str, paths))
    assert {path.name for path in result.files} == {
        "all.fits", "all-map0.reg", "all-map1.reg", "all-map0.png", "all-map1.png"
    }  # fmt: skip
    assert all(path.stat().st_size > 100 for path in result.files)
    run(paths[:1], model=str(trained), output=tmp_path / "all.fits", threshold=0.05)  # a finished table is replaced
    assert "image" not in Table.read(tmp_path / "all.fits").colnames
    assert not list(tmp_path.glob("*.unfinished"))


def test_maps_of_one_name_keep_their_outputs_which_are_not_maps(trained: Path, tmp_path: Path) -> None:
    for i, folder in enumerate(("a", "b")):
        (tmp_path / folder).mkdir()
        write_map(tmp_path / folder / "map.fits", (120, 130), seed=i)
    outputs = {"output": tmp_path / "all.fits", "regions": [tmp_path / "all.reg"], "overlay": tmp_path / "all.png"}
    for _ in range(2):  # the second run finds the outputs of the first in the folder
        result = run([tmp_path], model=str(trained), threshold=0.05, overwrite=True, **outputs)
        assert result.maps == 2 and not result.failed
    assert {path.name for path in result.files} == {
        "all.fits", "all-a-map.reg", "all-b-map.reg", "all-a-map.png", "all-b-map.png"
    }  # fmt: skip
    table = Table.read(tmp_path / "all.fits")
    ids = [str(one) for one in table["id"]]
    assert len(set(ids)) == len(ids) > 2 and {one.partition("/")[0] for one in ids} == {"a", "b"}


def test_a_broken_map_costs_itself_alone(trained: Path, tmp_path: Path) -> None:
    good = write_map(tmp_path / "good.fits", (100, 110))
    cut = tmp_path / "cut.fits"
    cut.write_bytes(good.read_bytes()[:9000])
    alone = run([good], model=str(trained), output=tmp_path / "alone.csv", threshold=0.05)
    both = run([cut, good], model=str(trained), output=tmp_path / "both.csv", threshold=0.05)
    assert (both.maps, both.failed, both.sources) == (1, [cut], alone.sources)
    assert len(Table.read(tmp_path / "both.csv")) == alone.sources
    picture = tmp_path / "picture.png"  # has no WCS, which is said from Python too
    Image.fromarray(np.zeros((90, 90), np.uint8)).save(picture)
    assert run([picture], model=str(trained), output=tmp_path / "picture.csv").maps == 1
    with pytest.raises(UnreadableImage, match="truncated"):
        run([cut], model=str(trained), output=tmp_path / "none.csv")
    assert not list(tmp_path.glob("*.unfinished"))


def test_parts_of_an_interrupted_run_are_used(trained: Path, tmp_path: Path) -> None:
    path = write_map(tmp_path / "map.fits", (120, 130))
    output = tmp_path / "sources.csv"
    run([path], model=str(trained), output=output, threshold=0.05)
    whole = output.read_bytes()
    output.unlink()
    command = [sys.executable, "-m", "galaxtool", "detect", "run", str(path), "-m", str(trained), "-o", str(output)]
    process = subprocess.Popen([*command, "--threshold=0.05", "--quiet"])
    parts = tmp_path / "sources.csv.unfinished"
    deadline = time.monotonic() + 300
    while not list(parts.glob("part-*")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    if not output.exists():
        first = min(parts.glob("part-*"))
        written = first.stat().st_mtime_ns
        with pytest.raises(OutputExists, match="has unfinished work from an earlier run") as info:
            run([path], model=str(trained), output=output, threshold=0.05)
        assert "resume=True" in info.value.hint
        with pytest.raises(InputError, match="has a different overlap"):
            run([path], model=str(trained), output=output, threshold=0.05, overlap=0.3, resume=True)
        assert first.stat().st_mtime_ns == written
        done = subprocess.run([*command, "--threshold=0.05", "--resume"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert output.read_bytes() == whole
    run([path], model=str(trained), output=output, threshold=0.05, resume=True)
    assert output.read_bytes() == whole and not parts.exists()


def test_onnx_finds_the_same_as_pytorch(trained: Path, tmp_path: Path) -> None:
    path = write_map(tmp_path / "map.fits", (120, 130))
    result = export(str(trained), output=tmp_path / "detector.onnx")
    assert result.pixels < 0.01 and result.score < 1e-4
    for model, name in ((trained, "torch"), (tmp_path / "detector.onnx", "onnx")):
        run([path], model=str(model), output=tmp_path / f"{name}.ecsv", threshold=0.06)
    one, other = (Table.read(tmp_path / f"{name}.ecsv") for name in ("torch", "onnx"))
    assert len(one) == len(other) > 0
    np.testing.assert_allclose(one["x0"], other["x0"], atol=0.01)
    np.testing.assert_allclose(one["score"], other["score"], atol=1e-4)


def test_bad_input_is_one_clear_sentence(fields: Path, trained: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no data set to train on"):
        train()
    with pytest.raises(ConfigError, match="has random weights"):
        train(str(fields), output=tmp_path / "a", backbone="small-resnet@none", mode="frozen")
    with pytest.raises(ConfigError, match="do not divide into the coarsest map"):
        train(str(fields), output=tmp_path / "a", **{**TINY, "image_size": 100})
    with pytest.raises(ConfigError, match="--lr must be above 0"):
        train(str(fields), output=tmp_path / "a", lr=-1.0)
    with pytest.raises(OutputExists):
        train(str(fields), output=trained, **TINY)
    with pytest.raises(UnknownName, match="no detector called 'radoi'"):
        run([fields / "images"], model="radoi", output=tmp_path / "a.csv")
    with pytest.raises(InputError, match="does not exist"):
        run([tmp_path / "missing.fits"], model=str(trained), output=tmp_path / "a.csv")
    (tmp_path / "bad.onnx").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="is not an ONNX file that can be run"):
        run([fields / "images"], model=str(tmp_path / "bad.onnx"), output=tmp_path / "a.csv")
    with pytest.raises(ConfigError, match="does not name a table format"):
        run([fields / "images"], model=str(trained), output=tmp_path / "a.xyz")
    (tmp_path / "cut.fits").write_bytes((fields / "images" / "field-00000.fits").read_bytes()[:9000])
    with pytest.raises(UnreadableImage, match="is truncated"):
        run([tmp_path / "cut.fits"], model=str(trained), output=tmp_path / "a.csv")
    run([fields / "images" / "field-00000.fits"], model=str(trained), output=tmp_path / "a.csv")  # nothing was kept
    assert not (tmp_path / "a").exists() and not list(tmp_path.glob("*.unfinished"))


def test_a_data_set_without_sources(tmp_path: Path) -> None:
    simulate(output=tmp_path / "empty", n=4, size=64, density=0)
    with pytest.raises(InputError, match=r"None of the [23] training images"):
        train(str(tmp_path / "empty"), output=tmp_path / "run", **TINY)
    assert not (tmp_path / "run").exists()
