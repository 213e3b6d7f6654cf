"""Conversion between pixels and positions in ICRS, for a WCS of any frame."""

from __future__ import annotations

import numpy as np
from astropy.coordinates import ICRS, SkyCoord
from astropy.wcs import WCS
from astropy.wcs.utils import wcs_to_celestial_frame

from galaxtool.utils.warning_filter import ignore_warnings


def convert_to_pixels(wcs: WCS, ra: np.ndarray, dec: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Convert positions (degrees, ICRS) to x and y from 0; NaN where the projection is undefined."""
    world = np.empty((len(ra), 2))
    frame = _find_frame(wcs)
    lon, lat = ra, dec
    if not isinstance(frame, ICRS):
        coordinates = SkyCoord(ra, dec, unit="deg").transform_to(frame).spherical
        lon, lat = coordinates.lon.deg, coordinates.lat.deg
    world[:, wcs.wcs.lng], world[:, wcs.wcs.lat] = lon, lat
    with ignore_warnings(), np.errstate(all="ignore"):
        x, y = wcs.all_world2pix(world, 0, quiet=True).T
    return x, y


def convert_to_sky(wcs: WCS, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Convert pixels to positions (degrees, ICRS); NaN where the projection is undefined."""
    with ignore_warnings(), np.errstate(all="ignore"):
        world = wcs.all_pix2world(np.column_stack([x, y]), 0)
    lon, lat = world[:, wcs.wcs.lng], world[:, wcs.wcs.lat]
    frame = _find_frame(wcs)
    if isinstance(frame, ICRS):
        return lon, lat
    coordinates = SkyCoord(lon, lat, unit="deg", frame=frame).icrs
    return coordinates.ra.deg, coordinates.dec.deg


def _find_frame(wcs: WCS) -> object:
    with ignore_warnings():  # about keywords that mean what newer ones do
        return wcs_to_celestial_frame(wcs)
