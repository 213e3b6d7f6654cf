"""FITS files with an object in each HDU."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from astropy.io import fits

from galaxtool.containers.member_index import identify_file
from galaxtool.containers.protocols import Member
from galaxtool.containers.streams import BROKEN, MOST_BYTES, DecompressedFile, read_head
from galaxtool.errors import UnreadableImage
from galaxtool.images.fits.bounded_stream import is_packed, open_bounded
from galaxtool.images.fits.header import Keywords, find_header, has_image, round_to_blocks
from galaxtool.images.fits.plain_hdus import OddHeader, list_plain_hdus
from galaxtool.images.image_file import ImageFile
from galaxtool.images.read_options import ReadOptions
from galaxtool.images.reading import read_file
from galaxtool.types import Cutout
from galaxtool.utils.error_text import describe_error
from galaxtool.utils.warning_filter import ignore_warnings

_BROKEN = (fits.VerifyError, KeyError, TypeError, *BROKEN)
_FILES_KEPT = 64
_lock = threading.Lock()
_kept: OrderedDict[tuple[Any, ...], _HduList] = OrderedDict()


class HduContainer:
    """FITS files in which every HDU with an image shows a different object.

    This container is used only on request, because the HDUs of a file may also be bands, weights and masks.

    Attributes
    ----------
    skipped : Counter
        Number of HDUs that `members` skipped, by reason.
    problem : str
        Problem with the file after the last HDU, in one sentence; empty if there is none.
    """

    def __init__(self) -> None:
        self.skipped: Counter[str] = Counter()
        self.problem = ""

    def members(self, path: Path) -> Iterator[Member]:
        """Yield the HDUs with an image; the key is the number of the HDU.

        Yields
        ------
        Member
            Named by EXTNAME, followed by ``-`` and an EXTVER above 1; otherwise by OBJECT or by the number.

        Raises
        ------
        UnreadableImage
            If the file is not FITS; or after the last HDU, if a header after it is damaged.
        """
        listing = _get_hdus(path)
        self.skipped.update(listing.skipped)
        self.problem = listing.problem
        yield from listing.members
        if self.problem:
            raise UnreadableImage(self.problem)

    def open(self, path: Path) -> OpenHdus:
        """Open a file for reading."""
        return OpenHdus(path)


class OpenHdus:
    """A FITS file open for reading.

    Parameters
    ----------
    path : Path
        Path of the file.

    Raises
    ------
    UnreadableImage
        If the file is not FITS.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listing = _get_hdus(path)
        self._stream = DecompressedFile(path)
        start, size = self._listing.places["0"]
        # the keywords of an empty primary HDU apply to all HDUs; one with an image would be mistaken for the member
        primary = self._stream.take(start, size)
        self._front = primary if _is_header_only(primary) else _empty_primary()

    def read(self, key: str, options: ReadOptions) -> ImageFile | Cutout:
        """Return an HDU as a separate FITS file, after the empty primary HDU of the original file.

        With a mask or weights, which are in other HDUs, return the image that is read from the whole file instead.

        Raises
        ------
        UnreadableImage
            If the HDU does not exist, is cut short, or is larger than 1 GB.
        """
        name = f"{self.path}[{key}]"
        if key not in self._listing.places:
            raise UnreadableImage(
                self._listing.problem or f"There is no {f'HDU {key}' if key else 'image'} in '{self.path}'."
            )
        if options.mask_hdu is not None or options.weight_hdu is not None:
            return read_file(self.path, replace(options, hdu=key))
        start, size = self._listing.places[key]
        if size > MOST_BYTES:
            raise UnreadableImage(f"'{name}' has {size:,} bytes; the limit is {MOST_BYTES:,}.")
        try:
            content = self._stream.take(start, size)
        except _BROKEN as error:
            raise UnreadableImage(f"'{name}' is damaged or cut short ({describe_error(error)}).") from error
        return ImageFile(name, content=content if start == 0 else self._front + content)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


@dataclass(slots=True)
class _HduList:
    """Offsets and sizes of the HDUs of a file, its members, and a problem with the file."""

    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    members: list[Member] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    problem: str = ""


def _get_hdus(path: Path) -> _HduList:
    """Return the HDUs of a file, cached for the threads of this process."""
    read_head(path)  # raises if the file cannot be opened
    with _lock:
        key = identify_file(path)
        if key not in _kept:
            _kept[key] = _find_hdus(path)
            if len(_kept) > _FILES_KEPT:
                _kept.popitem(last=False)
        _kept.move_to_end(key)
        return _kept[key]


def _find_hdus(path: Path) -> _HduList:
    """Return the HDUs of a file; astropy, which is much slower, lists those of packed files and of odd headers."""
    file, listing = ImageFile.on_disk(path), _HduList()
    with suppress(OddHeader, *_BROKEN):
        if not is_packed(file):
            with open_bounded(file) as stream:
                for number, unit in enumerate(list_plain_hdus(stream, file.size)):
                    _add_hdu(listing, number, unit.header, unit.start, unit.size)
            if listing.places:
                return listing
    return _find_hdus_with_astropy(path)


def _find_hdus_with_astropy(path: Path) -> _HduList:
    listing = _HduList()
    # compressed images then count as tables, and keep their offsets
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
                _add_hdu(listing, number, unit.header, start, end - start)
            stream.check_rest()
    except _BROKEN as error:
        if not listing.members:
            raise UnreadableImage(f"'{path}' is not a FITS file, or is damaged ({describe_error(error)}).") from error
        last = listing.members[-1].name
        listing.problem = (
            f"'{path}' is damaged or cut short after '{last}' ({describe_error(error)}); the rest is lost."
        )
    return listing


def _add_hdu(listing: _HduList, number: int, header: Keywords, start: int, size: int) -> None:
    listing.places[str(number)] = start, size
    if has_image(header):
        listing.members.append(Member(key=str(number), name=_name(header, number)))
    elif number:
        listing.skipped["HDU without an image"] += 1


def _name(header: Keywords, number: int) -> str:
    name = str(header.get("EXTNAME", "")).strip()
    version = header.get("EXTVER", 1)
    if name and version not in (None, 1):
        return f"{name}-{version}"
    return name or str(header.get("OBJECT", "")).strip() or str(number)


def _is_header_only(hdu: bytes) -> bool:
    """Tell whether an HDU has a header and no data."""
    header = find_header(hdu)
    return header is not None and len(hdu) == round_to_blocks(len(header))


def _empty_primary() -> bytes:
    """Return an empty primary HDU."""
    text: str = fits.PrimaryHDU().header.tostring()
    return text.encode("ascii")
