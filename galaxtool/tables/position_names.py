"""What the names of columns say about positions on the sky: axis, frame and unit.

Names follow few habits: a word for the axis (``ra``, ``DEJ2000``, ``right_ascension``, ``glon``), perhaps with its unit
(``ra[hours]``, ``ra_rad``) and its frame (``RAB1950``), and words that tell several positions apart (``target_ra``,
``raMean``, ``ra_1``). Columns form a pair if all but the word for the axis agrees.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from galaxtool.tables.angles import parse_angle_unit
from galaxtool.tables.column_names import DEC_COLUMNS, RA_COLUMNS

GALACTIC, ECLIPTIC, SUPERGALACTIC = "galactic", "ecliptic", "supergalactic"
"""Frames other than right ascension and declination."""

ICRS = "icrs"
"""Frame of positions that need no conversion; FK5 of J2000 agrees with it to 0.03 arcsec."""

_FRAMES = {
    **dict.fromkeys(("j2000", "2000", "icrs", "fk5"), ICRS),
    **dict.fromkeys(("b1950", "1950", "fk4"), "fk4 B1950"),
}
_KINDS = {
    **dict.fromkeys(("gal", "galactic"), GALACTIC),
    **dict.fromkeys(("ecl", "ecliptic"), ECLIPTIC),
    **dict.fromkeys(("sg", "sgal", "supergal", "supergalactic"), SUPERGALACTIC),
}
_STEMS = {
    **dict.fromkeys(("ra", "rightascension", "al", "alpha", "alphawin", "alphapsf", "alphapeak"), ("", 0)),
    **dict.fromkeys(("dec", "de", "decl", "declination", "delta", "deltawin", "deltapsf", "deltapeak"), ("", 1)),
    **dict.fromkeys(("glon", "gall", "lii", "l"), (GALACTIC, 0)),
    **dict.fromkeys(("glat", "galb", "bii", "b"), (GALACTIC, 1)),
    **dict.fromkeys(("elon", "ecllon"), (ECLIPTIC, 0)),
    **dict.fromkeys(("elat", "ecllat"), (ECLIPTIC, 1)),
    "sgl": (SUPERGALACTIC, 0),
    "sgb": (SUPERGALACTIC, 1),
}
_UNIT_ENDS = "deg|degs|degree|degrees|hour|hours|hrs|hms|dms|rad|rads|radian|radians|arcsec|arcmin|mas"
_FRAME_ENDS = "j2000|2000|b1950|1950|icrs|fk5|fk4"
_WORD = re.compile(
    rf"(?P<before>mean|plug|target|obj|src|coord|sky|cen)?(?P<stem>{'|'.join(_STEMS)})"
    rf"(?P<end>{_FRAME_ENDS}|{_UNIT_ENDS}|mean|avg|med|median|stack)?"
)
_LON_LAT = re.compile(r"(?P<before>)(?P<stem>lon|long|longitude|l|lat|latitude|b)(?P<end>deg|rad)?")
_NOTE = re.compile(r"[\[({]\s*([^\])}]*?)\s*[\])}]")
_SHORT_UNITS = {"h": "hours", "d": "deg"}
_UNIT_WORDS = {*_UNIT_ENDS.split("|"), *_SHORT_UNITS}
_NEVER = frozenset((
    "e", "err", "errs", "error", "errors", "sig", "sigma", "std", "stdev", "unc", "uncert", "uncertainty", "var",
    "ivar", "variance", "cov", "corr", "pm", "proper", "motion", "mu", "off", "offset", "offsets", "d", "delta",
    "del", "diff", "dif", "shift", "min", "max", "lo", "hi", "low", "high", "lower", "upper", "rms", "flag",
    "flags", "n", "num", "nobs", "prec", "quality", "q", "epoch", "parallax", "start", "end", "width", "size",
    "rate", "bin", "idx", "index", "id", "m", "s", "sec", "sign", "sep", "tile", "tel", "telescope", "pointing",
    "boresight", "moon", "sun", "rank", "weight", "w", "isgood", "good", "bad", "ok", "err1", "err2", "flux",
    "mag", "res", "resid", "residual", "scatter",
))  # fmt: skip
_JOINED = ("ra", "dec")
_SPARSE = ("alpha", "delta", "l", "b")  # have other meanings, unless the frame or the unit is stated
_GROUPS = ("", "mean", "1", "x", "target", "coord", "sky", "obj", "object", "plug", "stack")


@dataclass(frozen=True, slots=True)
class PositionName:
    """The meaning of the name of a column.

    Parameters
    ----------
    axis : int
        0 for right ascension and longitudes, 1 for declination and latitudes.
    kind : str
        Empty for right ascension and declination, else the frame of the longitudes and latitudes.
    frame : str or None
        Frame that the name states, such as ``fk4 B1950``.
    unit : str
        Unit that the name states; empty if none.
    group : tuple of str
        Other words of the name.
    bare : bool
        Whether the name alone leaves doubt, such as ``l``.
    frame_word : str
        The word that states the frame, such as ``icrs``; empty if none.
    """

    axis: int
    kind: str = ""
    frame: str | None = None
    unit: str = ""
    group: tuple[str, ...] = ()
    bare: bool = False
    frame_word: str = ""


@dataclass(frozen=True, slots=True)
class PositionPair:
    """Two columns that give a position.

    Parameters
    ----------
    lon, lat : str
        Names of the columns.
    names : tuple of PositionName
        What the two names say.
    is_usual : bool
        Whether the pair has the usual names, so that no other pair competes with it.
    """

    lon: str
    lat: str
    names: tuple[PositionName, PositionName]
    is_usual: bool = False

    @property
    def kind(self) -> str:
        """Empty for right ascension and declination, else the frame."""
        return self.names[0].kind

    @property
    def frame(self) -> str | None:
        """Frame that the names state."""
        return self.kind or self.names[0].frame or self.names[1].frame

    @property
    def is_bare(self) -> bool:
        """Whether the names alone leave doubt."""
        return self.names[0].bare or self.names[1].bare


@lru_cache(4096)
def parse_position_name(name: str) -> PositionName | None:
    """Return what the name of a column says about positions; None if it does not name one.

    Examples
    --------
    >>> parse_position_name("RA[hours]").unit, parse_position_name("RAB1950").frame
    ('hours', 'fk4 B1950')
    >>> parse_position_name("raMeanErr") is None
    True
    """
    text = re.sub(
        r"\b(right ascension|r a|[xy](?:win|psf|peak)? world)\b", _join_axis, _split_humps(_NOTE.sub(" ", name))
    )
    words = [word for word in re.split(r"[^a-z0-9]+", text) if word]
    found = _find_axis(words)
    notes = _read_notes(_NOTE.findall(name))
    if found is None or notes is None:
        return None
    at, axis, kind, word = found
    frame, unit = notes
    stem, ending = word["stem"], word["end"] or ""
    frame, frame_word = (_FRAMES[ending], ending) if ending in _FRAMES else (frame, frame or "")
    unit = ending if ending in _UNIT_WORDS else unit
    group = [word["before"] or "", "" if ending in _FRAMES or ending in _UNIT_WORDS else ending]
    says_kind = False
    for place, other in enumerate(words):
        if place == at:
            continue
        if kind and _KINDS.get(other) == kind:
            says_kind = True
        elif place > at and other in _UNIT_WORDS and not unit:
            unit = other
        elif other in _FRAMES and (place > at or not other.isdigit()):
            frame, frame_word = _FRAMES[other], other
        elif other in _NEVER and not (other == "s" and place < at):  # s_ra of ObsCore; ra_s has seconds
            return None
        else:
            group.append(other)
    if stem == "al":  # HyperLeda's al2000, in hours
        if frame is None:
            return None
        unit = unit or "hours"
    unit = _SHORT_UNITS.get(unit, unit)
    bare = stem in _SPARSE and not (frame is not None or unit or says_kind or group[2:] == ["sky"])
    return PositionName(axis, kind, frame, unit, tuple(word for word in group if word), bare, frame_word)


def find_position_pairs(names: Sequence[str]) -> list[PositionPair]:
    """Return the pairs of columns that give positions, the best first.

    Parameters
    ----------
    names : sequence of str
        Names of all columns of a table.

    Returns
    -------
    list of PositionPair
        Right ascension and declination before other longitudes and latitudes, the usual names before others, J2000
        before B1950, and the first of several before the others.
    """
    parsed = {name: meaning for name in names if (meaning := parse_position_name(name)) is not None}
    pairs = []
    for lon, first in parsed.items():
        partners = [(lat, second) for lat, second in parsed.items() if _fit(first, second)]
        if partners and not first.axis:
            lat, second = min(partners, key=lambda partner: _distance(first, partner[1]))
            pairs.append(PositionPair(lon, lat, (first, second), _is_usual(lon, RA_COLUMNS) and not first.kind))
    order = {name: place for place, name in enumerate(names)}
    return sorted(pairs, key=lambda pair: (*_rank(pair), order[pair.lon]))


def _split_humps(name: str) -> str:
    """Return a name in lower case and words: ``raMean`` is ``ra mean``."""
    return re.sub(r"[^a-z0-9]+", " ", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower())


def _join_axis(match: re.Match[str]) -> str:
    """Return one word for an axis that is called by two; SExtractor's X_WORLD is right ascension."""
    return "dec" if match[0].startswith("y") else "ra"


