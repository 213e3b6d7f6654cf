"""`galaxtool finetune`, from folders of pictures to a run directory."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.helpers import write_png
from support.processes import running
from support.training_helpers import CallAtStep, Killed, kill, run_command, run_failing, write_class_folders

import galaxtool as package
from galaxtool.errors import GalaxtoolError
from galaxtool.models.directory import load_network
from galaxtool.models.find import find_model
from galaxtool.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("narrow", "in_an_empty_folder")

QUICK = ("--backbone", "small-resnet@none", "--method", "clip", "--epochs", "1", "--batch-size", "8", "--device", "cpu")
COMMAND = [sys.executable, "-m", "galaxtool"]
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1", "GALAXTOOL_OFFLINE": "1"}
PLAIN: dict[str, Any] = {
    "backbone": "small-resnet@none",
    "method": "clip",
    "epochs": 1,
    "batch_size": 8,
    "device": "cpu",
}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_class_folders(tmp_path_factory.mktemp("images") / "set")


@pytest.fixture(scope="module")
def symbols(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("symbols")
    for i, name in enumerate(("Rings.png", "disc.png")):
        write_png(folder / name, i)
    return folder


@pytest.fixture(scope="module")
def done(images: Path, symbols: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A finished run by GalaxAlign, what it printed and what it said."""
    out = tmp_path_factory.mktemp("runs") / "run"
    code, printed, said = run_command(
        "finetune", images, "--symbols", symbols, "--backbone", "small-resnet@none", "--epochs", "2",
        "--warmup-epochs", "1", "--batch-size", "8", "--seed", "5", "--precision", "fp32", "--out", out,
        "--contrast", "class",
    )  # fmt: skip
    assert code == 0, said
    return out, printed, said


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def manifest(run: Path | str) -> dict[str, Any]:
    return json.loads((Path(run) / "manifest.json").read_text())


def value(run: Path | str, key: str) -> Any:
    return manifest(run)["config"][key]["value"]


def same_model(*runs: str) -> bool:
    return len({Path(run, "model", "weights.safetensors").read_bytes() for run in runs}) == 1


# --- a finished run --------------------------------------------------------------------------------------------------


def test_run_directory_is_complete(done: tuple[Path, str, str]) -> None:
    run = done[0]
    wanted = {
        "manifest.json", "config.toml", "history.csv", "metrics.json", "split.csv", "log.txt", "model/model.json",
        "model/weights.safetensors", "model/symbols/ring.png", "model/symbols/disc.png", "checkpoints/last.pt",
        "checkpoints/best.pt", "figures/history.png", "figures/confusion.png",
        "figures/history.pdf", "figures/confusion.pdf",
    }  # fmt: skip
    files = {str(file.relative_to(run)) for file in run.rglob("*") if file.is_file()}
    assert wanted <= files and not any(Path(name).name.startswith(".") for name in files)
    assert [row["stage"] for row in rows(run / "history.csv")] == ["shared encoder", "three encoders", "three encoders"]


def test_manifest_records_the_run(done: tuple[Path, str, str], images: Path) -> None:
    run = done[0]
    found = manifest(run)
    assert (found["status"], found["command"], found["seed"]) == ("done", "finetune", 5)
    assert found["config"]["epochs"] == {"value": 2, "source": "flag"}
    assert found["config"]["contrast"] == {"value": "class", "source": "flag"}
    assert found["config"]["patience"]["source"] == "default"
    assert found["device"] == "cpu, fp32" and found["started"] <= found["finished"]
    assert {"python", "galaxtool", "torch"} <= found["versions"].keys()
    assert found["inputs"][0]["name"] == "set" and found["inputs"][0]["images"] == 16
    split = hashlib.sha256((run / "split.csv").read_bytes()).hexdigest()
    assert found["inputs"][0]["split_sha256"] == split == found["outputs"]["split.csv"]["sha256"]
    for name, entry in found["outputs"].items():
        assert hashlib.sha256((run / name).read_bytes()).hexdigest() == entry["sha256"], name
    assert found["metrics"] == json.loads((run / "metrics.json").read_text())
    assert any("2411.19475" in citation["arxiv"] for citation in found["citations"])


