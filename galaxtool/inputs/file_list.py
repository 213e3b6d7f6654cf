"""Files and members of containers, listed by name and turned into items on demand."""

from __future__ import annotations

import math
import os
from array import array
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from galaxtool.containers.protocols import Member
from galaxtool.inputs.items import InputItem
from galaxtool.types import ImageRef


@dataclass(frozen=True, slots=True)
class _Group:
    """The folder or container file of consecutive rows, and the prefix of their identifiers."""

    head: str
    prefix: str
    container: str = ""


class FileList:
    """Files and members of containers; a `galaxtool.inputs.items.InputPart`.

    Parameters
    ----------
    root : Path
        Folder that paths are relative to.
    stem : callable
        Returns the name of a file without its suffix.
    """

    def __init__(self, root: Path, stem: Callable[[str], str]) -> None:
        base = str(root)
        self._base = "" if base == "." else base if base.endswith(os.sep) else base + os.sep
        self._stem = stem
        self._groups: list[_Group] = []
        self._starts = array("q")  # first row of each group
        self._tails: list[str] = []  # names of files, keys of members
        self._names: dict[int, str] = {}  # of members whose name differs from the key
        self._ra, self._dec = array("d"), array("d")

    def __len__(self) -> int:
        return len(self._tails)

    def add_file(self, folder: str, name: str, *, prefix: str = "") -> None:
        """Add a file.

        Parameters
        ----------
        folder : str
            Folder with a slash at its end, or empty.
        name : str
            Name of the file.
        prefix : str
            Text that the identifier begins with.
        """
        self._add(_Group(folder, prefix), name)

    def add_member(self, path: str, container: str, member: Member, *, prefix: str = "") -> None:
        """Add a member of the container at a path."""
        if member.name != member.key:
            self._names[len(self)] = member.name
        group = _Group(path, prefix, container)
        if member.ra is None or member.dec is None:
            self._add(group, member.key)
        else:
            self._add(group, member.key, member.ra, member.dec)

    def add_unlisted(self, path: str, container: str, *, prefix: str) -> None:
        """Add a container whose members could not be listed, as one item; reading it raises the reason."""
        self._add(_Group(path, prefix, container), "")

    def name(self, row: int) -> str:
        """Return the name of a file or member without suffix, after the prefix of its group."""
        group, tail = self._group(row), self._tails[row]
        own = self._names.get(row) or tail
        if group.container and not own:  # the members could not be listed
            return group.prefix.rstrip("/") or self._stem(os.path.basename(group.head))  # noqa: PTH119
        return group.prefix + self._stem(own)

    def item(self, row: int, name: str) -> InputItem:
        """Return a file or a member as an item."""
        group, tail = self._group(row), self._tails[row]
        if not group.container:
            return InputItem(name, ImageRef(Path(f"{self._base}{group.head}{tail}")))
        ref = ImageRef(Path(f"{self._base}{group.head}"), group.container, tail)
        ra, dec = self._ra[row], self._dec[row]
        return InputItem(name, ref) if math.isnan(ra) else InputItem(name, ref, ra, dec)

    def _add(self, group: _Group, tail: str, ra: float = math.nan, dec: float = math.nan) -> None:
        if not self._groups or group != self._groups[-1]:
            self._groups.append(group)
            self._starts.append(len(self))
        self._tails.append(tail)
        self._ra.append(ra)
        self._dec.append(dec)

    def _group(self, row: int) -> _Group:
        return self._groups[bisect_right(self._starts, row) - 1]
