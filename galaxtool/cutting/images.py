"""The images to cut from, read from their headers without pixels: position on the sky, size and bands."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales, wcs_to_celestial_frame

from galaxtool.cutting.sources import ImageSource
from galaxtool.errors import GalaxtoolError, UnreadableImage
from galaxtool.images.content import describe_content
from galaxtool.images.fits.axes import to_bands
from galaxtool.images.fits.band_names import is_science
from galaxtool.images.fits.bounded_stream import ANY_SIZE, is_packed, open_bounded
from galaxtool.images.fits.hdus import is_image
from galaxtool.images.fits.pixel_meaning import find_meaning_flags
from galaxtool.images.fits.sky_positions import convert_to_pixels, convert_to_sky
from galaxtool.images.fits.wavelengths import find_header_wavelength
from galaxtool.images.fits.wcs import make_wcs, repair_header
from galaxtool.images.fits.wcs_values import UnusableWCS
from galaxtool.images.image_file import ImageFile
from galaxtool.images.packing import BROKEN, read_unpacked_head
from galaxtool.utils.error_text import describe_error
from galaxtool.utils.warning_filter import ignore_warnings

_HEAD = 4096


@dataclass(frozen=True, slots=True)
class HduRef:
    """An image: a file and the number of its HDU, 0 for the primary."""

    path: Path
    hdu: int

    def __str__(self) -> str:
        return f"{self.path}[{self.hdu}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class SkyImage:
    """An image on the sky, without its pixels.

    Parameters
    ----------
    ref : HduRef
        File and HDU.
    shape : tuple of int
        Lengths of all axes, the last two (ny, nx).
    bitpix : int
        BITPIX as in FITS.
    bands : tuple of str
        Bands of the planes, as galaxtool reads them (`galaxtool.images.fits.axes`); empty names if the header does not
        name them.
    unit : str
        BUNIT, or empty.
    wcs : WCS
        Celestial WCS of the last two axes, with all distortions.
    scale : (float, float)
        arcsec per pixel along x and y at the reference position.
    stamp : (int, int)
        Size of the file in bytes and its modification time in ns.
    flags : tuple of str
        Keys of `galaxtool.types.FLAGS` about the header.
    wavelength : float or None
        Wavelength in micrometers that the header states.
    """

    ref: HduRef
    shape: tuple[int, ...]
    bitpix: int
    bands: tuple[str, ...]
    unit: str
    wcs: WCS = field(repr=False)
    scale: tuple[float, float]
    stamp: tuple[int, int]
    flags: tuple[str, ...] = ()
    wavelength: float | None = None

    @property
    def nx(self) -> int:
        """Number of pixels along x."""
        return self.shape[-1]

    @property
    def ny(self) -> int:
        """Number of pixels along y."""
        return self.shape[-2]

    @property
    def has_tables(self) -> bool:
        """Whether distortions are given by lookup tables, which a cutout cannot store."""
        tables = ("cpdis1", "cpdis2", "det2im1", "det2im2")
        return any(getattr(self.wcs, name) is not None for name in tables)

    def to_pixels(self, ra: np.ndarray, dec: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Convert positions (degrees, ICRS) to x and y from 0; NaN where the projection is undefined."""
        return convert_to_pixels(self.wcs, ra, dec)

    def to_sky(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Convert pixels to positions (degrees, ICRS); NaN where the projection is undefined."""
        return convert_to_sky(self.wcs, x, y)

    def table_shift(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the shift of pixels by the lookup tables, x and y, shape (n, 2)."""
        pixels = np.column_stack([x, y])
        return np.asarray(self.wcs.p4_pix2foc(self.wcs.det2im(pixels, 0), 0) - pixels)


def read_images(
    source: ImageSource, hdu: str | None = None, skipped: list[UnreadableImage] | None = None
) -> list[SkyImage]:
    """Return the images of a file that have a celestial WCS.

    Parameters
    ----------
    source : ImageSource
        FITS file: plain, packed by gzip, bzip2, xz or Zstandard, or tile-compressed.
    hdu : str, optional
        Number or EXTNAME of the HDU; several HDUs may share an EXTNAME. By default every HDU with an image, except
        those whose EXTNAME marks them as weight, mask, error or the like.
    skipped : list of UnreadableImage, optional
        Receives the problem of each image without a usable WCS, if others of the file have one.

    Raises
    ------
    UnreadableImage
        If the file is damaged, or has no such image.
    """
    path = source.path
    try:
        with (
            ignore_warnings(),
            open_bounded(ImageFile.on_disk(path), ANY_SIZE) as stream,
            fits.open(stream, memmap=False, uint=False, lazy_load_hdus=True) as hdus,
        ):
            images = list(_read_hdus(path, hdus, source.band, hdu, [] if skipped is None else skipped))
    except GalaxtoolError:
        raise
    except Exception as error:  # damaged files raise many kinds of exceptions, different in each library
        if content := _describe_other_content(path):
            raise UnreadableImage(f"'{path}' is {content[0]}, not a FITS file.", hint=content[1]) from error
        raise UnreadableImage(f"'{path}' cannot be read as FITS ({describe_error(error)}).") from error
    if not images:
        raise UnreadableImage(f"'{path}' contains no image.", hint="The last argument is the catalogue.")
    return images


def _describe_other_content(path: Path) -> tuple[str, str] | None:
    """Return what a file is that is not FITS; None if it is FITS, or unknown."""
    try:
        head = read_unpacked_head(ImageFile.on_disk(path), _HEAD)
    except BROKEN:
        return None
    what, hint = describe_content(head)
    return (what, hint) if what and not head.startswith(b"SIMPLE") else None


def _read_hdus(
    path: Path, hdus: fits.HDUList, band: str, wanted: str | None, skipped: list[UnreadableImage]
) -> Iterator[SkyImage]:
    """Yield the wanted images; those without a WCS are skipped if others have one."""
    selected = select_images(path, hdus, wanted)
    problems = []
    for number, hdu in selected:
        try:
            check_complete(path, hdu)
            yield _read_hdu(HduRef(path, number), hdus, hdu, band)
        except _NoWCS as problem:
            problems.append(problem)
    if problems and len(problems) == len(selected):
        raise UnreadableImage(problems[0].message, hint=problems[0].hint)
    skipped.extend(problems)


def select_images(path: Path, hdus: fits.HDUList, wanted: str | None) -> list[tuple[int, Any]]:
    """Return the numbers and HDUs of the wanted images; see `read_images`.

    Raises
    ------
    UnreadableImage
        If `wanted` names no image.
    """
    selected = [(n, hdu) for n, hdu in enumerate(hdus) if is_image(hdu) and _is_wanted(n, hdu, wanted)]
    if wanted is not None and not selected:
        names = "; ".join(f"{n} {h.name or '(no name)'}" for n, h in enumerate(hdus) if is_image(h)) or "none"
        raise UnreadableImage(f"'{path}' has no image in an HDU {wanted!r}.", hint=f"HDUs with images: {names}.")
    return selected


class _NoWCS(UnreadableImage):
    """An image without a usable celestial WCS."""


def _is_wanted(number: int, hdu: Any, wanted: str | None) -> bool:
    if wanted is None:
        return is_science(hdu.header)
    return number == int(wanted) if str(wanted).isdigit() else bool(hdu.name.upper() == str(wanted).upper())


def check_complete(path: Path, hdu: Any) -> None:
    """Refuse an image whose header declares more bytes than the file has."""
    if is_packed(ImageFile.on_disk(path)) or isinstance(hdu, fits.CompImageHDU):
        return
    expected = hdu.fileinfo()["datLoc"] + math.prod(hdu.shape) * abs(int(hdu.header["BITPIX"])) // 8
    if expected > path.stat().st_size:
        raise UnreadableImage(
            f"'{path}' is truncated: its header declares {expected} bytes, but it has {path.stat().st_size}.",
            hint="Download or copy it again.",
        )


def _read_hdu(ref: HduRef, hdus: fits.HDUList, hdu: Any, band: str) -> SkyImage:
    header, primary = hdu.header, hdus[0].header
    wcs, flags = _read_wcs(ref, header, hdu.shape, hdus)
    lead = hdu.shape[:-2]
    _, bands = to_bands(ref.path, np.zeros((*lead, 8, 8), np.float32), header, primary)
    status = ref.path.stat()
    return SkyImage(
        ref=ref,
        shape=tuple(hdu.shape),
        bitpix=int(header["BITPIX"]),
        bands=(band,) if band and len(bands) == 1 else bands,
        unit=str(header.get("BUNIT") or primary.get("BUNIT") or "").strip(),
        wcs=wcs,
        scale=_measure_scale(ref, wcs),
        stamp=(status.st_size, status.st_mtime_ns),
        wavelength=find_header_wavelength(header, primary),
        flags=(*flags, *find_meaning_flags(header, primary, len(bands))),
    )


def _read_wcs(
    ref: HduRef, header: fits.Header, shape: tuple[int, ...], hdus: fits.HDUList
) -> tuple[WCS, tuple[str, ...]]:
    header, repair = repair_header(header, (shape[-2], shape[-1]))
    if repair.problem:
        raise _NoWCS(f"The WCS of '{ref}' cannot be used: {repair.problem}.", hint="Correct its header.")
    try:
        if (wcs := make_wcs(header, hdus)) is not None:
            wcs_to_celestial_frame(wcs)
            return wcs, repair.flags
    except UnusableWCS as problem:
        raise _NoWCS(f"The WCS of '{ref}' cannot be used: {problem}.", hint="Correct its header.") from problem
    except Exception as error:  # WCSLIB raises many exceptions, and broken headers cause others
        raise _NoWCS(f"The WCS of '{ref}' cannot be used: {describe_error(error)}.") from error
    raise _NoWCS(
        f"'{ref}' has no celestial WCS on its first two axes, so objects cannot be located in it.",
        hint="Solve its astrometry first, or choose another HDU with --hdu.",
    )


def _measure_scale(ref: HduRef, wcs: WCS) -> tuple[float, float]:
    """Return the pixel scale along x and y in arcsec."""
    x, y = (3600 * float(side) for side in proj_plane_pixel_scales(wcs))
    if not (math.isfinite(x) and math.isfinite(y) and x > 0 and y > 0):
        raise _NoWCS(f"The WCS of '{ref}' cannot be used: its pixels have no size.")
    return x, y


def have_same_grid(images: Sequence[SkyImage]) -> bool:
    """Return whether all pixels of the images have the same positions according to their headers."""
    first = images[0]
    plain = not any(image.wcs.has_distortion for image in images)
    return plain and all(first.wcs.wcs.compare(image.wcs.wcs) for image in images[1:])
