"""Catalogues whose images are in the cells of a column, in Parquet files and FITS tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from astropy.table import Table

from galaxtool.containers.find import FITS_CELLS, PARQUET_IMAGES
from galaxtool.containers.fits_cells import choose_cells, find_cells
from galaxtool.inputs.cells import TextColumn
from galaxtool.inputs.lazy_sequence import LazySequence
from galaxtool.inputs.names import without_suffix
from galaxtool.tables.column_names import TABLE_NUMBER
from galaxtool.tables.formats.find import find_table_format
from galaxtool.utils.optional_imports import import_attribute


@dataclass(frozen=True, slots=True)
class PixelCells:
    """A column with an image in each of N cells.

    Parameters
    ----------
    container : str
        Name of the container that reads it.
    column : str
        Name of the column.
    prefix : str
        What the key of each image begins with, before the number of its row.
    table : Table
        The catalogue without the images.
    names : sequence of str
        Names of the images, of the file and the row if the column has none.
    notes : tuple of str
        What to tell the user.
    """

    container: str
    column: str
    prefix: str
    table: Table
    names: Sequence[str]
    notes: tuple[str, ...]


def find_pixel_cells(table: Table, path: Path, given: str | None, *, has_paths: bool) -> PixelCells | None:
    """Return the column whose cells are images; None if the table has none.

    Parameters
    ----------
    table : Table
        The catalogue as it was read.
    path : Path
        File of the table.
    given : str or None
        Column that the user named.
    has_paths : bool
        Whether a column of a FITS table names files, which then are the images.
    """
    form = find_table_format(path)
    if form == "parquet":
        return _find_parquet(table, path, given)
    if form == "fits" and not has_paths:
        return _find_fits(table, path, given)
    return None


def _find_parquet(table: Table, path: Path, given: str | None) -> PixelCells | None:
    columns = import_attribute("galaxtool.containers.parquet_images:list_image_columns")(path)
    named = [column for column in columns if given is None or column.name == given]
    if not named:
        return None
    name = named[0].name
    inner = TextColumn(table[name]) if name in table.colnames and table[name].dtype.kind == "U" else None
    others = [column.name for column in columns if column.name != name]
    return PixelCells(
        PARQUET_IMAGES, name, f"{name}/", table, _CellNames(path, len(table), inner), _describe(path, name, others)
    )


def _find_fits(table: Table, path: Path, given: str | None) -> PixelCells | None:
    shapes = {name: table[name].shape[1:] for name in table.colnames if table[name].dtype.kind in "iuf"}
    name = given if given in table.colnames and shapes.get(str(given)) else choose_cells(shapes) if not given else None
    found = find_cells(path, name, len(table), table.meta.get(TABLE_NUMBER)) if name is not None else None
    if name is None or found is None:
        return None
    rest = table.copy(copy_data=False)
    rest.remove_column(name)
    others = [other for other, shape in shapes.items() if shape == shapes[name] and other != name]
    names = _CellNames(path, len(table), None)
    return PixelCells(FITS_CELLS, name, f"{found[0]}/{name}/", rest, names, _describe(path, name, others))


def _describe(path: Path, name: str, others: Sequence[str]) -> tuple[str, ...]:
    shown = ", ".join(f"'{other}'" for other in others)
    more = f" So could be those of {shown}: --image-column chooses." if others else ""
    return (f"The images of '{path}' are in the cells of its column '{name}'.{more}",)


class _CellNames(LazySequence[str]):
    """Names of images in cells: the names of their files, else that of the table with the number of the row."""

    def __init__(self, path: Path, count: int, inner: TextColumn | None) -> None:
        self._stem, self._count, self._inner = without_suffix(path.name, ()), count, inner

    def __len__(self) -> int:
        return self._count

    def get(self, row: int) -> str:
        """Return the value of a row."""
        text = self._inner[row] if self._inner is not None else ""
        return without_suffix(text, ()) if text else f"{self._stem}/{row}"


class CellKeys(LazySequence[str]):
    """The keys of images in the cells of a column: a prefix and the number of the row, from 0."""

    def __init__(self, prefix: str, count: int) -> None:
        self._prefix, self._count = prefix, count

    def __len__(self) -> int:
        return self._count

    def get(self, row: int) -> str:
        """Return the value of a row."""
        return f"{self._prefix}{row}"


class SamePath(LazySequence[Path]):
    """The file of each row, which is the same for all."""

    def __init__(self, path: Path, count: int) -> None:
        self._path, self._count = path, count

    def __len__(self) -> int:
        return self._count

    def get(self, row: int) -> Path:
        """Return the value of a row."""
        return self._path
