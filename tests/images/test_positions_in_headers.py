"""Positions in headers that WCSLIB reads wrongly: `classify` and `cutouts` know the right one, or none."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st

import galaxtool
from galaxtool.cutting.images import read_images
from galaxtool.cutting.sources import ImageSource
from galaxtool.errors import UnreadableImage
from galaxtool.images.fits.header import Cards
from galaxtool.images.fits.numbers import parse_number
from galaxtool.images.fits.wcs import find_center
from galaxtool.images.reading import read_file

BASE = {
    "CTYPE1": "'RA---TAN'", "CTYPE2": "'DEC--TAN'", "CRVAL1": "150.0", "CRVAL2": "2.0", "CRPIX1": "10.0",
    "CRPIX2": "10.0", "CDELT1": "-0.001", "CDELT2": "0.001",
}  # fmt: skip
SIDE = 19  # the reference pixel is the middle
CENTER = (150.0, 2.0, 3.6)
_OLD = SkyCoord(150, 2, unit="deg", frame="fk4").icrs
B1950 = (_OLD.ra.deg, _OLD.dec.deg, 3.6)
CD = {"CD1_1": "-0.002", "CD1_2": "0.0", "CD2_1": "0.0", "CD2_2": "0.002"}
PC = {"PC1_1": "1.0", "PC1_2": "0.0", "PC2_1": "0.0", "PC2_2": "1.0"}
PV = {"PV1_0": "0.0", "PV1_1": "1.0", "PV1_2": "0.0", "PV2_0": "0.0", "PV2_1": "1.0", "PV2_2": "0.0"}
UNITS = ("degrees", "Degree", "DEG", "deg.", "", " ")
SIP = {"A_ORDER": "2", "B_ORDER": "2", "A_2_0": "1e-3", "B_0_2": "1e-3"}


def write_cards(path: Path, cards: dict[str, str | None]) -> Path:
    """Write an image with the cards of `BASE` and others, in any notation; None leaves one out."""
    shape = {"SIMPLE": "T", "BITPIX": "-32", "NAXIS": "2", "NAXIS1": str(SIDE), "NAXIS2": str(SIDE)}
    every = {key: value for key, value in {**shape, **BASE, **cards}.items() if value is not None}
    text = "".join(
        (f"{key:8}= {value}" if value.startswith("'") else f"{key:8}= {value:>20}").ljust(80)
        for key, value in every.items()
    )
    text = (text + "END".ljust(80)).ljust(2880)
    pixels = np.random.default_rng(1).normal(size=(SIDE, SIDE)).astype(">f4").tobytes()
    path.write_bytes(text.encode() + pixels.ljust(2880, b"\0"))
    return path


@pytest.mark.parametrize(
    ("cards", "center"),
    [
        ({}, CENTER),
        *(({"CUNIT1": f"'{unit}'", "CUNIT2": "'deg'"}, CENTER) for unit in UNITS),
        ({"CUNIT1": "'arcsec'", "CRVAL1": "540000", "CDELT1": "-3.6"}, CENTER),
        ({"CUNIT1": "'ARCSECONDS'", "CRVAL1": "540000", "CDELT1": "-3.6"}, CENTER),
        ({"CUNIT1": "'hours'", "CRVAL1": "10.0", "CDELT1": "-6.6666666666666667e-5"}, CENTER),
        ({"CUNIT2": "'Radians'", "CRVAL2": str(math.radians(2)), "CDELT2": str(math.radians(0.001))}, CENTER),
        *(
            ({"CRVAL1": text}, CENTER)
            for text in ("1.50D+02", "1.5d2", "'150.0   '", "+1.5E+2", "150,0", "'150.0 deg'", "'1.5D2'", "150.", "150")
        ),
        ({"CRPIX1": "1.0D1", "CRPIX2": "'10.0 pix'"}, CENTER),
        ({"CDELT1": "'-3.6 arcsec'", "CDELT2": "'3.6 arcsec/pixel'"}, CENTER),
        ({"CRVAL1": "-210.0"}, CENTER),
        ({"CTYPE1": "'ra---tan'", "CTYPE2": "'dec--tan'"}, CENTER),
        ({"CTYPE1": "'DEC--TAN'", "CTYPE2": "'RA---TAN'", "CRVAL1": "2.0", "CRVAL2": "150.0"}, CENTER),
        (CD, (150, 2, 7.2)),
        ({**CD, **PC}, (150, 2, 7.2)),
        ({**CD, "CROTA2": "30.0"}, (150, 2, 7.2)),
        (dict.fromkeys(CD, "0.0"), CENTER),
        ({"CROTA2": "3.0D+01"}, CENTER),
        ({"RADESYS": "'J2000'"}, CENTER),
        ({"RADESYS": "'icrs'", "EQUINOX": "'J2000'"}, CENTER),
        ({"EQUINOX": "0.0"}, CENTER),
        ({"EPOCH": "2015.5"}, CENTER),
        ({"EQUINOX": "'B1950'"}, B1950),
        (PV, CENTER),
        (dict.fromkeys(PV, "0.0"), CENTER),
        (SIP, CENTER),
        *(
            ({"CUNIT1": f"'{unit}'"}, None)
            for unit in ("parsec", "furlong", "pixel", "m")
        ),
        *(({"CRVAL1": text}, None) for text in ("NaN", "INF", " ", "T", "1,024", "'10:00:00'", "'150 kpc'", None)),
        ({"CRVAL2": "95.0"}, None),
        ({"CRVAL2": "9.5E+01"}, None),
        ({"CRVAL2": "0.2E+01"}, CENTER),
        ({"CRVAL1": "1500.0"}, None),
        ({"CRPIX1": None}, None),
        ({"CDELT1": None, "CDELT2": None}, None),
        ({"CDELT1": "0.0"}, None),
        ({**dict.fromkeys(CD, "0.0"), "CDELT1": None, "CDELT2": None}, None),
        ({**CD, "PC1_1": "0.7", "PC1_2": "0.7", "PC2_1": "-0.7", "PC2_2": "0.7"}, None),
        ({**PC, "CROTA2": "30.0"}, None),
        ({"CROTA1": "30.0"}, None),
    ],
)  # fmt: skip
def test_a_position_is_right_or_unknown(
    cards: dict[str, str | None], center: tuple[float, float, float] | None, tmp_path: Path
) -> None:
    path = write_cards(tmp_path / "odd.fits", cards)
    cutout = read_file(path)
    if center is None:
        assert (cutout.ra, cutout.dec, cutout.pixel_scale) == (None, None, None) and "BAD_WCS" in cutout.flags
        with pytest.raises(UnreadableImage, match="WCS"):
            read_images(ImageSource(path))
        return
    assert (cutout.ra, cutout.dec, cutout.pixel_scale) == pytest.approx(center, abs=2e-4)
    assert cutout.flags == (("SIP_IGNORED",) if cards is SIP else ())
    (image,) = read_images(ImageSource(path))
    x, y = image.to_pixels(np.array([cutout.ra]), np.array([cutout.dec]))
    assert (x[0], y[0]) == pytest.approx((9, 9), abs=1e-5)
    parsed, _ = find_center(fits.getheader(path), (SIDE, SIDE))
    assert parsed == pytest.approx(center, abs=2e-4)


def test_two_cards_that_differ_leave_the_position_unknown(tmp_path: Path) -> None:
    path = write_cards(tmp_path / "twice.fits", {"COMMENT": "'x'"})
    card = "CRVAL1  =                 10.0".ljust(80).encode()
    path.write_bytes(path.read_bytes().replace("COMMENT = 'x'".ljust(80).encode(), card))
    assert read_file(path).ra is None and "BAD_WCS" in read_file(path).flags


def test_a_cutout_has_the_repaired_cards(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write_cards(tmp_path / "odd.fits", {**SIP, "CUNIT1": "'degrees'", "CRVAL1": "1.50D+02"})
    (tmp_path / "cat.csv").write_text("id,ra,dec\nx,150,2\n")
    galaxtool.cutouts([path, tmp_path / "cat.csv"], output=tmp_path / "out", size=5)
    galaxtool.classify([tmp_path / "out/cutouts.csv"], output=tmp_path / "p.csv", workers=1, executor="threads")
    assert "INFO" not in capfd.readouterr().out  # astropy prints about SIP there
    header = fits.getheader(tmp_path / "out/images/x.fits")
    assert WCS(header).all_pix2world([[2, 2]], 0)[0] == pytest.approx((150, 2)) and "A_2_0" not in header


@given(number=st.floats(-1e4, 1e4, allow_subnormal=False), decimals=st.integers(4, 12))
def test_every_notation_is_the_same_number(number: float, decimals: int) -> None:
    text = f"{number:.{decimals}E}"
    expected = float(text)
    plain = f"{expected:.9f}"
    for other in (text, text.replace("E", "D"), text.replace("E", "d"), f" {text} "):
        assert parse_number(other) == expected
    assert parse_number(plain.replace(".", ",")) == float(plain)


@given(ra=st.floats(0, 359.999), dec=st.floats(-89, 89), crpix=st.floats(-50, 70))
@settings(max_examples=20, deadline=None)
def test_notation_does_not_change_a_position(ra: float, dec: float, crpix: float) -> None:
    cards = {**BASE, "CRVAL1": f"{ra:.10E}", "CRVAL2": f"{dec:.10E}", "CRPIX1": f"{crpix:.10E}"}

    def find(cards: dict[str, str]) -> tuple[float, float]:
        raw = "".join((f"{k:8}= {v}" if v.startswith("'") else f"{k:8}= {v:>20}").ljust(80) for k, v in cards.items())
        (found_ra, found_dec, _), flags = find_center(Cards((raw + "END".ljust(80)).encode()), (SIDE, SIDE))
        assert found_ra is not None and found_dec is not None and flags == ()
        return found_ra, found_dec

    plain = find(cards)
    for change in ({"E": "D"}, {"E": "d"}):
        odd = {k: v.translate(str.maketrans(change)) if k[:2] == "CR" else v for k, v in cards.items()}
        assert find(odd) == plain
    assert find({k: f"'{v} '" if k[:2] == "CR" else v for k, v in cards.items()}) == plain


MAP_OBJECTS = [(0, 0), (90, 20), (180, 0), (181, 30), (270, -30), (350, 0), (359.99, 5), (10, 90), (0, -90)]


@pytest.mark.parametrize(
    ("projection", "crpix", "crval", "step"),
    [
        ("CAR", 0.5, 0, 1),
        ("CAR", 1.0, 0, 1),
        ("CAR", 360.5, 0, -1),
        ("CAR", 720.5, 0, -1),
        ("CAR", -179.5, -180, 1),
        ("CAR", 180.5, 180, -1),
        ("HPX", 0.5, 0, 1),
    ],
)
def test_maps_of_the_whole_sky(projection: str, crpix: float, crval: float, step: float, tmp_path: Path) -> None:
    """The planes of the map are right ascension and declination, so each cutout tells where its pixels are."""
    header = fits.Header()
    cards = ((f"RA---{projection}", crval, crpix, step), (f"DEC--{projection}", 0.0, 90.5, 1.0))
    for axis, (name, value, pixel, increment) in enumerate(cards, 1):
        header.update({f"CTYPE{axis}": name, f"CRVAL{axis}": value, f"CRPIX{axis}": pixel, f"CDELT{axis}": increment})
    wcs = WCS(header)
    wcs.wcs.bounds_check(False, False)
    y, x = np.mgrid[:180, :360]
    sky = wcs.all_pix2world(x.ravel(), y.ravel(), 0)
    fits.writeto(tmp_path / "map.fits", np.array(sky).reshape(2, 180, 360).astype(np.float32), header)
    rows = "".join(f"o{i},{ra},{dec}\n" for i, (ra, dec) in enumerate(MAP_OBJECTS))
    (tmp_path / "cat.csv").write_text("id,ra,dec\n" + rows)
    galaxtool.cutouts([tmp_path / "map.fits", tmp_path / "cat.csv"], output=tmp_path / "out", size=5)
    with (tmp_path / "out/cutouts.csv").open(newline="") as stream:
        found = list(csv.DictReader(stream))
    for row, (ra, dec) in zip(found, MAP_OBJECTS, strict=True):
        middle = fits.getdata(io.BytesIO((tmp_path / "out" / row["path"]).read_bytes()))[:, 2, 2]
        assert _separate(*middle, ra, dec) < 0.8
        cutout = read_file(tmp_path / "out" / row["path"])
        assert cutout.ra is not None and cutout.dec is not None
        assert _separate(cutout.ra, cutout.dec, ra, dec) < 0.8


def _separate(ra: float, dec: float, other_ra: float, other_dec: float) -> float:
    """Return the angle between two positions, all in degrees."""
    a, b, c, d = np.radians([ra, dec, other_ra, other_dec])
    return float(np.degrees(np.arccos(np.clip(np.sin(b) * np.sin(d) + np.cos(b) * np.cos(d) * np.cos(a - c), -1, 1))))


@pytest.mark.parametrize(
    ("cards", "flags"),
    [
        ({"BUNIT": "mag/arcsec2"}, ("NOT_LINEAR",)),
        ({"BUNIT": "log10(Jy)"}, ("NOT_LINEAR",)),
        ({"BUNIT": "nanomaggy"}, ()),
        ({"BUNIT": "Jy/beam"}, ()),
        ({"BAYERPAT": "RGGB"}, ("BAYER_MOSAIC",)),
    ],
)
def test_pixels_that_are_not_brightness_are_flagged(
    cards: dict[str, str], flags: tuple[str, ...], tmp_path: Path
) -> None:
    header = fits.Header(cards)
    fits.writeto(tmp_path / "a.fits", np.random.default_rng(2).normal(size=(16, 16)).astype(np.float32), header)
    assert read_file(tmp_path / "a.fits").flags == flags


@pytest.mark.parametrize("projection", ["TAN", "SIN", "CAR", "SFL"])
@pytest.mark.parametrize("more", ["", "CUNIT1  = 'arcsec'", "LATPOLE = 10.0"])
def test_images_that_differ_in_their_reference_only(projection: str, more: str) -> None:
    """Their other cards are parsed once, which must not leave anything of one image to the next."""
    for ra, dec, x in ((10.0, 50.0, 10.0), (200.0, -40.0, 12.5), (359.9, 0.0, -3.25), (10.0, 50.0, 10.0)):
        cards = [
            f"CTYPE1  = 'RA---{projection}'", f"CTYPE2  = 'DEC--{projection}'", f"CRVAL1  = {ra}", f"CRVAL2  = {dec}",
            f"CRPIX1  = {x}", "CRPIX2  = 8.0", "CDELT1  = -0.001", "CDELT2  = 0.001", more, "END",
        ]  # fmt: skip
        raw = "".join(card.ljust(80) for card in cards)
        (alpha, delta, _), flags = find_center(Cards(raw.encode()), (SIDE, SIDE))
        wanted = WCS(fits.Header.fromstring(raw)).all_pix2world([[9, 9]], 0)[0]
        assert (alpha, delta) == (wanted[0] % 360, wanted[1]) and not flags
