"""Import the scripts in benchmarks/, which are not a package."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType


def import_benchmark(name: str) -> ModuleType:
    """Return the module of a script, which may import its neighbours."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.pop(0)
