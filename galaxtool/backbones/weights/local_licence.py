"""The licence of weights in a local file, as far as the folder of the file states it."""

from __future__ import annotations

import json
from pathlib import Path

from galaxtool.utils.files.regular_files import read_regular_text

_WEIGHTS, _RECORD = "weights.safetensors", "model.json"
_MOST_BYTES = 64 << 20


def find_local_licence(path: str) -> str:
    """Return the licence that a model directory states for its weights; empty for any other file.

    Parameters
    ----------
    path : str
        Path of the weights.
    """
    file = Path(path).expanduser()
    if file.name != _WEIGHTS:
        return ""
    try:
        record = json.loads(read_regular_text(file.with_name(_RECORD), _MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return ""
    licence = record.get("licence") if isinstance(record, dict) else None
    return licence if isinstance(licence, str) else ""
