"""Names and wavelengths of photometric filters, as observatories write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

MICROMETERS = {
    **{"FUV": 0.153, "NUV": 0.227, "u": 0.355, "U": 0.365, "B": 0.44, "g": 0.475, "G": 0.53, "V": 0.55, "r": 0.622},
    **{"R": 0.65, "i": 0.763, "I": 0.8, "z": 0.905, "y": 0.96, "Y": 1.02, "J": 1.235, "H": 1.66, "K": 2.16},
    **{"Ks": 2.16, "W1": 3.4, "W2": 4.6, "W3": 12.0, "W4": 22.0},
}
"""Central wavelengths of common filters, and of the R, G and B of a picture, by their exact names."""

_MORE = {
    **{"UVW2": 0.193, "UVM2": 0.225, "UVW1": 0.26, "BP": 0.511, "RP": 0.777, "VIS": 0.71, "Z": 0.88, "Rc": 0.65},
    **{"Ic": 0.8, "RC": 0.65, "IC": 0.8, "w": 0.61, "VR": 0.63, "o": 0.68, "c": 0.53, "j": 1.235, "h": 1.66, "k": 2.16},
    **{"ks": 2.16, "KS": 2.16, "b": 0.44, "v": 0.55, "Brg": 2.166, "PSW": 250.0, "PMW": 350.0, "PLW": 500.0},
    **{"IRAC1": 3.55, "IRAC2": 4.49, "IRAC3": 5.73, "IRAC4": 7.87, "ch1": 3.55, "ch2": 4.49, "ch3": 5.73, "ch4": 7.87},
    **{"gp": 0.475, "rp": 0.622, "ip": 0.763, "up": 0.355, "zs": 0.87, "Lum": 0.55, "L": 0.55},
    **{"zg": 0.475, "zr": 0.622, "zi": 0.763, "Kshort": 2.16, "Kp": 2.12},
}
_WORDS = {"red": 0.65, "green": 0.53, "blue": 0.44, "luminance": 0.55, "lum": 0.55, "vis": 0.71}
_LINES = {
    **dict.fromkeys(("halpha", "ha", "hα"), ("Halpha", 0.6563)),
    **dict.fromkeys(("hbeta", "hb", "hβ"), ("Hbeta", 0.4861)),
    **dict.fromkeys(("oiii", "o3"), ("OIII", 0.5007)),
    **dict.fromkeys(("sii", "s2"), ("SII", 0.6724)),
    **dict.fromkeys(("nii", "n2"), ("NII", 0.6584)),
    **dict.fromkeys(("oii", "o2"), ("OII", 0.3727)),
    "heii": ("HeII", 0.4686),
}
_GAIA = {"BP": 0.511, "G": 0.622, "RP": 0.777}
_BROAD = ("L", "Lum", "Luminance", "lum", "luminance", "w", "VR", "Clear", "clear", "CLEAR")

_SPACE_FILTER = re.compile(r"(?<![A-Z0-9])F\d{3,4}(?:W2|BW|LP|[WMNXQ]N?|[CR])?(?![A-Z0-9])", re.IGNORECASE)
_HST_INFRARED = """
F090M F095N F097N F098M F105W F108N F110M F110W F113N F125W F126N F127M F128N F130N F132N F139M F140W F145M F153M F160W
F164N F165M F166N F167N F170M F171M F175W F180M F187N F187W F190N F196N F200N F204M F205W F207M F212N F215N F216N F222M
F237M F240M"""
_JWST = """
F070W F090W F115W F140M F150W F150W2 F158M F162M F164N F182M F187N F200W F210M F212N F250M F277W F300M F322W2 F323N
F335M F356W F360M F380M F405N F410M F430M F444W F460M F466N F470N F480M F560W F770W"""
_ROMAN = "F062 F087 F106 F129 F146 F158 F184 F213"
_HUNDREDTHS = frozenset(f"{_HST_INFRARED} {_JWST} {_ROMAN}".split())
_BOTH_TELESCOPES = "F410M"  # 4.1 micrometers on JWST, 0.41 on HST
_NARROW = re.compile(r"(?:NB[_-]?|IA|IB|N|J(?=0))(\d{3,4})", re.IGNORECASE)
_WITH_UNIT = re.compile(
    r"(?<![A-Za-z0-9.])(\d+(?:\.\d+)?)[ _]?"
    r"(um|µm|μm|microns?|micrometers?|nm|a|aa|angstroms?|mm|ghz|mhz)(?![A-Za-z])",
    re.IGNORECASE,
)
_UNITS = {"nm": 1e-3, "a": 1e-4, "aa": 1e-4, "angstrom": 1e-4, "angstroms": 1e-4, "mm": 1e3}
_FREQUENCIES = {"ghz": 299_792.458, "mhz": 299_792_458.0}

_OPEN = re.compile(
    r"(?:open|clear|blank|empty|none|null|n/?a|air|no[ _-]?filter|nofilt|free|hole|dark|unknown|-+)\w*", re.IGNORECASE
)
_SLOAN = re.compile(r"sdss|sloan|ps1|pan-?starrs|gpc1|decam|des|hsc|mega|lsst|rubin|ztf|kids|vst|omega|skymapper", re.I)
_JOHNSON = re.compile(r"john|bess|cousins|kron|landolt|harris|_high|_spec", re.IGNORECASE)
_INFRARED = re.compile(r"2mass|ukidss|wfcam|vista|vircam|nisp|nir|hawk|wirc|uhs|vhs|viking", re.IGNORECASE)
_FUSED = re.compile(
    r"(?:sdss|sloan|ps1|hsc|ztf|des|decam)([ugrizy])|([ugrizy])(?:sdss|sloan|ps1|prime|p1|hsc|ztf)", re.I
)
_INTERMEDIATE = re.compile(r"str(?:o|ö|oe)m|uvby|skymapper", re.IGNORECASE)  # whose v, b and y are not Johnson's
_FAR_INFRARED = re.compile(r"(?<![A-Za-z])(?:mips|pacs|spire|laboca|scuba-?2?)[\W_]*(\d{2,3})(?!\d)", re.IGNORECASE)
_NUMBER_OF_LINE = re.compile(r"[\W_]*(?:\d{3,}.*|\d+(?:\.\d+)?[\W_]*(?:nm|aa?|angstroms?)?)$", re.IGNORECASE)
_SUPRIME_CAM = re.compile(r"W-([JCS])-([UBVRIGZ])C?R?\+?", re.IGNORECASE)
_TOKENS = re.compile(r"[\s_.,;:/+|()#\[\]-]+")
_SEPARATORS = re.compile(r"[\s,;/+|]+")


def is_open(text: str) -> bool:
    """Tell whether the name of a filter says that there is none: ``CLEAR1L``, ``OPEN``, or nothing."""
    return not text.strip() or all(_OPEN.fullmatch(word) for word in re.split(r"[\s,;]+", text.strip()) if word)


def is_space_filter(text: str) -> bool:
    """Tell whether a text names a filter like F814W, of HST, JWST or Roman."""
    return _SPACE_FILTER.search(text) is not None


@lru_cache(maxsize=1024)
def name_band(text: str) -> str:
    """Return the usual name of a filter.

    Parameters
    ----------
    text : str
        Name as an observatory writes it.

    Returns
    -------
    str
        One word: the usual name if it is recognized, else the text with ``_`` for blanks and separators.

    Examples
    --------
    >>> [name_band(text) for text in ("SDSS g'", "r_SDSS", "i.MP9703", "HSC-G", "Bessell V", "CLEAR1L;F814W")]
    ['g', 'r', 'i', 'g', 'V', 'F814W']
    """
    text = text.strip()
    if text in MICROMETERS or text in _MORE:
        return text
    if found := _SPACE_FILTER.findall(text):
        return str(min(found, key=_rank_width)).upper()
    if match := _SUPRIME_CAM.fullmatch(text):
        return match[2].lower() if match[1].upper() == "S" else match[2].upper()
    if match := _FUSED.fullmatch(re.sub(r"[\W_]", "", text)):
        letter = match[1] or match[2]
        return "Y" if letter == "Y" and re.search("des|decam", text, re.IGNORECASE) else letter.lower()
    words = [word.strip("'`\"") for word in _TOKENS.split(text) if word.strip("'`\"")]
    if len(words) > 1:
        if line := _find_line(text):
            return line[0]
        if match := re.match(r"(?:spitzer)?irac(?:ch(?:annel)?)?([1-4])(?!\d)", re.sub(r"[\W_]", "", text), re.I):
            return f"IRAC{match[1]}"
        for word in words:
            if name := _name_word(word, text):
                return name
        if narrow := next((word for word in words if _NARROW.fullmatch(word)), ""):
            return narrow
    elif words and words[0] != text and (name := _name_word(words[0], text)):
        return name
    return _SEPARATORS.sub("_", text)


def _find_line(text: str) -> tuple[str, float] | None:
    """Return the name and the wavelength of the line that a text names, perhaps with a wavelength or a width."""
    for name in (text, _NUMBER_OF_LINE.sub("", text)):
        if line := _LINES.get(re.sub(r"[\W_]", "", name).casefold()):
            return line
    return None


def _rank_width(name: str) -> int:
    """Return the place of a filter of a space telescope from narrow to wide; the narrow one of a beam counts."""
    return next((place for place, letter in enumerate(("N", "M")) if name.upper().rstrip("2").endswith(letter)), 2)


def _name_word(word: str, text: str) -> str:
    """Return the name of a filter for one word of a text, whose other words may name a photometric system."""
    stem = word[:-1] if len(word) == 2 and word[1] == "2" and _SLOAN.search(text) else word
    if len(stem) == 1:
        if _SLOAN.search(text) and stem.lower() in "ugrizy":
            return stem.lower() if stem != "Y" else "Y"
        if _JOHNSON.search(text) and stem.upper() in "UBVRI":
            return stem.upper()
        if _INFRARED.search(text) and stem.upper() in "ZYJHK":
            return stem.upper()
        if stem in "bvy" and _INTERMEDIATE.search(text):
            return ""
        if stem in "bv":
            return stem.upper()
        return stem if stem in MICROMETERS or stem == "Z" else ""
    if word.casefold() in _WORDS and word != "VIS" and "pacs" not in text.casefold():
        return word.capitalize()
    if word in MICROMETERS or word in ("VIS", "BP", "RP", "Rc", "Ic", "VR"):
        return word
    return _LINES[word.casefold()][0] if word.casefold() in _LINES and len(word) > 2 else ""


def name_system_band(text: str) -> str:
    """Return the usual name of a filter whose system a text names too, like ``NIR_Y`` or ``HSC-G``; else nothing."""
    name = name_band(text)
    has_system = any(pattern.search(text) for pattern in (_SLOAN, _JOHNSON, _INFRARED))
    return name if has_system and name != text and name in MICROMETERS else ""


def find_wavelengths(bands: Sequence[str]) -> tuple[float | None, ...]:
    """Return the central wavelength of each band in micrometers, None where it is not known.

    The bands are those of one image: beside BP and RP, G is that of Gaia; beside filters of HST alone, F410M is violet.

    Examples
    --------
    >>> find_wavelengths(("F606W", "F160W", "F444W", "Halpha", "blobs"))
    (0.606, 1.6, 4.44, 0.6563, None)
    """
    found = [_find_wavelength(band) for band in bands]
    if "G" in bands and {"BP", "RP"} & set(bands):
        found = [_GAIA.get(band, known) for band, known in zip(bands, found, strict=True)]
    if _BOTH_TELESCOPES in bands:
        others = [band for band in bands if band != _BOTH_TELESCOPES and _SPACE_FILTER.fullmatch(band)]
        if others and not any(band.upper() in _JWST for band in others):
            found[list(bands).index(_BOTH_TELESCOPES)] = 0.41
    return tuple(found)


@lru_cache(maxsize=1024)
def _find_wavelength(band: str) -> float | None:
    known = MICROMETERS.get(band) or _MORE.get(band) or _WORDS.get(band.casefold())
    if known is None and len(band) > 1:
        known = MICROMETERS.get(band.upper()) or _MORE.get(band.upper())
    if known is not None:
        return known
    if _SPACE_FILTER.fullmatch(band):
        return _find_space_wavelength(band.upper())
    if line := _find_line(band):
        return line[1]
    if match := _FAR_INFRARED.search(band):
        return float(match[1])
    if match := _WITH_UNIT.search(band):
        number, unit = float(match[1]), match[2].casefold()
        if unit in _FREQUENCIES:
            return _FREQUENCIES[unit] / number if number else None
        return number * _UNITS.get(unit, 1.0)
    if match := _NARROW.fullmatch(band):
        number = int(match[1])
        return number / 1000 if number >= 300 else number / 100  # NB118 is at 1.18 micrometers
    name = name_band(band)
    return _find_wavelength(name) if name != band else None


def _find_space_wavelength(name: str) -> float:
    """Return the wavelength of a filter such as F814W: the number is in nm, or in hundredths of a micrometer."""
    number = int(re.sub(r"\D.*", "", name[1:]))
    if name in _HUNDREDTHS or number < 100 or (number >= 1000 and name != "F1042M"):
        return number / 100
    return number / 1000


def match_band(wanted: str, bands: Sequence[str]) -> str:
    """Return which of some bands a name stands for: the same name, else its usual form; empty if there is none.

    Examples
    --------
    >>> match_band("HSC-G", ("g", "r"))
    'g'
    """
    return next((name for name in (wanted, name_band(wanted)) if name in bands), "")


def order_by_wavelength(bands: Sequence[str], stated: Sequence[float | None] = ()) -> list[int]:
    """Return the indices of bands from the shortest wavelength to the longest.

    Parameters
    ----------
    bands : sequence of str
        Names of the bands.
    stated : sequence of float or None
        Wavelengths that headers state, which win.

    Returns
    -------
    list of int
        Bands of unknown wavelength come last, in the order given.
    """
    known = list(find_wavelengths(bands))
    for index, wavelength in enumerate(stated):
        known[index] = wavelength or known[index]
    return sorted(range(len(bands)), key=lambda index: (known[index] is None, known[index] or 0.0))


def select_colored(bands: Sequence[str]) -> list[int]:
    """Return the indices of bands that have a colour: without luminance and white light, if three others remain."""
    colored = [index for index, band in enumerate(bands) if band not in _BROAD]
    return colored if len(colored) >= 3 else list(range(len(bands)))
