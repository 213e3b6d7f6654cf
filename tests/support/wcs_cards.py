"""Headers with random WCS cards, reproducible by their number."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from astropy.io.fits import HDUList, Header, ImageHDU, PrimaryHDU

from galaxtool.images.fits.header import Cards
from galaxtool.images.fits.wcs import find_center, make_wcs, repair_header
from galaxtool.images.fits.wcs_values import UnusableWCS
from galaxtool.utils.warning_filter import ignore_warnings

WCS_KEYWORDS = (
    "WCSAXES", "CRPIX1", "CRPIX2", "CRPIX70", "CRVAL1", "CRVAL2", "CDELT1", "CDELT2", "CROTA1", "CROTA2", "CD1_1",
    "CD1_2", "CD2_1", "CD2_2", "CD1_3", "CD9_9", "PC1_1", "PC1_2", "PC2_1", "PC2_2", "PC33_44", "PC001001", "PROJP1",
    "PV1_0", "PV1_1", "PV1_39", "PV2_0", "PV2_1", "PV2_2", "PV2_3", "PV2_20", "PV2_30", "PV2_99", "PS1_0", "CTYPE1",
    "CTYPE2", "CTYPE3", "CUNIT1", "CUNIT2", "LONPOLE", "LATPOLE", "RADESYS", "RADECSYS", "EQUINOX", "EPOCH", "DATE-OBS",
    "A_ORDER", "B_ORDER", "A_0_2", "A_9_0", "B_0_2", "AP_ORDER", "BP_ORDER", "AP_0_1", "A_DMAX", "CPDIS1", "CPDIS2",
    "CPERR1", "CQDIS1", "DP1", "DP2", "DQ1", "D2IMDIS1", "D2IM1", "AXISCORR", "VELREF", "TIMEUNIT", "WAT1_001",
    "WAT2_001", "NAXIS3", "CSYER1", "JEPOCH", "PLTRAH", "PLTDECSN", "AMDX1", "PPO3", "XPIXELSZ", "CNPIX1", "OBSGEO-X",
    "WCSAXESA", "CTYPE1A",
)  # fmt: skip
WCS_VALUES = (
    "0", "1", "-1", "2", "3", "4", "7", "9", "45", "90", "-90", "99", "180", "360", "999", "32768", "65535", "65536",
    "131072", "1E5", "1E19", "1E100", "1E308", "-1E308", "1E-320", "1.5", "NaN", "T", "(1.0, 2.0)", "", "'x'", "'1'",
    "'deg'", "'arcsec'", "'FK4'", "'GAPPT'", "'RA---TAB'", "'DEC--TPV'", "'RA---ZPN'", "'RA---TAN-SIP'", "'FREQ-LOG'",
    "'GLON-XPH'", "'RA---DSS'", "'DEC--AIR'", "'RA---HPX'", "'DEC--TNX'", "'Lookup'", "'TPD'", "'NAXES: 9999'",
    "'AXIS.1: 999999'", "'EXTVER: 1'", "'AXIS.1: 1'", "'10**1000m'", "'(((((((((m)))))'", "'%s%s%n'",
    "'wtype=tnx axtype=ra lngcor = \"3. 4. 4. 2. '", "'" + "A" * 60 + "'",
)  # fmt: skip
PROJECTIONS = (
    "TAN", "ZPN", "TPV", "TAN-SIP", "TAB", "XPH", "HPX", "TNX", "ZPX", "AZP", "SZP", "STG", "SIN", "NCP", "ARC", "ZEA",
    "AIR", "CYP", "CEA", "CAR", "MER", "SFL", "GLS", "PAR", "MOL", "AIT", "COP", "COE", "COD", "COO", "BON", "PCO",
    "TSC", "CSC", "QSC", "DSS",
)  # fmt: skip
_BASE = (
    "SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    2",
    "NAXIS1  =                   64", "NAXIS2  =                   64", "CRVAL1  =                150.0",
    "CRVAL2  =                  2.0", "CRPIX1  =                 32.5", "CRPIX2  =                 32.5",
    "CDELT1  =              -0.0001", "CDELT2  =               0.0001",
)  # fmt: skip


def make_header(cards: Sequence[str], projection: str = "TAN") -> bytes:
    """Return a sound header of 64 by 64 pixels with further cards, up to END."""
    types = (f"CTYPE1  = 'RA---{projection:3}'", f"CTYPE2  = 'DEC--{projection:3}'")
    return "".join(card[:80].ljust(80) for card in (*_BASE, *types, *cards, "END")).encode()


def make_random_header(number: int) -> bytes:
    """Return a header with some random WCS cards."""
    rng = random.Random(number)
    cards = [f"{rng.choice(WCS_KEYWORDS):8}= {rng.choice(WCS_VALUES):>20}" for _ in range(rng.choice((1, 2, 3, 8, 20)))]
    return make_header(cards, rng.choice(PROJECTIONS))


def solve(raw: bytes) -> None:
    """Find positions by a header, as for one image and as for an image to cut from."""
    find_center(Cards(raw), (64, 64))
    tables = [ImageHDU(np.zeros((4, 4), "f4"), name=name, ver=1) for name in ("WCSDVARR", "D2IMARR")]
    with ignore_warnings():
        header, repair = repair_header(Header.fromstring(raw), (64, 64))
        try:
            wcs = None if repair.problem else make_wcs(header, HDUList([PrimaryHDU(), *tables]))
        except (UnusableWCS, ValueError, MemoryError, LookupError, TypeError, AttributeError, OSError):
            return
        if wcs is not None:
            wcs.all_world2pix([[150.0, 2.0], [3.0, 89.0]], 0, quiet=True)
