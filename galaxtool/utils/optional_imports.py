"""Import optional and heavy packages only where they are needed."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType
from typing import Any

from galaxtool.errors import DependencyMissing


def require(module: str, *, why: str, install: str) -> ModuleType:
    """Import an optional package, or tell the user how to install it.

    Parameters
    ----------
    module : str
        Import name of the package.
    why : str
        Feature that needs the package, as the subject of a sentence: ``"Training"``.
    install : str
        Argument of ``pip install``.

    Raises
    ------
    DependencyMissing
        If the package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise DependencyMissing(
            f"{why} needs the package '{module}', which is not installed.", hint=f"Run: pip install '{install}'"
        ) from error


def is_installed(module: str) -> bool:
    """Tell whether a package is installed, without importing it."""
    return importlib.util.find_spec(module) is not None


def import_attribute(target: str) -> Any:
    """Import the object ``"package.module:name"``.

    This is how modules that need a heavy or an optional package are reached from modules that must work without it.
    """
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)
