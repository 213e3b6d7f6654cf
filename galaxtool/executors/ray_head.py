"""Detect that the head of a Ray cluster is lost, before Ray ends the process without saying what is kept."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

from galaxtool.errors import GalaxtoolError
from galaxtool.executors.ray_errors import RESUME_HINT

CHECK_S = 5.0
"""Seconds without a finished task after which the head is asked, and that it has to answer."""

_MISSES = 3


class HeadLost(GalaxtoolError):
    """The head of the cluster does not answer any more."""


class RayHead:
    """The head of the cluster that this process is connected to.

    Parameters
    ----------
    ray : module
        Ray, connected.
    where : str
        Address given to ``ray.init``; that of a client server begins with ``ray://``.
    """

    def __init__(self, ray: Any, where: str) -> None:
        self._ray = ray
        address: str = where if where.startswith("ray://") else ray.get_runtime_context().gcs_address
        self._host, _, self._port = address.removeprefix("ray://").rpartition(":")

    def wait(self, references: Sequence[Any]) -> list[Any]:
        """Return the references of at least one finished task.

        Raises
        ------
        HeadLost
            If no task ends, and the head refuses connections several times.
        """
        misses = 0
        while True:
            done, _ = self._ray.wait(list(references), num_returns=1, timeout=CHECK_S)
            if done:
                return list(done)
            misses = 0 if self._answers() else misses + 1
            if misses == _MISSES:
                raise HeadLost(
                    f"The head of the Ray cluster at {self._host}:{self._port} does not answer any more.",
                    hint=RESUME_HINT,
                )

    def _answers(self) -> bool:
        try:
            socket.create_connection((self._host.strip("[]"), int(self._port)), timeout=CHECK_S).close()
        except OSError:
            return False
        return True
