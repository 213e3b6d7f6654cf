"""Positions on the sky from the columns of a catalogue."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Column, Table

from galaxtool.errors import TableError
from galaxtool.inputs.cells import TextColumn
from galaxtool.inputs.positions.frames import make_frame, normalize_frame
from galaxtool.inputs.positions.notes import describe_choice, explain_unit, suspect_unit
from galaxtool.inputs.positions.sexagesimal import SexagesimalColumns, find_sexagesimal_columns
from galaxtool.inputs.positions.units import find_unit, states_unit, suspect_degrees
from galaxtool.tables.angles import parse_angle, parse_angle_unit
from galaxtool.tables.column_names import find_column
from galaxtool.tables.position_names import (
    ICRS,
    PositionName,
    PositionPair,
    find_position_pairs,
    parse_position_name,
)

_FARTHEST = 361.0  # some programs do not wrap positions just beyond 360 degrees


@dataclass(frozen=True, kw_only=True)
class Positions:
    """The positions of the N rows of a catalogue.

    Parameters
    ----------
    ra, dec : ndarray, shape (N,)
        Degrees, ICRS; NaN where unknown.
    columns : tuple of str
        Names of the columns they come from; empty if the table has none.
    notes : tuple of str
        Messages for the user.
    problem : str
        Why all positions are unknown although the table has columns for them; empty if there is no reason.
    hint : str
        The next step if there is a problem.
    """

    ra: np.ndarray
    dec: np.ndarray
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str = ""
    hint: str = ""

    @property
    def messages(self) -> tuple[str, ...]:
        """The notes, after the problem if there is one."""
        return (*([f"{self.problem} {self.hint}".strip()] if self.problem else []), *self.notes)


def read_positions(
    table: Table, source: Path, *, ra_column: str | None = None, dec_column: str | None = None
) -> Positions:
    """Return right ascension and declination in degrees, ICRS.

    Parameters
    ----------
    table : Table
        Catalogue of N rows.
    source : Path
        Path of the catalogue, for messages.
    ra_column, dec_column : str, optional
        Names of the columns, perhaps with a unit in brackets: ``coord_ra[rad]``. By default those whose names say so,
        see `galaxtool.tables.position_names`.

    Returns
    -------
    Positions
        NaN where a value is missing, is not an angle or is beyond the range of its axis (the -999 of many catalogues).

    Raises
    ------
    TableError
        If a named column does not exist, or its unit is not one of angles.

    Notes
    -----
    The unit is that of the column, else the one in its name (``ra[hours]``, ``ra_rad``), else degrees. Texts that are
    not numbers are sexagesimal, with right ascension in hours. B1950, galactic, supergalactic and ecliptic coordinates
    are converted to ICRS; FK5 of J2000 counts as ICRS.
    """
    asked = ra_column is not None or dec_column is not None
    parts = None if asked else find_sexagesimal_columns(table)
    pairs = _name_pair(table, source, ra_column, dec_column) if asked else _find_pairs(table, parts)
    if not pairs or (parts is not None and not pairs[0].is_usual):
        return _read_parts(table, source, parts) if parts is not None else _unknown(table)
    chosen = _choose_pair(table, pairs)
    positions = _read_pair(table, source, chosen, pairs)
    if positions.problem and asked:
        raise TableError(positions.problem, hint=positions.hint)
    return positions


def _unknown(table: Table, **about: object) -> Positions:
    nothing = np.full(len(table), np.nan)
    return Positions(ra=nothing, dec=nothing.copy(), **about)  # type: ignore[arg-type]


def _name_pair(table: Table, source: Path, ra: str | None, dec: str | None) -> list[PositionPair]:
    """Return the pair of the columns that the user named; one name is enough if the other follows from it."""
    found = [_name_column(table, source, name) for name in (ra, dec)]
    if None in found:
        given = found[0] or found[1]
        assert given is not None
        place = 0 if found[0] else 1
        for pair in find_position_pairs(table.colnames):
            if (pair.lon, pair.lat)[place] == given[0]:
                found[1 - place] = ((pair.lon, pair.lat)[1 - place], pair.names[1 - place])
                break
        else:
            flag = ("--dec-column", "--ra-column")[1 - place]
            raise TableError(
                f"'{source}' has no column that belongs to '{given[0]}'.", hint=f"Name it with {flag}, too."
            )
    (lon, first), (lat, second) = found  # type: ignore[misc]
    return [PositionPair(lon, lat, (first, second))]


def _name_column(table: Table, source: Path, name: str | None) -> tuple[str, PositionName] | None:
    """Return a column that the user named, and what its name and the unit in brackets say."""
    if name is None:
        return None
    bracket = re.fullmatch(r"(.+?)\s*\[([^\[\]]*)\]", name)
    unit = ""
    if name not in table.colnames and bracket and bracket[1] in table.colnames:
        name, unit = bracket[1], bracket[2]
    column = find_column(table, name, (), source)
    assert column is not None
    about = parse_position_name(column) or PositionName(0)
    if unit:
        about = PositionName(about.axis, about.kind, about.frame, f"!{unit}", about.group)
    return column, about


def _find_pairs(table: Table, parts: SexagesimalColumns | None) -> list[PositionPair]:
    """Return the pairs of columns that may give positions, the best first; columns in parts are not whole angles."""
    used = set(parts.columns) if parts else set()
    pairs = find_position_pairs([name for name in table.colnames if name not in used and table[name].ndim == 1])
    pairs = [pair for pair in pairs if not pair.is_bare or _confirm(table, pair)]
    return pairs or _find_by_meaning(table)


def _confirm(table: Table, pair: PositionPair) -> bool:
    """Tell whether units or values show that columns with names such as ``l`` and ``b`` hold a position."""
    columns = [table[pair.lon], table[pair.lat]]
    if all(column.unit is not None and parse_angle_unit(str(column.unit)) is not None for column in columns):
        return True
    if not (pair.lon == "l" and pair.lat == "b") or any(column.dtype.kind != "f" for column in columns):
        return False
    lon, lat = (np.asarray(np.ma.filled(column.astype(float), np.nan)) for column in columns)
    is_inside = (np.abs(lon) <= _FARTHEST) & (np.abs(lat) <= 90)
    return bool((is_inside | ~np.isfinite(lon) | ~np.isfinite(lat)).all())


def _find_by_meaning(table: Table) -> list[PositionPair]:
    """Return the pair of columns that UCDs mark as positions, or that were a SkyCoord, whatever their names."""
    for words, kind in (("eq", ""), ("galactic", "galactic")):
        pair = []
        for axis, wanted in enumerate((("ra", "lon"), ("dec", "lat"))):
            expression = re.compile(rf"pos[._]{words}[._]({'|'.join(wanted)})([;_]meta\.main|_main)?$", re.IGNORECASE)
            found = [n for n in table.colnames if expression.match(str(table[n].meta.get("ucd", "")).strip())]
            main = [n for n in found if "main" in str(table[n].meta["ucd"]).lower()]
            if found:
                pair.append(((main or found)[0], PositionName(axis, kind)))
        if len(pair) == 2:
            return [PositionPair(pair[0][0], pair[1][0], (pair[0][1], pair[1][1]))]
    # the parts of a SkyCoord in an ecliptic frame
    lon = next((n for n in table.colnames if n.endswith(".lon") and table[n].meta.get("frame")), None)
    lat = f"{lon[:-3]}lat" if lon else ""
    return [PositionPair(lon, lat, (PositionName(0), PositionName(1)))] if lon and lat in table.colnames else []


def _choose_pair(table: Table, pairs: list[PositionPair]) -> PositionPair:
    """Return the first pair, or a later one with a unit if the first has none and may be in hours or radians."""
    first = pairs[0]
    if states_unit(table, first) or len(pairs) == 1:
        return first
    lon = table[first.lon]
    if lon.dtype.kind not in "iuf" or not np.nanmax(np.abs(np.ma.filled(lon.astype(float), np.nan)), initial=0) <= 24:
        return first
    clear = (p for p in pairs[1:] if p.kind == first.kind and p.frame == first.frame and states_unit(table, p))
    return next(clear, first)


def _columns(pair: PositionPair) -> tuple[tuple[str, PositionName], tuple[str, PositionName]]:
    return (pair.lon, pair.names[0]), (pair.lat, pair.names[1])


def _read_pair(table: Table, source: Path, pair: PositionPair, pairs: list[PositionPair]) -> Positions:
    columns = (pair.lon, pair.lat)
    scales = []
    for axis, (column, name) in enumerate(_columns(pair)):
        if table[column].ndim > 1 or table[column].dtype.kind not in "iufU":
            problem = f"The column '{column}' of '{source}' does not hold angles, so no position is read from it."
            return _unknown(table, columns=columns, problem=problem)
        unit, text = find_unit(table, column, name)
        if unit is None:
            return _unknown(table, columns=columns, **explain_unit(source, column, text, axis))
        scales.append((unit, unit if text else (u.hourangle, u.deg)[axis if not pair.kind else 1]))
    degrees = [_to_degrees(table[column], *units) for column, units in zip(columns, scales, strict=True)]
    frame = _find_frame(table, pair)
    notes = describe_choice(source, pair, pairs, frame)
    notes += suspect_degrees(table, source, pair)
    if not states_unit(table, pair):
        notes += suspect_unit(source, pair, *degrees)
    ra, dec, remarks = _check_and_convert(table, source, columns, degrees[0], degrees[1], frame)
    return Positions(ra=ra, dec=dec, columns=columns, notes=(*notes, *remarks))


def _to_degrees(column: Column, unit: u.UnitBase, sexagesimal: u.UnitBase) -> np.ndarray:
    """Return a column of angles in degrees; NaN where masked, infinity where not an angle."""
    data = np.ma.getdata(column, subok=False)
    scale = {u.deg: 1.0, u.hourangle: 15.0}.get(unit) or float(unit.to(u.deg))
    if data.dtype.kind == "U":
        texts = TextColumn(column)
        values = np.array([parse_angle(text, scale, sexagesimal) if text else 0.0 for text in texts], dtype=float)
        empty = np.array([not text or text.lower() in _NO_VALUE for text in texts], dtype=bool)
        return np.where(empty, np.nan, np.where(np.isnan(values), np.inf, values))
    return np.where(np.ma.getmaskarray(np.ma.asarray(column)), np.nan, data.astype(float) * scale)


_NO_VALUE = ("nan", "null", "none", "n/a", "na", "-", "--", "...")


def _check_and_convert(
    table: Table, source: Path, columns: tuple[str, ...], lon: np.ndarray, lat: np.ndarray, frame: str
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Return ICRS positions, NaN where a value is missing or out of range, and notes about the latter."""
    stated = ~np.isnan(lon) & ~np.isnan(lat)
    with np.errstate(invalid="ignore"):
        known = stated & (np.abs(lon) <= _FARTHEST) & (np.abs(lat) <= 90)
    notes: tuple[str, ...] = ()
    wrong = np.flatnonzero(stated & ~known)
    if len(wrong):
        shown = ", ".join(f"{name} {str(table[name][wrong[0]]).strip()}" for name in columns)
        notes = (
            f"In {len(wrong)} of {len(table)} rows of '{source}' the position is not valid and counts as unknown, such "
            f"as row {wrong[0] + 1}: {shown}.",
        )
    ra, dec = np.where(known, lon, np.nan), np.where(known, lat, np.nan)
    if frame != ICRS and known.any():
        place = SkyCoord(ra[known] * u.deg, dec[known] * u.deg, frame=make_frame(frame)).icrs
        ra[known], dec[known] = place.ra.deg, place.dec.deg
    ra = ra % 360
    ra[ra == 360] = 0.0  # a value below zero by less than a rounding error
    return ra, dec, notes


