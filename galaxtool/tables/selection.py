"""Select one of the tables in a file: FITS files and VOTables can have several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from galaxtool.errors import TableError, suggest_name
from galaxtool.tables.position_names import find_position_pairs
from galaxtool.tables.protocols import TableEntry

_MAX_LISTED = 8
_HEADERS = "LDAC_IMHEAD"  # the header of an image, in a catalogue of SExtractor


@dataclass(frozen=True, slots=True)
class WantedColumns:
    """The columns that a caller looks for in a table.

    Parameters
    ----------
    groups : sequence of sequence of str
        Usual names in lower case, a group for each column.
    positions : bool
        Whether positions are wanted, by any names that `galaxtool.tables.position_names` knows.
    """

    groups: Sequence[Sequence[str]] = ()
    positions: bool = False

    def count(self, columns: Sequence[str]) -> int:
        """Return how many of the wanted columns there are; positions count as two."""
        names = {name.lower() for name in columns}
        found = sum(1 for group in self.groups if not names.isdisjoint(group))
        return found + (2 if self.positions and find_position_pairs(columns) else 0)


NOTHING_WANTED = WantedColumns()


def select_table(
    entries: Sequence[TableEntry],
    path: Path,
    *,
    table: str | None = None,
    wanted: WantedColumns = NOTHING_WANTED,
    notes: list[str] | None = None,
) -> TableEntry:
    """Select a table of a file.

    Parameters
    ----------
    entries : sequence of TableEntry
        The tables of the file, at least one.
    path : Path
        The file, for messages.
    table : str, optional
        Name or number of the table that the user asked for.
    wanted : WantedColumns
        Columns that the caller looks for. Without `table`, the first of the tables with the most of them is selected.
    notes : list of str, optional
        Receives a sentence if the choice was not the user's and there are others.

    Raises
    ------
    TableError
        If there is no table of that name or number, or several have the name.
    """
    if table is not None:
        return _find_named(entries, path, table)
    scores = [_count_wanted(entry, wanted) for entry in entries]
    best = max(scores)
    fits = best >= 1
    at = scores.index(best)
    if len(entries) > 1 and notes is not None:
        alike = scores.count(best)
        more = f", like {alike - 1} other{'s' if alike > 2 else ''} there" if alike > 1 and fits else ""
        notes.append(
            f"'{path}' has {len(entries)} tables: {list_tables(entries)}. Reading {entries[at].label}"
            f"{', which has the wanted columns' + more if fits else ''}; choose another with --table."
        )
    return entries[at]


def list_tables(entries: Sequence[TableEntry]) -> str:
    """List tables for a message."""
    shown = [entry.label for entry in entries[:_MAX_LISTED]]
    return ", ".join(shown) + (", ..." if len(entries) > _MAX_LISTED else "")


def _count_wanted(entry: TableEntry, wanted: WantedColumns) -> float:
    """Return how many of the wanted columns a table has; fractions break ties in favour of tables with content."""
    return (
        wanted.count(entry.columns)
        - (0.5 if entry.name == _HEADERS else 0.0)
        - (0.25 if not entry.rows or not entry.columns else 0.0)
    )


def _find_named(entries: Sequence[TableEntry], path: Path, table: str) -> TableEntry:
    wanted = table.strip()
    found = [entry for entry in entries if entry.name == wanted]
    found = found or [entry for entry in entries if entry.name.lower() == wanted.lower()]
    if not found and wanted.isdecimal():
        found = [entry for entry in entries if entry.number == int(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        numbers = ", ".join(str(entry.number) for entry in found[:_MAX_LISTED])
        raise TableError(
            f"'{path}' has {len(found)} tables called '{found[0].name}'.", hint=f"Give the number of one: {numbers}."
        )
    near = suggest_name(wanted, [entry.name for entry in entries])
    raise TableError(
        f"'{path}' has no table '{table}'." + (f" Did you mean '{near}'?" if near else ""),
        hint=f"It has {list_tables(entries)}.",
    )
