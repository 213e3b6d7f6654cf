"""Maps that are read box by box, with WCS and beam."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from PIL import Image

from galaxtool import Beam, UnreadableImage, open_map
from galaxtool.images.fits.beam import find_beam

WCS_CARDS = {
    "CTYPE1": "GLON-SIN", "CTYPE2": "GLAT-SIN", "CRVAL1": 120.0, "CRVAL2": -30.0, "CRPIX1": 10.0, "CRPIX2": 20.0,
    "CDELT1": -0.001, "CDELT2": 0.001, "CUNIT1": "deg", "CUNIT2": "deg",
}  # fmt: skip


def write_map(path: Path, shape: tuple[int, ...], kind: str = ">f4", **cards: object) -> np.ndarray:
    data = np.arange(np.prod(shape), dtype=float).reshape(shape).astype(kind)
    hdu = fits.PrimaryHDU(data)
    hdu.header.update(cards)
    hdu.writeto(path)
    return data


@pytest.mark.parametrize("lead", [(), (1,), (1, 1), (1, 1, 1)])
@pytest.mark.parametrize("kind", [">f4", ">f8", ">i2"])
def test_boxes_of_a_map_with_degenerate_axes(tmp_path: Path, lead: tuple[int, ...], kind: str) -> None:
    data = write_map(tmp_path / "map.fits", (*lead, 24, 30), kind, **WCS_CARDS, BUNIT="JY/BEAM", BMAJ=0.005, BMIN=0.003)
    plane = data.reshape(24, 30).astype(np.float32)
    with open_map(tmp_path / "map.fits") as opened:
        assert opened.shape == (1, 24, 30)
        assert opened.unit == "JY/BEAM"
        assert opened.beam == Beam(major=18.0, minor=pytest.approx(10.8))
        assert opened.pixel_scale == pytest.approx(3.6)
        np.testing.assert_array_equal(opened.read()[0], plane)
        np.testing.assert_array_equal(opened.read(3, 9, 11, 30)[0], plane[3:9, 11:30])
        assert opened.read().dtype == np.float32


def test_values_that_are_not_finite_are_nan(tmp_path: Path) -> None:
    data = np.array([[1, np.inf], [np.nan, 1e300]])
    fits.PrimaryHDU(data).writeto(tmp_path / "map.fits")
    with open_map(tmp_path / "map.fits") as opened:
        np.testing.assert_array_equal(opened.read()[0], np.array([[1, np.nan], [np.nan, np.nan]], np.float32))


def test_positions_are_those_of_astropy(tmp_path: Path) -> None:
    write_map(tmp_path / "map.fits", (24, 30), **WCS_CARDS)
    x, y = np.array([0.0, 12.5, 29.0]), np.array([0.0, 3.25, 23.0])
    wanted = WCS(fits.getheader(tmp_path / "map.fits")).pixel_to_world(x, y).icrs
    with open_map(tmp_path / "map.fits") as opened:
        ra, dec = opened.to_sky(x, y)
        assert SkyCoord(ra, dec, unit="deg").separation(wanted).arcsec.max() < 1e-4
        np.testing.assert_allclose(np.transpose(opened.to_pixels(ra, dec)), np.transpose([x, y]), atol=1e-6)


def test_a_map_without_a_wcs_says_why(tmp_path: Path) -> None:
    write_map(tmp_path / "map.fits", (24, 30))
    with open_map(tmp_path / "map.fits") as opened:
        assert opened.wcs is None and opened.beam is None and opened.pixel_scale is None
        assert opened.wcs_problem == "its header has no celestial WCS"
        assert np.isnan(opened.to_sky(np.zeros(2), np.zeros(2))).all()


def test_a_picture_is_a_map_too(tmp_path: Path) -> None:
    Image.fromarray(np.arange(120, dtype=np.uint8).reshape(10, 12)).save(tmp_path / "picture.png")
    with open_map(tmp_path / "picture.png") as opened:
        assert opened.shape == (1, 10, 12) and opened.unit == "display"
        assert opened.read(9, 10, 0, 3).tolist() == [[[0, 1, 2]]]  # the top row is the last one


@pytest.mark.parametrize("what", ["absent", "table", "cut short"])
def test_what_is_not_a_map(tmp_path: Path, what: str) -> None:
    path = tmp_path / "map.fits"
    if what == "table":
        fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns([])]).writeto(path)
    elif what == "cut short":
        write_map(path, (240, 300))
        path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(UnreadableImage, match=r"map\.fits"):
        open_map(path)


def test_beams_in_headers() -> None:
    header = fits.Header()
    assert find_beam(header) is None
    header["HISTORY"] = "AIPS   CLEAN BMAJ=  1.5000E-03 BMIN=  1.2500E-03 BPA=  12.50"
    assert find_beam(header) == Beam(major=5.4, minor=4.5, angle=12.5)
    header["BMAJ"], header["BMIN"], header["BPA"] = 0.002, 0.001, -20.0
    assert find_beam(header) == Beam(major=7.2, minor=3.6, angle=-20.0)
    header["BMIN"], header["HISTORY"] = -1.0, "nothing"
    assert find_beam(header) == Beam(major=5.4, minor=4.5, angle=12.5)


def test_area_of_a_beam_is_the_sum_of_its_gaussian() -> None:
    beam = Beam(major=12, minor=8, angle=30)
    y, x = np.mgrid[-40:41, -40:41] * 2.0
    sigma = np.array([12, 8]) / np.sqrt(8 * np.log(2))
    total = np.exp(-0.5 * ((y / sigma[0]) ** 2 + (x / sigma[1]) ** 2)).sum()
    assert beam.area(2.0) == pytest.approx(total, rel=1e-6)


@pytest.mark.parametrize("kind", ["tiles", "gzip", "extension"])
def test_other_files(tmp_path: Path, kind: str) -> None:
    data = np.random.default_rng(0).normal(size=(70, 90)).astype(np.float32)
    header = fits.Header(WCS_CARDS)
    path = tmp_path / ("map.fits.gz" if kind == "gzip" else "map.fits")
    if kind == "tiles":
        hdu = fits.CompImageHDU(data, header, compression_type="GZIP_1", quantize_level=0)
        fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    elif kind == "gzip":
        fits.PrimaryHDU(data, header).writeto(path)
    else:
        images = [fits.ImageHDU(data * 0, name="first"), fits.ImageHDU(data, header, name="map")]
        fits.HDUList([fits.PrimaryHDU(), *images]).writeto(path)
    with open_map(path, hdu="map" if kind == "extension" else None) as opened:
        np.testing.assert_array_equal(opened.read(60, 70, 5, 80)[0], data[60:70, 5:80])
        assert opened.wcs is not None, opened.wcs_problem


def test_integers_with_blanks(tmp_path: Path) -> None:
    hdu = fits.PrimaryHDU(np.array([[1, 2], [-999, 4]], np.int16))
    hdu.header.update(BLANK=-999, BSCALE=0.5, BZERO=10.0)
    hdu.writeto(tmp_path / "map.fits")
    with open_map(tmp_path / "map.fits") as opened:
        np.testing.assert_array_equal(opened.read()[0][0], np.array([10.5, 11.0], np.float32))
        assert np.isnan(opened.read()[0][1, 0])


def write_tiles(path: Path, kind: str) -> None:
    rng = np.random.default_rng(0)
    hdu = fits.CompImageHDU(rng.integers(0, 500, (64, 64)).astype("i2"), compression_type=kind, tile_shape=(16, 64))
    hdu.header.update(WCS_CARDS)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)


def test_tiles_that_claim_another_size_reach_no_decompressor(tmp_path: Path) -> None:
    path = tmp_path / "map.fits.fz"
    write_tiles(path, "HCOMPRESS_1")
    content = bytearray(path.read_bytes())
    place = content.index(b"\xdd\x99")  # of the first tile, before its sides
    content[place + 2 : place + 10] = (30_000).to_bytes(4, "big") * 2
    path.write_bytes(content)
    with pytest.raises(UnreadableImage, match="claims to have 30000 x 30000"):
        open_map(path)


def test_pixels_that_cannot_be_read_are_an_error_of_the_map(tmp_path: Path) -> None:
    path = tmp_path / "map.fits.fz"
    write_tiles(path, "GZIP_1")
    content = bytearray(path.read_bytes())
    place = content.index(b"\x1f\x8b")
    content[place : place + 40] = bytes(40)
    path.write_bytes(content)
    with open_map(path) as opened, pytest.raises(UnreadableImage, match="Pixels of"):
        opened.read()


def test_a_packed_map_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    header = fits.Header({"SIMPLE": True, "BITPIX": 8, "NAXIS": 2, "NAXIS1": 60_000, "NAXIS2": 60_000, **WCS_CARDS})
    with gzip.open(tmp_path / "map.fits.gz", "wb") as stream:
        stream.write(header.tostring().encode() + bytes(1 << 20))
    with pytest.raises(UnreadableImage, match="could exhaust memory"):
        open_map(tmp_path / "map.fits.gz")
