"""Run tasks on a Ray cluster, or on a Ray of this machine."""

from __future__ import annotations

import os
import re
import socket
import uuid
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from galaxtool import __version__
from galaxtool.errors import ConfigError, GalaxtoolError
from galaxtool.executors.cores import resolve_workers
from galaxtool.executors.isolation import Rescue, RescuingExecutor
from galaxtool.executors.ordered_map import AHEAD
from galaxtool.executors.ray_errors import (
    RESUME_HINT,
    TaskKillsWorkers,
    explain_crash,
    find_missing_package,
    shorten_message,
    unwrap_error,
)
from galaxtool.executors.ray_head import HeadLost, RayHead
from galaxtool.executors.ray_worker import RaySetup, prepare_worker, run_task
from galaxtool.utils.optional_imports import require

_DIRECT_PORT = 6379  # port where Ray's own nodes meet; any other is taken for that of a Ray client server
_CLIENT_PORT = 10001
_PROBE_S = 5
_RETRIES = 3
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS_SKIP_REGEX": "."}  # else it reports deaths on stdout
_IMPATIENT = {"RAY_NUM_REDIS_GET_RETRIES": "1", "RAY_py_gcs_connect_timeout_s": "5"}  # else it tries for many minutes
_LIMITED = {"RAY_task_oom_retries": str(_RETRIES)}  # else a batch that is too large is tried forever
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


class RayExecutor(RescuingExecutor):
    """A `galaxtool.executors.protocols.Executor` of Ray tasks, each of one processor and one thread.

    Ray chooses the workers, keeps them for further tasks, and repeats the tasks of a worker that dies.

    Parameters
    ----------
    workers : int, optional
        Number of tasks at the same time; one per processor of the cluster by default.
    address : str
        ``HOST:PORT`` of a Ray client server or, with port 6379, of a cluster to which this machine belongs. If it is
        empty, the environment variable ``RAY_ADDRESS`` is used; without it, a Ray of this machine is started, which
        ends with `close`. A Ray to which this process is connected already is used, and stays connected.

    Attributes
    ----------
    workers : int
        Most tasks that run at the same time.

    Raises
    ------
    DependencyMissing
        If Ray is not installed, or ``grpcio`` for a Ray client server.
    ConfigError
        If `workers` is not positive, or the address is invalid.
    GalaxtoolError
        If Ray cannot be reached at the address, or has another version.
    """

    def __init__(self, workers: int | None = None, address: str = "") -> None:
        count = resolve_workers(workers)
        where = _resolve_address(address)
        with _environment((_QUIET if where == "local" else _QUIET | _IMPATIENT) | _LIMITED):
            self._ray: Any = require("ray", why="--executor ray", install="galaxtool[ray]")
            self._is_owner = not self._ray.is_initialized()
            if self._is_owner:
                _connect(self._ray, where, count)
        self._head = RayHead(self._ray, where)
        self._unfinished: set[Any] = set()
        processors = int(self._ray.cluster_resources().get("CPU", 0))
        self.workers = workers or processors
        # Ray can queue further tasks if it cannot run them all, so that no worker waits for this process
        self._most_submitted = 2 * self.workers if self.workers >= processors else self.workers
        if not self.workers:
            self.close()
            raise GalaxtoolError("The Ray cluster has no processors.", hint="Check it with: ray status")

    def _map(
        self, make: Callable[[], Callable[[Any], Any]], tasks: Iterable[Any], rescue: Rescue | None
    ) -> Iterator[Any]:
        self._cancel()
        try:
            yield from self._run(make, iter(tasks), rescue)
        except self._ray.exceptions.RayTaskError:
            raise  # the error of a task itself
        except HeadLost:
            self._unfinished.clear()  # cancelling and leaving would wait for the head
            self._is_owner = False
            raise
        except (ConnectionError, self._ray.exceptions.RayError) as error:
            raise GalaxtoolError(
                f"The connection to Ray was lost: {shorten_message(error)}", hint=RESUME_HINT
            ) from error
        finally:
            self._cancel()

    def close(self) -> None:
        """Stop the tasks, and Ray itself if it was started here."""
        self._cancel()
        if self._is_owner:
            self._is_owner = False
            self._ray.shutdown()

    def _run(
        self, make: Callable[[], Callable[[Any], Any]], tasks: Iterator[Any], rescue: Rescue | None
    ) -> Iterator[Any]:
        """Submit tasks, at most `AHEAD` per worker ahead of the results, and yield the results in order."""
        remote = self._ray.remote(run_task).options(num_cpus=1, max_retries=_RETRIES)
        setup = self._ray.put(self._make_setup(make))
        waiting: deque[tuple[Any, Any]] = deque()
        is_first, has_more = True, True
        while True:
            while has_more and len(waiting) < AHEAD * self.workers and len(self._unfinished) < self._most_submitted:
                for task in tasks:
                    waiting.append((task, remote.remote(setup, task)))
                    self._unfinished.add(waiting[-1][1])
                    break
                else:
                    has_more = False
            if not waiting:
                return
            self._unfinished.difference_update(self._head.wait(list(self._unfinished)))
            while waiting and waiting[0][1] not in self._unfinished:
                task, reference = waiting.popleft()
                try:
                    result = self._get(reference, is_first=is_first)
                except TaskKillsWorkers:
                    if rescue is None or not self._can_prepare(setup):
                        raise
                    result = self._save(setup, task, rescue)
                yield result
                is_first = False

    def _get(self, reference: Any, *, is_first: bool) -> Any:
        """Return the result of a finished task, or raise its error."""
        exceptions = self._ray.exceptions
        try:
            return self._ray.get(reference)
        except exceptions.RayTaskError as error:
            raise unwrap_error(error) from None
        except exceptions.RayError as error:
            raise find_missing_package(str(error)) or explain_crash(error, _RETRIES + 1, is_first=is_first) from error

    def _can_prepare(self, setup: Any) -> bool:
        """Tell whether a worker lives long enough to make its function; if not, no task is to blame."""
        try:
            self._ray.get(self._ray.remote(prepare_worker).options(num_cpus=1, max_retries=1).remote(setup))
        except self._ray.exceptions.RayError:
            return False
        return True

    def _save(self, setup: Any, task: Any, rescue: Rescue) -> Any:
        """Return the result of a task part by part, with a stand-in for each part that kills its workers."""
        remote = self._ray.remote(run_task).options(num_cpus=1, max_retries=1)
        parts, results = rescue.split(task), []
        for part in parts:
            reference = remote.remote(setup, part)
            self._unfinished.add(reference)
            try:
                results.append(self._get(reference, is_first=False))
            except TaskKillsWorkers:
                results.append(rescue.fail(part, ""))
            self._unfinished.discard(reference)
        return rescue.join(results, parts)

    def _make_setup(self, make: Callable[[], Callable[[Any], Any]]) -> RaySetup:
        environment = {key: value for key, value in os.environ.items() if key.startswith("GALAXTOOL_")}
        return RaySetup(
            key=uuid.uuid4().hex,
            version=__version__,
            environment=environment | _ONE_THREAD,
            folder=os.getcwd(),  # noqa: PTH109
            make=self._ray.cloudpickle.dumps(make),
        )

    def _cancel(self) -> None:
        """Stop all unfinished tasks, even those that are running."""
        for reference in self._unfinished:
            with suppress(Exception):  # the cluster may be gone
                self._ray.cancel(reference, force=True)
        self._unfinished.clear()


