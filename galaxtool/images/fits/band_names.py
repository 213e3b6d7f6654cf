"""The photometric bands that a FITS header names."""

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


def find_plane_bands(header: Keywords, fallback: Keywords, n: int) -> tuple[str, ...]:
    """Return the bands of the planes of a cube, or of a single image.

    Parameters
    ----------
    header : Cards or Header
        Header of the HDU with the image.
    fallback : Cards or Header
        Header of the primary HDU, used if the first one names no band.
    n : int
        Number of planes.

    Returns
    -------
    tuple of n str
        Names from ``BANDS = 'grz'`` or ``'g,r,z'``, from ``BAND0 ...`` or ``BAND1 ...``, the same with FILTER, or for
        a single image from BAND, FILTER or EXTNAME; all empty if the header does not state them.
    """
    own = _parse_list(header, n) or _parse_numbered(header, n)
    if not own and n == 1 and (name := _from_extname(header)):
        own = (name,)
    if not own and fallback is not header:
        own = _parse_list(fallback, n) or _parse_numbered(fallback, n)
    return own or ("",) * n


def find_hdu_band(header: Keywords) -> str:
    """Return the band of an HDU with a single image; empty for weights, masks and the like."""
    if _NOT_SCIENCE.search(str(header.get("EXTNAME") or "")):
        return ""
    named = (_first_word(header.get(key)) for key in ("BAND", "FILTER"))
    return next((name for name in named if name), "") or _from_extname(header)


def is_science(header: Keywords) -> bool:
    """Tell whether an EXTNAME does not denote weights, a mask, errors or the like."""
    return not _NOT_SCIENCE.search(str(header.get("EXTNAME") or ""))


def _parse_list(header: Keywords, n: int) -> tuple[str, ...]:
    """Return n names from one card: separated, or in BANDS and FILTERS as single letters."""
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


def _parse_numbered(header: Keywords, n: int) -> tuple[str, ...]:
    """Return n names from BAND0 ... or BAND1 ..., or the same with FILTER."""
    for key in ("BAND", "FILTER"):
        if n == 1:  # an open filter wheel says CLEAR, and the other one has the name
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
    """Return the filter in an EXTNAME such as ``g``, ``SCI_F814W`` or ``image-r``.

    astropy writes names in capitals, so a capital letter counts as the Sloan filter in lower case.
    """
    name = str(header.get("EXTNAME") or "").strip()
    match = _NAMED_IMAGE.fullmatch(name)
    for candidate in (name, match[1] if match else ""):
        if candidate.lower() in _SLOAN:
            return candidate.lower()
        if _FILTER.fullmatch(candidate):
            return candidate
    return ""
