"""Write docs/api.md, the list of the public names, from their docstrings.

Run from anywhere::

    python scripts/write_api_reference.py
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import galaxtool
from galaxtool.utils.files.atomic_write import atomic_write

TARGET = Path(__file__).resolve().parent.parent / "docs" / "api.md"

INTRODUCTION = """\
# Public names

<!-- Written by scripts/write_api_reference.py (make docs). Edit the docstrings instead. -->

These are the names of `galaxtool.__all__`. [plugins.md](plugins.md#what-stays-the-same) says how long
they keep working; modules below the package may move. Each is imported on first use, so `import galaxtool` is cheap.
`help(galaxtool.NAME)` has the whole text, and so has a page of the documentation as a site (`make docs`).
[python.md](python.md) shows how they work together.
"""

CONSTANTS = {
    "FLAGS": "Flags of an image in tables, and what each means.",
    "HOOK_API": "Version of the hooks and specs that this galaxtool has.",
    "hookimpl": "Decorator of the hooks that a plugin implements.",
}
"""Public names that are no functions or classes, which have no docstring at runtime."""


def make_reference() -> str:
    """Return the text of docs/api.md."""
    lines = [INTRODUCTION]
    for heading, names in group_names().items():
        lines += [f"## {heading}", "", "| name | |", "|---|---|"]
        lines += [f"| `galaxtool.{name}` | {CONSTANTS.get(name) or summarize(find(name))} |" for name in names]
        lines += [""]
    return "\n".join(lines)


def group_names() -> dict[str, list[str]]:
    """Return the names under each heading."""
    groups: dict[str, list[str]] = {
        name: []
        for name in ("Commands", "Listings", "Tools for plugins", "Images, models and indexes", "Specs of plugins")
    }
    groups |= {"Protocols and training": [], "Checks of plugins": [], "Errors": []}
    for name in sorted(set(galaxtool.__all__) - {"__version__", "listings", "plugin_tools"}, key=str.lower):
        groups[find_heading(name)].append(name)
    groups["Listings"] += [f"listings.{name}" for name in list_functions(galaxtool.listings)]
    groups["Tools for plugins"] += [f"plugin_tools.{name}" for name in list_functions(galaxtool.plugin_tools)]
    return groups


def find_heading(name: str) -> str:
    """Return the heading that a public name belongs to, by where it is defined."""
    module = getattr(find(name), "__module__", "")
    if module.startswith("galaxtool.commands."):
        return "Commands"
    if name.startswith("list_") or name == "get_registry":
        return "Listings"
    if module.startswith("galaxtool.testing."):
        return "Checks of plugins"
    if module == "galaxtool.errors":
        return "Errors"
    if name in ("HOOK_API", "hookimpl") or module.startswith("galaxtool.plugins."):
        return "Specs of plugins"
    if module.endswith(".protocols") or module.startswith("galaxtool.training."):
        return "Protocols and training"
    return "Images, models and indexes"


def list_functions(module: Any) -> list[str]:
    """Return the names of the public functions that a module defines."""
    return [
        name
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    ]


def find(name: str) -> Any:
    """Return what a public name stands for."""
    value: Any = galaxtool
    for part in name.split("."):
        value = getattr(value, part)
    return value


def summarize(value: Any) -> str:
    """Return the first sentence of a docstring, for a cell of a table."""
    paragraph = (inspect.getdoc(value) or "").split("\n\n")[0]
    text = " ".join(paragraph.split()).replace("``", "`")
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    with atomic_write(TARGET) as temporary:
        temporary.write_text(make_reference(), encoding="utf-8")
    print(f"Wrote {TARGET}")
