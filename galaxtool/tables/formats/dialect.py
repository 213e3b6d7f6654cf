"""Dialects of text tables: what separates the cells, where the header is, and which lines are comments."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from galaxtool.tables.angles import parse_angle_unit, parse_unit
from galaxtool.tables.column_names import DEC_COLUMNS, ID_COLUMNS, LABEL_COLUMNS, PATH_COLUMNS, RA_COLUMNS
from galaxtool.tables.formats.parse_cells import DialectError, is_null, is_number

BLANKS = " "
"""Separator that stands for any number of blanks and tabs."""

_DELIMITERS = ("\t", ",", ";", "|")
_COMMENT = re.compile(r'\s*(#|%|!|//|--|"#)')
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_DASHES = re.compile(r"\s*-*\s*")
_TYPES = frozenset((
    "str", "string", "text", "char", "int", "integer", "long", "float", "double", "real", "bool", "none", "unitless",
))  # fmt: skip
_SAMPLE_CHARACTERS, _SAMPLE_ROWS = 1 << 17, 200
_KNOWN_NAMES = frozenset((*PATH_COLUMNS, *ID_COLUMNS, *RA_COLUMNS, *DEC_COLUMNS, *LABEL_COLUMNS))


@dataclass
class TextTable:
    """The cells of a text table.

    Parameters
    ----------
    names : list of str
        Names of the columns.
    rows : list of list of str
        Cells of each row, as many as there are names.
    delimiter : str
        Separator of the cells, or `BLANKS`.
    units : list of str
        Units that a line below the header gives; empty if there is none.
    notes : list of str
        Sentences for the user, about lines that were skipped.
    """

    names: list[str]
    rows: list[list[str]]
    delimiter: str
    units: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def split_table(text: str) -> TextTable:
    """Split the text of a table into cells.

    Parameters
    ----------
    text : str
        Content of a file. Lines of comment begin with ``#``, ``%``, ``!``, ``//`` or ``--``; below the header only with
        ``#``. A header may be the last of the comments. Below it there may be lines of units, types and dashes.

    Raises
    ------
    ValueError
        If there are no lines, no header, or lines with different numbers of cells, or if the separator cannot be told.
    """
    stream = io.StringIO(text, newline="")
    comments, delimiter, start = _skip_comments(stream)
    sample = stream.read(_SAMPLE_CHARACTERS)
    stream.seek(start)
    if not sample.strip():
        if not comments:
            raise ValueError("it is empty")
        sample = ""
    delimiter = delimiter or _find_delimiter(sample, comments)
    rows = list(_split_lines(stream, delimiter))
    first_line = text.count("\n", 0, start) + 1
    names, from_comment = _find_header(rows, comments, delimiter)
    table = TextTable(names, rows if from_comment else rows[1:], delimiter)
    _drop_comments(table)
    _drop_trailing_cells(table)
    if any(len(row) != len(table.names) for row in table.rows):
        raise DialectError(
            _describe_mismatch(text, start, first_line, table),
            hint="Cells that contain the separator need quotes; with decimal commas, separate the cells by semicolons.",
        )
    _take_units(table)
    _drop_empty_rows(table)
    return table


def _skip_comments(stream: io.StringIO) -> tuple[list[str], str, int]:
    """Return the comments at the beginning, the delimiter that Excel's ``sep=`` names, and where the table begins."""
    comments, delimiter, position = [], "", 0
    for line in stream:
        if named := _SEPARATOR_LINE.fullmatch(line.strip("\r\n")):
            delimiter = named[1]
        elif _COMMENT.match(line):
            comments.append(line.strip().lstrip('#%!/-" \t').rstrip('"'))
        elif line.strip(" \t\r\n"):
            break
        position += len(line)
    stream.seek(position)
    return comments, delimiter, position


