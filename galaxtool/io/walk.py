"""Which files below a folder are images, in an order that does not change, and what they are called."""

from __future__ import annotations

import gzip
import os
import stat
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath

from astropy.io import fits

from galaxtool.io.formats.fitstable import is_image
from galaxtool.io.readers import image_suffixes

LABELS = "labels.csv"
_FITS_BLOCK = 2880
_CARD = 80


def walk_images(folder: Path) -> tuple[list[Path], Counter[str]]:
    """Return the images below a folder.

    Parameters
    ----------
    folder : Path
        Hidden files and folders in it are not looked at. Symbolic links are followed, but never round in a circle.

    Returns
    -------
    paths : list of Path
        Relative to `folder`, in byte order.
    skipped : Counter
        How many other files there are, by reason. Links that lead nowhere count as images where their name is
        an image's, so that they show as errors later rather than vanish.
    """
    found: list[Path] = []
    skipped: Counter[str] = Counter()
    suffixes = image_suffixes()
    for entry, relative in _files(folder, PurePath(), (_identity(folder),), skipped):
        reason = reason_to_skip(Path(entry.path), suffixes)
        if reason:
            skipped[reason] += 1
        else:
            found.append(Path(relative))
    return sorted(found, key=byte_order), skipped


def byte_order(path: PurePath) -> bytes:
    """Return the key that sorts paths the same on every machine."""
    return os.fsencode(path.as_posix())


def _files(
    folder: Path, relative: PurePath, above: tuple[tuple[int, int], ...], skipped: Counter[str]
) -> Iterator[tuple[os.DirEntry[str], PurePath]]:
    """Yield the files below a folder; `above` identifies it and those that it lies in."""
    try:
        with os.scandir(folder) as scan:
            entries = [entry for entry in scan if not entry.name.startswith(".")]
    except OSError as error:
        skipped[f"folder that cannot be opened ({error.strerror})"] += 1
        return
    for entry in entries:
        # os.DirEntry raises for a link to itself, pathlib says that it is no folder
        if not (Path(entry.path).is_dir() if entry.is_symlink() else entry.is_dir()):
            yield entry, relative / entry.name
            continue
        here = _identity(Path(entry.path))
        if here not in above:
            yield from _files(Path(entry.path), relative / entry.name, (*above, here), skipped)


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def reason_to_skip(path: Path, suffixes: tuple[str, ...]) -> str:
    """Return why a member of a folder is not an input, or nothing where it is one; `suffixes` are those of images."""
    if path.name == LABELS:
        return LABELS
    if not path.name.lower().endswith(suffixes):
        return "not an image suffix"
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):
        return "not a file"  # a pipe or a socket, which would block whoever opens it
    return "FITS table" if holds_only_tables(path) else ""


def holds_only_tables(path: Path) -> bool:
    """Return whether a file is FITS and has tables but no image; False where that cannot be told.

    The first block answers for a file with an image in front, and no data are read for any other.
    """
    try:
        with path.open("rb") as raw:
            head = raw.read(_FITS_BLOCK)
        if head[:2] == b"\x1f\x8b":
            with gzip.open(path) as unpacked:
                head = unpacked.read(_FITS_BLOCK)
        # The standard fixes the third card as NAXIS; only a primary without data is worth a second look.
        if (
            not head.startswith(b"SIMPLE  =")
            or head[2 * _CARD : 3 * _CARD].split(b"/")[0].split(b"=")[-1].strip() != b"0"
        ):
            return False
        with warnings.catch_warnings(), fits.open(path, memmap=True) as units:
            warnings.simplefilter("ignore")  # about a damaged file, of which its reader will speak
            kinds = [(is_image(unit), "TABLE" in unit.header.get("XTENSION", "")) for unit in units]
    except Exception:  # whatever is wrong with a file, it is its reader that says so, as an error of this one input
        return False
    return any(table for _, table in kinds) and not any(image for image, _ in kinds)


def without_suffix(path: PurePath, suffixes: tuple[str, ...]) -> str:
    """Return a path without the longest of these suffixes, else without its last one, with forward slashes.

    Examples
    --------
    >>> without_suffix(PurePath("field/a.1.fits.gz"), (".fits", ".fits.gz"))
    'field/a.1'
    """
    name = path.name
    suffix = max(filter(name.lower().endswith, suffixes), key=len, default=path.suffix)
    name = name[: -len(suffix)] if 0 < len(suffix) < len(name) else name
    return path.with_name(name).as_posix()


def unique(names: Iterable[str]) -> list[str]:
    """Return names that are all different: a second ``a`` becomes ``a-2``, or the next number that is free.

    Examples
    --------
    >>> unique(["a", "b", "a", "a-2", "a"])
    ['a', 'b', 'a-3', 'a-2', 'a-4']
    """
    names = list(names)
    taken = set(names)
    seen: dict[str, int] = {}
    result = []
    for name in names:
        if name not in seen:
            seen[name] = 1
            result.append(name)
            continue
        while f"{name}-{seen[name] + 1}" in taken:
            seen[name] += 1
        seen[name] += 1
        result.append(f"{name}-{seen[name]}")
    return result
