"""Ray's actors, handed one task after another; those that die are replaced, and their tasks done again."""

from __future__ import annotations

import os
import re
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from galaxtool import __version__
from galaxtool.errors import GalaxtoolError

RESUME = "What is done is kept: go on with --resume."

_AT_ONCE = 2  # calls a worker has: one at work, one waiting, so that it never waits for us
_RETRIES = 3
_NO_WORKER_S = 300
_LOOK_S = 5
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


class Worker:
    """What runs in the process of an actor."""

    def prepare(self, version: str, settings: Mapping[str, str], folder: str, make: bytes) -> None:
        """Become like the process that asks, and make the function.

        Parameters
        ----------
        version : str
            Of its galaxtool.
        settings : mapping
            Of its environment.
        folder : str
            Its working folder, from which relative paths start.
        make : bytes
            Pickled, because numerical libraries may be imported only when the environment stands.

        Raises
        ------
        GalaxtoolError
            If galaxtool is another one here, or there is no such folder.
        """
        from ray import cloudpickle

        if version != __version__:
            raise GalaxtoolError(
                f"The Ray node {socket.gethostname()} has galaxtool {__version__}, and this is {version}.",
                hint="Install the same galaxtool on every machine.",
            )
        os.environ.update(settings)
        try:
            os.chdir(folder)
        except OSError as error:
            raise GalaxtoolError(
                f"The Ray node {socket.gethostname()} cannot enter the folder '{folder}': {error.strerror}.",
                hint="Work in a folder that every machine has at the same place.",
            ) from error
        self._work: Callable[[Any], Any] = cloudpickle.loads(make)()

    def work(self, task: Any) -> Any:
        """Return what the function returns of a task."""
        return self._work(task)


@dataclass(eq=False)
class _Member:
    """An actor: whether it has made its function, its calls under way, and how many before it died unready."""

    actor: Any
    early_deaths: int = 0
    ready: bool = False
    calls: int = 0


class _Pending(Future[Any]):
    """A task, whose result is waited for by looking after the actors."""

    def __init__(self, crew: Crew, task: Any) -> None:
        super().__init__()
        self.crew, self.task, self.deaths = crew, task, 0

    def result(self, timeout: float | None = None) -> Any:
        while not self.done():
            self.crew.look()
        return super().result(timeout)


class Crew:
    """Actors, what each is at, and what waits for one of them."""

    def __init__(self, ray: Any, size: int, make: Callable[[], Callable[[Any], Any]]) -> None:
        from ray import cloudpickle

        self._ray, self._size = ray, size
        self._class = ray.remote(Worker).options(num_cpus=1, max_restarts=0, scheduling_strategy="SPREAD")
        own = {key: value for key, value in os.environ.items() if key.startswith("GALAXTOOL_")}
        self._first_call = (__version__, own | _ONE_THREAD, os.getcwd(), cloudpickle.dumps(make))  # noqa: PTH109
        self._members: list[_Member] = []
        self._queue: deque[_Pending] = deque()
        self._calls: dict[Any, tuple[_Member, _Pending | None]] = {}
        self._idle_since = time.monotonic()

    def submit(self, task: Any) -> _Pending:
        """Put a task at the end of the queue, and take a further actor for it where there may be more."""
        pending = _Pending(self, task)
        self._queue.append(pending)
        if len(self._members) < self._size:
            self._begin(_Member(self._class.remote()))
        self._hand_out()
        return pending

    def look(self) -> None:
        """Wait a while for something to happen, and do what follows from it."""
        done, _ = self._ray.wait(list(self._calls), timeout=_LOOK_S)
        for reference in done:
            if reference in self._calls:
                self._settle(reference)
        if any(member.ready for member in self._members):
            self._idle_since = time.monotonic()
        elif time.monotonic() - self._idle_since > _NO_WORKER_S:
            free = self._ray.available_resources().get("CPU", 0)
            raise GalaxtoolError(
                f"No Ray worker was ready within {_NO_WORKER_S // 60} minutes; {free:g} of its processors are free.",
                hint="See what it is at: ray status. " + RESUME,
            )
        self._hand_out()

    def close(self) -> None:
        """Kill the actors, whatever they are doing."""
        for member in self._members:
            with suppress(Exception):  # the cluster may be gone
                self._ray.kill(member.actor)
        self._members.clear()
        self._calls.clear()
        self._queue.clear()

    def _begin(self, member: _Member) -> None:
        self._members.append(member)
        self._calls[member.actor.prepare.remote(*self._first_call)] = (member, None)

    def _hand_out(self) -> None:
        while self._queue:
            free = [m for m in self._members if m.ready and m.calls < _AT_ONCE]
            if not free:
                return
            member, pending = min(free, key=lambda m: m.calls), self._queue.popleft()
            member.calls += 1
            self._calls[member.actor.work.remote(pending.task)] = (member, pending)

    def _settle(self, reference: Any) -> None:
        """Take the outcome of a call."""
        member, pending = self._calls[reference]
        problem: Exception | None = None
        value = None
        try:
            value = self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            problem = _raised(error)
        except self._ray.exceptions.RayError as error:
            self._replace(member, error)
            return
        del self._calls[reference]
        if pending is None:
            if problem is not None:
                raise problem
            member.ready = True
            return
        member.calls -= 1
        if problem is None:
            pending.set_result(value)
        else:
            pending.set_exception(problem)

    def _replace(self, member: _Member, error: Exception) -> None:
        """Take another actor for one that is dead or out of reach; its tasks go back to the head of the queue."""
        missing = _missing(str(error))
        if missing is not None:
            raise missing from error
        with suppress(Exception):
            self._ray.kill(member.actor)
        self._members.remove(member)
        references = [reference for reference, (whose, _) in self._calls.items() if whose is member]
        tasks = [pending for _, pending in map(self._calls.pop, references) if pending is not None]
        if tasks:
            tasks[0].deaths += 1  # calls are done in order, so this was at work
        for pending in reversed(tasks):
            if pending.deaths > _RETRIES:
                pending.set_exception(_given_up("at the same batch", error))
            else:
                self._queue.appendleft(pending)
        early = 0 if member.ready else member.early_deaths + 1
        if early > _RETRIES:
            raise _given_up("before they had loaded the model", error)
        self._begin(_Member(self._class.remote(), early_deaths=early))


def _given_up(doing: str, error: Exception) -> GalaxtoolError:
    if type(error).__name__ == "OutOfMemoryError":
        why = "memory ran out"
    elif re.search(r"\bnode\b.*\b(died|dead)\b", str(error)):
        why = "its machine was lost"
    else:
        why = "its process was killed, perhaps because memory ran out"
    return GalaxtoolError(
        f"{_RETRIES + 1} Ray workers died one after another {doing}; the last time {why}.",
        hint="Give each worker more memory, or take a smaller --batch-size. " + RESUME,
    )


def _raised(error: Any) -> Exception:
    """Return what was raised in a worker: ours as it was, a missing package by its name, else Ray's account of it."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, GalaxtoolError):
        return cause
    if isinstance(cause, ModuleNotFoundError):
        return _missing(str(cause)) or error
    return error if isinstance(error, Exception) else RuntimeError(str(error))


def _missing(text: str) -> GalaxtoolError | None:
    match = re.search(r"No module named '([\w.]+)'", text)
    if match is None:
        return None
    return GalaxtoolError(
        f"A Ray worker has no package '{match[1]}'.",
        hint="Install galaxtool, and the plugins in use, on every machine, in the environment that Ray was started in.",
    )