def _find_axis(words: Sequence[str]) -> tuple[int, int, str, re.Match[str]] | None:
    """Return the place of the word for an axis, the axis, its kind, and the word."""
    kinds = [_KINDS[word] for word in words if word in _KINDS]
    for at, word in enumerate(words):
        if kinds and (match := _LON_LAT.fullmatch(word)):
            return at, int(word.startswith(("lat", "b"))), kinds[0], match
        match = _WORD.fullmatch(word)
        others = {*words[:at], *words[at + 1 :]}
        if match is None or (match["before"] and match["stem"] not in _JOINED):
            continue
        if word in _NEVER and not others <= {*_FRAMES, *_UNIT_WORDS, "sky"}:  # delta_ra is a difference
            continue
        kind, axis = _STEMS[match["stem"]]
        return at, axis, kind, match
    return None


def _read_notes(notes: Sequence[str]) -> tuple[str | None, str] | None:
    """Return the frame and the unit among the texts in brackets; None if these say that it is not a position."""
    frame, unit = None, ""
    for note in notes:
        if parse_angle_unit(note) is not None:
            unit = note
            continue
        for word in re.split(r"[\s,;/]+", note):
            plain = word.lower().removesuffix(".0").removeprefix("_")
            if plain in _FRAMES:
                frame = _FRAMES[plain]
            elif plain in _NEVER and plain not in _UNIT_WORDS:
                return None
            elif word and not unit:
                unit = word
    return frame, unit


