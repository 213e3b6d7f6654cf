"""Links to the documentation of numpy, astropy and PyTorch, from a short list that needs no network.

inventories.toml has the few names that docstrings use. They are written as the inventory files that intersphinx reads.
"""

from __future__ import annotations

import tomllib
import zlib
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

NAMES = Path(__file__).parent / "inventories.toml"


def write_inventories(app: Sphinx) -> None:
    """Write an inventory for each project, and make intersphinx use it."""
    folder = Path(app.outdir).parent / "inventories"
    folder.mkdir(parents=True, exist_ok=True)
    mapping: dict[str, tuple[str, str]] = {}
    for project, entry in tomllib.loads(NAMES.read_text(encoding="utf-8")).items():
        path = folder / f"{project}.inv"
        path.write_bytes(make_inventory(project, entry["names"]))
        mapping[project] = (entry["address"], str(path))
    app.config.intersphinx_mapping = mapping


def make_inventory(project: str, names: dict[str, str]) -> bytes:
    """Return an inventory, version 2, of names and their places."""
    head = f"# Sphinx inventory version 2\n# Project: {project}\n# Version: \n"
    head += "# The remainder of this file is compressed using zlib.\n"
    lines = []
    for name, place in names.items():
        kind, _, page = place.partition(" ")
        lines.append(f"{name} py:{kind} 1 {page} -\n")
    return head.encode() + zlib.compress("".join(lines).encode())


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the extension, before intersphinx reads its settings."""
    app.connect("config-inited", lambda app, config: write_inventories(app), priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
