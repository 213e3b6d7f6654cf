"""The options that long jobs share: which shard to do, and what to do with unfinished work."""

from __future__ import annotations

from dataclasses import dataclass, field

from galaxtool.jobs.shard import Shard


@dataclass(frozen=True, kw_only=True)
class JobOptions:
    """Which part of a job to do, and what to do with unfinished work on the same output.

    Parameters
    ----------
    shard : Shard
        The shard that this process does; the whole job by default.
    resume : bool
        Continue the unfinished work.
    overwrite : bool
        Discard the unfinished work.
    """

    shard: Shard = field(default_factory=Shard)
    resume: bool = False
    overwrite: bool = False
