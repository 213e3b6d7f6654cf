"""Work on a Ray cluster of two nodes, all of it on this machine."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import os
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import psutil
import pytest
from astropy.io import fits
from astropy.table import Table
from support import ray_tasks

import galaxtool
from galaxtool.errors import ConfigError, DependencyMissing, GalaxtoolError, UnreadableImage
from galaxtool.executors.ordered_map import AHEAD
from galaxtool.plugins.registry import get_registry
from galaxtool.tables.read import read_table

# Ray leaves its own log files open
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
with_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed: galaxtool[ray]")
NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",
    "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
}


def executor(**options: Any) -> Any:
    registry = get_registry()
    return registry.executors.find("ray").create(**{"workers": None, "address": "", **options})


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _collect() -> None:
    """Let what Ray leaves open go now, rather than during another file's test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


class Zeros:
    """Puts 0 in place of a number that kills its workers."""

    def split(self, task: int) -> list[int]:
        return [task]

    def join(self, results: list[int], tasks: list[int]) -> int:
        return results[0]

    def fail(self, task: int, why: str) -> int:
        return 0


class Nodes:
    """A cluster of a head, to which drivers of this machine belong, and another node."""

    made: ClassVar[list[Nodes]] = []

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        self.made.append(self)
        self.joined: Any = None
        self.client_port = free_port()
        self.cluster = Cluster()
        try:
            self.cluster.add_node(include_dashboard=False, ray_client_server_port=self.client_port, **NODE)
            self.find_another()
        except Exception:
            self.close()
            raise

    def join(self) -> Any:
        """Return an executor that has joined, the same one until `leave`, as joining anew costs seconds."""
        if self.joined is None:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("RAY_ADDRESS", self.cluster.address)
                self.joined = executor()
        return self.joined

    def leave(self) -> None:
        if self.joined is not None:
            self.joined.close()
            self.joined = None

    def lose_one(self) -> None:
        self.cluster.remove_node(self.other, allow_graceful=False)

    def find_another(self) -> None:
        self.other = self.cluster.add_node(**NODE)

    def close(self) -> None:
        self.leave()
        self.cluster.shutdown()
        _collect()


def started() -> Nodes:
    """Start a cluster; Ray gives up where its processes, a dozen, have not started within 30 seconds."""
    for attempt in range(2):
        try:
            return Nodes()
        except Exception as error:
            if attempt:
                pytest.skip(f"Ray does not start two nodes here: {error}")
    raise AssertionError


@pytest.fixture(scope="module")
def nodes(loopback: None) -> Iterator[Nodes]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        patch.delenv("RAY_ADDRESS", raising=False)
        made = started()
        yield made
        made.close()


@pytest.fixture
def joined(nodes: Nodes) -> Any:
    return nodes.join()


@pytest.fixture
def once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make Ray's workers be replaced once, as each costs seconds."""
    monkeypatch.setattr("galaxtool.executors.ray._RETRIES", 1)


# --- without a cluster -----------------------------------------------------------------------------------------------


def test_ray_is_asked_for_by_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(DependencyMissing, match="needs the package 'ray'") as caught:
        executor()
    assert "galaxtool[ray]" in caught.value.hint


@pytest.mark.parametrize("address", ["http://head:1", "head:port", "head:1:2", "a b", "[::1", "head:123456", "/"])
def test_what_is_no_address(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="is not an address of Ray"):
        executor(address=address)
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(ConfigError, match="is not an address of Ray"):
        executor()


def test_no_workers() -> None:
    with pytest.raises(ConfigError, match="--workers is 0"):
        executor(workers=0)


# --- with one --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@with_ray
@pytest.mark.usefixtures("loopback")
@pytest.mark.parametrize("direct", [False, True])
def test_nobody_at_the_address(direct: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"127.0.0.1:{free_port()}"
    if direct:
        monkeypatch.setenv("RAY_ADDRESS", address)
    begun = time.monotonic()
    with pytest.raises(GalaxtoolError, match=f"Cannot connect to Ray at '.*{address}'") as caught:
        executor(address="" if direct else address)
    assert time.monotonic() - begun < 60
    assert caught.value.hint and "\n" not in caught.value.message


def workers_of_ray() -> list[psutil.Process]:
    """Return the processes below this one in which a Ray worker runs a task of galaxtool now."""
    found = []
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if (one.cmdline() or [""])[0].startswith("ray::run_task"):
                found.append(one)
    return found


def simulated(folder: Path, n: int) -> None:
    """Simulated FITS, of which one has an empty corner and another is cut short."""
    galaxtool.simulate(output=folder, n=n, size=64)
    files = sorted(folder.rglob("*.fits"))
    with fits.open(files[3], mode="update") as hdus:
        hdus[0].data[..., :8, :8] = np.nan
    files[8].write_bytes(files[8].read_bytes()[:5000])


def assert_alike(one: Table, other: Table) -> None:
    """Same ids, labels, flags and errors; numbers within 1e-3."""
    assert one.colnames == other.colnames
    for name in one.colnames:
        a, b = np.ma.filled(one[name], -1), np.ma.filled(other[name], -1)
        if a.dtype.kind == "f":
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-3)
        else:
            np.testing.assert_array_equal(a, b)


