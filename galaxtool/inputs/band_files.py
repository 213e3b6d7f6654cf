"""Objects with one file per band, found by a pattern of file names: ``{id}_{band}.fits``."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from string import Formatter

from galaxtool.errors import ConfigError, InputError, suggest_name
from galaxtool.images.filters import MICROMETERS, find_wavelengths, order_by_wavelength
from galaxtool.inputs.items import InputItem
from galaxtool.inputs.walk import FileFilter, walk
from galaxtool.types import ImageRef

_FIELDS = ("id", "band")
_ANY_BAND = "[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*"


class Pattern:
    """The pattern of the names of files with one object and band each.

    Parameters
    ----------
    text : str
        Path relative to a folder, with ``{id}`` (any text, sub-folders included) and ``{band}``, each at least once:
        ``{band}/{id}.fits.gz``.
    bands : sequence of str
        Names of the bands; without any, every word of letters, digits and hyphens is a band.

    Raises
    ------
    ConfigError
        If the text is not a pattern, or a band is named twice.
    """

    def __init__(self, text: str, bands: Sequence[str] = ()) -> None:
        self.text, self.bands = text.removeprefix("./"), tuple(bands)
        repeated = [band for band, times in Counter(self.bands).items() if times > 1]
        if repeated:
            raise ConfigError(f"The band '{repeated[0]}' is named twice.")
        self._parts = _parse_pattern(self.text)
        any_band = "|".join(map(re.escape, sorted(self.bands, key=len, reverse=True))) or _ANY_BAND
        groups = {"id": "(?P<id>.+)", "band": f"(?P<band>{any_band})"}
        seen: set[str] = set()
        expression = ""
        for literal, field in self._parts:
            expression += re.escape(literal)
            if field:
                expression += f"(?P={field})" if field in seen else groups[field]
                seen.add(field)
        self._expression = re.compile(expression, re.DOTALL)

    def parse(self, relative: str) -> tuple[str, str] | None:
        """Return the object and the band of a path, or None if the path does not match."""
        match = self._expression.fullmatch(relative)
        return (match["id"], match["band"]) if match else None

    def path(self, name: str, band: str) -> str:
        """Return the path of the file of an object in a band."""
        values = {"id": name, "band": band, "": ""}
        return "".join(literal + values[field] for literal, field in self._parts)


class BandFiles:
    """The objects that a pattern finds in a folder; a `galaxtool.inputs.items.InputPart` after `set_bands`.

    Parameters
    ----------
    folder : Path
        Folder to search, see `galaxtool.inputs.walk.walk_images`.
    pattern : Pattern
        Pattern of the file names.
    skipped : Counter
        Counts the files that do not match.

    Attributes
    ----------
    bands : Counter
        Number of files in each band.
    example : str
        First file that does not match; empty if all do.
    """

    def __init__(self, folder: Path, pattern: Pattern, skipped: Counter[str]) -> None:
        self.folder, self._pattern, self._skipped = folder, pattern, skipped
        self._bands: tuple[str, ...] = ()
        self._found: dict[str, set[str]] = {}  # bands of each object
        self._ids: list[str] = []
        self.bands: Counter[str] = Counter()
        self.example = ""
        for below, name in walk(folder, FileFilter(everything=True), skipped):
            relative = below + name
            match = pattern.parse(relative)
            if match is None:
                skipped["does not match the pattern"] += 1
                self.example = self.example or relative
            else:
                identifier, band = match
                self.bands[band] += 1
                self._found.setdefault(identifier, set()).add(sys.intern(band))

    def set_bands(self, bands: Sequence[str]) -> None:
        """Keep the objects with a file in at least one of these bands.

        Each object gets all of the bands, whether their files exist or not.
        """
        self._bands = tuple(bands)
        if others := sum(number for band, number in self.bands.items() if band not in bands):
            self._skipped["unknown filter (if it is a band, name it with --bands)"] += others
        self._ids = sorted((name for name, found in self._found.items() if found & set(bands)), key=os.fsencode)
        self._found = {}

    def __len__(self) -> int:
        return len(self._ids)

    def name(self, row: int) -> str:
        """Return the identifier of an object, as its file names have it."""
        return self._ids[row]

    def item(self, row: int, name: str) -> InputItem:
        """Return an object as an item."""
        files = tuple((band, self.folder / self._pattern.path(self._ids[row], band)) for band in self._bands)
        return InputItem(name, ImageRef(files[0][1], bands=files))


def find_objects(
    folders: Sequence[str], pattern: str, bands: Sequence[str] = ()
) -> tuple[list[BandFiles], Counter[str]]:
    """Find the objects in folders.

    Parameters
    ----------
    folders : sequence of str
        Paths of the folders.
    pattern : str
        Pattern of the file names, see `Pattern`.
    bands : sequence of str
        Bands of each object, in this order; by default those found in the folders together, see `select_bands`.

    Returns
    -------
    parts : list of BandFiles
        One for each folder. An object that lacks the file of a band is included.
    skipped : Counter
        Number of files that belong to no object, by reason.

    Raises
    ------
    ConfigError
        If the pattern is not valid, or an input is not a folder.
    InputError
        If a folder has no file that matches, or a band has none.
    """
    parsed = Pattern(pattern, bands)
    skipped: Counter[str] = Counter()
    parts = []
    for text in folders:
        if not os.path.isdir(text):  # noqa: PTH112  Path.is_dir raises for a name that is too long
            raise ConfigError(
                f"--pattern cannot be used with '{text}', which is not a folder.",
                hint="A pattern matches files in folders; unpack an archive first.",
            )
        part = BandFiles(Path(text), parsed, skipped)
        if not part.bands:
            of = f" with a band of {', '.join(bands)}" if bands else ""
            first = f"The first file there is '{part.example}'." if part.example else "There is no file in it."
            raise InputError(f"No file in '{text}' matches '{parsed.text}'{of}.", hint=first)
        parts.append(part)
    found = sum((part.bands for part in parts), Counter[str]())
    for band in bands:
        if band not in found:
            raise InputError(
                f"There is no file in the band '{band}': none matches '{parsed.path('*', band)}'.",
                hint=f"There are files in {', '.join(by_wavelength(found))}.",
            )
    for part in parts:
        part.set_bands(bands or select_bands(found))
    return parts, skipped


def select_bands(found: Counter[str]) -> tuple[str, ...]:
    """Return which of the words found in place of ``{band}`` are bands, the shortest wavelength first.

    These are the known filters, if there are any; else all words. So ``a_mask.fits`` beside ``a_g.fits`` and
    ``a_r.fits`` does not make a band.

    Examples
    --------
    >>> select_bands(Counter(["z", "mask", "g", "r"]))
    ('g', 'r', 'z')
    """
    known = [band for band in found if find_wavelengths([band])[0] is not None]
    # words of one or two letters may be anything, unless a filter without doubt is beside them
    certain = any(len(band) > 2 or band in MICROMETERS for band in known)
    return by_wavelength(known if certain else found)


def by_wavelength(bands: Iterable[str]) -> tuple[str, ...]:
    """Return bands with the shortest wavelength first, followed by unknown ones in alphabetical order."""
    names = sorted(bands)
    return tuple(names[index] for index in order_by_wavelength(names))


def _parse_pattern(text: str) -> list[tuple[str, str]]:
    """Return a pattern as literal texts, each with the field after it, or an empty one."""
    example = "for example {id}_{band}.fits or {band}/{id}.fits"
    try:
        fields = [
            (literal, field, extra or conversion) for literal, field, extra, conversion in Formatter().parse(text)
        ]
    except ValueError as error:
        raise ConfigError(f"The pattern '{text}' is not valid: {error}.", hint=f"Write it {example}.") from error
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
        raise ConfigError(f"The pattern '{text}' is an absolute path.", hint="Write it relative to each INPUT folder.")
    return [(literal, field or "") for literal, field, _ in fields]
