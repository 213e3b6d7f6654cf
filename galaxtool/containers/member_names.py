"""Which members of an archive are images, and names for them that are all different."""

from __future__ import annotations

import re
from collections.abc import Sequence

from galaxtool.tables.column_names import LABELS_FILE

HIDDEN = "hidden"
"""Reason that is not worth counting, as for hidden files in a folder."""


def reason_to_skip(name: str, suffixes: tuple[str, ...]) -> str:
    """Return why a file in an archive is not an input, or nothing where it is one.

    Parameters
    ----------
    name : str
        With its folders, separated by ``/``.
    suffixes : tuple of str
        Those of images.
    """
    parts = name.split("/")
    if any(part == "__MACOSX" or (part.startswith(".") and part not in (".", "..")) for part in parts):
        return HIDDEN
    if parts[-1] == LABELS_FILE:
        return LABELS_FILE
    return "" if parts[-1].lower().endswith(suffixes) else "not an image suffix"


def plain(name: str) -> str:
    """Return a member's name without the ``./`` that some archives put in front.

    Examples
    --------
    >>> plain("././a/b.png"), plain("../a.png")
    ('a/b.png', '../a.png')
    """
    return re.sub(r"^(\./+)+", "", name)


class Distinct:
    """Makes names different from all before: a second ``a.png`` becomes ``a-2.png``.

    Parameters
    ----------
    suffixes : sequence of str
        What the number goes in front of.
    """

    def __init__(self, suffixes: Sequence[str]) -> None:
        self._suffixes = sorted(suffixes, key=len, reverse=True)
        self._next: dict[str, int] = {}

    def __call__(self, name: str) -> str:
        """Return the name, or one with a number that is free."""
        other = name
        while other in self._next:
            number = self._next[name]
            self._next[name] += 1
            other = self._numbered(name, number)
        self._next[other] = 2
        return other

    def _numbered(self, name: str, number: int) -> str:
        suffix = next((s for s in self._suffixes if name.lower().endswith(s)), "")
        return f"{name[: len(name) - len(suffix)]}-{number}{name[len(name) - len(suffix) :]}"
