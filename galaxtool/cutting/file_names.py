"""Safe and distinct file names for the identifiers of a catalogue."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from galaxtool.inputs.names import make_unique

_MAX_BYTES = 120  # file systems allow 255
_FILES_PER_FOLDER = 10_000
_UNSAFE = re.compile(r"[^\w.+-]+")
_RESERVED_BY_WINDOWS = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def make_file_names(ids: Sequence[str], suffix: str) -> list[str]:
    """Return a file name for each identifier; all differ on any file system.

    Parameters
    ----------
    ids : sequence of str
        Any texts. Names that are equal, or differ only in case, get a number.
    suffix : str
        Suffix with the dot.

    Returns
    -------
    list of str
        Letters of any script, digits and ``. _ + -`` are kept; everything else becomes ``_``. More than 10,000 files
        are spread over folders of 10,000.

    Examples
    --------
    >>> make_file_names(["NGC 1", "a/b", "ngc 1", ".x"], ".fits")
    ['NGC_1.fits', 'a_b.fits', 'ngc_1-2.fits', '_x.fits']
    """
    stems = [_make_safe(text) for text in ids]
    folded = [unicodedata.normalize("NFC", stem.casefold()) for stem in stems]
    numbers = [name[len(plain) :] for name, plain in zip(make_unique(folded), folded, strict=True)]
    names = [f"{stem}{number}{suffix}" for stem, number in zip(stems, numbers, strict=True)]
    if len(names) <= _FILES_PER_FOLDER:
        return names
    return [f"{row // _FILES_PER_FOLDER:04d}/{name}" for row, name in enumerate(names)]


def _make_safe(text: str) -> str:
    name = _UNSAFE.sub("_", unicodedata.normalize("NFC", text))
    if name.startswith((".", "-")) or not name:
        name = f"_{name[1:]}"
    if _RESERVED_BY_WINDOWS.fullmatch(name):
        name = f"_{name}"
    return name.encode()[:_MAX_BYTES].decode(errors="ignore").rstrip(".")
