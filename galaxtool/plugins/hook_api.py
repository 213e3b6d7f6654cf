"""The version of the hooks and specs, and what a plugin needs of it.

The major number changes when a plugin written for the version before may break, the minor number when something is
added. A hook, an argument of a hook, or a public name that is to go is deprecated first: for at least one minor version
of galaxtool it still works, with a `DeprecationWarning` that names what takes its place.
"""

from __future__ import annotations

import warnings

HOOK_API = "1.0"
"""Version of the hooks and specs that this galaxtool has."""

ATTRIBUTE = "GALAXTOOL_API"
"""Name in a plugin's module, of the version that the plugin was written for."""


def check_hook_api(plugin: object) -> str:
    """Return why a plugin does not work with these hooks; empty if it does, or says nothing."""
    needed = getattr(plugin, ATTRIBUTE, None)
    if needed is None:
        return ""
    try:
        major, minor = map(int, str(needed).split("."))
    except ValueError:
        return f"{ATTRIBUTE} is {needed!r}, not a version such as '{HOOK_API}'"
    own_major, own_minor = map(int, HOOK_API.split("."))
    if major == own_major and minor <= own_minor:
        return ""
    older = "update galaxtool" if (major, minor) > (own_major, own_minor) else "update the plugin"
    return f"was written for version {needed} of the hooks, and this galaxtool has {HOOK_API}; {older}"


def warn_deprecated(what: str, *, instead: str, until: str, stacklevel: int = 3) -> None:
    """Warn that something public will go.

    Parameters
    ----------
    what, instead : str
        What will go, and what to use in its place.
    until : str
        Version of galaxtool in which it goes.
    stacklevel : int
        As for `warnings.warn`, as seen from here.
    """
    warnings.warn(
        f"{what} is deprecated and will be removed in galaxtool {until}; use {instead}.",
        DeprecationWarning,
        stacklevel=stacklevel,
    )
