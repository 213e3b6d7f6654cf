"""An image that kills the only process: the next run isolates it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from galaxtool.tables.read import read_table

# stands for a crash of a library: opening one of the images ends the thread or process that reads images
SITE = """
import multiprocessing, os, signal, sys, threading
def kill(event, args):
    if event == "open" and "deadly" in str(args[0]):
        if threading.current_thread().name.startswith("galaxtool") or "Loky" in multiprocessing.current_process().name:
            os.kill(os.getpid(), signal.SIGSEGV)
sys.addaudithook(kill)
"""


@pytest.mark.slow
@pytest.mark.parametrize("command", ["classify", "embed", "index"])
def test_the_next_run_isolates_what_killed_the_last(command: str, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SITE)
    (tmp_path / "images").mkdir()
    random = np.random.default_rng(0)
    for name in ("a", "b", "deadly", "z"):
        fits.PrimaryHDU(random.normal(size=(48, 48)).astype("f4")).writeto(tmp_path / "images" / f"{name}.fits")
    name = "o" if command == "index" else "o.csv" if command == "classify" else "o.parquet"
    run = [Path(sys.executable).with_name("galaxtool"), command, "images", "-o", name, "--executor", "threads"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    first = subprocess.run(run, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert first.returncode == -signal.SIGSEGV, first.stderr
    second = subprocess.run(run, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert second.returncode == 0, second.stderr
    assert "read in processes of their own" in " ".join(second.stderr.split())
    assert not list(tmp_path.glob("*.unfinished"))
    if command == "index":
        assert "1 " in second.stderr and "deadly" in second.stderr
        return
    table = read_table(tmp_path / name)
    errors = {Path(str(path)).stem: str(error) for path, error in zip(table["path"], table["error"], strict=True)}
    assert "SIGSEGV" in errors.pop("deadly") and set(errors.values()) <= {"", "--"}
