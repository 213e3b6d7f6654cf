"""What the IMAGEs of a command line stand for: files, and the band of each where it is said."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from galaxtool.errors import ConfigError, InputError, nearest
from galaxtool.inputs.walk import byte_order, walk_images
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import ReaderSpec
from galaxtool.tables.tables import table_suffix

_BAND = "{band}"
_NAMED = re.compile(r"([A-Za-z0-9_.+-]+)=(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ImageSource:
    """A file to cut from.

    Parameters
    ----------
    path : Path
    band : str
        As the command line says it; empty where it does not.
    """

    path: Path
    band: str = ""


def find_sources(given: Sequence[str | os.PathLike[str]], bands: Sequence[str] = ()) -> list[ImageSource]:
    """Find the files that IMAGEs stand for; none is opened.

    Parameters
    ----------
    given : sequence of str or Path
        Files, patterns, and folders, of which every FITS file below counts. ``g=those`` says which band they are, and
        ``{band}`` in a name stands for each of `bands` in turn.
    bands : sequence of str

    Returns
    -------
    list of GivenFile
        In the order given, each once.

    Raises
    ------
    InputError
        If nothing is there, or a folder holds no FITS file.
    ConfigError
        If there is ``{band}`` without `bands`.
    """
    found: dict[ImageSource, None] = {}
    for one in given:
        text = os.fspath(one)
        band, place = _named(text)
        if _BAND not in place or os.path.lexists(place):
            found.update((ImageSource(path, band), None) for path in _files(place))
            continue
        if not bands:
            raise ConfigError(f"'{text}' has {_BAND} in it, and no bands are given.", hint="Name them: --bands g,r,z")
        for name in bands:
            found.update((ImageSource(path, name), None) for path in _files(place.replace(_BAND, name)))
    return list(found)


def _named(text: str) -> tuple[str, str]:
    """Split ``g=field.fits``, unless that is the name of a file."""
    match = None if os.path.lexists(text) else _NAMED.fullmatch(text)
    return (match[1], match[2]) if match else ("", text)


def _files(place: str) -> list[Path]:
    path = Path(place)
    if path.is_dir():
        suffixes = get_registry().readers.find("fits").spec.suffixes
        members = [path / member for member in walk_images(path)[0] if member.name.lower().endswith(suffixes)]
        if not members:
            raise InputError(f"There is no FITS image in '{place}'.", hint=f"Looked for {', '.join(suffixes)}.")
        return members
    if os.path.lexists(place):
        _check_no_table(path)
        return [path]
    if glob.has_magic(place):
        matches = sorted((Path(match) for match in glob.iglob(place, recursive=True)), key=byte_order)  # noqa: PTH207
        if matches:
            return [match for match in matches if match.is_file()]
        raise InputError(f"Nothing matches '{place}'.", hint="Check the pattern, or name the folder.")
    beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    near = nearest(path.name, beside)
    raise InputError(
        f"There is nothing at '{place}'.", hint=f"Did you mean '{path.parent / near}'?" if near else "Check the path."
    )


def _check_no_table(path: Path) -> None:
    if table_suffix(path) not in (None, ".fits"):
        raise InputError(f"'{path}' is a table, and not an image to cut from.", hint="The catalogue comes last, alone.")
