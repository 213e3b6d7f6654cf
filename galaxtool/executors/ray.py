"""Ray: a worker for each processor of a cluster."""

from __future__ import annotations

import os
import re
import socket
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from galaxtool.errors import ConfigError, GalaxtoolError
from galaxtool.executors.cores import resolve_workers
from galaxtool.executors.ordered_map import AHEAD, ordered_map
from galaxtool.executors.ray_crew import RESUME, Crew
from galaxtool.utils.optional_imports import require

_DIRECT_PORT = 6379  # where Ray's own nodes meet; any other is taken for that of a Ray client server
_CLIENT_PORT = 10001
_PROBE_S = 5
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS_SKIP_REGEX": "."}  # it tells of deaths on stdout
_IMPATIENT = {"RAY_NUM_REDIS_GET_RETRIES": "1", "RAY_py_gcs_connect_timeout_s": "5"}  # else it tries for many minutes


class RayExecutor:
    """A `galaxtool.executors.protocols.Executor` of Ray actors, each of one processor and one thread.

    Parameters
    ----------
    workers : int, optional
        Actors; one for each processor of the cluster where it is not said.
    address : str
        ``HOST:PORT`` of a Ray client server, or, with port 6379, of a cluster to which this machine belongs. Nothing
        means what the environment variable ``RAY_ADDRESS`` says, and where it says nothing, a Ray of this machine that
        ends with `close`. A Ray that this process has begun or joined already is used, and left as it is.

    Attributes
    ----------
    workers : int
        How many actors there are at most; never more than tasks.

    Raises
    ------
    DependencyMissing
        If Ray is not installed, or ``grpcio`` for a Ray client server.
    ConfigError
        If `workers` is not positive, or the address is none.
    GalaxtoolError
        If there is no Ray at the address, or it is of another version.
    """

    def __init__(self, workers: int | None = None, address: str = "") -> None:
        count = resolve_workers(workers)
        where = _place(address)
        with _environment(_QUIET if where == "local" else _QUIET | _IMPATIENT):
            self._ray: Any = require("ray", why="--executor ray", install="galaxtool[ray]")
            self._crew: Crew | None = None
            self._connected = not self._ray.is_initialized()
            if self._connected:
                _connect(self._ray, where, count)
        self.workers = workers or int(self._ray.cluster_resources().get("CPU", 0))
        if not self.workers:
            self.close()
            raise GalaxtoolError("The Ray cluster has no processors.", hint="See what it has: ray status")

    def map(self, make: Callable[[], Callable[[Any], Any]], tasks: Iterable[Any]) -> Iterator[Any]:
        """Yield what the function returns of each task, in order.

        A worker that dies, by itself or with its machine, is replaced as soon as Ray has a processor free; its tasks
        go to the others.

        Raises
        ------
        GalaxtoolError
            If a task ends its workers again and again, no worker can be had, or the cluster is gone; or what ``make``
            or the function raise.
        """
        self._end()
        self._crew = Crew(self._ray, self.workers, make)
        try:
            yield from ordered_map(self._crew.submit, tasks, AHEAD * self.workers)
        except ConnectionError as error:
            raise GalaxtoolError(f"The connection to Ray was lost: {_line(error)}", hint=RESUME) from error
        finally:
            self._end()

    def close(self) -> None:
        """End the actors, and Ray itself where it was begun here."""
        self._end()
        if self._connected:
            self._connected = False
            self._ray.shutdown()

    def _end(self) -> None:
        if self._crew is not None:
            self._crew.close()
            self._crew = None


def _place(address: str) -> str:
    """Return where to find Ray, as `ray.init` takes it: ``ray://HOST:PORT``, ``HOST:PORT``, ``auto`` or ``local``."""
    given = address or os.environ.get("RAY_ADDRESS", "") or "local"
    if given in ("local", "auto"):
        return given
    match = re.fullmatch(r"(ray://)?(\[[\dA-Fa-f:.]+\]|[^\s:/\[\]]+)(?::(\d{1,5}))?/?", given)
    if match is None:
        raise ConfigError(f"'{given}' is not an address of Ray.", hint="Say ray://HOST:PORT.")
    scheme, host, port = match.groups()
    # the command line has cut ray:// off an address of its own
    direct = port == str(_DIRECT_PORT) if address else not scheme
    return f"{host}:{port or _DIRECT_PORT}" if direct else f"ray://{host}:{port or _CLIENT_PORT}"


def _connect(ray: Any, where: str, workers: int) -> None:
    """Begin a Ray of this machine, or join another."""
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
                # on a busy machine Ray's proxy gives up a server that starts a moment later
                ray.init(where, **quiet)
    except Exception as error:
        if where == "local":
            raise GalaxtoolError(f"Ray does not start: {_line(error)}", hint="Try --executor processes.") from error
        raise GalaxtoolError(f"There is no way to Ray at '{where}': {_line(error)}", hint=_advice(where)) from error


def _advice(where: str) -> str:
    if where.startswith("ray://"):
        return (
            f"Name the port of a Ray client server, {_CLIENT_PORT} unless the head was started otherwise; on a machine "
            "of the cluster, say RAY_ADDRESS=HOST:6379 and --executor ray."
        )
    return (
        "This machine must be a node of that cluster (ray start --address=...); from elsewhere, say ray://HOST:10001."
    )


def _line(error: BaseException) -> str:
    """Return the first line of what went wrong, as the end of a sentence."""
    text = (getattr(error, "strerror", None) or str(error) or type(error).__name__).strip().splitlines()[0]
    return text.rstrip(".") + "."


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Set what is not set, for as long as Ray reads it."""
    own = {key: value for key, value in settings.items() if key not in os.environ}
    os.environ.update(own)
    try:
        yield
    finally:
        for key in own:
            os.environ.pop(key, None)
