"""FITS files with an object in each HDU."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from astropy.io import fits

from galaxtool.containers.member_index import identity
from galaxtool.containers.protocols import Member
from galaxtool.containers.streams import BROKEN, MOST_BYTES, Unpacked, head_of
from galaxtool.errors import UnreadableImage
from galaxtool.images.fits.bounded_stream import open_bounded
from galaxtool.images.image_file import ImageFile
from galaxtool.images.read_options import ReadOptions
from galaxtool.images.reading import say
from galaxtool.utils.warning_filter import ignore_warnings

_BROKEN = (fits.VerifyError, KeyError, TypeError, *BROKEN)
_FILES_KEPT = 64
_lock = threading.Lock()
_kept: OrderedDict[tuple[Any, ...], _Listing] = OrderedDict()


class HduContainer:
    """FITS files in which every HDU with an image shows an object of its own.

    No file is taken for one unasked: the HDUs of a file may as well be bands, weights and masks.

    Attributes
    ----------
    skipped : Counter
        How many HDUs were passed over by `members`, by reason.
    problem : str
        What is wrong with the file behind the last HDU, in one sentence; else empty.
    """

    def __init__(self) -> None:
        self.skipped: Counter[str] = Counter()
        self.problem = ""

    def members(self, path: Path) -> Iterator[Member]:
        """Yield the HDUs with an image; the key is the HDU's number.

        Yields
        ------
        Member
            Named by EXTNAME, ``-`` and EXTVER where that is above 1, else by OBJECT, else by the number.

        Raises
        ------
        UnreadableImage
            If the file is no FITS file; or behind the last HDU in front of a damaged header.
        """
        listing = _listed(path)
        self.skipped.update(listing.skipped)
        self.problem = listing.problem
        yield from listing.members
        if self.problem:
            raise UnreadableImage(self.problem)

    def open(self, path: Path) -> OpenHdus:
        """Open a file for reading."""
        return OpenHdus(path)


class OpenHdus:
    """A FITS file that is open.

    Parameters
    ----------
    path : Path

    Raises
    ------
    UnreadableImage
        If it is no FITS file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listing = _listed(path)
        self._stream = Unpacked(path)
        start, size = self._listing.places["0"]
        # an empty primary tells what holds for all; an image of its own would be taken for the member's
        primary = self._stream.take(start, size)
        self._front = primary if len(primary) == _header_size(primary) else _empty_primary()

    def read(self, key: str, options: ReadOptions) -> ImageFile:
        """Return an HDU as a FITS file of its own, behind the empty primary HDU of the file.

        Raises
        ------
        UnreadableImage
            If there is no such HDU, it is cut short, or larger than 1 GB.
        """
        name = f"{self.path}[{key}]"
        if key not in self._listing.places:
            raise UnreadableImage(
                self._listing.problem or f"There is no {f'HDU {key}' if key else 'image'} in '{self.path}'."
            )
        start, size = self._listing.places[key]
        if size > MOST_BYTES:
            raise UnreadableImage(f"'{name}' is of {size:,} bytes; an object may have {MOST_BYTES:,}.")
        try:
            content = self._stream.take(start, size)
        except _BROKEN as error:
            raise UnreadableImage(f"'{name}' is damaged or cut short ({say(error)}).") from error
        return ImageFile(name, content=content if start == 0 else self._front + content)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


@dataclass(slots=True)
class _Listing:
    """Where the HDUs of a file lie, which are images, and what is wrong with the file."""

    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    members: list[Member] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    problem: str = ""


def _listed(path: Path) -> _Listing:
    """Return what is in a file; kept for the threads of this process."""
    head_of(path)  # which says what is wrong if it cannot be opened
    with _lock:
        key = identity(path)
        if key not in _kept:
            _kept[key] = _list(path)
            if len(_kept) > _FILES_KEPT:
                _kept.popitem(last=False)
        _kept.move_to_end(key)
        return _kept[key]


def _list(path: Path) -> _Listing:
    listing = _Listing()
    # packed images are tables then, and lie where they lie
    how: Any = {"memmap": False, "lazy_load_hdus": True, "disable_image_compression": True}
    try:
        with (
            ignore_warnings(),
            open_bounded(ImageFile.on_disk(path)) as stream,
            fits.open(stream, **how) as units,
        ):
            for number, unit in enumerate(units):
                where = unit.fileinfo()
                start, end = where["hdrLoc"], where["datLoc"] + where["datSpan"]
                listing.places[str(number)] = start, end - start
                if _is_image(unit):
                    listing.members.append(Member(key=str(number), name=_name(unit.header, number)))
                elif number:
                    listing.skipped["HDU without an image"] += 1
    except _BROKEN as error:
        if not listing.members:
            raise UnreadableImage(f"'{path}' is no FITS file, or is damaged ({say(error)}).") from error
        behind = listing.members[-1].name
        listing.problem = f"'{path}' is damaged or cut short behind '{behind}' ({say(error)}); what was there is lost."
    return listing


def _is_image(unit: Any) -> bool:
    """Tell whether an HDU holds pixels in two axes or more, as they are or packed in a table."""
    header = unit.header
    packed = bool(header.get("ZIMAGE"))
    if header.get("GROUPS") or ("TABLE" in str(header.get("XTENSION", "")) and not packed):
        return False
    axes = "ZNAXIS" if packed else "NAXIS"
    sides = [int(header.get(f"{axes}{i}", 0)) for i in range(1, int(header.get(axes, 0)) + 1)]
    return len(sides) >= 2 and all(sides)


def _name(header: fits.Header, number: int) -> str:
    name = str(header.get("EXTNAME", "")).strip()
    version = header.get("EXTVER", 1)
    if name and version not in (None, 1):
        return f"{name}-{version}"
    return name or str(header.get("OBJECT", "")).strip() or str(number)


def _header_size(content: bytes) -> int:
    """Return the length of the header that an HDU begins with."""
    end = next((i for i in range(0, len(content), 80) if content[i : i + 8] == b"END     "), len(content))
    return -(-(end + 80) // 2880) * 2880


def _empty_primary() -> bytes:
    return fits.PrimaryHDU().header.tostring().encode("ascii")
