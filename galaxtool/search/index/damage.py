"""The error about a damaged file of an index."""

from __future__ import annotations

from pathlib import Path

from galaxtool.errors import InputError
from galaxtool.utils.error_text import describe_error


def make_damage_error(file: Path, error: Exception | None = None) -> InputError:
    """Return the error about a damaged file of an index."""
    why = f" ({describe_error(error, 120)})" if error else ""
    return InputError(f"'{file}' is damaged{why}.", hint="Build the index again with `galaxtool index`.")
