"""Names of files made from identifiers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from galaxtool.inputs.walk import unique

_LONGEST = 120  # bytes, of the 255 that file systems allow
_A_FOLDER = 10_000
_NOT_SAFE = re.compile(r"[^\w.+-]+")
_TAKEN_BY_WINDOWS = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def make_file_names(ids: Sequence[str], suffix: str) -> list[str]:
    """Return a path for each identifier, all different on any file system.

    Parameters
    ----------
    ids : sequence of str
        Any texts; those that are the same, or would be where case does not count, get a number.
    suffix : str
        With the dot.

    Returns
    -------
    list of str
        Letters of any script, digits and ``. _ + -`` stay, everything else becomes ``_``. Of more than 10,000, each
        10,000 are in a folder of their own.

    Examples
    --------
    >>> file_names(["NGC 1", "a/b", "ngc 1", ".x"], ".fits")
    ['NGC_1.fits', 'a_b.fits', 'ngc_1-2.fits', '_x.fits']
    """
    stems = [_safe(text) for text in ids]
    folded = [unicodedata.normalize("NFC", stem.casefold()) for stem in stems]
    added = [name[len(plain) :] for name, plain in zip(unique(folded), folded, strict=True)]
    names = [f"{stem}{number}{suffix}" for stem, number in zip(stems, added, strict=True)]
    if len(names) <= _A_FOLDER:
        return names
    return [f"{row // _A_FOLDER:04d}/{name}" for row, name in enumerate(names)]


def _safe(text: str) -> str:
    name = _NOT_SAFE.sub("_", unicodedata.normalize("NFC", text))
    if name.startswith((".", "-")) or not name:
        name = f"_{name[1:]}"
    if _TAKEN_BY_WINDOWS.fullmatch(name):
        name = f"_{name}"
    return name.encode()[:_LONGEST].decode(errors="ignore").rstrip(".")
