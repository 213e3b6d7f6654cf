"""Check finished parts of a job before they are used: a disk may have damaged one, or somebody renamed it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from galaxtool.tables.formats.parquet_file import open_parquet
from galaxtool.utils.files.regular_files import open_regular

PART = "part"
"""Key of the metadata of a part: its name without suffix."""


def name_part(path: Path) -> dict[str, str]:
    """Return the metadata that `describe_damage` compares with the name of a part."""
    return {PART: path.stem}


def describe_damage(path: Path) -> str:
    """Return what is wrong with a part, ``is damaged`` or ``is part-000003 under another name``; empty if nothing is.

    Parts of earlier versions of galaxtool do not contain their name.
    """
    try:
        with open_regular(path) as stream:
            file = open_parquet(stream)
            values = json.loads((file.schema_arrow.metadata or {}).get(b"galaxtool", b"{}"))
            file.read()
        name = values.get(PART, path.stem)
    except (OSError, ValueError, AttributeError, pa.ArrowException):
        return "is damaged"
    return "" if name == path.stem else f"is {str(name)[:40]} under another name"


def list_damaged(paths: Iterable[Path]) -> dict[Path, str]:
    """Return the parts that cannot be used, each with what is wrong."""
    found = {path: describe_damage(path) for path in paths}
    return {path: damage for path, damage in found.items() if damage}