@pytest.mark.slow
@with_ray
class TestCluster:
    def test_results_come_in_order_and_few_tasks_are_taken_ahead(self, joined: Any) -> None:
        taken = 0

        def tasks() -> Iterator[int]:
            nonlocal taken
            for number in range(60):
                taken += 1
                yield number

        assert joined.workers == 2
        for number, result in enumerate(joined.map(ray_tasks.make_square, tasks())):
            assert result == number * number
            assert taken <= number + AHEAD * joined.workers
        assert taken == 60
        assert list(joined.map(ray_tasks.make_square, [])) == []

    def test_each_worker_makes_its_function_once(self, joined: Any, tmp_path: Path) -> None:
        workers = set(joined.map(ray_tasks.CountingFactory(tmp_path), range(20)))
        made = [int(file.name.partition("-")[0]) for file in tmp_path.iterdir()]
        assert len(made) == 2 and workers <= set(made)

    def test_no_more_workers_than_tasks(self, joined: Any, tmp_path: Path) -> None:
        (tmp_path / "another").touch()
        assert len(list(joined.map(ray_tasks.CountingFactory(tmp_path), range(1)))) == 1
        assert len(list(tmp_path.iterdir())) == 2

    def test_a_killed_worker_is_replaced(self, joined: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        done = list(joined.map(ray_tasks.KillingFactory(tmp_path, at=7, times=2), range(20)))
        assert done == [number * number for number in range(20)]
        assert len(list(tmp_path.iterdir())) == 2
        assert capsys.readouterr().out == ""

    @pytest.mark.usefixtures("once_more")
    def test_a_task_that_kills_every_worker(self, joined: Any, tmp_path: Path) -> None:
        done = []
        with pytest.raises(GalaxtoolError, match=r"2 Ray .* at the same batch; .* its process was killed") as caught:
            for one in joined.map(ray_tasks.KillingFactory(tmp_path, at=7, times=1000), range(20)):
                done.append(one)
        assert done == [number * number for number in range(7)]
        # a result that was on its way when its worker died has a death laid to it, and the task after it one more
        assert "--resume" in caught.value.hint and len(list(tmp_path.iterdir())) in (2, 3)

    @pytest.mark.usefixtures("once_more")
    def test_what_kills_every_worker_is_isolated(self, joined: Any, tmp_path: Path) -> None:
        work = ray_tasks.KillingFactory(tmp_path, at=7, times=1000)
        done = list(joined.map_rescuing(work, range(10), Zeros()))
        assert done == [number * number if number != 7 else 0 for number in range(10)]

    @pytest.mark.usefixtures("once_more")
    def test_workers_that_die_before_they_begin(self, joined: Any) -> None:
        message = "2 Ray workers died one after another before they had finished a batch"
        with pytest.raises(GalaxtoolError, match=message):
            list(joined.map(ray_tasks.KilledWhenMade(), range(1)))

    def test_a_lost_node(self, nodes: Nodes, joined: Any, tmp_path: Path) -> None:
        def lose() -> None:
            ray_tasks.wait_until(lambda: len(list(tmp_path.glob("*.waits"))) == 2)
            nodes.lose_one()
            (tmp_path / "go").touch()

        with ThreadPoolExecutor(1) as pool:
            lost = pool.submit(lose)
            done = list(joined.map(ray_tasks.WaitingFactory(tmp_path), range(12)))
            lost.result()
        assert done == [number * number for number in range(12)]
        nodes.find_another()

    def test_errors_come_out_as_themselves(self, joined: Any) -> None:
        results = joined.map(ray_tasks.make_unreadable, range(20))
        assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
        with pytest.raises(UnreadableImage) as caught:
            next(results)
        assert str(caught.value) == "The image number 5 is damaged." and caught.value.hint == "Make it anew."
        with pytest.raises(ConfigError, match=r"^There is no such model\.$"):
            list(joined.map(ray_tasks.fail_to_make, [1]))
        with pytest.raises(ZeroDivisionError):
            list(joined.map(ray_tasks.make_broken, [2]))

    def test_workers_are_like_the_process_that_asks(
        self, joined: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("GALAXTOOL_OF_A_TEST", "yes")
        names = [".", "GALAXTOOL_OF_A_TEST", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"]
        assert list(joined.map(ray_tasks.make_environment_reader, names)) == [str(tmp_path), "yes", "1", "1", "1"]

    def test_workers_that_cannot_be(self, joined: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("galaxtool.executors.ray.__version__", "0.0.1")
            with pytest.raises(GalaxtoolError, match=r"has galaxtool .*, but this machine has 0\.0\.1"):
                list(joined.map(ray_tasks.make_square, [1]))
        (tmp_path / "only_here_for_a_test.py").write_text("def make():\n    return abs\n", encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        module = importlib.import_module("only_here_for_a_test")
        with pytest.raises(GalaxtoolError, match="has no package 'only_here_for_a_test'"):
            list(joined.map(module.make, [1]))
        folder = tmp_path / "gone"
        folder.mkdir()
        monkeypatch.setattr(os, "getcwd", partial(str, folder))
        folder.rmdir()
        with pytest.raises(GalaxtoolError, match=r"cannot enter the folder '.*gone': No such file"):
            list(joined.map(ray_tasks.make_square, [1]))

    def test_what_was_not_begun_here_goes_on(self, nodes: Nodes, joined: Any) -> None:
        import ray

        second = executor(workers=1)  # this process has joined already
        assert list(second.map(ray_tasks.make_square, range(3))) == [0, 1, 4]
        second.close()
        assert ray.is_initialized()
        abandoned = joined.map(ray_tasks.make_square, range(100))
        assert next(abandoned) == 0
        nodes.leave()
        assert not ray.is_initialized()
        assert list(nodes.join().map(ray_tasks.make_square, [2])) == [4]

    def test_the_command_gives_the_table_of_other_executors(
        self, nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        nodes.leave()
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("RAY_ADDRESS", nodes.cluster.address)
        simulated(tmp_path / "in", 120)
        command = [str(Path(sys.executable).with_name("galaxtool")), "classify", "in", "--batch-size", "2"]

        def begin(name: str, executor: str, *more: str) -> subprocess.Popen[bytes]:
            return subprocess.Popen([*command, "--quiet", "--executor", executor, "-o", name, *more])

        for executor in ("processes", "threads", "ray"):
            assert begin(f"{executor}.csv", executor).wait() == 0
        table = read_table(Path("processes.csv"))
        assert len(table) == 120 and [bool(error) for error in table["error"]] == [row == 8 for row in range(120)]
        assert "NAN_PIXELS" in table["flags"][3] and len(set(np.ma.filled(table["label"], ""))) > 3
        assert Path("ray.csv").read_bytes() == Path("processes.csv").read_bytes()
        assert_alike(read_table(Path("threads.csv")), table)

        parts = Path("killed.csv.unfinished")
        with begin("killed.csv", "ray") as process:
            ray_tasks.wait_until(lambda: process.poll() is not None or any(parts.glob("part-*.parquet")))
            working: list[psutil.Process] = []

            def is_working() -> bool:
                # a worker has the name of its task only while it runs one
                working.extend(workers_of_ray())
                return bool(working) or process.poll() is not None

            ray_tasks.wait_until(is_working)
            killed = working[0]
            killed.kill()
            assert process.poll() is None and len(list(parts.glob("part-*.parquet"))) < 3
        assert process.returncode == 0 and not killed.is_running()
        assert Path("killed.csv").read_bytes() == Path("processes.csv").read_bytes()

        with_client = importlib.util.find_spec("grpc") is not None
        ray_there = f"ray://127.0.0.1:{nodes.client_port}" if with_client else "ray"
        for executor, shard in ((ray_there, "1/2"), ("threads", "2/2")):
            assert begin("both.csv", executor, "--shard", shard).wait() == 0
        galaxtool.merge(Path("both.csv"))
        assert_alike(read_table(Path("both.csv")), table)

    def test_by_a_client_server(self, nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        import ray

        pytest.importorskip("grpc")
        nodes.leave()
        init, refused = ray.init, []

        def refuses_once(*given: object, **named: object) -> object:
            if refused:
                return init(*given, **named)
            refused.append(given)
            raise ConnectionAbortedError("Initialization failure from server:")

        monkeypatch.setattr(ray, "init", refuses_once)
        made = executor(address=f"127.0.0.1:{nodes.client_port}")
        try:
            done = list(made.map(ray_tasks.KillingFactory(tmp_path, at=3, times=1), range(8)))
            assert done == [number * number for number in range(8)] and refused
            with pytest.raises(UnreadableImage, match="number 5 is damaged"):
                list(made.map(ray_tasks.make_unreadable, range(8)))
        finally:
            made.close()


@pytest.mark.slow
@with_ray
@pytest.mark.usefixtures("loopback")
def test_a_ray_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    for nodes in Nodes.made:  # tests of the cluster may have gone before in this process, and be joined to it
        nodes.leave()
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("PYTHONPATH", SETTINGS["PYTHONPATH"])
    made = executor(workers=1)
    assert made.workers == 1
    assert list(made.map(ray_tasks.make_square, range(5))) == [0, 1, 4, 9, 16]
    made.close()
    made.close()
    assert not ray.is_initialized()
    _collect()
