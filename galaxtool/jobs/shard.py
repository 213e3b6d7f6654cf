"""One shard of a job that several processes share, written ``2/8``."""

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
        Number of this shard, counted from 1, and number of all shards.
    """

    index: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str | None) -> Shard:
        """Parse ``i/n``, with i from 1 to n; None or an empty text means the whole job.

        Raises
        ------
        ConfigError
            If the text has any other form.
        """
        if not text:
            return cls()
        match = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*", text)
        index, count = map(int, match.groups()) if match else (0, 0)
        if not 1 <= index <= count:
            raise ConfigError(
                f"--shard is '{text}', which is not of the form i/n.",
                hint="Count shards from 1: 1/8 to 8/8. If a Slurm array starts at 0, add 1 to its index.",
            )
        return cls(index, count)

    def has(self, number: int) -> bool:
        """Return whether a part, counted from 0, belongs to this shard."""
        return number % self.count == self.index - 1

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"
