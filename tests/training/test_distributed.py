"""Several processes train as one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from support.train_in_processes import train
from support.training_helpers import write_class_folders

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
TESTS = Path(__file__).resolve().parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(TESTS), "OMP_NUM_THREADS": "1", "GALAXTOOL_OFFLINE": "1"}
if sys.platform == "linux":
    ENVIRONMENT["GLOO_SOCKET_IFNAME"] = "lo"  # whatever the machine's own name resolves to

pytestmark = pytest.mark.usefixtures("loopback")


@pytest.mark.parametrize(
    "accumulate", [pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)]
)
def test_two_processes_train_as_one(accumulate: int, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    script = TESTS / "support" / "train_in_processes.py"
    done = subprocess.run(
        [*TORCHRUN, str(script), str(two), str(accumulate)], env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    train(one)
    losses, losses_2 = (json.loads((folder / "losses.json").read_text()) for folder in (one, two))
    assert len(losses) == 21 and losses_2 == pytest.approx(losses, abs=1e-4)
    weights, weights_2 = (torch.load(folder / "weights.pt", weights_only=True) for folder in (one, two))
    for name, value in weights.items():
        torch.testing.assert_close(weights_2[name], value, rtol=1e-3, atol=1e-4, msg=name)


@pytest.mark.slow
def test_the_command_under_torchrun(tmp_path: Path) -> None:
    images = write_class_folders(tmp_path / "set")
    command = [
        "-m", "galaxtool", "finetune", str(images), "--method", "clip", "--backbone", "small-resnet@none", "--epochs",
        "2", "--batch-size", "8", "--out", str(tmp_path / "run"),
    ]  # fmt: skip
    done = subprocess.run([*TORCHRUN, *command], env=ENVIRONMENT, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["status"] == "done" and "2 processes" in manifest["device"]
    assert done.stdout.count("Model: ") == 1
    classified = subprocess.run(
        [sys.executable, "-m", "galaxtool", "classify", str(images), "--model", str(tmp_path / "run")],
        env=ENVIRONMENT, capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert classified.returncode == 0, classified.stderr