def test_config_of_a_run_can_be_used_again(done: tuple[Path, str, str]) -> None:
    settings = tomllib.loads((done[0] / "config.toml").read_text())["finetune"]
    assert settings["epochs"] == 2 and settings["contrast"] == "class" and settings["backbone"] == "small-resnet@none"
    code, _, said = run_command("finetune", "--config", done[0] / "config.toml", "--out", "again", "--epochs", "1")
    assert code == 0, said
    assert rows(Path("again/split.csv")) == rows(done[0] / "split.csv")
    assert len(rows(Path("again/history.csv"))) == 2


def test_split_keeps_something_of_each_class_aside(done: tuple[Path, str, str]) -> None:
    split = rows(done[0] / "split.csv")
    assert {row["label"] for row in split} == {"ring", "disc"} and len(split) == 16
    for label in ("ring", "disc"):
        assert sorted(row["split"] for row in split if row["label"] == label) == ["train"] * 7 + ["valid"]


def test_metrics(done: tuple[Path, str, str]) -> None:
    metrics = json.loads((done[0] / "metrics.json").read_text())
    assert metrics["n"] == 2 and metrics["best_epoch"] in (2, 3)
    kept = rows(done[0] / "history.csv")[metrics["best_epoch"] - 1]
    assert kept["epoch"] == str(metrics["best_epoch"]) and kept["stage"] == "three encoders"
    assert f"Kept epoch {kept['epoch']} of 3" in done[2]
    for name in ("accuracy", "f1_macro", "roc_auc", "map_at_5", "map", "ece"):
        assert set(metrics[name]) == {"value", "low", "high"}


def test_model_is_self_contained(done: tuple[Path, str, str], tmp_path: Path, images: Path) -> None:
    moved = shutil.copytree(done[0] / "model", tmp_path / "elsewhere")
    record = json.loads((moved / "model.json").read_text())
    assert [c["slug"] for c in record["taxonomy"]["classes"]] == ["disc", "ring"]
    assert record["method"]["name"] == "galaxalign" and record["method"]["contrast"] == "class"
    assert record["data"]["counts"]["train"] == {"disc": 7, "ring": 7} and record["has_symbol_tower"]
    model, loaded = load_network(find_model(moved))
    assert not model.training and loaded.slugs == ["disc", "ring"]
    for place in (done[0], moved):
        code, _, said = run_command("classify", images / "ring", "--model", place, "-o", f"{place.name}.csv")
        assert code == 0, said
    assert rows(Path("run.csv")) == rows(Path("elsewhere.csv"))


def test_result_names_the_next_step(done: tuple[Path, str, str]) -> None:
    _, printed, said = done
    assert "Validation, 2 images" in printed and f"galaxtool classify cutouts/ --model {done[0]}" in printed
    assert "14 train, 2 valid images of 2 classes" in said
    assert "14 train, 2 valid images of 2 classes" in (done[0] / "log.txt").read_text()


def test_learns_what_is_easy(done: tuple[Path, str, str], tmp_path: Path) -> None:
    """The classes differ in colour, so a linear head on random features tells them apart."""
    folder = write_class_folders(tmp_path / "easy", each=20)
    result = package.finetune(str(folder), **{**PLAIN, "method": "supervised", "epochs": 6}, out=tmp_path / "r")
    assert result.metrics["accuracy"]["value"] == 1.0
    record = json.loads((result.model / "model.json").read_text())
    assert (record["head"], record["has_text"], record["has_symbol_tower"]) == ("linear", False, False)


def test_same_seed_same_model(images: Path, tmp_path: Path) -> None:
    first, again = (package.finetune([images], **PLAIN, out=tmp_path / name) for name in "ab")
    a, b = ((result.model / "weights.safetensors").read_bytes() for result in (first, again))
    assert a == b
    assert manifest(first.run)["config"]["epochs"] == {"value": 1, "source": "python"}


# --- existing output, resume -----------------------------------------------------------------------------------------


def test_a_finished_run_is_kept(done: tuple[Path, str, str], images: Path, tmp_path: Path) -> None:
    run = shutil.copytree(done[0], tmp_path / "run")
    said = run_failing("finetune", images, *QUICK, "--out", run)
    assert "already contains a finished run" in said and "--overwrite" in said
    assert manifest(run)["seed"] == 5
    said = run_failing("finetune", "--resume", run)
    assert "is finished" in said
    code, _, err = run_command("finetune", images, *QUICK, "--out", run, "--overwrite")
    assert code == 0, err
    assert manifest(run)["seed"] == 0 and not (run / "model" / "symbols").exists()


