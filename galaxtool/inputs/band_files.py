"""Objects with a file for each band, found by how the files are called: ``{id}_{band}.fits``."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from string import Formatter

from galaxtool.errors import ConfigError, InputError, suggest_name
from galaxtool.inputs.items import InputItem
from galaxtool.inputs.listing import Sorter, Texts
from galaxtool.inputs.walk import FileFilter, walk
from galaxtool.types import ImageRef
from galaxtool.vision.colors import BY_WAVELENGTH

_FIELDS = ("id", "band")
_SEPARATOR = b"\0"  # in no name of a file, and before all that is
_FILTER = re.compile(r"F\d{2,4}[A-Z]{1,2}\d?", re.IGNORECASE)


class Pattern:
    """How files of objects and bands are called.

    Parameters
    ----------
    text : str
        Relative to a folder, with ``{id}`` (anything but nothing, also with sub-folders in it) and ``{band}``, each at
        least once: ``{band}/{id}.fits.gz``.
    bands : sequence of str
        The bands there are; where none is given, any letters and digits are one.

    Raises
    ------
    ConfigError
        If the text is none, or a band is named twice.
    """

    def __init__(self, text: str, bands: Sequence[str] = ()) -> None:
        self.text, self.bands = text.removeprefix("./"), tuple(bands)
        twice = [band for band, times in Counter(self.bands).items() if times > 1]
        if twice:
            raise ConfigError(f"The band '{twice[0]}' is named twice.")
        self._parts = _parsed(self.text)
        of_band = "|".join(map(re.escape, sorted(self.bands, key=len, reverse=True))) or "[A-Za-z0-9]+"
        groups = {"id": "(?P<id>.+)", "band": f"(?P<band>{of_band})"}
        seen: set[str] = set()
        expression = ""
        for literal, field in self._parts:
            expression += re.escape(literal)
            if field:
                expression += f"(?P={field})" if field in seen else groups[field]
                seen.add(field)
        self._expression = re.compile(expression, re.DOTALL)

    def parse(self, relative: str) -> tuple[str, str] | None:
        """Return the object and the band that a path stands for, or None."""
        match = self._expression.fullmatch(relative)
        return (match["id"], match["band"]) if match else None

    def path(self, name: str, band: str) -> str:
        """Return the path of an object's file."""
        values = {"id": name, "band": band, "": ""}
        return "".join(literal + values[field] for literal, field in self._parts)


class BandFiles:
    """What a pattern finds in a folder; a `galaxtool.inputs.listing.Part` once `settle` has been told the bands.

    Parameters
    ----------
    folder : Path
        Walked as any folder is, see `galaxtool.inputs.walk.walk_images`.
    pattern : Pattern
    skipped : Counter
        Files that do not match are counted here.
    """

    def __init__(self, folder: Path, pattern: Pattern, skipped: Counter[str]) -> None:
        self.folder, self._pattern, self._skipped = folder, pattern, skipped
        self._bands: tuple[str, ...] = ()
        self._found, self._ids = Sorter(), Texts()
        self.bands: Counter[str] = Counter()
        self.example = ""
        for below, name in walk(folder, FileFilter(everything=True), skipped):
            relative = os.fsdecode(below + name)
            match = pattern.parse(relative)
            if match is None:
                skipped["not called as the pattern says"] += 1
                self.example = self.example or relative
            else:
                self.bands[match[1]] += 1
                self._found.add(os.fsencode(match[0]) + _SEPARATOR + os.fsencode(match[1]))

    def settle(self, bands: Sequence[str]) -> None:
        """Keep the objects that have a file in one of these bands at least, with all of them, whether there or not."""
        wanted = set(map(os.fsencode, bands))
        self._bands = tuple(bands)
        if others := sum(number for band, number in self.bands.items() if band not in bands):
            self._skipped["of no known filter (if it is one, name it with --bands)"] += others
        pairs = (key.split(_SEPARATOR) for key in self._found)
        for name, of_object in groupby(pairs, key=lambda pair: pair[0]):
            if any(band in wanted for _, band in of_object):
                self._ids.append(name)
        self._found = Sorter()

    def __len__(self) -> int:
        return len(self._ids)

    def name(self, row: int) -> str:
        """Return what stands for the object in its files' names."""
        return os.fsdecode(self._ids[row])

    def item(self, row: int, name: str) -> InputItem:
        """Return an object."""
        called = self.name(row)
        files = tuple((band, self.folder / self._pattern.path(called, band)) for band in self._bands)
        return InputItem(name, ImageRef(files[0][1], bands=files))


