"""The built-in file formats."""

from __future__ import annotations

from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import Citation, ReaderSpec

_PACKED = ("", ".gz", ".bz2", ".xz", ".lzma", ".zst", ".z")

_PNM = (".pgm", ".ppm", ".pnm", ".pbm", ".pfm")

_FITS = ReaderSpec(
    name="fits",
    summary="FITS images, also packed by gzip, bzip2 or the like and tile-compressed; cubes and bands in several HDUs",
    factory="galaxtool.images.fits.reader:FitsReader",
    suffixes=(*(f"{suffix}{packed}" for packed in _PACKED for suffix in (".fits", ".fit", ".fts")), ".fz", ".fits.fz"),
    magic=(b"SIMPLE  =",),
    citation=Citation(
        text="Pence, W. D., et al. 2010, Definition of the Flexible Image Transport System (FITS), version 3.0, "
        "A&A 524, A42",
        doi="10.1051/0004-6361/201015362",
    ),
)
_RASTER = ReaderSpec(
    name="raster",
    summary="PNG, JPEG, TIFF, WebP, BMP, GIF, JPEG 2000, AVIF and PGM pictures",
    factory="galaxtool.images.raster.reader:RasterReader",
    suffixes=(".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".gif", ".jp2", ".avif", *_PNM),
    magic=(
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"II*\x00",
        b"MM\x00*",
        b"II+\x00",
        b"MM\x00+",
        b"RIFF",
        b"BM",
        b"GIF87a",
        b"GIF89a",
        b"\x00\x00\x00\x0cjP  \r\n\x87\n",
        b"\xff\x4f\xff\x51",
        *(bytes((0, 0, 0, size)) + b"ftypavif" for size in range(16, 68, 4)),
        *(
            b"P" + kind + space
            for kind in (b"1", b"2", b"3", b"4", b"5", b"6", b"f")
            for space in (b"\n", b" ", b"\t", b"\r")
        ),
    ),
)


@hookimpl
def register_readers() -> list[ReaderSpec]:
    return [_FITS, _RASTER]
