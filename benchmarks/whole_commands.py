"""Times of whole commands of galaxtool and of another program, for two numbers of images."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Timings:
    """The best seconds of each program.

    Parameters
    ----------
    peer : str
        The other program: how the names of its rows begin. It may run with several settings, of which the best counts.
    few, many : int
        The two numbers of images.
    """

    peer: str
    few: int
    many: int
    best: dict[str, dict[int, float]] = field(default_factory=dict)

    def keep(self, program: str, count: int, seconds: float) -> None:
        """Keep a time if it is the best so far."""
        times = self.best.setdefault(program, {})
        times[count] = min(seconds, times.get(count, seconds))

    def rate(self, program: str) -> float:
        """Return the images per second between the two numbers, without the start."""
        times = self.best[program]
        return (self.many - self.few) / (times[self.many] - times[self.few])

    def lead(self, program: str, count: int) -> str:
        """Return how many times as fast as the peer a program is, empty for the peer."""
        fastest = min(times[count] for one, times in self.best.items() if self._is_peer(one))
        return "" if self._is_peer(program) else f"{fastest / self.best[program][count]:.2f}"

    def rate_lead(self, program: str) -> str:
        """Return the same for the rates."""
        fastest = max(self.rate(one) for one in self.best if self._is_peer(one))
        return "" if self._is_peer(program) else f"{self.rate(program) / fastest:.2f}"

    def _is_peer(self, program: str) -> bool:
        return program.startswith(self.peer)


def time_galaxtool(images: Path, model: Path, table: Path) -> float:
    """Return the seconds of `galaxtool classify`."""
    command = ["-m", "galaxtool", "classify", images, "--model", model, "--engine", "onnx", "--quiet", "-o", table]
    start = time.perf_counter()
    subprocess.run([sys.executable, *map(str, command), "--overwrite"], check=True)
    return time.perf_counter() - start
