"""Which part of a job a process does: ``2/8``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from galaxtool.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several processes that share a job.

    Parameters
    ----------
    index, count : int
        The first of eight is 1, 8.
    """

    index: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str | None) -> Shard:
        """Read ``i/n``, with i from 1 to n; nothing means the whole.

        Raises
        ------
        ConfigError
            If it is anything else.
        """
        if not text:
            return cls()
        match = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*", text)
        index, count = map(int, match.groups()) if match else (0, 0)
        if not 1 <= index <= count:
            raise ConfigError(
                f"--shard is '{text}'.",
                hint="Say which of how many, counted from 1: 1/8 to 8/8. A Slurm array that begins at 0 adds 1 first.",
            )
        return cls(index, count)

    def has(self, number: int) -> bool:
        """Tell whether a part, counted from 0, is this shard's."""
        return number % self.count == self.index - 1

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"
