"""Gather the images that the INPUTs of a command name."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path

from astropy.table import Table

from galaxtool.errors import InputError
from galaxtool.images.pixel_kind import summarize_assumptions
from galaxtool.inputs.band_files import find_objects
from galaxtool.inputs.catalogue import read_catalogue
from galaxtool.inputs.collector import InputCollector, missing_path_error
from galaxtool.inputs.columns import hash_columns, stack_columns
from galaxtool.inputs.items import InputItem, Items
from galaxtool.inputs.walk import TableFinder
from galaxtool.utils.useless_options import refuse_beside


@dataclass(frozen=True)
class Inputs:
    """All images to work on.

    Parameters
    ----------
    items : sequence of InputItem
        The images in the order of the INPUTs, within a folder in byte order of the relative path; created on access.
    columns : Table or None
        Columns of the catalogues among the INPUTs, with a row for each item, masked where an item came from elsewhere;
        None without a catalogue.
    skipped : Counter
        Number of files and members that were skipped, by reason.
    notes : tuple of str
        Messages for the user about the columns of the catalogues.
    pixel_notes : tuple of str
        What was assumed about the pixels of stacks, unless the user says what they are.
    """

    items: Sequence[InputItem]
    columns: Table | None
    skipped: Counter[str]
    notes: tuple[str, ...] = ()
    pixel_notes: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        """SHA-256 in hexadecimal; equal for the same images in the same order, with the same catalogue columns.

        It covers what decides the rows of a result, except for the content of the files: identifiers, references, the
        files of all bands, positions and columns.
        """
        digest = sha256()
        for item in self.items:
            text = f"{item.id}\0{item.ref}\0"
            if item.ra is not None or item.dec is not None or item.ref.bands:
                text += f"{item.ra}\0{item.dec}\0{[(band, str(path)) for band, path in item.ref.bands]}\0"
            digest.update(text.encode("utf-8", "surrogatepass"))
        if self.columns is not None:
            digest.update(hash_columns(self.columns).encode())
        return digest.hexdigest()


def gather(
    inputs: Sequence[str | os.PathLike[str]],
    *,
    image_column: str | None = None,
    id_column: str | None = None,
    bands: Sequence[str] = (),
    pattern: str | None = None,
    each_hdu: bool = False,
    find_tables: TableFinder | None = None,
    ra_column: str | None = None,
    dec_column: str | None = None,
    table: str | None = None,
) -> Inputs:
    """Find the images that inputs name, without reading any pixels.

    Parameters
    ----------
    inputs : sequence of str or Path
        Folders, files, globs (``"cutouts/*.fits"``, ``**`` for any depth), archives and stacks, members of these
        (``archive.tar[a.fits]``), catalogues with a column of paths, and lists. ``@list.txt`` has one path per line,
        and ``@-`` is standard input. Each line counts as an INPUT, except that a missing file costs only its row.
        Relative paths in a list start at its folder, else at the working folder. The suffix decides which files in
        folders and globs are images; a file that is named by itself is always taken.
    image_column, id_column : str, optional
        Columns of the catalogues, where they do not have one of the usual names; see
        `galaxtool.inputs.catalogue.read_catalogue`.
    bands : sequence of str
        With `pattern`, or ``{band}`` in `image_column`: the bands of each object, in this order. By default all that
        are found, the shortest wavelength first.
    pattern : str, optional
        Pattern of the file names where each band of an object has its own file, relative to each INPUT, which must
        then be a folder: ``{id}_{band}.fits``; see `galaxtool.inputs.band_files.Pattern`. An object that lacks a band
        is still listed.
    each_hdu : bool
        Whether every HDU with an image in a FITS file is a separate object.
    find_tables : callable, optional
        Function that finds FITS tables, see `galaxtool.inputs.walk.FileFilter`.
    ra_column, dec_column : str, optional
        Columns of positions in the catalogues, see `galaxtool.inputs.positions.find.read_positions`.
    table : str, optional
        Name or number of the table to read from catalogues with several.

    Raises
    ------
    InputError
        If an input does not exist or contains no image.
    TableError
        If a catalogue cannot be read or does not name images.
    ConfigError
        If the pattern is not valid, an input with a pattern is not a folder, or an option is given that has no effect
        beside a pattern.
    """
    if isinstance(inputs, (str, os.PathLike)):
        inputs = [os.fspath(inputs)]
    if not inputs:
        raise InputError("No input was given.", hint="Name a folder, files, or a catalogue.")
    named = [os.fspath(text) for text in inputs]
    if pattern is not None:
        columns = {
            "image_column": image_column, "id_column": id_column, "ra_column": ra_column, "dec_column": dec_column,
        }  # fmt: skip
        others = {"each_hdu": each_hdu, "table": table, **columns}
        refuse_beside("pattern", "a pattern finds the objects by the names of their files", others)
        for text in named:
            if not os.path.lexists(text) and not glob.has_magic(text):
                raise missing_path_error(Path(text))
        objects, skipped = find_objects(named, pattern, bands)
        return Inputs(Items(objects), None, skipped)
    read = partial(
        read_catalogue,
        image_column=image_column,
        id_column=id_column,
        bands=bands,
        ra_column=ra_column,
        dec_column=dec_column,
        table_name=table,
    )
    collector = InputCollector(read, each_hdu, find_tables)
    for text in named:
        collector.add(text)
    return Inputs(
        Items(collector.parts),
        stack_columns(collector.parts, collector.notes),
        collector.skipped,
        tuple(collector.notes),
        summarize_assumptions(collector.pixel_notes),
    )