def _fit(first: PositionName, second: PositionName) -> bool:
    return first.axis == 0 and second.axis == 1 and (first.kind, first.group) == (second.kind, second.group)


def _distance(first: PositionName, second: PositionName) -> tuple[bool, bool, bool]:
    """Return how little two names agree in frame and unit."""
    units = bool(first.unit) != bool(second.unit)
    return (first.frame or ICRS) != (second.frame or ICRS), first.frame_word != second.frame_word, units


def _is_usual(name: str, usual: Sequence[str]) -> bool:
    return name.lower() in usual


def _rank(pair: PositionPair) -> tuple[int, int, int, int]:
    """Return what sorts pairs: kind, B1950, usual names, group."""
    usual = RA_COLUMNS.index(pair.lon.lower()) if pair.is_usual else len(RA_COLUMNS)
    lat = DEC_COLUMNS.index(pair.lat.lower()) if _is_usual(pair.lat, DEC_COLUMNS) else len(DEC_COLUMNS)
    kinds = ("", GALACTIC, ECLIPTIC, SUPERGALACTIC)
    group = pair.names[0].group
    known = _GROUPS.index(" ".join(group)) if " ".join(group) in _GROUPS else len(_GROUPS)
    return kinds.index(pair.kind) * 2 + (not pair.kind and pair.frame not in (None, ICRS)), usual, known, lat
