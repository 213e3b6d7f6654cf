"""Find the image files that the arguments of `galaxtool cutouts` stand for, and the band of each where it is given."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from galaxtool.errors import ConfigError, InputError
from galaxtool.inputs.collector import missing_path_error
from galaxtool.inputs.globs import find_files
from galaxtool.inputs.walk import walk_images
from galaxtool.plugins.registry import get_registry
from galaxtool.tables.formats.find import find_table_format

_BAND = "{band}"
_BAND_AND_PATH = re.compile(r"([A-Za-z0-9_.+-]+)=(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ImageSource:
    """A file to cut from.

    Parameters
    ----------
    path : Path
        Path of the file.
    band : str
        Band given on the command line; empty if none.
    """

    path: Path
    band: str = ""


def find_sources(arguments: Sequence[str | os.PathLike[str]], bands: Sequence[str] = ()) -> list[ImageSource]:
    """Find the files that IMAGE arguments stand for, without opening them.

    Parameters
    ----------
    arguments : sequence of str or Path
        Files, patterns, and folders, which stand for every FITS file below them. ``g=PATH`` names the band of the
        files, and ``{band}`` in a name stands for each of `bands` in turn.
    bands : sequence of str
        Names for ``{band}``.

    Returns
    -------
    list of ImageSource
        In the order of the arguments, without repetitions.

    Raises
    ------
    InputError
        If a file does not exist, or a folder contains no FITS file.
    ConfigError
        If ``{band}`` is used without `bands`.
    """
    sources: dict[ImageSource, None] = {}
    for argument in arguments:
        text = os.fspath(argument)
        band, path = _split_band(text)
        if _BAND not in path or os.path.lexists(path):
            sources.update((ImageSource(file, band), None) for file in _find_files(path))
            continue
        if not bands:
            raise ConfigError(f"'{text}' contains {_BAND}, but no bands are given.", hint="Add e.g. --bands g,r,z")
        for name in bands:
            sources.update((ImageSource(file, name), None) for file in _find_files(path.replace(_BAND, name)))
    return list(sources)


def _split_band(text: str) -> tuple[str, str]:
    """Split ``g=field.fits``, unless a file has this name."""
    match = None if os.path.lexists(text) else _BAND_AND_PATH.fullmatch(text)
    return (match[1], match[2]) if match else ("", text)


def _find_files(text: str) -> list[Path]:
    """Return the files that a path or a pattern stands for."""
    path = Path(text)
    if path.is_dir():
        suffixes = get_registry().readers.find("fits").spec.suffixes
        members = [path / member for member in walk_images(path)[0] if member.name.lower().endswith(suffixes)]
        if not members:
            raise InputError(f"There is no FITS image in '{text}'.", hint=f"Searched for {', '.join(suffixes)}.")
        return members
    if os.path.lexists(text):
        _reject_table(path)
        return [path]
    if glob.has_magic(text):
        if matches := find_files(text):
            return matches
        raise InputError(f"Nothing matches '{text}'.", hint="Check the pattern, or give the folder.")
    raise missing_path_error(path)


def _reject_table(path: Path) -> None:
    if find_table_format(path) not in (None, "fits"):
        raise InputError(
            f"'{path}' is a table, not an image to cut from.", hint="Give one catalogue, as the last argument."
        )
