"""What WCSLIB gets to see of a header: positions stay those of astropy, and no card ends the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales
from support.wcs_cards import make_header

from galaxtool.cutting.images import read_images
from galaxtool.cutting.sources import ImageSource
from galaxtool.errors import UnreadableImage
from galaxtool.images.fits.header import Cards
from galaxtool.images.fits.wcs import find_center
from galaxtool.images.fits.wcslib_header import build_wcslib_header
from galaxtool.utils.warning_filter import ignore_warnings

SHAPE = (64, 80)
BASE = {"CRVAL1": 150.1, "CRVAL2": 2.2, "CRPIX1": 30.0, "CRPIX2": 35.5, "CDELT1": -1e-3, "CDELT2": 1e-3}
TURNED = {"CD1_1": -8e-4, "CD1_2": 6e-4, "CD2_1": 6e-4, "CD2_2": 8e-4}
CUBE = {"WCSAXES": 4, "CTYPE3": "FREQ", "CRVAL3": 1.4e9, "CRPIX3": 1.0, "CDELT3": 1e6, "CTYPE4": "STOKES", "PC3_3": 1.0}
DATES = {
    "DATE-OBS": "2020-01-01T00:00:00",
    "MJD-OBS": 58849.0,
    "OBSGEO-X": 1.0,
    "VELREF": 257,
    "RADESYS": "FK5",
    "EQUINOX": 2000.0,
}
SIP = {"A_ORDER": 3, "B_ORDER": 2, "A_2_0": 1e-5, "A_0_3": 1e-8, "B_1_1": 2e-5, "A_DMAX": 1.0}
TPV = {"PV1_0": 1e-4, "PV1_1": 1.001, "PV1_4": 1e-3, "PV2_1": 0.999, "PV2_7": 1e-3}
OTHER = {"WCSAXESA": 2, "CTYPE1A": "PIXEL", "CTYPE2A": "PIXEL", "CRVAL1A": 1.0}


def make_cards(projection: str, cards: dict[str, object], axes: tuple[str, str] = ("RA---", "DEC--")) -> fits.Header:
    header = fits.Header({"SIMPLE": True, "BITPIX": 8, "NAXIS": 2, "NAXIS1": SHAPE[1], "NAXIS2": SHAPE[0]})
    header.update({"CTYPE1": axes[0] + projection, "CTYPE2": axes[1] + projection, **BASE, **cards})
    return header


def make_tnx() -> fits.Header:
    header = make_cards("TNX", {"WAT0_001": "system=image"})
    for axis, name in ((1, "ra lngcor"), (2, "dec latcor")):
        terms = "3. 3. 3. 2. -0.07 0.07 -0.07 0.07 1.5E-4 -2.3E-4 1.1E-3 4.0E-2 -3.0E-5 2.0E-3 "
        text = f'wtype=tnx axtype={name} = "{terms}"'
        header.update({f"WAT{axis}_{n // 68 + 1:03}": text[n : n + 68] for n in range(0, len(text), 68)})
    return header


@pytest.mark.parametrize(
    "header",
    [
        *(make_cards(projection, {}) for projection in ("TAN", "SIN", "ARC", "ZEA", "CAR", "AIT", "NCP", "GLS", "MER")),
        make_cards("TAN", TURNED | DATES),
        make_cards("TAN", {"PC001001": 0.8, "PC001002": -0.6, "PC002001": 0.6, "PC002002": 0.8}),
        make_cards("SIN", CUBE | {"PV2_1": 0.01, "PV2_2": -0.02, "LONPOLE": 180.0}),
        make_cards("TAN-SIP", SIP),
        make_cards("TPV", TPV),
        make_cards("ZPN", {"PV2_1": 1.0, "PV2_3": 42.0}),
        make_cards("TAN", OTHER, ("GLON-", "GLAT-")),
        make_tnx(),
    ],
    ids=lambda header: header["CTYPE1"],
)  # fmt: skip
def test_positions_are_those_of_astropy(header: fits.Header, tmp_path: Path) -> None:
    with ignore_warnings():
        whole = WCS(header, naxis=2)
    sky = whole.pixel_to_world((SHAPE[1] - 1) / 2, (SHAPE[0] - 1) / 2).icrs
    expected = (sky.ra.deg, sky.dec.deg, 3600 * np.sqrt(np.prod(proj_plane_pixel_scales(whole))))
    (ra, dec, scale), flags = find_center(Cards(header.tostring(padding=False).encode()), SHAPE)
    assert (ra, dec, scale) == pytest.approx(expected, rel=1e-11) and flags == ()
    fits.PrimaryHDU(np.zeros(SHAPE, "u1"), header).writeto(tmp_path / "image.fits")
    (image,) = read_images(ImageSource(tmp_path / "image.fits"))
    lon, lat = image.to_sky(np.array([0.0, 70.0]), np.array([5.0, 60.0]))
    sky = whole.pixel_to_world([0.0, 70.0], [5.0, 60.0]).icrs
    assert np.allclose((lon, lat), (sky.ra.deg, sky.dec.deg), rtol=0, atol=1e-10)


def test_lookup_tables_of_other_hdus_are_applied(tmp_path: Path) -> None:
    header = make_cards("TAN", {"CPDIS1": "Lookup", "CPDIS2": "Lookup", "CPERR1": 1.0})
    for axis in (1, 2):
        for record in ("EXTVER: 1", "NAXES: 2", "AXIS.1: 1", "AXIS.2: 2"):
            header.append((f"DP{axis}", record), end=True)
    table = fits.ImageHDU(np.full((2, 2), 3.0, "f4"), name="WCSDVARR", ver=1)
    table.header.update({"CRPIX1": 1.0, "CRPIX2": 1.0, "CRVAL1": 1.0, "CRVAL2": 1.0, "CDELT1": 90.0, "CDELT2": 90.0})
    path = tmp_path / "image.fits"
    fits.HDUList([fits.PrimaryHDU(np.zeros(SHAPE, "u1"), header), table]).writeto(path)
    (image,) = read_images(ImageSource(path), "0")
    plain = WCS(make_cards("TAN", {}))
    assert image.has_tables
    shifted = image.to_sky(np.array([10.0]), np.array([20.0]))
    assert np.allclose(shifted, plain.all_pix2world([13.0], [23.0], 0), rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("cards", "problem"),
    [
        ({"CTYPE1": "RA---TAB", "CTYPE2": "DEC--TAB", "PS1_0": "TABLE"}, "lookup table"),
        ({"CTYPE1": "RA---XYZ", "CTYPE2": "DEC--XYZ"}, "not a projection"),
        ({"CPDIS1": "TPD"}, "names a distortion"),
        ({"CD1_3": 0.5}, "mixes an axis"),
        ({"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "A_ORDER": 99, "B_ORDER": 2}, "A_ORDER is 99"),
    ],
)
def test_what_cannot_be_used_is_told(cards: dict[str, object], problem: str, tmp_path: Path) -> None:
    header = make_cards("TAN", cards)
    assert find_center(Cards(header.tostring(padding=False).encode()), SHAPE) == ((None, None, None), ("BAD_WCS",))
    fits.PrimaryHDU(np.zeros(SHAPE, "u1"), header).writeto(tmp_path / "image.fits")
    with pytest.raises(UnreadableImage, match=problem):
        read_images(ImageSource(tmp_path / "image.fits"))


@pytest.mark.parametrize(
    "card", ["WCSAXES = 65536", "DATE-OBS= '%n'", "CNPIX1  = '1'", "CRPIX70 = 1", "DP1 = 'NAXES: 9'"]
)
def test_cards_of_no_use_do_not_reach_wcslib(card: str) -> None:
    header = make_header([card])
    built = build_wcslib_header(Cards(header))
    assert card[:8].encode() not in built.replace(b"WCSAXES =                    2", b"")
    place, flags = find_center(Cards(header), (64, 64))
    assert place[:2] == pytest.approx((150, 2), abs=1e-3) and flags == ()


CHILD = """
import sys
from support.wcs_cards import make_random_header, solve
for number in range(int(sys.argv[1]), int(sys.argv[2])):
    print(number, flush=True)
    solve(make_random_header(number))
"""


def run_random(first: int, last: int) -> int:
    """Solve random headers in a process of their own, and return how many; fail naming the one that ended it."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CHILD, str(first), str(last)], capture_output=True, text=True,
        cwd=Path(__file__).parents[1], timeout=60 + (last - first) / 20, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"header {done.stdout.split()[-1:]}: {done.returncode} {done.stderr[-500:]}"
    return len(done.stdout.split())


def test_random_cards_end_no_process() -> None:
    assert run_random(0, 150) == 150


@pytest.mark.slow
def test_many_random_cards_end_no_process() -> None:
    assert run_random(1000, 9000) == 8000
