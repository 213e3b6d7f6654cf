"""A large image that is read box by box, with what its header says of the sky."""

from __future__ import annotations

import math
import os
from pathlib import Path
from types import TracebackType

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales, wcs_to_celestial_frame

from galaxtool.containers.reading import read_image
from galaxtool.cutting.images import HduRef, check_complete, select_images
from galaxtool.cutting.open_images import OpenImage
from galaxtool.errors import GalaxtoolError, UnreadableImage
from galaxtool.images.fits.axes import to_bands
from galaxtool.images.fits.beam import Beam, find_beam
from galaxtool.images.fits.bounded_stream import ANY_SIZE, open_bounded
from galaxtool.images.fits.sky_positions import convert_to_pixels, convert_to_sky
from galaxtool.images.fits.wcs import make_wcs, repair_header
from galaxtool.images.image_file import ImageFile
from galaxtool.images.packing import BROKEN, read_unpacked_head
from galaxtool.types import Cutout
from galaxtool.utils.error_text import describe_error
from galaxtool.utils.warning_filter import ignore_warnings

_HEAD = 4096  # bytes of a packed file, enough to unpack its first ones


class SkyMap:
    """An image that is open for reading boxes of its pixels; made by `open_map`.

    Attributes
    ----------
    path : Path
        The file.
    shape : (int, int, int)
        Number of bands, height and width. Degenerate axes are dropped, and spectral axes averaged.
    bands : tuple of str
        Names of the bands; ``("",)`` if unknown.
    unit : str
        Unit of the pixels, ``"display"`` for a picture, empty if unknown.
    wcs : WCS or None
        Celestial WCS of the last two axes, with all distortions.
    wcs_problem : str
        Why there is no WCS; empty if there is one.
    beam : Beam or None
        Restoring beam of a radio map.
    pixel_scale : float or None
        arcsec per pixel at the reference position, the geometric mean of the two sides.

    Notes
    -----
    Plain FITS files are mapped into memory, so a box costs only its own pixels. Pictures and members of archives are
    read as a whole, and have neither WCS nor beam.
    """

    def __init__(self, path: Path, source: OpenImage | Cutout) -> None:
        self.path = path
        self._source = source
        self.wcs: WCS | None = None
        self.wcs_problem = "it is not a FITS file"
        self.beam: Beam | None = None
        self.pixel_scale: float | None = None
        if isinstance(source, Cutout):
            self.shape: tuple[int, int, int] = source.data.shape[0], source.data.shape[1], source.data.shape[2]
            self.bands, self.unit, self.pixel_scale = source.bands, source.unit, source.pixel_scale
            return
        empty = np.broadcast_to(np.float32(0), source.shape)
        data, self.bands = to_bands(path, empty, source.header, source.primary)
        self.shape = data.shape[0], data.shape[1], data.shape[2]
        self._is_transposed = self.shape[1:] != source.shape[-2:]
        self.unit = source.unit
        with ignore_warnings():
            self.beam = find_beam(source.header) or find_beam(source.primary)
            self.wcs, self.wcs_problem = _find_wcs(source)
            if self.wcs is not None:
                x, y = (3600 * float(side) for side in proj_plane_pixel_scales(self.wcs))
                self.pixel_scale = math.sqrt(x * y)

    def read(self, y0: int = 0, y1: int | None = None, x0: int = 0, x1: int | None = None) -> np.ndarray:
        """Read a box of pixels.

        Parameters
        ----------
        y0, y1, x0, x1 : int, optional
            First row and column, and those after the last; by default the whole image. They must be within the image.

        Returns
        -------
        ndarray of float32, shape (bands, y1 - y0, x1 - x0)
            Values in `unit`, NaN where they are not finite.

        Raises
        ------
        UnreadableImage
            If that part of the file is damaged.
        """
        y1, x1 = self.shape[1] if y1 is None else y1, self.shape[2] if x1 is None else x1
        if isinstance(self._source, Cutout):
            return self._source.data[:, y0:y1, x0:x1].astype(np.float32)
        try:
            return self._read_fits(self._source, y0, y1, x0, x1)
        except (GalaxtoolError, MemoryError):
            raise
        except Exception as error:  # damaged tiles raise many kinds of exceptions
            raise UnreadableImage(
                f"Pixels of '{self.path}' cannot be read ({describe_error(error)}).", hint="Download or copy it again."
            ) from error

    def _read_fits(self, source: OpenImage, y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
        if self._is_transposed:
            raw = source.box(0, source.shape[-2], 0, source.shape[-1])
            data = to_bands(self.path, raw, source.header, source.primary)[0][:, y0:y1, x0:x1]
        else:
            data, _ = to_bands(self.path, source.box(y0, y1, x0, x1), source.header, source.primary)
        with np.errstate(over="ignore", invalid="ignore"):
            pixels = np.array(data, dtype=np.float32)
        pixels[~np.isfinite(pixels)] = np.nan
        return pixels

    def to_sky(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Convert pixels, the centre of the first one being (0, 0), to right ascension and declination.

        Returns
        -------
        ra, dec : ndarray of float64
            Degrees, ICRS; NaN where the map has no WCS or its projection is undefined.
        """
        x, y = np.atleast_1d(np.asarray(x, float)), np.atleast_1d(np.asarray(y, float))
        if self.wcs is None or not len(x):
            return np.full(len(x), np.nan), np.full(len(x), np.nan)
        ra, dec = convert_to_sky(self.wcs, x, y)
        return np.asarray(ra) % 360, np.asarray(dec)

    def to_pixels(self, ra: np.ndarray, dec: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Convert positions (degrees, ICRS) to x and y; NaN without a WCS, or where the projection is undefined."""
        ra, dec = np.atleast_1d(np.asarray(ra, float)), np.atleast_1d(np.asarray(dec, float))
        if self.wcs is None or not len(ra):
            return np.full(len(ra), np.nan), np.full(len(ra), np.nan)
        return convert_to_pixels(self.wcs, ra, dec)

    def close(self) -> None:
        """Close the file."""
        if isinstance(self._source, OpenImage):
            self._source.close()

    def __enter__(self) -> SkyMap:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_map(image: str | os.PathLike[str], *, hdu: int | str | None = None) -> SkyMap:
    """Open an image whose pixels are read box by box, such as a radio map.

    Parameters
    ----------
    image : str or Path
        FITS file, plain, packed or tile-compressed; or any other image that galaxtool reads, which is read as a whole.
    hdu : int or str, optional
        Number or EXTNAME of the HDU; by default the first one with an image.

    Returns
    -------
    SkyMap
        Close it, or use it in a ``with`` statement.

    Raises
    ------
    UnreadableImage
        If the file does not exist, is damaged or contains no image.
    """
    path = Path(image).expanduser()
    if not _is_fits(path):
        return SkyMap(path, read_image(path, hdu=hdu))
    try:
        with (
            ignore_warnings(),
            open_bounded(ImageFile.on_disk(path), ANY_SIZE) as stream,
            fits.open(stream, memmap=False, uint=False, lazy_load_hdus=True) as hdus,
        ):
            found = select_images(path, hdus, None if hdu is None else str(hdu))
            if not found:
                raise UnreadableImage(f"'{path}' contains no image.", hint="Is it a table?")
            number, first = found[0]
            check_complete(path, first)
        return SkyMap(path, OpenImage(HduRef(path, number)))
    except GalaxtoolError:
        raise
    except Exception as error:  # damaged files raise many kinds of exceptions
        raise UnreadableImage(f"'{path}' cannot be read as FITS ({describe_error(error)}).") from error


def _is_fits(path: Path) -> bool:
    try:
        return path.is_file() and read_unpacked_head(ImageFile.on_disk(path), _HEAD).startswith(b"SIMPLE")
    except BROKEN:
        return False


def _find_wcs(source: OpenImage) -> tuple[WCS | None, str]:
    """Return the celestial WCS of an image, or why it has none."""
    shape = source.shape[-2], source.shape[-1]
    try:
        header, repair = repair_header(source.header, shape)
        if repair.problem:
            return None, repair.problem
        wcs = make_wcs(header)
        if wcs is None:
            return None, "its header has no celestial WCS"
        wcs_to_celestial_frame(wcs)
        sides = proj_plane_pixel_scales(wcs)
    except Exception as error:  # WCSLIB raises many exceptions, and broken headers cause others
        return None, describe_error(error)
    return (wcs, "") if np.isfinite(sides).all() and (sides > 0).all() else (None, "its pixels have no size")
