"""Run work that may crash or hang in a child process, such as reading damaged files with C libraries."""

from __future__ import annotations

import atexit
import os
import pickle
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from typing import Any, NamedTuple

_LENGTH = struct.Struct("<Q")
_PIECE = 1 << 20


class ChildFailed(Exception):
    """The child died or took too long; the message is the end of a sentence, such as ``ended by SIGSEGV``."""


class GuardedChild:
    """A process of this Python that answers requests with a function, one after another.

    It is started by the first request, and again after one that ended it. It ends with this process.

    Parameters
    ----------
    function : str
        The function as ``package.module:name``; it takes and returns what can be pickled.
    """

    def __init__(self, function: str) -> None:
        self._module, _, self._function = function.partition(":")
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._lock = threading.Lock()
        atexit.register(self._stop_own)

    def ask(self, request: Any, seconds: float) -> Any:
        """Return the answer to a request.

        Raises
        ------
        ChildFailed
            If the child died over it, or did not answer in time.
        """
        with self._lock:
            if self._process is None or self._owner != os.getpid() or self._process.poll() is not None:
                self._start()
            assert self._process is not None
            try:
                return self._exchange(self._process, _pack(request), seconds)
            except BaseException:
                self._stop()
                raise

    def _start(self) -> None:
        code = (
            f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; "
            f"from {self._module} import {self._function}; serve({self._function})"
        )
        self._owner = os.getpid()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, bufsize=0, start_new_session=True,
        )  # fmt: skip

    def _stop_own(self) -> None:
        if self._owner == os.getpid():
            self._stop()

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()

    def _exchange(self, process: subprocess.Popen[bytes], request: bytes, seconds: float) -> Any:
        assert process.stdin is not None and process.stdout is not None
        deadline = _Deadline(process, seconds)
        rest = memoryview(request)
        while rest:
            deadline.wait(process.stdin.fileno(), select.POLLOUT)
            try:
                rest = rest[os.write(process.stdin.fileno(), rest[: select.PIPE_BUF]) :]
            except BrokenPipeError:
                raise deadline.describe_end() from None
        (length,) = _LENGTH.unpack(deadline.read(process.stdout.fileno(), _LENGTH.size))
        answer = pickle.loads(deadline.read(process.stdout.fileno(), length))  # from a child of this process
        if isinstance(answer, _Raised):
            raise ChildFailed(f"stopped by {answer.what}")
        return answer


class _Raised(NamedTuple):
    """Stands for an error in the child."""

    what: str


class _Deadline:
    """The time by which a child has to answer."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self._process, self._seconds, self._end = process, seconds, time.monotonic() + seconds

    def wait(self, stream: int, event: int) -> None:
        """Wait until a stream is ready."""
        poll = select.poll()  # select.select knows only the first 1,024 streams of a process
        poll.register(stream, event)
        left = self._end - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise ChildFailed(f"without an end within {self._seconds:.0f} s")

    def read(self, stream: int, count: int) -> bytearray:
        """Return a number of bytes from a stream."""
        content = bytearray(count)
        rest = memoryview(content)
        while rest:
            self.wait(stream, select.POLLIN)
            got = os.readv(stream, [rest[:_PIECE]])
            if not got:
                raise self.describe_end()
            rest = rest[got:]
        return content

    def describe_end(self) -> ChildFailed:
        """Return the error for a child that ended."""
        return ChildFailed(f"ended by {_name_end(self._process.wait())}")


def _pack(value: Any) -> bytes:
    content = pickle.dumps(value, protocol=5)
    return _LENGTH.pack(len(content)) + content


def _name_end(code: int) -> str:
    """Return the name of the signal, or the status, with which a process ended."""
    try:
        return signal.Signals(-code).name if code < 0 else f"exit status {code}"
    except ValueError:
        return f"signal {-code}"


def serve(work: Any) -> None:
    """Answer requests from standard input until it ends: the loop of the child."""
    requests = sys.stdin.buffer
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # what libraries print is not an answer
        while head := requests.read(_LENGTH.size):
            request = pickle.loads(requests.read(_LENGTH.unpack(head)[0]))  # from the parent
            try:
                answer = _pack(work(request))
            except Exception as error:
                answer = _pack(_Raised(f"{type(error).__name__}: {error}"))
            answers.write(answer)
            answers.flush()
