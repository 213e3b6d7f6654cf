"""Find the table format that belongs to the name of a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from galaxtool.errors import ConfigError
from galaxtool.plugins.registration import Registration
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import TableFormatSpec
from galaxtool.tables.protocols import LimitedTableFormat, TableFormat
from galaxtool.utils.files.atomic_write import check_writable

CONVERT_HINT = "astropy converts between these and others: astropy.table.Table.read('a.fits').write('a.tex')."


def list_table_suffixes() -> list[str]:
    """Return the recommended suffix of each format.

    Examples
    --------
    >>> list_table_suffixes()
    ['.csv', '.ecsv', '.fits', '.vot', '.parquet']
    """
    return [spec.suffixes[0] for spec in get_registry().table_formats.specs()]


def find_table_format(path: str | os.PathLike[str]) -> str | None:
    """Return the name of the format of a file with this name; None if it is not a table.

    Examples
    --------
    >>> find_table_format("Objects.FITS.gz"), find_table_format("image.png")
    ('fits', None)
    """
    found = _find(path)
    return found.spec.name if found else None


def create_table_format(path: str | os.PathLike[str]) -> TableFormat | None:
    """Return the format of a file with this name; None if it is not a table."""
    found = _find(path)
    return cast(TableFormat, found.create()) if found else None


def has_gzip_suffix(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file of this name is compressed by gzip."""
    return os.fspath(path).lower().endswith(".gz")


def check_table_path(path: Path) -> None:
    """Check that a table can be written under this name; call it before long work begins.

    Raises
    ------
    ConfigError
        If the name ends in no known suffix, or is that of a folder.
    GalaxtoolError
        If the folder cannot be written to.
    """
    if _find(path) is None:
        suffixes = sorted({suffix for spec in get_registry().table_formats.specs() for suffix in spec.suffixes[1:]})
        raise ConfigError(
            f"'{path}' does not name a table format.",
            hint=f"End the name with one of {', '.join(list_table_suffixes())} (or {', '.join(suffixes)}). "
            f"{CONVERT_HINT}",
        )
    if path.is_dir():
        raise ConfigError(f"'{path}' is a folder, not a table.", hint="Give the table another name.")
    check_writable(path)


def check_columns(path: Path, names: Sequence[str]) -> str:
    """Check that a table with these columns can be written under this name; call it before long work begins.

    Returns
    -------
    str
        A sentence on the names that the format changes; empty if it keeps all of them.

    Raises
    ------
    ConfigError
        If the format cannot hold such a table.
    """
    form = create_table_format(path)
    return form.check_names(names) if isinstance(form, LimitedTableFormat) else ""


def _find(path: str | os.PathLike[str]) -> Registration[TableFormatSpec] | None:
    """Return the format with the longest suffix that the name ends in."""
    name = os.path.basename(os.fspath(path)).lower()  # noqa: PTH119  also for names that are not paths
    matches = [
        (len(suffix), registration)
        for registration in get_registry().table_formats
        for suffix in registration.spec.suffixes
        if name.endswith(suffix) and name != suffix
    ]
    return max(matches, key=lambda match: match[0])[1] if matches else None
