"""Save figures, as pixels or as vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from galaxtool.errors import ConfigError
from galaxtool.plotting.style import with_style
from galaxtool.utils.files.atomic_write import atomic_write, check_writable

SUFFIXES = (".png", ".pdf", ".svg", ".eps", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")
"""Suffixes of the files that a figure can be saved to."""

_NO_DATE: dict[str, dict[str, Any]] = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}, ".eps": {}}


def check_figure_path(path: Path) -> None:
    """Check that a figure can be saved under this name; call it before long work begins.

    Raises
    ------
    ConfigError
        If its suffix is not one of `SUFFIXES`.
    GalaxtoolError
        If its folder cannot be written to.
    """
    if path.suffix.lower() not in SUFFIXES:
        ending = f"'{path.suffix}' is not a format of figures" if path.suffix else f"'{path}' has no suffix"
        raise ConfigError(f"{ending}.", hint=f"End the name with one of {', '.join(SUFFIXES)}.")
    check_writable(path)


@with_style
def save_figure(figure: Figure, *paths: Path) -> None:
    """Save a figure to files, in the format that the suffix of each names.

    Raises
    ------
    ConfigError
        If a suffix is not one of `SUFFIXES`.
    """
    for path in paths:
        check_figure_path(path)
        suffix = path.suffix.lower()
        with atomic_write(path) as temporary:
            figure.savefig(temporary, format=suffix[1:], metadata=_NO_DATE.get(suffix))
