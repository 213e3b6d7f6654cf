"""Write ``__init__.pyi`` of the packages that import their public names on first use, for type checkers.

Run from anywhere::

    python scripts/write_type_stubs.py
"""

from __future__ import annotations

import ast
from pathlib import Path

from galaxtool.utils.files.atomic_write import atomic_write

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (ROOT / "galaxtool", ROOT / "plugins" / "galaxtool-detect" / "galaxtool_detect")

INTRODUCTION = '''\
"""Types of the public names. Written by scripts/write_type_stubs.py (make docs); edit __init__.py instead."""
'''


def make_stub(package: Path) -> str:
    """Return the text of the stub of a package."""
    places, modules = _read(package, "_PLACES"), _read(package, "_MODULES")
    found = [(module, name, name) for module, names in places.items() for name in names]
    found += [(*str(module).rsplit(".", 1), alias) for alias, module in modules.items()]
    lines = [f"from {module} import {name} as {public}" for module, name, public in sorted(found, key=_sort_as_ruff)]
    listed = "".join(f'    "{public}",\n' for public in sorted(["__version__", *(public for *_, public in found)]))
    return "\n".join([INTRODUCTION, *lines, "", "__version__: str", f"__all__ = [\n{listed}]", ""])


def _sort_as_ruff(entry: tuple[str, str, str]) -> tuple[str, bool, bool, str]:
    """Return a key that sorts constants before classes, and these before functions."""
    module, name, _ = entry
    return module, not name.isupper(), not name[0].isupper(), name.lower()


def _read(package: Path, variable: str) -> dict[str, str | tuple[str, ...]]:
    """Return a table in ``__init__.py``; an empty one if it is not there."""
    for node in ast.parse((package / "__init__.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == variable:
            table: dict[str, str | tuple[str, ...]] = ast.literal_eval(node.value)
            return table
    return {}


if __name__ == "__main__":
    for folder in PACKAGES:
        with atomic_write(folder / "__init__.pyi") as temporary:
            temporary.write_text(make_stub(folder), encoding="utf-8")
        print(f"Wrote {folder / '__init__.pyi'}")
