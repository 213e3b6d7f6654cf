"""The readout of a run that is its own head."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from galaxtool.utils.files.regular_files import read_regular_text


def choose_readout(run: Path, names: Sequence[str]) -> str:
    """Return the readout of a run's own head: for prompts the score that it was trained with, else the first.

    Parameters
    ----------
    run : Path
        Run directory.
    names : sequence of str
        Names of the readouts in its ``readouts.npz``, in order; the result is empty without any.
    """
    try:
        options = json.loads(read_regular_text(run / "model" / "model.json"))["method"]
        if options.get("score") in names:
            return str(options["score"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    return names[0] if names else ""
