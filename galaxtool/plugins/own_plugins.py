"""What the plugins of this project provide, so that a missing name leads to the package that has it.

A test compares `OWN_PLUGINS` with the packages in ``plugins/``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.metadata import PackageNotFoundError, distribution
from types import MappingProxyType

COMMAND = "command"
"""Kind of the commands, which are not specs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPlugin:
    """A plugin of this project.

    Parameters
    ----------
    package : str
        Name of the package, and of its folder in ``plugins/``.
    entry : str
        Name of its entry point, which qualifies names: ``zoobot:gz-evo``.
    names : mapping of str to tuple of str
        Kind -> names, or patterns of names.
    """

    package: str
    entry: str
    names: Mapping[str, tuple[str, ...]]

    @property
    def is_installed(self) -> bool:
        """Tell whether the package is installed."""
        try:
            distribution(self.package)
        except PackageNotFoundError:
            return False
        return True

    def has(self, kind: str, name: str) -> bool:
        """Tell whether the plugin provides something of a kind under a name, plain or qualified."""
        plain = name.removeprefix(f"{self.entry}:")
        return any(fnmatchcase(plain, pattern) for pattern in self.names.get(kind, ()))


OWN_PLUGINS = (
    OwnPlugin(package="galaxtool-detect", entry="detect", names=MappingProxyType({COMMAND: ("detect",)})),
    OwnPlugin(
        package="galaxtool-zoobot",
        entry="zoobot",
        names=MappingProxyType(
            {
                COMMAND: ("zoobot",),
                "backbone": ("zoobot-*",),
                "dataset": ("zoobot",),
                "head": ("zoobot-*",),
                "method": ("zoobot",),
                "vote schema": (
                    "gz-desi", "gz-hubble", "gz-candels", "gz-cosmic-dawn", "gz-euclid", "gz-rings", "gz-evo",
                ),
            }
        ),
    ),
)  # fmt: skip


def find_missing_plugin(kind: str, name: str) -> OwnPlugin | None:
    """Return the plugin that provides a name and is not installed, or None.

    Parameters
    ----------
    kind : str
        Kind of the thing: ``"backbone"``, or `COMMAND`.
    name : str
        The name, as the user gave it.

    Examples
    --------
    >>> find_missing_plugin("method", "supervised") is None
    True
    """
    return next((one for one in OWN_PLUGINS if one.has(kind, name) and not one.is_installed), None)


def explain_missing_plugin(kind: str, name: str) -> tuple[str, str]:
    """Return a sentence and a next step about a name of a plugin that is not installed; otherwise empty texts."""
    plugin = find_missing_plugin(kind, name)
    if plugin is None:
        return "", ""
    return (
        f"It comes with the package {plugin.package}, which is not installed.",
        f"Install it from the sources of galaxtool: galaxtool plugins install ./plugins/{plugin.package}",
    )