def _resolve_address(address: str) -> str:
    """Return the address of Ray for `ray.init`: ``ray://HOST:PORT``, ``HOST:PORT``, ``auto`` or ``local``."""
    given = address or os.environ.get("RAY_ADDRESS", "") or "local"
    if given in ("local", "auto"):
        return given
    match = re.fullmatch(r"(ray://)?(\[[\dA-Fa-f:.]+\]|[^\s:/\[\]]+)(?::(\d{1,5}))?/?", given)
    if match is None:
        raise ConfigError(f"'{given}' is not an address of Ray.", hint="Write ray://HOST:PORT.")
    scheme, host, port = match.groups()
    # an address on the command line arrives here without its ray://
    direct = port == str(_DIRECT_PORT) if address else not scheme
    return f"{host}:{port or _DIRECT_PORT}" if direct else f"ray://{host}:{port or _CLIENT_PORT}"


def _connect(ray: Any, where: str, workers: int) -> None:
    """Start a Ray of this machine, or connect to another."""
    quiet = {"log_to_driver": False, "logging_level": "CRITICAL"}
    if where.startswith("ray://"):
        require("grpc", why="A ray:// address", install="ray[client]")
    try:
        if where == "local":
            ray.init("local", num_cpus=workers, include_dashboard=False, **quiet)
            return
        if where != "auto":
            host, _, port = where.removeprefix("ray://").rpartition(":")
            socket.create_connection((host.strip("[]"), int(port)), timeout=_PROBE_S).close()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                ray.init(where, **quiet)
            except ConnectionAbortedError:
                # on a busy machine Ray's proxy gives up too early on a server that is still starting
                ray.init(where, **quiet)
    except Exception as error:
        if where == "local":
            raise GalaxtoolError(
                f"Ray cannot be started: {shorten_message(error)}", hint="Try --executor processes."
            ) from error
        raise GalaxtoolError(
            f"Cannot connect to Ray at '{where}': {shorten_message(error)}", hint=_advise(where)
        ) from error


def _advise(where: str) -> str:
    """Return the hint for an address at which Ray cannot be reached."""
    if where.startswith("ray://"):
        return (
            f"Give the port of a Ray client server, {_CLIENT_PORT} by default; on a machine of the cluster, set "
            "RAY_ADDRESS=HOST:6379 and use --executor ray."
        )
    return (
        "This machine must be a node of that cluster (ray start --address=...); from elsewhere, use ray://HOST:10001."
    )


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables that are not set yet, for as long as Ray reads them."""
    own = {key: value for key, value in settings.items() if key not in os.environ}
    os.environ.update(own)
    try:
        yield
    finally:
        for key in own:
            os.environ.pop(key, None)
