"""The head of a Ray cluster is lost in the middle of a job: a sentence, and nothing computed is lost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import galaxtool

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # Ray leaves its own log files open
    pytest.mark.usefixtures("loopback"),
]
COMMAND = [str(Path(sys.executable).with_name("galaxtool")), "classify", "in", "--batch-size", "2", "-o", "out.csv"]


def test_a_lost_head_is_told_and_the_job_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    monkeypatch.chdir(tmp_path)
    galaxtool.simulate(output="in", n=300, size=64)
    cluster = cluster_utils.Cluster()
    try:
        cluster.add_node(include_dashboard=False, num_cpus=1, object_store_memory=80 * 2**20)
        environment = os.environ | {"RAY_ADDRESS": cluster.address}
        job = subprocess.Popen([*COMMAND, "--executor", "ray"], env=environment, stderr=subprocess.PIPE, text=True)
        while job.poll() is None and not any(Path("out.csv.unfinished").glob("part-*.parquet")):
            time.sleep(0.2)
        assert job.poll() is None
        cluster.remove_node(cluster.head_node, allow_graceful=False)
        _, errors = job.communicate(timeout=300)
    finally:
        cluster.shutdown()
    assert job.returncode == 1
    assert "does not answer any more" in errors and "--resume" in errors and "Traceback" not in errors
    subprocess.run([*COMMAND, "--executor", "threads", "--resume", "--quiet"], check=True)
    assert len(Path("out.csv").read_text().splitlines()) == 301
