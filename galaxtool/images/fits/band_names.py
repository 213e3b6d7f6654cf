"""The photometric bands that a FITS header names."""

from __future__ import annotations

import re

from galaxtool.images.filters import is_open, is_space_filter, name_band, name_system_band
from galaxtool.images.fits.card_memo import remember_by_cards
from galaxtool.images.fits.header import Keywords, may_have, pad_keys
from galaxtool.images.fits.pixel_meaning import MOSAIC_KEYWORDS, states_mosaic

_SLOAN = tuple("ugriz")
_FILTER = re.compile(r"[BVyYJHK]|Ks|NUV|FUV|W[1-4]|VIS|BP|RP|IRAC[1-4]|F\d{2,4}[A-Z]{1,2}\d?")
_NAMED_IMAGE = re.compile(r"(?:(?:sci|image|img|data)[ _-]?)?(.+?)(?:[ _-](?:band|sci|image|img))?", re.IGNORECASE)
_NOT_SCIENCE = re.compile(
    r"(?:^|[\W_\d])(wht|weights?|wgt|i(?:nv?)?_?var|var(?:iances?)?|err(?:ors?)?|unc(?:ert(?:ainty)?)?|rms|std(?:dev)?|sig|"
    r"sigma|noise|masks?|dq|flags?|bad|bpm|ctx|con|exp|nexp|cov(?:erage)?|model|resid(?:uals?)?|psf|bkg|background|sky|"
    r"seg|segm|area|deltadq|d2imarr|wcsdvarr)(?:$|[\W_\d])",
    re.IGNORECASE,
)
_SEPARATORS = re.compile(r"[\s,;/+|]+")
_BETWEEN_NAMES = re.compile(r"\s*[,;|]\s*")
_COLORS = re.compile(r"L?RGBA?|BGR", re.IGNORECASE)
_AXES = ("CTYPE3", "CTYPE1")
_COLOR_KEYWORDS = ("COLORSPC", "COLORTYP", "COLORMOD", "FILTER", "FILTERS", "BANDS", "BAND", *_AXES)
_SOFTWARE = re.compile(
    r"siril|pixinsight|maxim ?dl|astap|nebulosity|deepskystacker|sharpcap|(?:zwo )?asi(?:air|studio|cap)|"
    r"n\.?i\.?n\.?a|astro ?pixel|astroart|firecapture|planetary ?system ?stacker|setiastro",
    re.IGNORECASE,
)
_SOFTWARE_KEYWORDS = ("PROGRAM", "SWCREATE", "SOFTWARE", "CREATOR", "SWMODIFY")

