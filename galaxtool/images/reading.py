"""Read a file of any format: its content decides which reader takes it."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.errors import GalaxtoolError, UnreadableImage
from galaxtool.images.content import describe_content
from galaxtool.images.image_file import ImageFile
from galaxtool.images.packing import BROKEN, Packing, find_packing, read_unpacked_head, unpack_small
from galaxtool.images.plugin_reading import needs_child, read_in_child
from galaxtool.images.read_options import PLAIN, ReadOptions
from galaxtool.plugins.registration import BUILT_IN, Registration
from galaxtool.plugins.registry import Registry, get_registry
from galaxtool.plugins.specs import ReaderSpec
from galaxtool.types import BLANK, NAME_MISMATCH, NAN_PIXELS, Cutout
from galaxtool.utils.debugging import is_debugging
from galaxtool.utils.error_text import describe_error
from galaxtool.utils.files.path_texts import explain_foreign_path, explain_lacking_path

_HEAD = 4096


def read_file(file: Path | ImageFile, options: ReadOptions = PLAIN, *, registry: Registry | None = None) -> Cutout:
    """Read the image in a file.

    Parameters
    ----------
    file : Path or ImageFile
        The file, unpacked if it was packed by gzip, bzip2, xz or Zstandard. Its first bytes decide which reader takes
        it. Its suffix decides only between several readers, or where a reader does not state how its files begin.
    options : ReadOptions
        What to read.
    registry : Registry, optional
        Registry of the readers; by default the process-wide one.

    Returns
    -------
    Cutout
        Row 0 of `data` is the bottom row; the values are those of the file, without a stretch. Flagged
        `NAME_MISMATCH` if the suffix belongs to another format.

    Raises
    ------
    UnreadableImage
        If the file cannot be read; the message says why in one sentence.
    """
    file = file if isinstance(file, ImageFile) else ImageFile.on_disk(file)
    file, head, packing = _read_head(file)
    registry = registry or get_registry()
    known = registry.readers.all()
    name = file.suffix_name
    by_suffix = [r for r in known if name.endswith(r.spec.suffixes)]
    chosen = _choose(file, head, known, by_suffix, packing)
    guarded = needs_child(chosen) and not is_debugging()
    reader = None if guarded else _create_own(chosen) if chosen.origin == BUILT_IN else chosen.create()
    try:
        cutout: Cutout = read_in_child(chosen, file, options) if reader is None else reader.read(file, options)
    except GalaxtoolError:
        raise
    except MemoryError as error:
        raise UnreadableImage(f"'{file.name}' needs more memory than is available.") from error
    except Exception as error:
        # Damage takes many forms and each library has its own exceptions; one bad file must cost one row only.
        if is_debugging():
            raise
        raise UnreadableImage(
            f"'{file.name}' is damaged, or not supported by the {chosen.spec.name} reader ({describe_error(error)}).",
            hint="GALAXTOOL_DEBUG=1 shows where it failed.",
        ) from error
    if options.position and cutout.pixel_scale is None and options.pixel_scale is not None:
        cutout = replace(cutout, pixel_scale=options.pixel_scale)
    return cutout.with_flags(NAME_MISMATCH) if by_suffix and chosen not in by_suffix else cutout


@lru_cache(maxsize=16)
def _create_own(chosen: Registration[ReaderSpec]) -> Any:
    """Create a reader of galaxtool itself once; these keep nothing of a file."""
    return chosen.create()


def list_image_suffixes(registry: Registry | None = None) -> tuple[str, ...]:
    """Return the suffixes of the files that any reader takes, in lower case with the dot, sorted."""
    return tuple(sorted({suffix for r in (registry or get_registry()).readers for suffix in r.spec.suffixes}))


def find_quality_flags(data: np.ndarray, *, finite: bool | None = None) -> tuple[str, ...]:
    """Return the quality flags that follow from the pixel values alone.

    Parameters
    ----------
    data : ndarray, shape (bands, ny, nx)
        Floats with NaN for missing values, or integers.
    finite : bool, optional
        True if every value is known to be finite; tested otherwise.

    Returns
    -------
    tuple of str
        `NAN_PIXELS` if any value is not finite, `BLANK` if the finite values of each band are all the same.
    """
    if finite or data.dtype.kind in "biu":
        return (BLANK,) if all(_is_uniform(plane) for plane in data) else ()
    good = np.isfinite(data)
    if good.all():
        return find_quality_flags(data, finite=True)
    seen = (plane[known] for plane, known in zip(data, good, strict=True) if known.any())
    same = all(values.min() == values.max() for values in seen)
    return (NAN_PIXELS, BLANK) if same else (NAN_PIXELS,)


def _is_uniform(plane: np.ndarray) -> bool:
    """Tell whether all pixels are equal; in nearly every image, the middle row already shows that they are not."""
    corner = plane[0, 0]
    return bool((plane[len(plane) // 2] == corner).all() and (plane == corner).all())


def cannot_open_error(
    name: str, error: OSError | ValueError, *, path: Path | None = None, expected: str = "an image"
) -> UnreadableImage:
    """Return the error for a file that cannot be opened.

    Parameters
    ----------
    name : str
        Name of the file.
    error : OSError or ValueError
        Error that opening the file raised.
    path : Path, optional
        Path of the file: some platforms raise PermissionError for a folder.
    expected : str
        What the file should have been.
    """
    if isinstance(error, FileNotFoundError):
        if foreign := explain_lacking_path(name) or explain_foreign_path(name):
            return UnreadableImage(foreign)
        return UnreadableImage(f"There is no file '{name}'.")
    is_denied = isinstance(error, PermissionError)
    if isinstance(error, IsADirectoryError) or (is_denied and path is not None and path.is_dir()):
        return UnreadableImage(f"'{name}' is a folder, not {expected}.")
    if is_denied:
        return UnreadableImage(f"'{name}' may not be read: permission denied.")
    return UnreadableImage(f"'{name}' cannot be opened: {getattr(error, 'strerror', None) or describe_error(error)}.")


def _read_head(file: ImageFile) -> tuple[ImageFile, bytes, Packing | None]:
    """Return a file, unpacked if it is packed and small, its first unpacked bytes, and how it was packed."""
    try:
        head = file.head(_HEAD)
    except (OSError, ValueError) as error:  # ValueError for a name that no file can have
        raise cannot_open_error(file.name, error, path=file.path) from error
    if not head:
        raise UnreadableImage(f"'{file.name}' is an empty file.")
    packing = find_packing(head)
    if packing is None or packing.open is None:
        return file, head, packing
    try:
        content = unpack_small(file)
    except OSError as error:
        raise UnreadableImage(
            f"'{file.name}' is damaged: it begins like {packing.name} but cannot be decompressed "
            f"({describe_error(error)}).",
            hint="Download or copy it again.",
        ) from error
    if content is not None:
        return ImageFile(file.name, content=content), content[:_HEAD], packing
    try:
        return file, read_unpacked_head(file, _HEAD), packing
    except BROKEN as error:
        raise UnreadableImage(
            f"'{file.name}' is damaged: it begins like {packing.name} but cannot be decompressed."
        ) from error


def _choose(
    file: ImageFile,
    head: bytes,
    known: list[Registration[ReaderSpec]],
    by_suffix: list[Registration[ReaderSpec]],
    packing: Packing | None,
) -> Registration[ReaderSpec]:
    """Return the reader for a file that begins with `head`; `by_suffix` are the readers that its name fits."""
    by_content = [r for r in known if r.spec.magic and head.startswith(r.spec.magic)]
    both = [r for r in by_content if r in by_suffix]
    unsure = [r for r in by_suffix if not r.spec.magic]
    if chosen := both or unsure or by_content:
        return chosen[0]
    what, hint = describe_content(head)
    if packing is not None and packing.open is not None:
        hint = f"Unpack it first, with {packing.command}."
    if by_suffix:
        suffix = f"has the suffix of a {by_suffix[0].spec.name} image but is {what or 'something else'}"
        hint = hint or "Copy or download the file again, or leave it out."
        raise UnreadableImage(f"'{file.name}' {suffix}.", hint=hint)
    if what:
        raise UnreadableImage(f"'{file.name}' is {what}, not an image in a known format.", hint=hint)
    formats = " or ".join(r.spec.name for r in known)
    raise UnreadableImage(f"'{file.name}' is not an image in a known format.", hint=f"The known formats are {formats}.")
