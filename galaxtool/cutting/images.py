"""The images to cut from: where on the sky each lies, its size and its bands; no pixels are read."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from astropy.coordinates import ICRS, SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales, wcs_to_celestial_frame

from galaxtool.cutting.sources import ImageSource
from galaxtool.errors import GalaxtoolError, UnreadableImage
from galaxtool.images.fits.axes import to_bands
from galaxtool.images.fits.band_names import is_science
from galaxtool.images.fits.bounded_stream import ANY_SIZE, is_gzipped, open_bounded
from galaxtool.images.image_file import ImageFile
from galaxtool.images.reading import say
from galaxtool.utils.quiet import no_warnings


@dataclass(frozen=True, slots=True)
class HduRef:
    """An image: a file and the number of the HDU."""

    path: Path
    hdu: int

    def __str__(self) -> str:
        return f"{self.path}[{self.hdu}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class SkyImage:
    """What is known of an image without its pixels.

    Parameters
    ----------
    place : Place
    shape : tuple of int
        All axes, the last two (ny, nx).
    bitpix : int
        As in FITS.
    bands : tuple of str
        Of its planes as galaxtool reads them (`galaxtool.images.fits.axes`); empty names where the header does not say.
    unit : str
    wcs : WCS
        Celestial, of the last two axes, with every distortion.
    scale : (float, float)
        arcsec per pixel along x and y at the reference position.
    stamp : (int, int)
        Size of the file in bytes, and when it was changed, ns.
    """

    place: HduRef
    shape: tuple[int, ...]
    bitpix: int
    bands: tuple[str, ...]
    unit: str
    wcs: WCS = field(repr=False)
    scale: tuple[float, float]
    stamp: tuple[int, int]

    @property
    def nx(self) -> int:
        """Pixels along x."""
        return self.shape[-1]

    @property
    def ny(self) -> int:
        """Pixels along y."""
        return self.shape[-2]

    @property
    def has_tables(self) -> bool:
        """Whether the distortion is in lookup tables, which a cutout cannot carry."""
        tables = ("cpdis1", "cpdis2", "det2im1", "det2im2")
        return any(getattr(self.wcs, name) is not None for name in tables)

    def to_pixels(self, ra: np.ndarray, dec: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where positions in degrees, ICRS, lie: x and y from 0, NaN where the projection does not reach."""
        world = np.empty((len(ra), 2))
        frame = wcs_to_celestial_frame(self.wcs)
        lon, lat = ra, dec
        if not isinstance(frame, ICRS):
            there = SkyCoord(ra, dec, unit="deg").transform_to(frame).spherical
            lon, lat = there.lon.deg, there.lat.deg
        world[:, self.wcs.wcs.lng], world[:, self.wcs.wcs.lat] = lon, lat
        with no_warnings(), np.errstate(all="ignore"):
            x, y = self.wcs.all_world2pix(world, 0, quiet=True).T
        return x, y

    def to_sky(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the positions of pixels, in degrees, ICRS; NaN where there is no sky."""
        with no_warnings(), np.errstate(all="ignore"):
            world = self.wcs.all_pix2world(np.column_stack([x, y]), 0)
        lon, lat = world[:, self.wcs.wcs.lng], world[:, self.wcs.wcs.lat]
        frame = wcs_to_celestial_frame(self.wcs)
        if isinstance(frame, ICRS):
            return lon, lat
        there = SkyCoord(lon, lat, unit="deg", frame=frame).icrs
        return there.ra.deg, there.dec.deg

    def table_shift(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return by how much the lookup tables move pixels, shape (n, 2): x and y."""
        pixels = np.column_stack([x, y])
        return self.wcs.p4_pix2foc(self.wcs.det2im(pixels, 0), 0) - pixels


def read_images(file: ImageSource, hdu: str | None = None) -> list[SkyImage]:
    """Return the images of a file that have a celestial WCS.

    Parameters
    ----------
    file : GivenFile
        Plain, gzipped or tile-compressed FITS.
    hdu : str, optional
        Number or EXTNAME, of which there may be several. By default every HDU with an image, but for those that their
        EXTNAME calls weight, mask, error or the like.

    Raises
    ------
    UnreadableImage
        If the file is damaged, or has no such image.
    """
    path = file.path
    try:
        with (
            no_warnings(),
            open_bounded(ImageFile.on_disk(path), ANY_SIZE) as stream,
            fits.open(stream, memmap=False, uint=False, lazy_load_hdus=True) as units,
        ):
            found = list(_images(path, units, file.band, hdu))
    except GalaxtoolError:
        raise
    except Exception as error:  # damage has no end of forms, and each library its own exceptions
        raise UnreadableImage(f"'{path}' cannot be read as FITS ({say(error)}).") from error
    if not found:
        raise UnreadableImage(f"'{path}' holds no image.", hint="The last argument is the catalogue.")
    return found


def _images(path: Path, units: fits.HDUList, band: str, hdu: str | None) -> Iterator[SkyImage]:
    wanted = [(n, unit) for n, unit in enumerate(units) if _is_image(unit) and _is_wanted(n, unit, hdu)]
    if hdu is not None and not wanted:
        there = "; ".join(f"{n} {u.name or '(no name)'}" for n, u in enumerate(units) if _is_image(u)) or "none"
        raise UnreadableImage(f"'{path}' has no image in an HDU {hdu!r}.", hint=f"Its images: {there}.")
    problems = []
    for number, unit in wanted:
        try:
            _check_whole(path, unit)
            yield _image(HduRef(path, number), units, unit, band)
        except _NoWCS as problem:
            problems.append(problem)
    if problems and len(problems) == len(wanted):
        raise UnreadableImage(problems[0].message, hint=problems[0].hint)


class _NoWCS(UnreadableImage):
    """An image without a position, which is passed over where the file has others."""


def _is_image(unit: Any) -> bool:
    kind = isinstance(unit, fits.PrimaryHDU | fits.ImageHDU | fits.CompImageHDU)
    return kind and not isinstance(unit, fits.GroupsHDU) and len(unit.shape) >= 2 and math.prod(unit.shape) > 0


def _is_wanted(number: int, unit: Any, hdu: str | None) -> bool:
    if hdu is None:
        return is_science(unit.header)
    return number == int(hdu) if str(hdu).isdigit() else unit.name.upper() == str(hdu).upper()


def _check_whole(path: Path, unit: Any) -> None:
    """Refuse an image whose header promises more than the file holds."""
    if is_gzipped(ImageFile.on_disk(path)) or isinstance(unit, fits.CompImageHDU):
        return
    wanted = unit.fileinfo()["datLoc"] + math.prod(unit.shape) * abs(int(unit.header["BITPIX"])) // 8
    if wanted > path.stat().st_size:
        raise UnreadableImage(
            f"'{path}' is cut short: its header promises {wanted} bytes, and it has {path.stat().st_size}.",
            hint="Fetch or copy it again.",
        )


def _image(place: HduRef, units: fits.HDUList, unit: Any, band: str) -> SkyImage:
    header, primary = unit.header, units[0].header
    wcs = _wcs(place, header, units)
    lead = unit.shape[:-2]
    _, bands = to_bands(place.path, np.zeros((*lead, 8, 8), np.float32), header, primary)
    status = place.path.stat()
    return SkyImage(
        place=place,
        shape=tuple(unit.shape),
        bitpix=int(header["BITPIX"]),
        bands=(band,) if band and len(bands) == 1 else bands,
        unit=str(header.get("BUNIT") or primary.get("BUNIT") or "").strip(),
        wcs=wcs,
        scale=_scale(place, wcs),
        stamp=(status.st_size, status.st_mtime_ns),
    )


def _wcs(place: HduRef, header: fits.Header, units: fits.HDUList) -> WCS:
    try:
        wcs = WCS(header, fobj=units, naxis=2)
        if wcs.has_celestial:
            wcs_to_celestial_frame(wcs)
            return wcs
    except Exception as error:  # WCSLIB has an exception for each way to be wrong, and headers find more
        raise _NoWCS(f"The WCS of '{place}' cannot be used: {say(error)}.") from error
    raise _NoWCS(
        f"'{place}' has no celestial WCS on its first two axes, so nothing can be found in it.",
        hint="Solve its astrometry first, or name another HDU with --hdu.",
    )


def _scale(place: HduRef, wcs: WCS) -> tuple[float, float]:
    x, y = (3600 * float(side) for side in proj_plane_pixel_scales(wcs))
    if not (math.isfinite(x) and math.isfinite(y) and x > 0 and y > 0):
        raise _NoWCS(f"The WCS of '{place}' cannot be used: its pixels have no size.")
    return x, y


def share_grid(images: Sequence[SkyImage]) -> bool:
    """Tell whether images have pixel for pixel the same positions, by their headers."""
    first = images[0]
    plain = not any(image.wcs.has_distortion for image in images)
    return plain and all(first.wcs.wcs.compare(image.wcs.wcs) for image in images[1:])