_ONE_FILTER = (
    "BAND", "FILTER", "FILTNAM", "FILTNAME", "FILTERNM", "FILTBAND", "FILT", "INSFLNAM", "WFFBAND", "FILTER01",
    "FLTNAME", "WAVEBAND",
)  # fmt: skip
_WHEELS = ("BAND0", "BAND1", "BAND2", "FILTER0", "FILTER1", "FILTER2", "FILTER3", "FILTNAM1", "FILTNAM2")
_LONG_KEYWORDS = ("ESO INS FILT1 NAME", "ESO INS FILT2 NAME", "FPA.FILTERID", "ESO INS OPTI2 NAME")
_LIST_KEYS = pad_keys(*_COLOR_KEYWORDS[: -len(_AXES)], *_SOFTWARE_KEYWORDS, *MOSAIC_KEYWORDS)
_FILTER_KEYS = pad_keys(*_ONE_FILTER, *_WHEELS, "PUPIL", "CHNLNUM")
_NUMBERED_KEYS = pad_keys("BAND0", "BAND1", "FILTER0", "FILTER1")
_NUMBERED_CHANNELS = {
    "WISE": {1: "W1", 2: "W2", 3: "W3", 4: "W4"},
    "GALEX": {1: "NUV", 2: "FUV"},
    "SPITZER": {1: "IRAC1", 2: "IRAC2", 3: "IRAC3", 4: "IRAC4"},
}


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
        Usual names (`galaxtool.images.filters.name_band`) from ``BANDS = 'grz'`` or ``'g,r,z'``, from ``BAND0 ...`` or
        ``BAND1 ...``, the same with FILTER, or for a single image from BAND, FILTER, a filter wheel that is not open,
        or EXTNAME; R, G and B for the cube of a colour camera; all empty if the header does not state them.
    """
    own = _find_own_bands(header, n)
    if not own and fallback is not header:
        own = _parse_list(fallback, n) or _parse_numbered(fallback, n)
    return own or ("",) * n


@remember_by_cards
def _find_own_bands(header: Keywords, n: int) -> tuple[str, ...]:
    """Return the bands of n planes that the header of an HDU names; nothing if it does not."""
    own = _parse_list(header, n) or _parse_numbered(header, n)
    if not own and n == 1 and (name := _from_extname(header)):
        return (name,)
    return own


def find_hdu_band(header: Keywords) -> str:
    """Return the band of an HDU with a single image; empty for weights, masks and the like."""
    if _NOT_SCIENCE.search(str(header.get("EXTNAME") or "")):
        return ""
    return _find_one(header) or _from_extname(header)


def is_science(header: Keywords) -> bool:
    """Tell whether an EXTNAME does not denote weights, a mask, errors or the like."""
    return not _NOT_SCIENCE.search(str(header.get("EXTNAME") or ""))


def _parse_list(header: Keywords, n: int) -> tuple[str, ...]:
    """Return n names from one card: separated, or in BANDS and FILTERS as single letters."""
    if not may_have(header, _LIST_KEYS):
        return () if n == 1 else _find_colors(header, n, _AXES)
    if n == 1:
        text = _get(header, "BANDS") or _get(header, "FILTERS")
        return () if is_open(text) else (name_band(text),)
    for key in ("BANDS", "FILTERS", "BAND", "FILTER"):
        text = _get(header, key)
        names = _BETWEEN_NAMES.split(text)
        if len(names) == n and all(names):
            return tuple(map(name_band, names))
        words = tuple(word for word in _SEPARATORS.split(text) if word)
        if len(words) == n:
            return words
        if len(text) == n and text.isalpha() and key.endswith("S"):
            return tuple(text)
    return _find_colors(header, n)


def _find_colors(header: Keywords, n: int, keywords: tuple[str, ...] = _COLOR_KEYWORDS) -> tuple[str, ...]:
    """Return the bands of the cube of a colour camera; empty if nothing says that it is one."""
    for key in keywords:
        text = _get(header, key).upper()
        if _COLORS.fullmatch(text) and n in (len(text), len(text.rstrip("A"))):
            return tuple(text[:n])
        if key == "CTYPE3" and n == 3 and text in ("COLOR", "COLOUR"):
            return ("R", "G", "B")
    if n != 3 or keywords is not _COLOR_KEYWORDS:
        return ()
    is_camera = states_mosaic(header) or any(_SOFTWARE.match(_get(header, key)) for key in _SOFTWARE_KEYWORDS)
    return ("R", "G", "B") if is_camera else ()


def _parse_numbered(header: Keywords, n: int) -> tuple[str, ...]:
    """Return n names from BAND0 ... or BAND1 ..., or the same with FILTER."""
    if n == 1:
        return tuple(filter(None, (_find_one(header),)))
    if not may_have(header, _NUMBERED_KEYS):
        return ()
    for key in ("BAND", "FILTER"):
        for start in (0, 1):
            names = tuple(name_band(_get(header, f"{key}{start + i}")) for i in range(n))
            if all(names):
                return names
    return ()


def _find_one(header: Keywords) -> str:
    """Return the filter of a single image: from one card, or from the wheels that are not open."""
    if not may_have(header, _FILTER_KEYS):
        return ""
    stated = [text for key in _ONE_FILTER if (text := _get(header, key))]
    wheels = [text for key in _WHEELS if (text := _get(header, key))]
    pupil = _get(header, "PUPIL")
    if pupil and is_space_filter(pupil):  # the second wheel of JWST, where the narrower filter counts
        return name_band(";".join([*(text for text in stated if is_space_filter(text)), pupil]))
    if numbered := _find_channel(header, stated):
        return numbered
    for text in stated:
        if not is_open(text):
            return name_band(text)
    used = list(dict.fromkeys(name_band(text) for text in wheels if not is_open(text)))
    if len(used) > 1 and any(map(is_space_filter, used)):
        used = [name_band(";".join(used))]
    if len(used) == 1:
        return used[0]
    if not used and (text := next((t for key in _LONG_KEYWORDS if (t := _get(header, key)) and not is_open(t)), "")):
        return name_band(text)
    return name_band(stated[0]) if stated and not wheels else ""


def _find_channel(header: Keywords, stated: list[str]) -> str:
    """Return the filter that a telescope gives by number only, as WISE, GALEX and Spitzer do."""
    number = _get(header, "CHNLNUM") or next(iter(stated), "")
    if not number.isdecimal():
        return ""
    text = f"{_get(header, 'TELESCOP')} {_get(header, 'INSTRUME')} {_get(header, 'SURVEY')}".upper()
    if _get(header, "CHNLNUM"):
        text += " SPITZER"
    channels = next((channels for name, channels in _NUMBERED_CHANNELS.items() if name in text), {})
    return channels.get(int(number), "")


def _get(header: Keywords, key: str) -> str:
    value = header.get(key)
    return "" if value is None else str(value).strip()


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
    return name_system_band(name)
