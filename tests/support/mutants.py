"""Mutants: files with random damage or false headers, reproducible by their number."""

from __future__ import annotations

import lzma
import random
import re
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from support.mutant_seeds import (
    PACKERS,
    make_catalogues,
    make_containers,
    make_images,
    make_tables_of_pictures,
    make_zip,
)
from support.wcs_cards import WCS_KEYWORDS, WCS_VALUES

Change = Callable[[bytes, random.Random], bytes]

_LARGEST = 1 << 21
_SUFFIXES = (".fits", ".fits.gz", ".fz", ".png", ".jpg", ".tif", ".webp", ".gif", ".zip", ".tar", ".npy", ".npz", ".h5")
_NUMBERS = (0, 1, 2, 3, 7, 8, 255, 256, 4096, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63, 2**64 - 1)
_VALUES = (
    "0", "1", "-1", "2", "3", "8", "16", "-32", "64", "-64", "7", "23", "999", "1000", "100000", "2147483648",
    "9223372036854775807", "99999999999999999999", "1E400", "1.5", "NaN", "INF", "T", "F", "'text'", "''", "(1.0, 2.0)",
    "", "/", "'unended", "'1PB(0)'", "'QE(99999999999)'", "'A'", "'0E'", "'RICE_1'", "'GZIP_1'", "'NO_SUCH'",
    "'STOKES'", "'FREQ'", "'COMPLEX'", "'RA---ZPN'", "'GLON-AIT'",
    *WCS_VALUES,
)  # fmt: skip
_CARDS = (
    "SIMPLE", "XTENSION", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "NAXIS3", "NAXIS4", "PCOUNT", "GCOUNT", "GROUPS",
    "TFIELDS", "THEAP", "TFORM1", "TTYPE1", "TNULL1", "TSCAL1", "TDIM1", "BSCALE", "BZERO", "BLANK", "EXTEND", "ZIMAGE",
    "ZNAXIS", "ZNAXIS1", "ZNAXIS2", "ZTILE1", "ZTILE2", "ZBITPIX", "ZCMPTYPE", "ZQUANTIZ", "ZNAME1", "ZVAL1", "ZBLANK",
    "CTYPE1", "CTYPE2", "CTYPE3", "CRVAL1", "CRVAL2", "CRPIX1", "CDELT1", "CD1_1", "PV2_1", "A_ORDER", "RADESYS",
    "EQUINOX", "WCSAXES", "EXTNAME", "EXTVER", "BANDS", "FILTER", "BUNIT", "SATURATE", "DATE-OBS", "INHERIT",
    "CONTINUE", "END", *WCS_KEYWORDS,
)  # fmt: skip


FORMATS: dict[str, tuple[str, ...]] = {
    "fits": ("plain.fits", "scaled.fits", "unsigned.fit", "cube.fits", "bands.fts", "masked.fits"),
    "fits.gz": ("packed.fits.gz",),
    "fits.fz": ("rice_1.fits.fz", "gzip_1.fits.fz", "gzip_2.fits.fz", "hcompress_1.fits.fz", "plio_1.fits.fz"),
    "fits-cells": ("cells.fits",),
    "tar": ("archive.tar",),
    "tar.gz": ("archive.tar.gz", "archive.tar.bz2", "archive.tar.xz"),
    "zip": ("archive.zip", "stored.zip"),
    "npy": ("stack.npy", "bands.npy"),
    "npz": ("stack.npz", "packed.npz"),
    "hdf5": ("stack.h5", "packed.hdf5"),
    "parquet": ("pictures.parquet",),
}
"""Format of containers -> the sound files whose mutants `benchmarks/damaged_files.py` makes."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A damaged file with its name, its content, and the list of changes."""

    name: str
    content: bytes
    history: str


