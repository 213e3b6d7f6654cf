"""Names of a million files in little memory: in one piece, sorted piece by piece.

A name costs its own bytes and eight more. What several neighbours have in common, their folder or the container that
they are in, is kept once.
"""

from __future__ import annotations

import heapq
import os
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import overload

from galaxtool.containers.protocols import Member
from galaxtool.inputs.items import InputItem
from galaxtool.types import ImageRef

_SORTED_AT_ONCE = 1 << 16
_WITHOUT = float("nan")


class Texts(Sequence[bytes]):
    """Byte strings, to which more can be added at the end."""

    __slots__ = ("_content", "_ends")

    def __init__(self, texts: Iterable[bytes] = ()) -> None:
        self._content, self._ends = bytearray(), array("q", [0])
        for text in texts:
            self.append(text)

    def append(self, text: bytes) -> None:
        """Add one."""
        self._content += text
        self._ends.append(len(self._content))

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | Sequence[bytes]:
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        row = range(len(self))[index]
        return bytes(self._content[self._ends[row] : self._ends[row + 1]])


class Sorter:
    """Byte strings in ascending order, none twice, for little more memory than they take themselves."""

    def __init__(self) -> None:
        self._runs: list[Texts] = []
        self._coming: list[bytes] = []

    def add(self, text: bytes) -> None:
        """Add one."""
        self._coming.append(text)
        if len(self._coming) == _SORTED_AT_ONCE:
            self._runs.append(Texts(sorted(self._coming)))
            self._coming = []

    def __iter__(self) -> Iterator[bytes]:
        before = None
        for text in heapq.merge(*self._runs, sorted(self._coming)) if self._runs else sorted(self._coming):
            if text != before:
                yield text
            before = text


class Listing:
    """Files and members of containers; a `galaxtool.inputs.items.InputPart`.

    Parameters
    ----------
    root : Path
        What paths are relative to.
    stem : callable
        Takes the suffix off a file's name.
    """

    def __init__(self, root: Path, stem: Callable[[str], str]) -> None:
        base = str(root)
        self._base = "" if base == "." else base if base.endswith(os.sep) else base + os.sep
        self._stem = stem
        # neighbours with the same of these are a run: folder or container, what ids begin with, container's name
        self._heads, self._called, self._starts, self._kinds = Texts(), Texts(), array("q"), bytearray()
        self._containers: list[str] = [""]
        self._run: tuple[bytes, bytes, str] | None = None
        self._tails = Texts()
        # columns that exist only where some row has such a thing
        self._names: Texts | None = None
        self._places: array[float] | None = None

    def __len__(self) -> int:
        return len(self._tails)

    def add_file(self, folder: bytes, name: bytes, *, called: bytes = b"") -> None:
        """Add a file.

        Parameters
        ----------
        folder : bytes
            With a slash at its end, or empty.
        name : bytes
        called : bytes
            What its identifier begins with.
        """
        self._begin(folder, called, "")
        self._add(name)

    def add_member(self, path: bytes, container: str, member: Member, *, called: bytes = b"") -> None:
        """Add a member of the container at a path."""
        self._begin(path, called, container)
        if member.name != member.key and self._names is None:
            self._names = Texts(b"" for _ in range(len(self)))
        if member.ra is not None and member.dec is not None and self._places is None:
            self._places = array("d", [_WITHOUT]) * (2 * len(self))
        own = b"" if member.name == member.key else _encoded(member.name)
        known = member.ra is not None and member.dec is not None
        self._add(_encoded(member.key), own, (member.ra or 0.0, member.dec or 0.0) if known else None)

    def add_unlisted(self, path: bytes, container: str, *, called: bytes) -> None:
        """Add a container of which nothing could be listed, as one item that says why when it is read."""
        self._begin(path, called, container)
        self._add(b"")

    def name(self, row: int) -> str:
        """Return the path, or the member's own name, without suffix, behind what its run is called."""
        run = self._run_of(row)
        called, tail = os.fsdecode(self._called[run]), self._tails[row]
        if not self._kinds[run]:
            return called + self._stem(os.fsdecode(tail))
        own = tail if self._names is None else self._names[row] or tail
        if not own:  # nothing could be listed
            return called.rstrip("/") or self._stem(os.path.basename(os.fsdecode(self._heads[run])))  # noqa: PTH119
        return called + self._stem(_decoded(own))

    def item(self, row: int, name: str) -> InputItem:
        """Return a file or a member."""
        run = self._run_of(row)
        head, tail, kind = os.fsdecode(self._heads[run]), self._tails[row], self._kinds[run]
        if not kind:
            return InputItem(name, ImageRef(Path(f"{self._base}{head}{os.fsdecode(tail)}")))
        ra, dec = (None, None) if self._places is None else self._places[2 * row : 2 * row + 2]
        ra, dec = (None, None) if ra is None or ra != ra else (ra, dec)
        return InputItem(name, ImageRef(Path(f"{self._base}{head}"), self._containers[kind], _decoded(tail)), ra, dec)

    def _begin(self, head: bytes, called: bytes, container: str) -> None:
        run = (head, called, container)
        if run == self._run:
            return
        self._run = run
        if container not in self._containers:
            self._containers.append(container)
        self._heads.append(head)
        self._called.append(called)
        self._kinds.append(self._containers.index(container))
        self._starts.append(len(self))

    def _add(self, tail: bytes, own: bytes = b"", place: tuple[float, float] | None = None) -> None:
        self._tails.append(tail)
        if self._names is not None:
            self._names.append(own)
        if self._places is not None:
            self._places.extend(place or (_WITHOUT, _WITHOUT))

    def _run_of(self, row: int) -> int:
        return bisect_right(self._starts, row) - 1


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "surrogatepass")
