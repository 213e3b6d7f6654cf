"""Which photometric bands a FITS header names."""

from __future__ import annotations

import re

from galaxtool.images.fits.header import Keywords

_SLOAN = tuple("ugriz")
_FILTER = re.compile(r"[BVyYJHK]|Ks|NUV|FUV|W[1-4]|F\d{2,4}[A-Z]{1,2}\d?")
_NAMED_IMAGE = re.compile(r"(?:(?:sci|image|img|data)[ _-]?)?(.+?)(?:[ _-](?:band|sci|image|img))?", re.IGNORECASE)
_NOT_SCIENCE = re.compile(
    r"(?:^|[\W_\d])(wht|weight|wgt|inv?var|var|err|error|unc|rms|sig|sigma|noise|mask|dq|flags?|bad|ctx|con|exp|"
    r"nexp|model|resid|psf|bkg|sky|seg|segm)(?:$|[\W_\d])",
    re.IGNORECASE,
)
_SEPARATORS = re.compile(r"[\s,;/+|]+")


def plane_bands(header: Keywords, fallback: Keywords, n: int) -> tuple[str, ...]:
    """Return the names of the bands of a cube's planes, or of a single image.

    Parameters
    ----------
    header : Cards or Header
        Of the HDU with the image.
    fallback : Cards or Header
        Of the primary HDU, asked where the first has no answer.
    n : int
        Number of planes.

    Returns
    -------
    tuple of n str
        From ``BANDS = 'grz'`` or ``'g,r,z'``, ``BAND0 ...`` or ``BAND1 ...``, the same with FILTER, or for a single
        image BAND, FILTER or a telling EXTNAME; all empty where the header does not say.
    """
    own = _listed(header, n) or _numbered(header, n)
    if not own and n == 1 and (name := _from_extname(header)):
        own = (name,)
    if not own and fallback is not header:
        own = _listed(fallback, n) or _numbered(fallback, n)
    return own or ("",) * n


def hdu_band(header: Keywords) -> str:
    """Return the band that an HDU with a single image names for itself; empty for weights, masks and the like."""
    if _NOT_SCIENCE.search(str(header.get("EXTNAME") or "")):
        return ""
    named = (_first_word(header.get(key)) for key in ("BAND", "FILTER"))
    return next((name for name in named if name), "") or _from_extname(header)


def is_science(header: Keywords) -> bool:
    """Tell whether an EXTNAME does not speak of weights, a mask, errors or the like."""
    return not _NOT_SCIENCE.search(str(header.get("EXTNAME") or ""))


def _listed(header: Keywords, n: int) -> tuple[str, ...]:
    """Return n names that stand in one card: separated, or after BANDS and FILTERS one letter each."""
    for key in ("BANDS", "FILTERS", "BAND", "FILTER"):
        text = str(header.get(key) or "").strip()
        words = tuple(word for word in _SEPARATORS.split(text) if word)
        if n == 1 and words:
            return (text.split()[0],)
        if len(words) == n:
            return words
        if n > 1 and len(text) == n and text.isalpha() and key.endswith("S"):
            return tuple(text)
    return ()


def _numbered(header: Keywords, n: int) -> tuple[str, ...]:
    """Return n names from BAND0 ... or BAND1 ..., or the same with FILTER."""
    for key in ("BAND", "FILTER"):
        if n == 1:  # a filter wheel left open says CLEAR, and the other one has the name
            wheels = [_first_word(header.get(f"{key}{i}")) for i in (0, 1, 2)]
            used = [name for name in wheels if name and "CLEAR" not in name.upper()]
            if len(used) == 1:
                return (used[0],)
            continue
        for start in (0, 1):
            names = tuple(_first_word(header.get(f"{key}{start + i}")) for i in range(n))
            if all(names):
                return names
    return ()


def _first_word(value: object) -> str:
    """Return the name at the start of a card such as ``'z DECam SDSS c0004 9260.0 1520.0'``."""
    words = str(value if value is not None else "").split()
    return words[0] if words else ""


def _from_extname(header: Keywords) -> str:
    """Return the filter that an EXTNAME such as ``g``, ``SCI_F814W`` or ``image-r`` stands for.

    astropy writes names in capitals, so a letter that is a Sloan filter in lower case is taken for that.
    """
    name = str(header.get("EXTNAME") or "").strip()
    match = _NAMED_IMAGE.fullmatch(name)
    for candidate in (name, match[1] if match else ""):
        if candidate.lower() in _SLOAN:
            return candidate.lower()
        if _FILTER.fullmatch(candidate):
            return candidate
    return ""
