"""A page for each public name, written from its docstring."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

import galaxtool

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from write_api_reference import find, group_names

FOLDER = "docs/api"
MODULES = ("listings", "plugin_tools")
"""Attributes of the package that are modules of another name."""


def make_page(name: str) -> str:
    """Return the page of a public name."""
    module, _, last = f"galaxtool.{name}".rpartition(".")
    lines = [name, "=" * len(name), "", f".. currentmodule:: {module}", ""]
    value = find(name)
    if inspect.isclass(value):
        lines += [f".. autoclass:: {last}", "   :members:", ""]
    elif callable(value):
        lines += [f".. autofunction:: {last}", ""]
    else:
        lines += [f".. autodata:: {last}", ""]
    return "\n".join(lines)


def write_pages(app: Sphinx) -> None:
    """Write the pages that changed, and remove those of names that are gone."""
    sys.modules.update({f"galaxtool.{name}": getattr(galaxtool, name) for name in MODULES})
    folder = Path(app.srcdir, FOLDER)
    folder.mkdir(exist_ok=True)
    pages = {f"{name}.rst": make_page(name) for names in group_names().values() for name in names}
    for path in folder.glob("*.rst"):
        if path.name not in pages:
            path.unlink()
    for file, text in pages.items():
        path = folder / file
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the extension."""
    app.connect("config-inited", lambda app, config: write_pages(app))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
