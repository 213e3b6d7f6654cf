"""Read one image from where it is stored: a file, a member of a container, or one file per band."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from galaxtool.containers.cache import open_container
from galaxtool.containers.find import locate_image
from galaxtool.errors import GalaxtoolError, UnreadableImage
from galaxtool.images.image_file import ImageFile
from galaxtool.images.planes import find_common_unit, take_bands
from galaxtool.images.read_options import AUTO, PLAIN, ReadOptions, check_pixel_kind
from galaxtool.images.reading import read_file
from galaxtool.types import BLANK, Cutout, ImageRef
from galaxtool.utils.debugging import is_debugging
from galaxtool.utils.error_text import describe_error


def read_image(
    image: str | os.PathLike[str] | ImageRef,
    *,
    hdu: int | str | None = None,
    bands: Sequence[str] = (),
    mask_hdu: int | str | None = None,
    weight_hdu: int | str | None = None,
    pixel_scale: float | None = None,
    pixels: str = AUTO,
) -> Cutout:
    """Read an image of any known format, without stretching or resizing it.

    Parameters
    ----------
    image : str, Path or ImageRef
        A file, or a member of an archive or stack: ``"cutouts.zip[m51.fits]"``, ``"stack.h5[images/12]"``.
    hdu : int or str, optional
        Number or EXTNAME of the FITS HDU to read; by default the first one with an image.
    bands : sequence of str, optional
        Bands to read, in this order; all by default.
    mask_hdu : int or str, optional
        HDU whose non-zero pixels must not be used: they become NaN in `Cutout.data` and True in `Cutout.mask`.
    weight_hdu : int or str, optional
        HDU of weights or inverse variances: pixels whose weight is not above zero must not be used.
    pixel_scale : float, optional
        Pixel scale in arcsec, for a file that does not state it.
    pixels : str
        What the pixels of arrays and of pictures with more than 8 bits are: ``picture``, ``data``, or ``auto`` to
        decide by their values.

    Returns
    -------
    Cutout
        Row 0 of `Cutout.data`, which has the shape (bands, ny, nx), is the bottom row of the image.

    Raises
    ------
    ConfigError
        If there is no such kind of pixels.
    UnreadableImage
        If the image does not exist or cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> path = Path(tempfile.mkdtemp()) / "m51.png"
    >>> Image.new("RGB", (64, 48), "navy").save(path)
    >>> cutout = read_image(path)
    >>> cutout.bands, cutout.data.shape, cutout.data[:, 0, 0].tolist()
    (('R', 'G', 'B'), (3, 48, 64), [0, 0, 128])
    """
    check_pixel_kind(pixels)
    if isinstance(image, ImageRef):
        ref = locate_image(str(image)) if image.member and not image.container else image
    else:
        ref = locate_image(os.path.expanduser(os.fspath(image)))  # noqa: PTH111  it raises for an unknown user
    options = ReadOptions(
        hdu=hdu,
        bands=tuple(bands),
        mask_hdu=mask_hdu,
        weight_hdu=weight_hdu,
        pixel_scale=pixel_scale,
        pixels=pixels,
    )
    return read_ref(ref, options)


def read_ref(ref: ImageRef, options: ReadOptions = PLAIN) -> Cutout:
    """Read the image that a reference names.

    Parameters
    ----------
    ref : ImageRef
        A member needs its container, which `galaxtool.containers.find.locate_image` finds.
    options : ReadOptions
        What to read. With one file per band, `ReadOptions.bands` selects among the names in `ImageRef.bands`. A stack
        of arrays has bands and accepts a pixel scale, and ignores the options about HDUs.

    Returns
    -------
    Cutout
        With one file per band, the planes follow the order of `ImageRef.bands` and must have the same shape; a pixel
        masked in one band is masked in all. Position and pixel scale come from the first band that states them; the
        unit is that of all bands, or empty where they differ.

    Raises
    ------
    UnreadableImage
        If the image cannot be read; the message says why in one sentence.
    """
    if ref.bands:
        cutout = _read_bands(ref, options)
    elif ref.container:
        found = _read_member(ref, options)
        cutout = read_file(found, options) if isinstance(found, ImageFile) else apply_options(found, options)
    else:
        cutout = read_file(ref.path, options)
    if cutout.pixel_scale is None and options.pixel_scale is not None:
        return replace(cutout, pixel_scale=options.pixel_scale)
    return cutout


def get_image_file(ref: ImageRef) -> ImageFile | None:
    """Return the file that an image is stored in, on disk or in an archive, so that it can be copied.

    Returns
    -------
    ImageFile or None
        None where it is not a single file: a row of a stack, or one file per band.

    Raises
    ------
    UnreadableImage
        If a member of a container cannot be read.
    """
    if ref.bands:
        return None
    if not ref.container:
        return ImageFile.on_disk(ref.path)
    found = _read_member(ref, PLAIN)
    return found if isinstance(found, ImageFile) else None


def apply_options(cutout: Cutout, options: ReadOptions) -> Cutout:
    """Apply the bands and the pixel scale of some options to an image that did not come from a reader.

    Raises
    ------
    UnreadableImage
        If the image lacks a band.
    """
    if options.pixel_scale is not None and cutout.pixel_scale is None:
        cutout = replace(cutout, pixel_scale=options.pixel_scale)
    if not options.bands or options.bands == cutout.bands:
        return cutout
    data = take_bands(cutout.source, cutout.data, cutout.bands, options.bands)
    return replace(cutout, data=np.ascontiguousarray(data), bands=options.bands)


def _read_member(ref: ImageRef, options: ReadOptions) -> ImageFile | Cutout:
    """Return a member of a container."""
    try:
        return open_container(ref).read(ref.member, options)
    except GalaxtoolError:
        raise
    except MemoryError as error:
        raise UnreadableImage(f"'{ref}' needs more memory than is available.") from error
    except Exception as error:  # damage takes many forms, as in galaxtool.images.reading
        if is_debugging():
            raise
        raise UnreadableImage(
            f"'{ref}' is damaged, or not supported by its container ({describe_error(error)}).",
            hint="GALAXTOOL_DEBUG=1 shows where it failed.",
        ) from error


def _read_bands(ref: ImageRef, options: ReadOptions) -> Cutout:
    """Read the file of each band, and return them as one image."""
    known = dict(ref.bands)
    wanted = options.bands or tuple(known)
    missing = [band for band in wanted if band not in known]
    if missing:
        raise UnreadableImage(f"'{ref.path}' has no file for the band '{missing[0]}'; it has {', '.join(known)}.")
    alone = replace(options, bands=())
    planes = [read_file(known[band], alone) for band in wanted]
    for band, plane in zip(wanted, planes, strict=True):
        _check_plane(str(known[band]), plane, planes[0])
    first = planes[0]
    masks = [plane.mask for plane in planes if plane.mask is not None]
    placed = next((plane for plane in planes if plane.ra is not None and plane.dec is not None), first)
    scales = [plane.pixel_scale for plane in planes if plane.pixel_scale is not None]
    return replace(
        first,
        data=np.concatenate([plane.data for plane in planes]),
        bands=tuple(wanted),
        unit=find_common_unit(plane.unit for plane in planes),
        mask=np.logical_or.reduce(masks) if masks else None,
        ra=placed.ra,
        dec=placed.dec,
        # a band that does not state its scale has that of the options, which counts only where no other band does
        pixel_scale=next((scale for scale in scales if scale != options.pixel_scale), next(iter(scales), None)),
        flags=_merge_flags([plane.flags for plane in planes]),
    )


def _check_plane(path: str, plane: Cutout, first: Cutout) -> None:
    """Raise `UnreadableImage` if the file of a band does not match that of the first band."""
    if len(plane.data) != 1:
        raise UnreadableImage(f"'{path}' has {len(plane.data)} bands, but each file must have one.")
    if plane.data.shape != first.data.shape:
        sizes = [f"{cutout.data.shape[2]} x {cutout.data.shape[1]}" for cutout in (plane, first)]
        raise UnreadableImage(
            f"'{path}' has {sizes[0]} pixels and '{first.source}' has {sizes[1]}, so they are not bands of one image.",
            hint="Cut them to the same size first.",
        )
    if plane.data.dtype != first.data.dtype:
        raise UnreadableImage(f"'{path}' and '{first.source}' are not bands of one image: one of them is a picture.")


def _merge_flags(flags: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the flags of several bands as those of one image, which is blank only if all bands are."""
    every = dict.fromkeys(flag for some in flags for flag in some)
    return tuple(flag for flag in every if flag != BLANK or all(BLANK in some for some in flags))
