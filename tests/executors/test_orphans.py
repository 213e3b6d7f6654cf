"""Worker processes end with the process that started them, even if that is killed."""

from __future__ import annotations

import subprocess
import sys

import pytest

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