def test_resume_of_nothing() -> None:
    assert "is not a run directory" in run_failing("finetune", "--resume", "nowhere")


def stopped(monkeypatch: pytest.MonkeyPatch, step: int, act: Any, *args: object) -> int:
    """Run `finetune` and do something when so many steps are done."""
    begin = Trainer.__init__

    def watched(self: Trainer, task: Any, stages: Any, folder: Path, progress: Any = None, **how: Any) -> None:
        begin(self, task, stages, folder, CallAtStep(step, act), **how)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "__init__", watched)
        return run_command("finetune", *args)[0]


@pytest.mark.parametrize("method", [pytest.param("clip", marks=pytest.mark.slow), "galaxalign"])
def test_interrupted_run_can_be_resumed(
    method: str, images: Path, symbols: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = (
        "--backbone",
        "small-resnet@none",
        "--method",
        method,
        "--epochs",
        "1",
        "--batch-size",
        "8",
        "--precision",
        "fp32",
    )
    arguments = (images, *options, *(("--symbols", symbols) if method == "galaxalign" else ()))
    assert run_command("finetune", *arguments, "--out", "whole")[0] == 0
    step = 3 if method == "galaxalign" else 1
    assert stopped(monkeypatch, step, lambda: signal.raise_signal(signal.SIGINT), *arguments, "--out", "run") == 130
    assert manifest("run")["status"] == "interrupted"
    assert "Resume with: galaxtool finetune --resume run" in Path("run/log.txt").read_text()
    said = run_failing("finetune", *arguments, "--out", "run")
    assert "an interrupted run" in said and "--resume run" in said
    code, _, err = run_command("finetune", "--resume", "run")
    assert code == 0, err
    assert manifest("run")["status"] == "done" and len(manifest("run")["resumed"]) == 1
    assert same_model("whole", "run")
    first, second = (json.loads(Path(run, "metrics.json").read_text()) for run in ("whole", "run"))
    assert first == second


def test_killed_run_can_be_resumed(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = (images, *QUICK, "--epochs", "2")
    assert run_command("finetune", *arguments, "--out", "whole")[0] == 0
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr("galaxtool.utils.run_directory.RunDirectory.finish", lambda self, status: self.release())
        stopped(patch, 3, kill, *arguments, "--out", "run")
    assert manifest("run")["status"] == "running"
    assert "a running or killed run" in run_failing("finetune", *arguments, "--out", "run")
    code, _, err = run_command("finetune", "--resume", "run")
    assert code == 0, err
    assert same_model("whole", "run")


def test_resume_where_the_data_have_changed(images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shutil.copytree(images, tmp_path / "mine")
    interrupt = (lambda: signal.raise_signal(signal.SIGINT),)
    assert stopped(monkeypatch, 1, *interrupt, folder, *QUICK, "--out", "run") == 130
    (folder / "ring" / "3.png").unlink()
    assert "The data have changed since the run started" in run_failing("finetune", "--resume", "run")
    assert manifest("run")["status"] == "interrupted"


@pytest.mark.slow
def test_resume_with_ids_that_look_like_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["id_str,file_loc,label"]
    for i in range(12):
        write_png(tmp_path / f"{i}.png", i)
        lines.append(f"{i:018d},{tmp_path / f'{i}.png'},{'ring' if i % 2 else 'disc'}")
    Path("catalogue.csv").write_text("\n".join(lines))
    interrupt = (lambda: signal.raise_signal(signal.SIGINT),)
    assert stopped(monkeypatch, 1, *interrupt, "catalogue.csv", *QUICK, "--out", "run") == 130
    assert rows(Path("run/split.csv"))[1]["id"] == f"{1:018d}"
    code, _, err = run_command("finetune", "--resume", "run")
    assert code == 0, err


@pytest.fixture(scope="module")
def long_run(images: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], Path]:
    """The arguments of a training of some seconds in its own process, and the run that nobody stopped."""
    out = tmp_path_factory.mktemp("long") / "whole"
    arguments = ["finetune", str(images), *QUICK, "--epochs", "15", "--patience", "0", "--precision", "fp32", "--out"]
    subprocess.run([*COMMAND, *arguments, str(out)], check=True, capture_output=True, env=ONE_THREAD)
    return arguments, out


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopped_from_outside_and_resumed(number: signal.Signals, long_run: tuple[list[str], Path]) -> None:
    arguments, whole = long_run
    with running([*COMMAND, *arguments, "run"], stderr=subprocess.PIPE, text=True, env=ONE_THREAD) as process:
        assert process.stderr is not None
        while "epoch 2/15" not in (line := process.stderr.readline()):
            assert line, "it ended too early"
        time.sleep(0.1)
        process.send_signal(number)
        said = process.stderr.read()
        process.wait(60)
    assert process.returncode == (-9 if number == signal.SIGKILL else 130) and "Traceback" not in said
    assert manifest("run")["status"] == ("running" if number == signal.SIGKILL else "interrupted")
    subprocess.run([*COMMAND, "finetune", "--resume", "run"], check=True, capture_output=True, env=ONE_THREAD)
    assert manifest("run")["status"] == "done" and same_model("run", str(whole))


def test_failed_run_says_so(images: Path) -> None:
    said = run_failing("finetune", images, *QUICK, "--lr", "1e30", "--out", "run")
    assert "is nan" in said and "--lr 1e+29" in said
    assert manifest("run")["status"] == "failed" and not Path("run/model").exists()


def test_default_place_has_time_and_method(images: Path) -> None:
    code, _, err = run_command("finetune", images, *QUICK)
    assert code == 0, err
    (run,) = Path("runs").iterdir()
    assert run.name.endswith("Z-clip") and manifest(run)["config"]["output"] == {"value": None, "source": "default"}


# --- what is typed wrong ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--backbone", "mnii"), "no backbone called 'mnii'. Did you mean 'mini'?"),
        (("--backbone", "mini@bundle"), "no weights for mini called 'bundle'. Did you mean 'bundled'?"),
        (("--method", "galaxaling"), "no method called 'galaxaling'. Did you mean 'galaxalign'?"),
        (("--taxonomy", "galaxy-10"), "no taxonomy called 'galaxy-10'. Did you mean 'galaxy10'?"),
        (("--taxonomy", "radio-fr"), "'disc'"),
        (("--contrast", "classes"), "Did you mean 'class'?"),
        (("--score", "symbols"), "Did you mean 'symbol'?"),
        (("--device", "tpu"), "no device 'tpu'"),
        (("--precision", "fp8"), "--precision is 'fp8', which is not one of auto, fp32, bf16, fp16"),
        (("--stretch", "asin"), "Did you mean 'asinh'?"),
        (("--recipe", "minni"), "no recipe called 'minni'. Did you mean 'mini'?"),
        (("--data", "gz=x"), "--data cannot be used without --recipe"),
        (("--weight", "sett=2"), "Did you mean 'set'?"),
        (("--weight", "set=two"), "'two' is not a number"),
        (("--weight", "set=nan"), "must be a number above 0"),
        (("--weight", "set=0"), "must be a number above 0"),
        (("--epochs", "0"), "--epochs is 0; it must be at least 1"),
        (("--batch-size", "1"), "--batch-size is 1"),
        (("--fraction", "1.5"), "--fraction is 1.5"),
        (("--valid-fraction", "0"), "--valid-fraction is 0"),
        (("--lr", "inf"), "--lr is inf"),
        (("--weight-decay", "-1"), "--weight-decay is -1"),
        (("--seed", "-1"), "--seed is -1"),
        (("--where", "label == 'spiral'"), "holds for none of the 16 images"),
        (("--where", "odd_pool == 0"), "odd_pool"),
        (("--where", "label == 'ring'"), "All 8 images are of one class, 'ring'"),
        (("--config", "nowhere.toml"), "'nowhere.toml' cannot be read"),
    ],
)  # fmt: skip
def test_wrong_options_leave_nothing_behind(options: tuple[str, str], message: str, images: Path) -> None:
    said = run_failing("finetune", images, *QUICK, "--out", "run", *options)
    assert message in said
    assert not Path("run").exists()


