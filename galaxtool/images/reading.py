"""From a path to a `Cutout`, whatever the format: the content chooses the reader."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from galaxtool.errors import GalaxtoolError, UnreadableImage
from galaxtool.images.image_file import ImageFile
from galaxtool.images.read_options import PLAIN, ReadOptions
from galaxtool.plugins.registration import Registration
from galaxtool.plugins.registry import Registry, get_registry
from galaxtool.plugins.specs import ReaderSpec
from galaxtool.types import BLANK, NAME_MISMATCH, NAN_PIXELS, Cutout
from galaxtool.utils.config import is_debugging

_GZIP = b"\x1f\x8b"
_HEAD = 4096


def read_file(file: Path | ImageFile, options: ReadOptions = PLAIN, *, registry: Registry | None = None) -> Cutout:
    """Read one image.

    Parameters
    ----------
    file : Path or ImageFile
        How it begins decides which reader takes it; its suffix only decides between several readers, or where a
        reader does not say how its files begin.
    options : ReadOptions
        What to take from it.
    registry : Registry, optional
        Where the readers are; by default the process-wide one.

    Returns
    -------
    Cutout
        Row 0 of `data` is the bottom row; values as in the file, not stretched. Flagged `NAME_MISMATCH` where the
        suffix is that of another format.

    Raises
    ------
    UnreadableImage
        Whatever is wrong with the file, in one sentence.
    """
    file = file if isinstance(file, ImageFile) else ImageFile.on_disk(Path(file))
    head = _head(file)
    registry = registry or get_registry()
    known = registry.readers.all()
    name = file.suffix_name
    fits_name = [r for r in known if name.endswith(r.spec.suffixes)]
    chosen = _choose(file, head, known, fits_name)
    reader = chosen.create()
    try:
        cutout = reader.read(file, options)
    except GalaxtoolError:
        raise
    except MemoryError as error:
        raise UnreadableImage(f"'{file.name}' needs more memory than there is.") from error
    except Exception as error:
        # Damage has no end of forms, and each library its own exceptions; one bad file must cost one row only.
        if is_debugging():
            raise
        raise UnreadableImage(
            f"'{file.name}' is damaged, or of a kind that the {chosen.spec.name} reader does not know ({say(error)}).",
            hint="GALAXTOOL_DEBUG=1 shows where it failed.",
        ) from error
    if options.position and cutout.pixel_scale is None and options.pixel_scale is not None:
        cutout = replace(cutout, pixel_scale=options.pixel_scale)
    return cutout.with_flags(NAME_MISMATCH) if fits_name and chosen not in fits_name else cutout


def image_suffixes(registry: Registry | None = None) -> tuple[str, ...]:
    """Return the suffixes of files that some reader takes, lower case with the dot, sorted."""
    return tuple(sorted({suffix for r in (registry or get_registry()).readers for suffix in r.spec.suffixes}))


def quality_flags(data: np.ndarray, *, finite: bool | None = None) -> tuple[str, ...]:
    """Return the flags that pixel values alone earn.

    Parameters
    ----------
    data : ndarray, shape (bands, ny, nx)
        Floats with NaN where there is no datum, or integers.
    finite : bool, optional
        True where it is known that every value is finite; found out otherwise.

    Returns
    -------
    tuple of str
        `NAN_PIXELS` where any value is not finite, `BLANK` where the finite values of each band are all the same.
    """
    if finite or data.dtype.kind in "biu":
        return (BLANK,) if all(_uniform(plane) for plane in data) else ()
    good = np.isfinite(data)
    if good.all():
        return quality_flags(data, finite=True)
    seen = (plane[known] for plane, known in zip(data, good, strict=True) if known.any())
    same = all(values.min() == values.max() for values in seen)
    return (NAN_PIXELS, BLANK) if same else (NAN_PIXELS,)


def _uniform(plane: np.ndarray) -> bool:
    """Tell whether all pixels are the same; in nearly every image a few of them tell that they are not."""
    corner = plane[0, 0]
    return bool((plane[::16, ::16] == corner).all() and (plane == corner).all())


def say(error: BaseException) -> str:
    """Return what an exception says, in one line without a full stop."""
    return (" ".join(str(error).split()) or type(error).__name__).rstrip(".")


def _head(file: ImageFile) -> bytes:
    """Return how a file begins, gunzipped where it is gzipped."""
    try:
        head = file.head(_HEAD)
    except FileNotFoundError as error:
        raise UnreadableImage(f"There is no file '{file.name}'.") from error
    except IsADirectoryError as error:
        raise UnreadableImage(f"'{file.name}' is a folder, not an image.") from error
    except PermissionError as error:
        if file.path is not None and file.path.is_dir():  # what some platforms say of a folder
            raise UnreadableImage(f"'{file.name}' is a folder, not an image.") from error
        raise UnreadableImage(f"'{file.name}' may not be read: permission denied.") from error
    except OSError as error:
        raise UnreadableImage(f"'{file.name}' cannot be opened: {error.strerror or error}.") from error
    except ValueError as error:  # a name that no file can have
        raise UnreadableImage(f"'{file.name}' cannot be opened: {say(error)}.") from error
    if not head:
        raise UnreadableImage(f"'{file.name}' is an empty file.")
    if not head.startswith(_GZIP):
        return head
    try:
        return zlib.decompressobj(wbits=31).decompress(head, _HEAD)
    except zlib.error as error:
        raise UnreadableImage(f"'{file.name}' is damaged: it begins like gzip and cannot be unpacked.") from error


def _choose(
    file: ImageFile, head: bytes, known: list[Registration[ReaderSpec]], fits_name: list[Registration[ReaderSpec]]
) -> Registration[ReaderSpec]:
    """Return the reader for a file that begins with `head`; the name is that of the readers in `fits_name`."""
    fits_content = [r for r in known if r.spec.magic and head.startswith(r.spec.magic)]
    both = [r for r in fits_content if r in fits_name]
    unsure = [r for r in fits_name if not r.spec.magic]
    if chosen := both or unsure or fits_content:
        return chosen[0]
    formats = " or ".join(r.spec.name for r in known)
    if fits_name:
        what = "a text file" if _is_text(head) else "something else"
        raise UnreadableImage(f"'{file.name}' has the name of a {fits_name[0].spec.name} image but is {what}.")
    raise UnreadableImage(f"'{file.name}' is not an image that can be read.", hint=f"It begins like neither {formats}.")


def _is_text(head: bytes) -> bool:
    """Tell whether bytes look like text: no control characters but white space."""
    return not any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head)
