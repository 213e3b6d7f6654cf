"""Scaled, compressed and asinh-scaled pixels: the values that `classify` and `cutouts` see."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

import galaxtool
from galaxtool.images.reading import read_file

SIDE = 64
TYPES = ("u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8")


def make_header() -> fits.Header:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], [150, 2], [32.5, 32.5]
    wcs.wcs.cdelt = [-1e-4, 1e-4]
    return wcs.to_header()


def make_raw(kind: str = "i2") -> np.ndarray:
    return np.random.default_rng(3).integers(0, 120, (SIDE, SIDE)).astype(kind)


def write_raw(path: Path, raw: np.ndarray, **cards: str) -> None:
    """Write stored values with cards in any notation, which astropy would not write."""
    header = fits.PrimaryHDU(raw, make_header()).header.tostring(endcard=False, padding=False)
    header += "".join(f"{key:8}= {value:>20}".ljust(80) for key, value in cards.items()) + "END".ljust(80)
    data = raw.astype(raw.dtype.newbyteorder(">")).tobytes()
    path.write_bytes(header.ljust(-(-len(header) // 2880) * 2880).encode() + data + bytes(-len(data) % 2880))


def assert_read_as(path: Path, expected: np.ndarray) -> None:
    """Compare the whole image as classified, and its middle as cut out, with the expected values."""
    np.testing.assert_allclose(read_file(path).data[0], expected.astype(np.float32), rtol=1e-6)
    catalogue, output = path.with_name("cat.csv"), path.with_name("out")
    catalogue.write_text("id,ra,dec\nx,150,2\n")
    galaxtool.cutouts([path, catalogue], output=output, size=16)
    cut, header = fits.getdata(output / "images/x.fits", header=True)
    np.testing.assert_allclose(cut, expected[24:40, 24:40], rtol=1e-6)
    assert not {"BSCALE", "BZERO", "BLANK", "BSOFTEN", "BOFFSET", "ZIMAGE"} & set(header)


@pytest.mark.parametrize(
    ("kind", "compression"),
    [
        *((kind, None) for kind in TYPES),
        *((kind, "GZIP_2") for kind in TYPES),
        *((kind, "RICE_1") for kind in TYPES if kind not in ("i8", "u8")),
        *((kind, "HCOMPRESS_1") for kind in ("i2", "u2", "i4", "f4")),
        *((kind, "NOCOMPRESS") for kind in ("u2", "f4")),
        ("u1", "PLIO_1"),
        ("u2", "GZIP_1"),
    ],
)
def test_every_type_and_compression(kind: str, compression: str | None, tmp_path: Path) -> None:
    path = tmp_path / ("raw.fits.fz" if compression else "raw.fits")
    pixels = make_raw(kind)
    if kind.startswith("f"):
        pixels[30, 30] = np.nan
    if compression:
        packed = fits.CompImageHDU(pixels, make_header(), compression_type=compression, dither_seed=1)
        fits.HDUList([fits.PrimaryHDU(), packed]).writeto(path)
    else:
        fits.writeto(path, pixels, make_header())
    expected = fits.getdata(path, 1 if compression else 0)
    assert_read_as(path, np.asarray(expected, dtype=np.float64))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("cards", "scale", "zero", "blank"),
    [
        ({"BSCALE": "0.5", "BZERO": "1000.0", "BLANK": "7"}, 0.5, 1000, 7),
        ({"BSCALE": "0.5D+00", "BZERO": "1.0d3", "BLANK": "7.0"}, 0.5, 1000, 7),
        ({"BSCALE": "'0.5     '", "BZERO": "'1000.0  '", "BLANK": "'7       '"}, 0.5, 1000, 7),
        ({"BLANK": "7.0E0"}, 1, 0, 7),
        ({"BZERO": "32768", "BLANK": "7"}, 1, 32768, 7),
        ({"BZERO": "32768.0"}, 1, 32768, None),
        ({"BSCALE": "2.0", "BLANK": "'none    '"}, 2, 0, None),
    ],
)
def test_cards_of_the_scaling_in_any_notation(
    cards: dict[str, str], scale: float, zero: float, blank: int | None, packed: bool, tmp_path: Path
) -> None:
    raw, path = make_raw(), tmp_path / "scaled.fits"
    write_raw(path, raw, **cards)
    if packed:
        path = path.with_suffix(".fits.gz")
        path.write_bytes(gzip.compress(path.with_suffix("").read_bytes()))
    assert_read_as(path, np.where(raw == blank, np.nan, raw * float(scale) + zero))


def test_a_compressed_scaled_image_with_blanks(tmp_path: Path) -> None:
    raw, path = make_raw(), tmp_path / "scaled.fits.fz"
    packed = fits.CompImageHDU(raw, make_header(), compression_type="RICE_1")
    packed.header.update({"BSCALE": 0.5, "BZERO": 1000.0, "BLANK": 7})
    fits.HDUList([fits.PrimaryHDU(), packed]).writeto(path, output_verify="ignore")
    assert_read_as(path, np.where(raw == 7, np.nan, raw * 0.5 + 1000))


def test_the_stacks_of_panstarrs_become_linear(tmp_path: Path) -> None:
    """The pixels are asinh((flux - BOFFSET) / (2 BSOFTEN)), in units of 2.5 / ln 10."""
    flux = np.linspace(-20, 3000, SIDE * SIDE).reshape(SIDE, SIDE)
    stored = 2.5 / np.log(10) * np.arcsinh((flux - 0.5) / (2 * 10.0))
    for path, unit in (
        (tmp_path / "stack.fits", fits.PrimaryHDU),
        (tmp_path / "packed/stack.fits.fz", fits.CompImageHDU),
    ):
        path.parent.mkdir(exist_ok=True)
        hdu = unit(stored.astype(np.float32), make_header())
        hdu.header.update({"BSOFTEN": 10.0, "BOFFSET": 0.5})
        units = [hdu] if unit is fits.PrimaryHDU else [fits.PrimaryHDU(), hdu]
        fits.HDUList(units).writeto(path)
        values = fits.getdata(path, len(units) - 1).astype(np.float64)
        assert_read_as(path, 0.5 + 20 * np.sinh(values / (2.5 / np.log(10))))