def make_mutant(number: int, seeds: Mapping[str, bytes], *, misname: bool = True) -> Mutant:
    """Return a mutant by its number: one of the seeds with up to three changes, sometimes under another suffix."""
    rng = random.Random(number)
    name = rng.choice(sorted(seeds))
    content, done = seeds[name], [name]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        change = rng.choice(_list_changes(name, content))
        done.append(change.__name__.strip("_"))
        try:
            content = change(content, rng)
        except (ValueError, IndexError, struct.error, OSError, EOFError, zlib.error, lzma.LZMAError):
            done.append("not possible")  # an earlier change removed what this one changes
    if rng.random() < 0.03:
        content += seeds[rng.choice(sorted(seeds))]
        done.append("another file appended")
    if misname and rng.random() < 0.05:
        name = f"{name.partition('.')[0]}{rng.choice(_SUFFIXES)}"
    return Mutant(f"{number:09d}-{name}", content, ", ".join([*done, f"as {name}"]))


def make_seeds(kind: str) -> dict[str, bytes]:
    """Return the seeds of a kind: ``files``, ``catalogues``, one of `FORMATS`, or the real images in a folder."""
    if kind in ("files", "catalogues"):
        return make_catalogues() if kind == "catalogues" else make_images() | make_containers()
    if kind in FORMATS:
        every = make_images() | make_containers() | make_tables_of_pictures()
        return {name: every[name] for name in FORMATS[kind]}
    folder = Path(kind)
    pictures = [path for end in ("jpg", "png") for path in sorted(folder.rglob(f"*.{end}"))[::100]]
    paths = [path for path in (*sorted(folder.rglob("*.fits")), *pictures) if path.stat().st_size < _LARGEST]
    return {str(path.relative_to(folder)).replace("/", "_"): path.read_bytes() for path in paths}


def _list_changes(name: str, content: bytes) -> list[Change]:
    """Return the changes that apply to a file; those for its format are about as frequent as the others."""
    blind: list[Change] = [
        cut,
        flip,
        overwrite,
        repeat,
        remove,
        blank,
        insert,
        put_number_anywhere,
        put_number_at_start,
    ]
    knowing: list[Change] = []
    end = name.rpartition(".")[2]
    if end in PACKERS:
        knowing += [_change_within(end, name)] * 3
    if content.startswith((b"SIMPLE", b"XTENSION")):
        knowing += [falsify_card, falsify_card, falsify_card, blank_card, duplicate_card]
    if end == "png":
        knowing += [falsify_png_size, falsify_png_chunk]
    if end in ("zip", "npz"):
        knowing += [falsify_zip, falsify_zip, damage_zip_member]
    if end in ("npy", "npz"):
        knowing += [falsify_npy, falsify_npy]
    if content[257:262] == b"ustar":
        knowing += [falsify_tar, falsify_tar]
    if end in ("tif", "tiff"):
        knowing += [falsify_tiff]
    if end in ("jpg", "jpeg"):
        knowing += [falsify_jpeg]
    return blind + knowing * (len(blind) // max(1, len(knowing)))


# --- changes for any format -------------------------------------------------------------------------------------------


def cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))]


