"""Describe in a table's header how the table was made."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence

from galaxtool.models.engines.protocol import Engine
from galaxtool.models.unlike_training import describe_false_alarms
from galaxtool.utils.config import invocation
from galaxtool.utils.run_manifest import find_versions

_WITH_VALUE = ("-o", "--output", "--shard", "--executor", "--workers", "--html", "--sort-into", "--sort-by")
_WITHOUT_VALUE = ("--resume", "--overwrite", "--samp", "--quiet", "-q", "--json")


def make_provenance(
    engine: Engine,
    model: str,
    *,
    terms: str = "",
    notes: Sequence[str] = (),
    prior: str = "",
    tta: int = 1,
    passes: int = 0,
) -> dict[str, str]:
    """Return the model, its digest, the engine, versions and the command by the keys of table headers.

    Parameters
    ----------
    engine : Engine
        Engine that computes the predictions.
    model : str
        The model as it was given.
    terms : str
        Coarser taxonomy of the table; empty for the classes of the model.
    notes : sequence of str
        What to beware of.
    prior : str
        Class frequencies that the probabilities assume; empty if they are left as the model computes them.
    tta : int
        Number of views of each image whose results are averaged.
    passes : int
        Number of passes with dropout whose results are averaged; 0 for none.

    Notes
    -----
    The date is left out, and so are the options that only decide where, how fast or in how many steps the work is done.
    A job that was interrupted and resumed, or shared, therefore ends with the same bytes as one that was not.
    """
    return {
        "MODEL": model,
        "MODELSHA": engine.record.digest,
        "ENGINE": engine.name,
        "PRECISN": engine.precision,
        **describe_other_provider(engine, "PROVIDER"),
        "VERSIONS": ", ".join(f"{name} {version}" for name, version in find_versions().items()),
        "COMMAND": normalize_command(invocation.get().argv),
        **({"TERMS": terms} if terms else {}),
        **({"PRIOR": prior} if prior else {}),
        **({"TTA": str(tta)} if tta != 1 else {}),
        **({"PASSES": str(passes)} if passes else {}),
        **({"UNLIKE": false_alarms} if (false_alarms := describe_false_alarms(engine.record)) else {}),
        **({"NOTES": " ".join(notes)} if notes else {}),
    }


def describe_other_provider(engine: Engine, key: str) -> dict[str, str]:
    """Return the provider of ONNX Runtime under a key; nothing for the CPU and for other engines."""
    return {key: engine.provider} if engine.name == "onnx" and engine.provider != "cpu" else {}


def normalize_command(argv: Sequence[str]) -> str:
    """Return a command line without the options that do not decide the result; empty if there is none.

    Examples
    --------
    >>> normalize_command(["/usr/bin/galaxtool", "classify", "a b/", "-o", "p.fits", "--resume", "--top-k", "2"])
    "galaxtool classify 'a b/' --top-k 2"
    """
    kept: list[str] = []
    words = iter(argv)
    for word in words:
        if word in _WITH_VALUE:
            next(words, None)
        elif word not in _WITHOUT_VALUE and not word.startswith(tuple(f"{name}=" for name in _WITH_VALUE)):
            kept.append(os.path.basename(word) if not kept else word)  # noqa: PTH119  a path of the platform
    return shlex.join(kept)