def _find_frame(table: Table, pair: PositionPair) -> str:
    """Return the frame of a pair: that of the columns, else of their names, else of the table."""
    stated = next((frame for column in (pair.lon, pair.lat) if (frame := table[column].meta.get("frame"))), None)
    if stated is not None:
        return normalize_frame(str(stated))
    if pair.frame is not None:
        return pair.frame
    for column in (pair.lon, pair.lat):
        if whole := table[column].meta.get("frame_of_table"):
            return normalize_frame(str(whole))
    header = {key.upper(): value for key, value in table.meta.items() if isinstance(key, str)}
    system = str(header.get("RADESYS", header.get("RADECSYS", "")))
    equinox = str(header.get("EQUINOX", header.get("EPOCH", "")) if system or "EQUINOX" in header else "")
    return normalize_frame(f"{system} {equinox}") if system.strip() or equinox.strip() else ICRS


def _read_parts(table: Table, source: Path, parts: SexagesimalColumns) -> Positions:
    """Return positions from the columns of hours, degrees, minutes and seconds."""
    lon, lat, notes = parts.read(table, source)
    frame = normalize_frame(parts.frame) if parts.frame else ICRS
    ra, dec, remarks = _check_and_convert(table, source, parts.columns[:1], lon, lat, frame)
    return Positions(ra=ra, dec=dec, columns=parts.columns, notes=(*notes, *remarks))
