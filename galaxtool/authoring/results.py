"""What the commands for authors of plugins return."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from galaxtool.errors import PluginError


@dataclass(frozen=True)
class NewPlugin:
    """The result of ``galaxtool plugins new``.

    Parameters
    ----------
    name, kind : str
        Name and kind of what the plugin registers.
    distribution : str
        Name of the package for pip.
    folder : Path
        Folder that was written.
    files : list of str
        Its files, relative to it.
    """

    name: str
    kind: str
    distribution: str
    folder: Path
    files: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return asdict(self) | {"folder": str(self.folder)}


@dataclass(frozen=True)
class PluginChange:
    """The result of ``galaxtool plugins install`` and ``uninstall``.

    Parameters
    ----------
    action : {"installed", "uninstalled"}
        What was done.
    requirement : str
        What the user named.
    plugins : list of dict
        Plugins that came or went: name, distribution, version, status, problem, and what each provides.
    """

    action: str
    requirement: str
    plugins: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class CheckRow:
    """The result of one check.

    Parameters
    ----------
    what : str
        What was checked: ``"head my-head"``.
    result : {"ok", "failed", "skipped"}
        Whether it is as it should be.
    message : str
        What to change, or why it was not checked; empty where it is as it should be.
    """

    what: str
    result: str = "ok"
    message: str = ""


@dataclass(frozen=True)
class PluginCheck:
    """The result of ``galaxtool plugins check``.

    Parameters
    ----------
    plugin : str
        What was checked.
    rows : list of CheckRow
        The checks, in order.
    """

    plugin: str
    rows: list[CheckRow] = field(default_factory=list)

    @property
    def failed(self) -> list[CheckRow]:
        """The checks that failed."""
        return [row for row in self.rows if row.result == "failed"]

    def as_dict(self) -> dict[str, Any]:
        """Return the checks as plain values."""
        return {"plugin": self.plugin, "failed": len(self.failed), "checks": [asdict(row) for row in self.rows]}


class PluginCheckFailed(PluginError):
    """Some checks of a plugin failed; `check` has all of them."""

    def __init__(self, check: PluginCheck) -> None:
        n = len(check.failed)
        super().__init__(
            f"{n} of {len(check.rows)} checks of '{check.plugin}' failed.",
            hint="Each line says what to change; docs/plugins.md explains how plugins work.",
        )
        self.check = check


@dataclass(frozen=True)
class PluginDiagnosis:
    """The result of ``galaxtool plugins doctor``.

    Parameters
    ----------
    galaxtool, hook_api : str
        Versions of galaxtool and of its hooks.
    plugins : list of dict
        Name, distribution, version, status, load time in milliseconds and provisions of each plugin; for one that
        failed, the problem and the line of its own code that led to it.
    notes : list of str
        What is slow or hidden, and does no harm.
    problems : list of str
        What to put right, each with how.
    """

    galaxtool: str
    hook_api: str
    plugins: list[dict[str, Any]]
    notes: list[str]
    problems: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Return the findings as plain values."""
        return asdict(self)
