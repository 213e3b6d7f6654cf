"""The files of a page, which come with galaxtool: read once, and found by name only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class PageFile:
    """One file of a page.

    Parameters
    ----------
    content : bytes
        Its content.
    kind : str
        Its media type.
    """

    content: bytes
    kind: str


def load_page_files(*packages: str) -> Mapping[str, PageFile]:
    """Return the pages, styles, scripts and drawings in some packages, by their names.

    Parameters
    ----------
    *packages : str
        Packages with the files, such as ``galaxtool.explorer.pages``; of two files of one name, the later one counts.
    """
    found: dict[str, PageFile] = {}
    for package in packages:
        for entry in files(package).iterdir():
            kind = _KINDS.get(_suffix(entry))
            if kind is not None:
                found[entry.name] = PageFile(entry.read_bytes(), kind)
    return found


def _suffix(entry: Traversable) -> str:
    dot = entry.name.rfind(".")
    return entry.name[dot:] if dot > 0 else ""
