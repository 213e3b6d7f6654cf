"""Where on the sky an image lies."""

from __future__ import annotations

import math

import numpy as np
from astropy.coordinates import ICRS, SkyCoord
from astropy.io.fits import Header
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales, wcs_to_celestial_frame

from galaxtool.io.quiet import no_warnings


def centre_and_scale(header: Header, shape: tuple[int, int]) -> tuple[float | None, float | None, float | None]:
    """Return the position of an image's centre and the size of its pixels.

    Parameters
    ----------
    header : Header
        With a celestial WCS of any projection and frame that astropy knows, on the first two axes; or without.
    shape : (ny, nx)
        Size in pixels.

    Returns
    -------
    ra, dec : float or None
        Degrees, ICRS, converted from the header's own frame (Galactic, FK5, FK4 ...). The centre is the middle of the
        image, between pixels where a side is even.
    pixel_scale : float or None
        arcsec per pixel, the geometric mean of the two sides at the reference position.

    Notes
    -----
    All three are None where the header has no celestial WCS, or one that cannot be used: a picture can be classified
    without a position.
    """
    nowhere = (None, None, None)
    if not all("-" in str(header.get(key, "")) for key in ("CTYPE1", "CTYPE2")):
        return nowhere  # every celestial axis is called like RA---TAN; this saves the making of a WCS
    ny, nx = shape
    try:
        with no_warnings():  # about dates and units put right, on which the position does not depend
            wcs = WCS(header, naxis=2)
            if not wcs.has_celestial:
                return nowhere
            world = wcs.all_pix2world([[(nx - 1) / 2, (ny - 1) / 2]], 0)[0]
            ra, dec = float(world[wcs.wcs.lng]), float(world[wcs.wcs.lat])
            frame = wcs_to_celestial_frame(wcs)
            if not isinstance(frame, ICRS):
                position = SkyCoord(ra, dec, unit="deg", frame=frame).icrs
                ra, dec = float(position.ra.deg), float(position.dec.deg)
            scale = 3600 * math.sqrt(float(np.prod(proj_plane_pixel_scales(wcs))))
    except Exception:
        # WCSLIB has an exception for each way to be wrong, and headers find more; none makes the pixels worse.
        return nowhere
    if not (math.isfinite(ra) and math.isfinite(dec) and math.isfinite(scale) and scale > 0):
        return nowhere
    return ra % 360, dec, scale
