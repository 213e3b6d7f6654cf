"""What a table's header says of how it was made."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from galaxtool.models.engines.protocol import Engine

_VALUED = ("-o", "--output", "--shard", "--executor", "--workers", "--html", "--sort-into", "--sort-by")
_BARE = ("--resume", "--overwrite", "--samp", "--quiet", "-q", "--json")


def provenance(engine: Engine, model: str) -> dict[str, str]:
    """Return the model, its digest, the engine, versions and the command, by the keys that headers have.

    Notes
    -----
    There is no date, and the command is without what decides only where, how fast or in how many steps it is done: so
    that a job that was killed and resumed, or shared, ends with the same bytes as one that was not.
    """
    from galaxtool.utils.config import invocation
    from galaxtool.utils.run_directory import versions

    return {
        "MODEL": model,
        "MODELSHA": engine.record.digest,
        "ENGINE": engine.name,
        "PRECISN": str(getattr(engine, "precision", "fp32")),
        "VERSIONS": ", ".join(f"{name} {version}" for name, version in versions().items()),
        "COMMAND": command_line(invocation.get().argv),
    }


def command_line(argv: Sequence[str]) -> str:
    """Return a command line without what does not decide the result; empty for none.

    Examples
    --------
    >>> command_line(["/usr/bin/galaxtool", "classify", "a b/", "-o", "p.fits", "--resume", "--top-k", "2"])
    "galaxtool classify 'a b/' --top-k 2"
    """
    kept: list[str] = []
    words = iter(argv)
    for word in words:
        if word in _VALUED:
            next(words, None)
        elif word not in _BARE and not word.startswith(tuple(f"{name}=" for name in _VALUED)):
            kept.append(os.path.basename(word) if not kept else word)  # noqa: PTH119  of the program's own path
    return shlex.join(kept)
