"""Optional packages, asked for where they are needed."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

from galaxtool.errors import DependencyMissing


def require(module: str, *, why: str, install: str) -> ModuleType:
    """Import a package, or say which command installs it.

    Parameters
    ----------
    module : str
        Import name.
    why : str
        What needs it, as the subject of a sentence: ``"Training"``.
    install : str
        What to hand to ``pip install``.

    Raises
    ------
    DependencyMissing
        If it is not installed.
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
    """Tell whether a package could be imported, without doing so."""
    return importlib.util.find_spec(module) is not None