def find_objects(
    folders: Sequence[str], pattern: str, bands: Sequence[str] = ()
) -> tuple[list[BandFiles], Counter[str]]:
    """Find the objects in folders.

    Parameters
    ----------
    folders : sequence of str
    pattern : str
        See `Pattern`.
    bands : sequence of str
        Bands of each object, in this order; by default those found, see `bands_among`, the same for all folders.

    Returns
    -------
    parts : list of BandFiles
        One for each folder; an object that lacks the file of a band is among them all the same.
    skipped : Counter
        Files that are of no object, by reason.

    Raises
    ------
    ConfigError
        If the pattern is none, or an input is no folder.
    InputError
        If a folder has no such file, or there is a band without any.
    """
    called = Pattern(pattern, bands)
    skipped: Counter[str] = Counter()
    parts = []
    for text in folders:
        if not os.path.isdir(text):  # noqa: PTH112  Path.is_dir raises for a name that is too long
            raise ConfigError(
                f"--pattern was given, and '{text}' is not a folder.",
                hint="The pattern is looked for in folders; unpack an archive first.",
            )
        part = BandFiles(Path(text), called, skipped)
        if not part.bands:
            of = f" with a band of {', '.join(bands)}" if bands else ""
            first = f"The first file there is '{part.example}'." if part.example else "There is no file in it."
            raise InputError(f"No file in '{text}' is called like '{called.text}'{of}.", hint=first)
        parts.append(part)
    found = sum((part.bands for part in parts), Counter[str]())
    for band in bands:
        if band not in found:
            raise InputError(
                f"There is no file of the band '{band}': none is called like '{called.path('*', band)}'.",
                hint=f"There are files of {', '.join(by_wavelength(found))}.",
            )
    for part in parts:
        part.settle(bands or bands_among(found))
    return parts, skipped


def bands_among(found: Counter[str]) -> tuple[str, ...]:
    """Return which of the words that stand where a band should are bands, the shortest wavelength first.

    Known filters, if there is any among them; else all of them. So a file ``a_mask.fits`` beside ``a_g.fits`` and
    ``a_r.fits`` makes no band.

    Examples
    --------
    >>> bands_among(Counter(["z", "mask", "g", "r"]))
    ('g', 'r', 'z')
    """
    known = [band for band in found if band in BY_WAVELENGTH or _FILTER.fullmatch(band)]
    return by_wavelength(known or found)


def by_wavelength(bands: Iterable[str]) -> tuple[str, ...]:
    """Return bands with the shortest wavelength first, and those that are not known behind, in alphabetical order."""
    places = {band: place for place, band in enumerate(BY_WAVELENGTH)}
    return tuple(sorted(bands, key=lambda band: (places.get(band, len(places)), band)))


def _parsed(text: str) -> list[tuple[str, str]]:
    """Return a pattern as literal texts, each with the field behind it, which may be none."""
    example = "for example {id}_{band}.fits or {band}/{id}.fits"
    try:
        fields = [
            (literal, field, extra or conversion) for literal, field, extra, conversion in Formatter().parse(text)
        ]
    except ValueError as error:
        raise ConfigError(f"The pattern '{text}' is not understood: {error}.", hint=f"Write it {example}.") from error
    for _, field, extra in fields:
        if field is not None and (field not in _FIELDS or extra):
            near = suggest_name(field, _FIELDS)
            raise ConfigError(
                f"The pattern '{text}' has a field '{{{field}}}'." + (f" Did you mean '{{{near}}}'?" if near else ""),
                hint=f"Its fields are {{id}} and {{band}}, {example}.",
            )
    missing = [name for name in _FIELDS if name not in (field for _, field, _ in fields)]
    if missing:
        raise ConfigError(f"The pattern '{text}' has no {{{missing[0]}}}.", hint=f"Write it {example}.")
    if os.path.isabs(text):  # noqa: PTH117
        raise ConfigError(f"The pattern '{text}' is an absolute path.", hint="It starts at each INPUT, a folder.")
    return [(literal, field or "") for literal, field, _ in fields]
