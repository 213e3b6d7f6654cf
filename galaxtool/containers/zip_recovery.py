"""Recover a zip archive without its end: members are found by the headers before them."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import BinaryIO

_HEADER = struct.Struct("<4s5H3L2H")  # PKWARE APPNOTE 4.3.7, without the name and the extra field
_SIGNATURE = b"PK\x03\x04"
_SIZES_BEHIND = 1 << 3
_UTF8 = 1 << 11
_ZIP64 = 1
_UNSET = 0xFFFFFFFF


def recover_members(path: Path) -> list[zipfile.ZipInfo]:
    """Return the complete members of a zip archive that is cut short.

    Parameters
    ----------
    path : Path
        Path of a file that begins with a member.

    Returns
    -------
    list of ZipInfo
        The complete members. The list ends at a member whose size is stored after it, as in archives written to a
        pipe.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    found: list[zipfile.ZipInfo] = []
    end = path.stat().st_size
    place = 0
    with path.open("rb") as stream:
        while (info := _read_header(stream)) is not None:
            info.header_offset = place
            place = stream.tell() + info.compress_size
            if place > end:
                break
            found.append(info)
            stream.seek(place)
    return found


def _read_header(stream: BinaryIO) -> zipfile.ZipInfo | None:
    """Return the member of the next header, or None if there is none or it does not state its size."""
    head = stream.read(_HEADER.size)
    if len(head) < _HEADER.size:
        return None
    signature, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _HEADER.unpack(head)
    if signature != _SIGNATURE or flags & _SIZES_BEHIND:
        return None
    name, extra = stream.read(name_length), stream.read(extra_length)
    if len(extra) < extra_length or not name:
        return None
    info = zipfile.ZipInfo(name.decode("utf-8" if flags & _UTF8 else "cp437", "replace"))
    info.flag_bits, info.compress_type, info.CRC = flags, method, crc
    info.file_size, info.compress_size = _read_sizes(size, packed, extra)
    return info


def _read_sizes(size: int, packed: int, extra: bytes) -> tuple[int, int]:
    """Return the sizes of a member, from the extra field if they do not fit 32 bits."""
    while _UNSET in (size, packed) and len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == _ZIP64 and length >= 16 and len(extra) >= 20:
            return struct.unpack_from("<2Q", extra, 4)
        extra = extra[4 + length :]
    return size, packed
