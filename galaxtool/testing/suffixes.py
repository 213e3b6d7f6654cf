"""Suffixes that a spec names."""

from __future__ import annotations

from collections.abc import Iterable


def check_suffixes(what: str, suffixes: Iterable[str]) -> None:
    """Check that suffixes are in lower case and begin with a dot; `what` is the part that names them."""
    for suffix in suffixes:
        assert suffix.startswith(".") and suffix == suffix.lower(), (
            f"{what} has the suffix '{suffix}'; write it in lower case with the dot."
        )
