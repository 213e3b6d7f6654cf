"""A child process for work that may die or never end, such as damaged files in the hands of C libraries."""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from typing import Any


class ChildFailed(Exception):
    """The child died or took too long; the message is the end of a sentence, such as ``ended by SIGSEGV``."""


class GuardedChild:
    """A process of this Python that answers requests with a function, one after another.

    It is started by the first request, and again after one that ended it. It ends with this process.

    Parameters
    ----------
    function : str
        The function as ``package.module:name``; it takes and returns what JSON can hold.
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
                return self._exchange(self._process, json.dumps(request).encode() + b"\n", seconds)
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

    def _exchange(self, process: subprocess.Popen[bytes], line: bytes, seconds: float) -> Any:
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(line)
        except BrokenPipeError:
            raise ChildFailed(f"ended by {_name_end(process.wait())}") from None
        answer, end = b"", time.monotonic() + seconds
        while not answer.endswith(b"\n"):
            left = end - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                raise ChildFailed(f"without an end within {seconds:.0f} s")
            piece = os.read(process.stdout.fileno(), 1 << 16)
            if not piece:
                raise ChildFailed(f"ended by {_name_end(process.wait())}")
            answer += piece
        return json.loads(answer)


def _name_end(code: int) -> str:
    """Return the name of the signal, or the status, with which a process ended."""
    try:
        return signal.Signals(-code).name if code < 0 else f"exit status {code}"
    except ValueError:
        return f"signal {-code}"


def serve(work: Any) -> None:
    """Answer requests from standard input until it ends: the loop of the child."""
    with os.fdopen(os.dup(1), "wb", buffering=0) as answers:
        os.dup2(2, 1)  # what libraries print is no answer
        for line in sys.stdin.buffer:
            answers.write(json.dumps(work(json.loads(line))).encode() + b"\n")
