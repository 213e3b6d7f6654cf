"""Distinguish catalogues from images among the files that a user names."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from galaxtool.errors import TableError
from galaxtool.images.reading import list_image_suffixes
from galaxtool.inputs.fits_tables import holds_only_tables
from galaxtool.tables.formats.content import find_content_format, has_table_suffix
from galaxtool.tables.formats.find import find_table_format

TEXT_FORMATS = ("csv", "ecsv")
"""Formats that any text file may seem to have."""


def is_catalogue(path: Path) -> bool:
    """Tell whether a file is certainly a table, by its suffix or its content; of FITS files, the content decides."""
    form = find_table_format(path)
    if form is None and has_table_suffix(path) and not path.name.lower().endswith(list_image_suffixes()):
        with suppress(TableError):
            form = find_content_format(path)
        form = None if form in TEXT_FORMATS else form
    return form is not None and (form != "fits" or holds_only_tables(path))
