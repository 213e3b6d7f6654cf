"""Decode text files: byte-order marks, UTF-16, UTF-8, and the older one-byte encodings of Windows."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from galaxtool.images.packing import find_packing, open_unpacked

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_SEQUENCE = re.compile(rb"[\xc3-\xf4][\x80-\xbf]")


def read_bytes(path: Path) -> bytes:
    """Return the content of a file, unpacked if it is packed."""
    with path.open("rb") as packed:
        packing = find_packing(packed.read(8))
        packed.seek(0)
        return open_unpacked(packed, packing).read()


def decode(raw: bytes) -> str:
    """Return the text of a file; bytes that are not UTF-8 become surrogates, as in `os.fsdecode`.

    Raises
    ------
    UnicodeError
        If the file begins with a byte-order mark and is not in that encoding.
    """
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return raw.decode(encoding, "surrogateescape" if encoding == "utf-8-sig" else "strict")
    if b"\0" in raw[:4096] and len(raw) % 2 == 0:
        odd, even = raw[1:4096:2].count(0), raw[:4096:2].count(0)
        if max(odd, even) > len(raw[:4096]) // 4:
            return raw.decode("utf-16-le" if odd > even else "utf-16-be")
    return raw.decode("utf-8", "surrogateescape")


def is_latin(raw: bytes) -> bool:
    """Tell whether a file that is not UTF-8 is in a one-byte encoding throughout, rather than only in some cells."""
    return _SEQUENCE.search(raw) is None


def from_latin(text: str) -> str:
    """Return a text whose surrogates were bytes of Windows-1252, which includes the letters of Latin-1."""
    if text.isascii():
        return text
    raw = text.encode("utf-8", "surrogateescape")
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