def _find_delimiter(sample: str, comments: Sequence[str]) -> str:
    """Return what separates the cells of the first lines."""
    lines = sample.splitlines(keepends=True)
    if len(sample) == _SAMPLE_CHARACTERS:
        lines = lines[:-1]  # cut off
    if not lines:
        header = comments[-1] if comments else ""
        return next((delimiter for delimiter in _DELIMITERS if delimiter in header), BLANKS)
    content = "".join(lines)
    candidates = [delimiter for delimiter in _DELIMITERS if delimiter in lines[0]]
    fitting = [delimiter for delimiter in candidates if _fits(content, delimiter)]
    if len(fitting) > 1 and set(fitting) == {",", ";"}:
        raise DialectError(
            "its cells may be separated by commas or by semicolons", hint="Put cells that contain either into quotes."
        )
    if fitting:
        return fitting[0]
    if len(candidates) <= 1 and set(candidates) <= {"\t"} and _fits(content, BLANKS):
        return BLANKS
    return max(candidates, key=lines[0].count) if candidates else ","


def _fits(content: str, delimiter: str) -> bool:
    """Tell whether all the first lines have the same number of cells, at least two."""
    rows = list(islice(_split_lines(io.StringIO(content, newline=""), delimiter), _SAMPLE_ROWS))
    counts = {len(row) - (row[-1] == "" and len(row) == len(rows[0]) + 1) for row in rows if row[0][:1] != "#"}
    return len(counts) == 1 and counts.pop() > 1


def _split_lines(stream: io.StringIO, delimiter: str) -> Iterator[list[str]]:
    """Yield the cells of the lines that are not blank."""
    csv.field_size_limit(1 << 30)
    if delimiter == BLANKS:
        lines = (line.replace("\t", " ").strip() + "\n" for line in stream)
        reader = csv.reader(lines, delimiter=" ", skipinitialspace=True)
    else:
        start = stream.tell()
        header = stream.readline()
        stream.seek(start)
        reader = csv.reader(stream, delimiter=delimiter, skipinitialspace=f"{delimiter} " in header)
    for row in reader:
        if len(row) > 1 or (row and row[0].strip()):
            yield row


def _find_header(rows: list[list[str]], comments: Sequence[str], delimiter: str) -> tuple[list[str], bool]:
    """Return the names of the columns, and whether they are those of a comment."""
    commented = _split_comment(comments[-1], delimiter) if comments else []
    if not rows:
        if len(comments) > 1 and not _is_known(commented):
            raise DialectError("it has only comments", hint="Its columns need names, in a line in front of the rows.")
        return _name(commented), True
    first = [cell.strip() for cell in rows[0]]
    fits = len(commented) == len(first) and not any(map(is_number, commented))
    if _looks_like_data(first) and not _is_known(first):
        if fits:
            return _name(commented), True
        shown = ", ".join(repr(cell) for cell in first[:3]) + (", ..." if len(first) > 3 else "")
        raise DialectError(
            f"it has no header with the names of its columns: its first line is {shown}",
            hint="Add a first line with a name for each column, such as id,path,ra,dec.",
        )
    if fits and len(first) > 1 and _is_known(commented) and not _is_known(first):
        return _name(commented), True
    return _name(first), False


def _split_comment(comment: str, delimiter: str) -> list[str]:
    row = next(_split_lines(io.StringIO(comment, newline=""), delimiter), [])
    return [cell.strip() for cell in row]


def _looks_like_data(cells: Sequence[str]) -> bool:
    """Tell whether a line has numbers, other than the consecutive integers that pandas uses as names."""
    numbers = [cell for cell in cells if is_number(cell)]
    if not numbers:
        return False
    if all(cell.isdecimal() for cell in numbers) and len(numbers) > 1:
        values = list(map(int, numbers))
        return values != list(range(values[0], values[0] + len(values)))
    return True


def _is_known(names: Sequence[str]) -> bool:
    return not _KNOWN_NAMES.isdisjoint(name.lower() for name in names)


def _name(cells: Sequence[str]) -> list[str]:
    names = [cell.strip() or f"col{number}" for number, cell in enumerate(cells, 1)]
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        raise ValueError(f"two columns are called '{repeated[0]}'")
    return names


