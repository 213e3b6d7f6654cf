"""Worker processes end with the process that started them, even if that is killed, and signals reach them all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import galaxtool

PARENT = """
import os, sys, time
from galaxtool.executors.worker_pool import open_pool

pool = open_pool(1)
print(pool.submit(os.getpid).result(), flush=True)
pool.submit(time.sleep, 100)
time.sleep(0.1)
os.kill(os.getpid(), 9)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_busy_worker_ends_with_its_killed_parent() -> None:
    started = [sys.executable, "-c", PARENT]
    # the worker inherits the pipe, which therefore ends only with it
    done = subprocess.run(started, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60, check=False)
    assert done.returncode == -9 and int(done.stdout) > 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_to_all_processes_of_a_job_is_told_once(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # as batch systems send it, and a terminal that is closed
    monkeypatch.chdir(tmp_path)
    galaxtool.simulate(output="in", n=300, size=64)
    command = [str(Path(sys.executable).with_name("galaxtool")), "classify", "in", "--batch-size", "2", "-o", "out.csv"]
    job = subprocess.Popen(
        [*command, "--executor", "processes", "--workers", "2"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while job.poll() is None and not any(Path("out.csv.unfinished").glob("part-*.parquet")):
        time.sleep(0.1)
    os.killpg(job.pid, getattr(signal, name))
    _, errors = job.communicate(timeout=60)
    assert job.returncode == 128 + getattr(signal, name)
    assert f"Interrupted by {name}" in errors and "--resume" in errors
    assert "Traceback" not in errors and "resource_tracker" not in errors
    subprocess.run([*command, "--resume", "--quiet"], check=True)
    assert len(Path("out.csv").read_text().splitlines()) == 301
