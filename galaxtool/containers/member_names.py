"""Select the members of an archive that are images, and give them unique names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from galaxtool.tables.column_names import LABELS_FILE
from galaxtool.utils.files.ignored_names import is_ignored

HIDDEN = "hidden"
"""A reason that is not counted, as for hidden files in a folder."""


def reason_to_skip(name: str, suffixes: tuple[str, ...]) -> str:
    """Return why a file in an archive is not an input; empty if it is one.

    Parameters
    ----------
    name : str
        Name with its folders, separated by ``/``.
    suffixes : tuple of str
        Suffixes of images.
    """
    parts = name.split("/")
    if any(is_ignored(part) and part not in (".", "..") for part in parts):
        return HIDDEN
    if parts[-1] == LABELS_FILE:
        return LABELS_FILE
    return "" if parts[-1].lower().endswith(suffixes) else "not an image suffix"


def strip_dot_slash(name: str) -> str:
    """Return the name of a member without the ``./`` that some archives put in front.

    Examples
    --------
    >>> strip_dot_slash("././a/b.png"), strip_dot_slash("../a.png")
    ('a/b.png', '../a.png')
    """
    return re.sub(r"^(\./+)+", "", name)


class NameDeduplicator:
    """Makes each name differ from all earlier ones: a second ``a.png`` becomes ``a-2.png``.

    Parameters
    ----------
    suffixes : sequence of str
        Suffixes that the number is inserted before.
    """

    def __init__(self, suffixes: Sequence[str]) -> None:
        self._suffixes = sorted(suffixes, key=len, reverse=True)
        self._next: dict[str, int] = {}

    def __call__(self, name: str) -> str:
        """Return the name, with the next free number if the name was used before."""
        other = name
        while other in self._next:
            number = self._next[name]
            self._next[name] += 1
            other = self._insert_number(name, number)
        self._next[other] = 2
        return other

    def _insert_number(self, name: str, number: int) -> str:
        suffix = next((s for s in self._suffixes if name.lower().endswith(s)), "")
        return f"{name[: len(name) - len(suffix)]}-{number}{name[len(name) - len(suffix) :]}"