def test_misspelt_option_is_usage(images: Path) -> None:
    assert "--epochs" in run_failing("finetune", images, "--epoch", "3", code=2)
    assert "'--epochs'" in run_failing("finetune", images, "--epochs", "three", code=2)


@pytest.mark.parametrize(
    ("name", "message"),
    [("nowhere", "no data set, folder or file called 'nowhere'"), ("samlpe", "Did you mean 'sample'?")],
)
def test_unknown_data(name: str, message: str) -> None:
    assert message in run_failing("finetune", name, *QUICK)


def test_own_classes_need_symbols_for_galaxalign(images: Path, symbols: Path, tmp_path: Path) -> None:
    said = run_failing("finetune", images, "--method", "galaxalign", "--backbone", "small-resnet@none", "--out", "run")
    assert "has none for disc, ring" in said and "supervised or clip" in said and "--symbols DIR" in said
    some = shutil.copytree(symbols, tmp_path / "some")
    (some / "disc.png").unlink()
    assert "has none for disc." in run_failing("finetune", images, "--symbols", some, "--backbone", "small-resnet@none")
    (some / "disc.png").write_text("no image")
    said = run_failing("finetune", images, "--symbols", some, "--backbone", "small-resnet@none", "--out", "run")
    assert "cannot be read as an image" in said
    assert "nowhere" in run_failing("finetune", images, "--symbols", "nowhere", "--backbone", "small-resnet@none")


