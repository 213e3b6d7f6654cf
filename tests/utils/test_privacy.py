"""galaxtool sends nothing: no engine and no command opens a connection."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

import galaxtool
from galaxtool.utils.optional_imports import is_installed

ENGINES = [name for name in ("onnx", "openvino") if name == "onnx" or is_installed("openvino")]
CHILD = """
import os, sys
calls = []
sys.addaudithook(lambda event, args: calls.append((event, args)) if event.startswith("socket.") else None)
import galaxtool
for engine in sys.argv[1].split(","):
    galaxtool.classify(["a.fits"], output=f"{engine}.csv", engine=engine, executor="threads", workers=1)
galaxtool.embed(["a.fits"], output="e.parquet", executor="threads", workers=1)
bad = [call for call in calls if call[0] in ("socket.connect", "socket.getaddrinfo", "socket.sendto")]
print(bad, os.environ["ORT_DISABLE_TELEMETRY"], "openvino_telemetry.main" in sys.modules)
"""


def run(folder: Path, *before: str, offline: str = "") -> subprocess.CompletedProcess[str]:
    fits.PrimaryHDU(np.random.default_rng(0).normal(size=(24, 24)).astype("f4")).writeto(folder / "a.fits")
    given = {"HOME": str(folder), "GALAXTOOL_OFFLINE": offline, "HF_HUB_OFFLINE": ""}
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ORT_")} | given
    return subprocess.run(
        [*before, sys.executable, "-c", CHILD, ",".join(ENGINES)], cwd=folder, env=environment, capture_output=True,
        text=True, timeout=120, check=True,
    )  # fmt: skip


def test_reports_are_off() -> None:
    assert galaxtool.__version__ and os.environ["ORT_DISABLE_TELEMETRY"] == "1"
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"


@pytest.mark.slow
def test_no_engine_opens_a_connection(tmp_path: Path) -> None:
    assert run(tmp_path).stdout.split("\n")[-2] == "[] 1 False"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_no_library_opens_a_connection(tmp_path: Path) -> None:
    log = tmp_path / "calls"
    run(tmp_path, "strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmmsg", "-o", str(log))
    assert [line for line in log.read_text(errors="replace").splitlines() if "AF_INET" in line] == []
