"""How the images of an index were read, and how a query is read in the same way."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from galaxtool.errors import InputError
from galaxtool.inference.reading import find_inputs
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inputs.band_files import Pattern
from galaxtool.plugins.registry import get_registry
from galaxtool.search.index.objects import BANDS
from galaxtool.search.index.record import IndexRecord
from galaxtool.search.index.store import Index
from galaxtool.types import ImageRef


@dataclass(frozen=True)
class QueryReading:
    """How the image of a query is read.

    Parameters
    ----------
    options : ReadingOptions
        Options of the index, and those that were given with the query in their place.
    note : str
        What differs from the index, as a sentence; empty if nothing does.
    """

    options: ReadingOptions
    note: str = ""


def restore_reading(record: IndexRecord) -> ReadingOptions:
    """Return the options that the images of an index were read with.

    Raises
    ------
    InputError
        If the index was built with an option that this version does not have.
    """
    stored = {"hdu": record.hdu, **record.shown}
    unknown = sorted(set(stored) - {one.name for one in fields(ReadingOptions)})
    if unknown:
        raise InputError(
            f"The index was built with {_flag(unknown[0])}, which this version of galaxtool does not have.",
            hint="Run: pip install --upgrade galaxtool",
        )
    return ReadingOptions(**stored)


def choose_reading(stored: ReadingOptions, given: ReadingOptions) -> QueryReading:
    """Return how to read a query: as the index was read, except for the options that were given with the query."""
    built, changes = stored.list_changes(), given.list_changes()
    differing = {name: value for name, value in changes.items() if built.get(name) != value}
    if not differing:
        return QueryReading(stored)
    here = describe_options(differing)
    there = describe_options({name: built[name] for name in differing if name in built})
    note = f"The query is read with {here}; the index was built {f'with {there}' if there else 'without'}."
    return QueryReading(replace(stored, **changes), note)


def describe_options(values: Mapping[str, Any]) -> str:
    """Return options as they are typed.

    Examples
    --------
    >>> describe_options({"hdu": "SCI", "each_hdu": True, "bands": ["g", "r"]})
    '--hdu SCI --each-hdu --bands g,r'
    """
    return " ".join(_describe_option(name, value) for name, value in values.items())


def locate_query(text: str, options: ReadingOptions, index: Index) -> ImageRef:
    """Return the image that a query names, found as the images of the index were found.

    Parameters
    ----------
    text : str
        A file, a member of an archive or stack, or anything else that names a single image. Where each band of an
        object has its own file, the file of any band, or a folder with one object.
    options : ReadingOptions
        How the query is read.
    index : Index
        A file of which a single member, HDU or band is indexed means that image, unless `options` have another HDU.

    Raises
    ------
    InputError
        If nothing is there, or there is more than one image.
    """
    is_file = os.path.isfile(text)  # noqa: PTH113  Path.is_file raises for long names
    if is_file and options.hdu is None and (BANDS in index.column_names or not _is_picture(text)):
        indexed = index.find_image(Path(text))
        if len(indexed) == 1:
            return indexed[0]
    if options.pattern is not None and not os.path.isdir(text):  # noqa: PTH112  Path.is_dir raises for long names
        beside = find_band_files(Path(text), options)
        if beside is not None:
            return beside
        options = replace(options, pattern=None)
    if options.pattern is not None:
        # the columns are those of a table of queries
        options = replace(options, image_column=None, id_column=None, ra_column=None, dec_column=None, table=None)
    found = find_inputs([text], replace(options, each_hdu=options.each_hdu and options.hdu is None))
    if len(found.items) == 1:
        return found.items[0].ref
    first = found.items[0].ref if len(found.items) else None
    raise InputError(
        f"'{text}' contains {len(found.items)} images, and a query is a single one.",
        hint=f"Name one of them, such as '{first}', or add --each to ask for each of them.",
    )


def _is_picture(name: str) -> bool:
    """Tell whether a file, by its name, is a picture such as a JPEG, which has no members or HDUs."""
    return name.lower().endswith(get_registry().readers.find("raster").spec.suffixes)


def find_band_files(path: Path, options: ReadingOptions) -> ImageRef | None:
    """Return the object that the file of one of its bands belongs to, or None if its name does not match the pattern.

    Parameters
    ----------
    path : Path
        File of one band.
    options : ReadingOptions
        With a pattern, and the bands of each object.
    """
    if options.pattern is None:
        return None
    pattern = Pattern(options.pattern, options.band_names)
    parts, first = path.parts, None
    for length in range(1, len(parts) + 1):
        folder, relative = Path(*parts[: len(parts) - length]), "/".join(parts[len(parts) - length :])
        match = pattern.parse(relative)
        if match is None:
            continue
        files = tuple((band, folder / pattern.path(match[0], band)) for band in pattern.bands or (match[1],))
        if all(file.exists() for _, file in files):
            return ImageRef(files[0][1], bands=files)
        first = first or ImageRef(files[0][1], bands=files)
    return first


def _describe_option(name: str, value: Any) -> str:
    if value is True:
        return _flag(name)
    return f"{_flag(name)} {','.join(map(str, value)) if isinstance(value, (list, tuple)) else value}"


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