@pytest.mark.parametrize("make", ["empty", "no images", "flat", "one class", "one image each"])
def test_folders_that_cannot_train(make: str, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    if make == "no images":
        (folder / "ring").mkdir()
        (folder / "ring" / "notes.txt").write_text("nothing")
    elif make == "flat":
        write_png(folder / "a.png", 0)
    elif make == "one class":
        write_class_folders(folder, classes=["ring"])
    elif make == "one image each":
        write_class_folders(folder, each=1)
    said = run_failing("finetune", folder, *QUICK, "--out", "run")
    expected = {
        "one class": "All 8 images are of one class, 'ring'", "one image each": "Nothing is left to validate on",
    }  # fmt: skip
    assert expected.get(make, "set") in said
    assert not Path("run").exists()


# --- data ------------------------------------------------------------------------------------------------------------


def trained(*args: object) -> Path:
    code, _, said = run_command("finetune", *args, *QUICK, "--out", "run")
    assert code == 0, said
    return Path("run")


def test_a_class_with_one_image_is_trained_on(tmp_path: Path) -> None:
    folder = write_class_folders(tmp_path / "set", classes=["ring", "disc"])
    write_class_folders(folder, classes=["smudge"], each=1)
    split = rows(trained(folder) / "split.csv")
    assert [row["split"] for row in split if row["label"] == "smudge"] == ["train"]
    assert json.loads(Path("run/model/model.json").read_text())["data"]["counts"]["train"]["smudge"] == 1


def test_given_splits_are_kept(tmp_path: Path) -> None:
    for number, (split, each) in enumerate((("train", 5), ("valid", 3), ("test", 2))):
        write_class_folders(tmp_path / "set" / split, each=each, first=number)
    run = trained(tmp_path / "set")
    counts = json.loads((run / "model/model.json").read_text())["data"]["counts"]
    assert counts == {split: {"disc": n, "ring": n} for split, n in (("train", 5), ("valid", 3), ("test", 2))}
    assert all(f"/{row['split']}/" in row["path"] for row in rows(run / "split.csv"))
    assert json.loads((run / "metrics.json").read_text())["n"] == 6


def test_data_sets_mix_by_weight(images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    more = write_class_folders(tmp_path / "more", each=4, first=7)
    seen: list[np.ndarray] = []
    monkeypatch.setattr(
        "galaxtool.training.trainer.draw_epoch_order",
        lambda pictures, *_: (seen.append(pictures.weights), np.arange(len(pictures)))[1],
    )
    run = trained(images, more, "--weight", "more=2.5")
    assert sorted(set(seen[0].tolist())) == [1.0, 2.5]
    split = rows(run / "split.csv")
    assert {(row["id"][0], float(row["weight"])) for row in split} == {("0", 1.0), ("1", 2.5)}
    assert len({row["id"] for row in split}) == len(split) == 24
    assert [entry["name"] for entry in manifest(run)["inputs"]] == ["set", "more"]


def test_fraction_leaves_validation_alone(images: Path) -> None:
    whole = rows(trained(images) / "split.csv")
    shutil.rmtree("run")
    half = rows(trained(images, "--fraction", "0.5") / "split.csv")
    assert sum(row["split"] == "unused" for row in half) == 6 and sum(row["split"] == "train" for row in half) == 8
    for a, b in zip(whole, half, strict=True):
        assert a["split"] == b["split"] or (a["split"], b["split"]) == ("train", "unused")


def test_where_and_label_column(images: Path, tmp_path: Path) -> None:
    lines = ["path,label,shape,votes"]
    for i, file in enumerate(sorted(images.rglob("*.png"))):
        lines.append(f"{file},?,{file.parent.name},{i}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    run = trained("labels.csv", "--label-column", "shape", "--where", "votes >= 2 and votes != 9")
    assert len(rows(run / "split.csv")) == 13
    assert json.loads((run / "model/model.json").read_text())["data"]["where"] == "votes >= 2 and votes != 9"


def test_known_names_choose_their_taxonomy(tmp_path: Path) -> None:
    folder = write_class_folders(tmp_path / "set", classes=["FRI", "Bent"])
    code, _, said = run_command(
        "finetune", folder, "--backbone", "small-resnet@none", "--epochs", "1", "--out", "run", "--taxonomy", "radio-fr"
    )
    assert code == 0, said
    record = json.loads(Path("run/model/model.json").read_text())
    assert [c["slug"] for c in record["taxonomy"]["classes"]] == ["fri", "bent"]
    assert Path("run/model/symbols/bent.png").exists()


def test_all_classes_are_kept_when_asked_for(tmp_path: Path) -> None:
    folder = write_class_folders(tmp_path / "set", classes=["FRI", "FRII"])
    trained(folder, "--taxonomy", "radio-fr", "--all-classes")
    record = json.loads(Path("run/model/model.json").read_text())
    assert [c["slug"] for c in record["taxonomy"]["classes"]] == ["fri", "frii", "compact", "bent"]


def test_labels_that_no_class_has_are_named(tmp_path: Path) -> None:
    folder = write_class_folders(tmp_path / "set", classes=["FRI", "blob"])
    said = run_failing("finetune", folder, *QUICK, "--taxonomy", "radio-fr")
    assert "blob" in said and "radio-fr" in said


def test_unreadable_images_are_left_out_and_named(images: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(images, tmp_path / "mine")
    (folder / "ring" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    run = trained(folder)
    assert "Left out: " in (log := (run / "log.txt").read_text()) and "broken.png" in log
    for file in folder.rglob("*.png"):
        file.write_text(f"no image: {file}")
    shutil.rmtree("run")
    assert "None of the" in run_failing("finetune", folder, *QUICK, "--out", "run")
    assert manifest("run")["status"] == "failed"


def test_crop_and_stretch_are_the_model_s(images: Path) -> None:
    trained(images, "--crop", "0.75", "--stretch", "asinh")
    preprocess = json.loads(Path("run/model/model.json").read_text())["preprocess"]
    assert preprocess["crop"] == 0.75 and preprocess["stretch"]["name"] == "asinh"


def test_a_convolutional_network_takes_images_of_another_size(images: Path) -> None:
    trained(images, "--image-size", "32")
    record = json.loads(Path("run/model/model.json").read_text())
    assert record["preprocess"]["size"] == 32
    code, out, _ = run_command("classify", images, "--model", "run", "--engine", "torch", "-o", "table.csv", "--json")
    assert code == 0 and json.loads(out)["n"] > 0


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--image-size", "4"), "--image-size is 4; it must be at least 8"),
        (("--image-size", "60000"), "--image-size is 60000; it must be at most 2048"),
        (
            ("--method", "supervised", "--image-size", "100", "--backbone", "timm:vit_tiny_patch16_224@none"),
            "cannot take images of 100 pixels",
        ),
    ],
)
def test_an_image_size_that_a_network_cannot_take(images: Path, options: tuple[str, ...], expected: str) -> None:
    assert expected in run_failing("finetune", images, *QUICK, *options, "--out", "run")


@pytest.mark.parametrize(
    "size", [(20, 30), pytest.param((1, 1), marks=pytest.mark.slow), pytest.param((200, 40), marks=pytest.mark.slow)]
)
def test_images_of_any_size(size: tuple[int, int], tmp_path: Path) -> None:
    folder = write_class_folders(tmp_path / "set")
    Image.new("L", size, 90).save(folder / "ring" / "odd.png")
    assert len(rows(trained(folder) / "split.csv")) == 17


# --- recipes and settings --------------------------------------------------------------------------------------------

RECIPE = """[finetune]
dataset = ["{galaxies}"]
backbone = "small-resnet@none"
method = "clip"
epochs = 2
batch_size = 8
lr = 1
crop = 0.5
weight = ["{galaxies}=2"]
"""


def test_recipe_with_a_slot(images: Path) -> None:
    Path("mine.toml").write_text(RECIPE)
    said = run_failing("finetune", "--recipe", "mine.toml")
    assert "needs the data 'galaxies'" in said and "--data galaxies=PATH" in said
    code, _, err = run_command(
        "finetune", "--recipe", "mine.toml", "--data", f"galaxies={images}", "--epochs", "1", "--lr", "0.001",
        "--out", "run",
    )  # fmt: skip
    assert code == 0, err
    assert [value("run", key) for key in ("dataset", "epochs", "lr", "crop")] == [[str(images)], 1, 0.001, 0.5]
    assert value("run", "weight") == [f"{images.name}=2"]
    sources = {key: entry["source"] for key, entry in manifest("run")["config"].items()}
    assert sources["crop"] == sources["dataset"] == "recipe mine.toml"
    assert sources["epochs"] == "flag" and sources["seed"] == "default"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("epoch = 2", "sets 'epoch' in [finetune]"),
        ("epochs = '2'", "sets 'epochs' to '2'"),
        ("epochs = true", "sets 'epochs' to True"),
        ("dataset = [1]", "sets 'dataset' to [1]; it must be a list of strings"),
        ("symbols = 3", "it must be a path"),
        ("epochs =", "not valid TOML"),
    ],
)
def test_recipes_that_cannot_be_used(line: str, message: str) -> None:
    Path("bad.toml").write_text(f"[finetune]\n{line}\n")
    assert message in run_failing("finetune", "--recipe", "bad.toml")


def test_recipe_from_python(images: Path, symbols: Path) -> None:
    Path("mine.toml").write_text(f'[finetune]\ndataset = "{images}"\nsymbols = "{symbols}"\nepochs = 1\nseed = 4\n')
    result = package.finetune(recipe="mine.toml", backbone="small-resnet@none", warmup_epochs=0, out=Path("run"))
    assert manifest(result.run)["config"]["seed"] == {"value": 4, "source": "recipe mine.toml"}


def test_settings_have_their_precedence_and_source(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("settings.toml").write_text(f'[finetune]\nseed = 2\ncrop = 0.5\nweight = "set=2"\ndataset = ["{images}"]\n')
    monkeypatch.setenv("GALAXTOOL_SEED", "1")
    monkeypatch.setenv("GALAXTOOL_FINETUNE_STRETCH", "log")
    monkeypatch.setenv("GALAXTOOL_CROP", "0.9")
    code, _, said = run_command("finetune", *QUICK, "--config", "settings.toml", "--crop", "0.6", "--out", "run")
    assert code == 0, said
    config = manifest("run")["config"]
    assert config["seed"] == {"value": 2, "source": "file settings.toml"}
    assert config["weight"] == {"value": ["set=2"], "source": "file settings.toml"}
    assert config["crop"] == {"value": 0.6, "source": "flag"}
    assert config["stretch"] == {"value": "log", "source": "environment GALAXTOOL_FINETUNE_STRETCH"}
    assert config["lr"] == {"value": 0.002, "source": "default"}


@pytest.mark.parametrize(
    ("given", "wanted"), [({}, (20, 11)), ({"epochs": 3}, (3, 3)), ({"epochs": 15}, (15, 11)),
                          ({"epochs": 2, "warmup_epochs": 5}, (2, 5)), ({"warmup_epochs": 0}, (20, 0))]
)  # fmt: skip
def test_epochs_of_both_stages(
    given: dict[str, int], wanted: tuple[int, int], images: Path, symbols: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: list[Any] = []

    def noted(self: Trainer, **_: Any) -> None:
        options.append(self.task.options)
        raise GalaxtoolError("enough")

    monkeypatch.setattr(Trainer, "fit", noted)
    with pytest.raises(GalaxtoolError, match="enough"):
        package.finetune([images], symbols=symbols, backbone="small-resnet@none", out=Path("run"), **given)
    assert (options[0].epochs, options[0].warmup_epochs) == wanted


def test_result_as_json(images: Path) -> None:
    code, printed, _ = run_command("finetune", images, *QUICK, "--out", "run", "--json", "--quiet")
    result = json.loads(printed)
    assert code == 0 and result["classes"] == ["disc", "ring"] and result["run"] == "run"
    assert result["metrics"]["n"] == 2


def test_quiet_says_nothing(images: Path) -> None:
    assert run_command("finetune", images, *QUICK, "--out", "run", "--quiet") == (0, "", "")
