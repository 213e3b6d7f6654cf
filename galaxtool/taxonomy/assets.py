"""The folder of the bundled symbols."""

from __future__ import annotations

from pathlib import Path


def find_symbols_folder() -> Path:
    """Return the folder with one sub-folder for each bundled taxonomy.

    In a wheel it is inside the package (``galaxtool/assets/symbols``), in a source tree beside it (``assets/symbols``).
    """
    package = Path(__file__).resolve().parent.parent
    bundled = package / "assets" / "symbols"
    return bundled if bundled.is_dir() else package.parent / "assets" / "symbols"
