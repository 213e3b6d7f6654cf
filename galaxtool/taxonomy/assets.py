"""Where the bundled symbols lie."""

from __future__ import annotations

from pathlib import Path


def symbols_folder() -> Path:
    """Return the folder with one sub-folder for each bundled taxonomy.

    A wheel carries it inside the package (``galaxtool/assets/symbols``); in a source tree it is at the top level
    (``assets/symbols``), beside the package.
    """
    package = Path(__file__).resolve().parent.parent
    packed = package / "assets" / "symbols"
    return packed if packed.is_dir() else package.parent / "assets" / "symbols"