def _drop_comments(table: TextTable) -> None:
    """Drop lines of comment below the header: ``#`` and other cells than a row, or a row that was commented out."""
    marked = [number for number, row in enumerate(table.rows) if row[0].startswith("#")]
    if not marked or len(marked) == len(table.rows):
        return
    n = len(table.names)
    others = [row[0] for row in table.rows if not row[0].startswith("#")]
    numbered = all(is_number(cell) or is_null(cell) for cell in others)
    drop = {
        number
        for number in marked
        if (row := table.rows[number]) and (len(row) != n or n == 1 or (numbered and is_number(row[0].lstrip("# "))))
    }
    if drop:
        table.rows = [row for number, row in enumerate(table.rows) if number not in drop]
        table.notes.append(f"{len(drop):,} line{'s' if len(drop) > 1 else ''} of comment below the header skipped")


def _drop_trailing_cells(table: TextTable) -> None:
    """Drop the empty cell behind a separator at the end of every line."""
    n = len(table.names)
    if table.rows and all(len(row) == n + 1 and not row[-1].strip() for row in table.rows):
        table.rows = [row[:-1] for row in table.rows]


def _take_units(table: TextTable) -> None:
    """Take the lines of units and of dashes below the header out of the rows."""
    for at in (0, 1):
        cells = table.rows[at] if len(table.rows) > at else []
        if any("---" in cell for cell in cells) and all(map(_DASHES.fullmatch, cells)):
            units = table.rows[0] if at else []
            if any(map(is_number, units)):
                return
            table.units = [cell.strip() for cell in units]
            table.rows = table.rows[at + 1 :]
            return
    if len(table.rows) > 1 and _are_units(table.rows[0], table.rows[1:20]):
        table.units = ["" if _is_type(cell) else cell.strip() for cell in table.rows[0]]
        table.rows = table.rows[1:]


def _are_units(cells: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Tell whether a line gives the units or the types of the columns below it, of which some are of numbers."""
    some = False
    for number, cell in enumerate(cells):
        if is_null(cell):
            continue
        values = [row[number] for row in below]
        numeric = any(map(is_number, values)) and all(is_number(value) or is_null(value) for value in values)
        if numeric and not is_number(cell):
            some |= _is_unit(cell) or _is_type(cell)
        elif ":" in cell and parse_angle_unit(cell) is not None:  # h:m:s
            some = True
        elif not _is_type(cell) or numeric:
            return False
    return some


def _is_type(cell: str) -> bool:
    """Tell whether a cell names a type, or says that its column has no unit."""
    return cell.strip("#()[] ").lower() in _TYPES


def _is_unit(text: str) -> bool:
    return parse_angle_unit(text) is not None or parse_unit(text.strip("()[] ")) is not None


def _drop_empty_rows(table: TextTable) -> None:
    """Drop rows of separators without values at the end, as spreadsheets write them."""
    keep = len(table.rows)
    while keep and len(table.names) > 1 and not any(cell.strip() for cell in table.rows[keep - 1]):
        keep -= 1
    if dropped := len(table.rows) - keep:
        table.rows = table.rows[:keep]
        table.notes.append(f"{dropped:,} empty row{'s' if dropped > 1 else ''} at its end skipped")


def _describe_mismatch(text: str, start: int, first_line: int, table: TextTable) -> str:
    """Return which line has other cells than the header."""
    stream = io.StringIO(text, newline="")
    stream.seek(start)
    n = len(table.names)
    reader = csv.reader(stream, delimiter=table.delimiter, skipinitialspace=table.delimiter == BLANKS)
    for row in reader:
        cells = len([cell for cell in row if cell]) if table.delimiter == BLANKS else len(row)
        if row and cells != n and not row[0].startswith("#"):
            return f"line {reader.line_num + first_line - 1} has {cells} cells, the header {n}"
    return f"its lines do not have {n} cells each, as the header has"