def flip(content: bytes, rng: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice((1, 2, 8, 64))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def overwrite(content: bytes, rng: random.Random) -> bytes:
    a, b = _choose_range(content, rng)
    return content[:a] + rng.randbytes(b - a) + content[b:]


def repeat(content: bytes, rng: random.Random) -> bytes:
    a, b = _choose_range(content, rng)
    return content[:b] + content[a:b] * rng.choice((1, 1, 20)) + content[b:]


def remove(content: bytes, rng: random.Random) -> bytes:
    a, b = _choose_range(content, rng)
    return content[:a] + content[b:]


def blank(content: bytes, rng: random.Random) -> bytes:
    a, b = _choose_range(content, rng)
    return content[:a] + rng.choice((b"\0", b"\xff", b" ")) * (b - a) + content[b:]


def insert(content: bytes, rng: random.Random) -> bytes:
    (a, b), at = _choose_range(content, rng), rng.randrange(len(content))
    return content[:at] + content[a:b] + content[at:]


def put_number_anywhere(content: bytes, rng: random.Random) -> bytes:
    return _put_number(content, rng.randrange(len(content)), rng)


def put_number_at_start(content: bytes, rng: random.Random) -> bytes:
    return _put_number(content, rng.randrange(min(64, len(content))), rng)


def _choose_range(content: bytes, rng: random.Random) -> tuple[int, int]:
    a = rng.randrange(len(content))
    return a, min(len(content), a + rng.choice((1, 4, 16, 80, 512, 2880)))


def _put_number(content: bytes, at: int, rng: random.Random) -> bytes:
    size = rng.choice((1, 2, 4, 8))
    value = (rng.choice(_NUMBERS) % 256**size).to_bytes(size, rng.choice(("little", "big")))
    return content[:at] + value + content[at + size :]


# --- changes for one format -------------------------------------------------------------------------------------------


def _change_within(end: str, name: str) -> Change:
    """Return a change to the unpacked content, which is packed again so that checksums are valid."""
    pack, unpack = PACKERS[end]

    def within(content: bytes, rng: random.Random) -> bytes:
        inner = unpack(content)
        return pack(rng.choice(_list_changes(name.removesuffix(f".{end}"), inner))(inner, rng))

    return within


def _find_cards(content: bytes) -> list[int]:
    """Return the positions of the cards of all headers."""
    starts, inside = [], False
    for at in range(0, len(content) - 79, 80):
        inside = inside or (at % 2880 == 0 and content.startswith((b"SIMPLE  =", b"XTENSION="), at))
        if inside:
            starts.append(at)
        inside = inside and not content.startswith(b"END     ", at)
    return starts


def falsify_card(content: bytes, rng: random.Random) -> bytes:
    starts = _find_cards(content)
    keyword = rng.choice(_CARDS)
    same = [at for at in starts if content[at : at + 8].decode("ascii", "replace").strip() == keyword]
    at = rng.choice(same or starts)
    if not same and rng.random() < 0.5:
        keyword = content[at : at + 8].decode("ascii", "replace").strip()
    return content[:at] + f"{keyword:8}= {rng.choice(_VALUES):>20}".ljust(80).encode()[:80] + content[at + 80 :]


def blank_card(content: bytes, rng: random.Random) -> bytes:
    at = rng.choice(_find_cards(content))
    return content[:at] + b" " * 80 + content[at + 80 :]


def duplicate_card(content: bytes, rng: random.Random) -> bytes:
    at, other = rng.choice(_find_cards(content)), rng.choice(_find_cards(content))
    return content[:at] + content[other : other + 80] + content[at + 80 :]


def falsify_png_size(content: bytes, rng: random.Random) -> bytes:
    header = bytearray(content[12:29])
    if rng.random() < 0.6:
        struct.pack_into(">L", header, rng.choice((4, 8)), rng.choice(_NUMBERS) % 2**32)
    else:
        header[rng.randrange(12, 17)] = rng.choice((0, 1, 2, 3, 4, 6, 8, 16, 255))
    return content[:12] + bytes(header) + struct.pack(">L", zlib.crc32(header)) + content[33:]


def falsify_png_chunk(content: bytes, rng: random.Random) -> bytes:
    starts, at = [], 8
    while at + 12 <= len(content):
        starts.append(at)
        at += 12 + struct.unpack_from(">L", content, at)[0]
    at = rng.choice(starts)
    length = struct.unpack_from(">L", content, at)[0]
    kind, inner = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
    if kind == b"IDAT" and rng.random() < 0.5:
        inner = zlib.compress(rng.choice((cut, flip, remove, repeat))(zlib.decompress(inner), rng))
    elif inner and rng.random() < 0.8:
        inner = rng.choice((cut, flip, blank, repeat))(inner, rng)
    else:
        kind = rng.choice((b"IHDR", b"IDAT", b"PLTE", b"tRNS", b"iCCP", b"zTXt", b"acTL", b"fcTL", b"IEND", b"abcd"))
    chunk = struct.pack(">L", len(inner)) + kind + inner + struct.pack(">L", zlib.crc32(kind + inner))
    return content[:at] + chunk + content[at + 12 + length :]


def falsify_zip(content: bytes, rng: random.Random) -> bytes:
    signature, fields = rng.choice(
        (
            (b"PK\x03\x04", ((6, "H"), (8, "H"), (14, "L"), (18, "L"), (22, "L"), (26, "H"), (28, "H"))),
            (b"PK\x01\x02", ((8, "H"), (10, "H"), (16, "L"), (20, "L"), (24, "L"), (28, "H"), (38, "L"), (42, "L"))),
            (b"PK\x05\x06", ((8, "H"), (10, "H"), (12, "L"), (16, "L"), (20, "H"))),
        )
    )
    at = rng.choice([found.start() for found in re.finditer(re.escape(signature), content)])
    offset, form = rng.choice(fields)
    value = rng.choice((*_NUMBERS, 9, 12, 14, 93)) % 256 ** struct.calcsize(f"<{form}")
    changed = bytearray(content)
    struct.pack_into(f"<{form}", changed, at + offset, value)
    return bytes(changed)


def damage_zip_member(content: bytes, rng: random.Random) -> bytes:
    seeds = make_images()
    chosen = rng.sample(sorted(seeds), 3)
    members = {name: seeds[name] for name in chosen}
    members[chosen[0]] = rng.choice(_list_changes(chosen[0], members[chosen[0]]))(members[chosen[0]], rng)
    return make_zip(members)


def falsify_npy(content: bytes, rng: random.Random) -> bytes:
    found = rng.choice(list(re.finditer(rb"\x93NUMPY[\x01\x02]\x00..(\{[^\n]*)\n", content, re.DOTALL)))
    header = found[1].decode("latin-1")
    shapes = (
        "()",
        "(0,)",
        "(5,)",
        "(1, 1, 1)",
        "(-1, 4, 4)",
        "(5, 16, 0)",
        "(99999999999, 9, 9)",
        "(2, 2, 2, 2, 2)",
        "7",
    )
    kinds = (
        "'|u1'",
        "'<f8'",
        "'<f2'",
        "'>f4'",
        "'<c8'",
        "'|b1'",
        "'|O'",
        "'<U9'",
        "'<i8'",
        "'|V4'",
        "'<m8'",
        "[('a', '<f4')]",
    )
    if rng.random() < 0.5:
        header = re.sub(r"'shape': \([^)]*\)", f"'shape': {rng.choice(shapes)}", header)
    else:
        header = re.sub(r"'descr': '[^']*'", f"'descr': {rng.choice(kinds)}", header)
    header = header.replace("False", rng.choice(("True", "False", "None", "0")))
    length = found.end(1) - found.start(1)
    return content[: found.start(1)] + header.ljust(length)[:length].encode("latin-1") + content[found.end(1) :]


def falsify_tar(content: bytes, rng: random.Random) -> bytes:
    at = rng.choice([found.start() - 257 for found in re.finditer(b"ustar", content) if found.start() >= 257])
    header = bytearray(content[at : at + 512])
    what = rng.randrange(3)
    if what == 0:
        sizes = (
            b"77777777777\0",
            b"00000000000\0",
            b"\x80" + b"\xff" * 11,
            b"\xff" * 12,
            b"-0000000001\0",
            b"00000100000\0",
        )
        header[124:136] = rng.choice(sizes)
    elif what == 1:
        header[156] = rng.choice(b"01234567LKxgSVMNDA\0\xff")
    else:
        name = rng.choice(
            (b"a\nb.png", b"\xff\xfe.png", b"/etc/passwd.png", b"", b"x" * 99, b"a[1].png", b"..", b".png")
        )
        header[:100] = name.ljust(100, b"\0")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return content[:at] + bytes(header) + content[at + 512 :]


def falsify_tiff(content: bytes, rng: random.Random) -> bytes:
    at = struct.unpack_from("<L", content, 4)[0]
    entry = at + 2 + 12 * rng.randrange(struct.unpack_from("<H", content, at)[0])
    changed = bytearray(content)
    offset, form = rng.choice(((0, "H"), (2, "H"), (4, "L"), (8, "L"), (8, "L"), (8, "L")))
    struct.pack_into(f"<{form}", changed, entry + offset, rng.choice(_NUMBERS) % 256 ** struct.calcsize(f"<{form}"))
    return bytes(changed)


def falsify_jpeg(content: bytes, rng: random.Random) -> bytes:
    starts = [a.start() for a, b in pairwise(re.finditer(rb"\xff[\xc0-\xfe]", content)) if b.start() - a.start() > 4]
    at = rng.choice(starts)
    return _put_number(content, at + rng.randrange(1, 12), rng)
