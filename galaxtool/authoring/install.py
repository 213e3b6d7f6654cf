"""Install and remove plugins with pip: the work of ``galaxtool plugins install`` and ``uninstall``."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from galaxtool.authoring.pip_runner import run_pip
from galaxtool.authoring.results import PluginChange
from galaxtool.errors import ConfigError, InputError, OfflineError, PluginError, suggest_name
from galaxtool.plugins.manager import COMMAND_GROUP, ENTRY_POINT_GROUP
from galaxtool.plugins.registration import BUILT_IN
from galaxtool.plugins.registry import get_registry
from galaxtool.types import Progress
from galaxtool.utils.config import is_offline
from galaxtool.utils.files.regular_files import read_regular_text

_OWN = "galaxtool"


def install_plugin(requirement: str, *, editable: bool, upgrade: bool, progress: Progress) -> PluginChange:
    """Install a plugin; see `galaxtool.commands.plugin_tools.install`."""
    if _normalize(re.split(r"[\[<>=!~ ;@]", requirement)[0]) == _OWN:
        raise ConfigError(
            "galaxtool itself is not a plugin, and is installed already.", hint="Run: pip install --upgrade galaxtool"
        )
    path = Path(requirement).expanduser()
    is_local = path.exists() or requirement.startswith((".", "~", os.sep))
    if is_local and not path.exists():
        raise InputError(f"There is no folder or file '{requirement}'.", hint="Give the folder with pyproject.toml.")
    if path.is_dir() and not any((path / name).is_file() for name in ("pyproject.toml", "setup.py")):
        raise InputError(
            f"The folder '{requirement}' has no pyproject.toml.", hint="Give the folder of the package itself."
        )
    if editable and not path.is_dir():
        raise ConfigError(f"--editable needs a folder, but '{requirement}' is not one.", hint="Leave --editable out.")
    if is_offline() and not path.exists():
        raise OfflineError(
            f"'{requirement}' would have to be downloaded, and downloads are disabled.",
            hint="Leave --offline out, or give the path of a folder or wheel.",
        )
    arguments = ["install"]
    if path.exists():
        # what it needs is usually here, as galaxtool has it; pip says what is not
        arguments += ["--no-index", "--no-build-isolation"] if is_offline() else []
    arguments += ["--upgrade"] if upgrade else []
    arguments += ["--editable"] if editable else []
    before = {_identify(row) for row in _list_plugins()}
    run_pip([*arguments, str(path) if path.exists() else requirement], f"install '{requirement}'", progress)
    rows = _list_plugins()
    changed = [row for row in rows if _identify(row) not in before]
    if not changed:
        name = _guess_distribution(requirement, path)
        changed = [row for row in rows if _normalize(row["from"]) == name]
    if not changed:
        raise PluginError(
            f"'{requirement}' is installed, but contains no plugin: it has no entry point in the group 'galaxtool'.",
            hint="Its author can see docs/plugins.md; remove it with pip uninstall.",
        )
    return PluginChange("installed", requirement, changed)


def uninstall_plugin(name: str, *, progress: Progress) -> PluginChange:
    """Remove the package of a plugin; see `galaxtool.commands.plugin_tools.uninstall`."""
    if _normalize(name) == _OWN:
        raise ConfigError(
            "galaxtool itself is not a plugin, and is not removed by its own command.",
            hint="To remove it: pip uninstall galaxtool",
        )
    distribution = _find_plugin_distribution(name)
    gone = [row for row in _list_plugins() if _normalize(row["from"]) == _normalize(distribution)]
    run_pip(["uninstall", "--yes", distribution], f"uninstall '{distribution}'", progress)
    importlib.invalidate_caches()
    if any(_normalize(_get_name(d)) == _normalize(distribution) for d in distributions()):
        raise PluginError(
            f"pip did not remove '{distribution}', because it is not in the environment '{sys.prefix}'.",
            hint=f"Look for it with: {sys.executable} -m pip show --files {distribution}",
        )
    return PluginChange("uninstalled", name, gone)


def _find_plugin_distribution(name: str) -> str:
    """Return the name of the package that brings a plugin, or that has this name and brings one.

    Raises
    ------
    ConfigError
        If galaxtool brings it itself, or the package is not a plugin.
    InputError
        If there is no such plugin.
    """
    report = get_registry().plugins.reports.get(name)
    if report is not None and report.origin == BUILT_IN:
        raise ConfigError(f"'{name}' is a part of galaxtool itself, and cannot be removed.")
    brings = {_get_name(d): d for d in distributions() if _brings_plugin(d)}
    if report is not None and report.origin in brings:
        return report.origin
    by_name = {_normalize(known): known for known in brings if _normalize(known) != _OWN}
    for candidate in (name, f"{_OWN}-{name}"):
        if _normalize(candidate) in by_name:
            return by_name[_normalize(candidate)]
    if any(_normalize(_get_name(d)) == _normalize(name) for d in distributions()):
        raise ConfigError(
            f"The package '{name}' is installed, but is not a galaxtool plugin, and was left alone.",
            hint=f"To remove it all the same: pip uninstall {name}",
        )
    suggestion = suggest_name(name, by_name.values())
    raise InputError(
        f"There is no plugin called '{name}'." + (f" Did you mean '{suggestion}'?" if suggestion else ""),
        hint="`galaxtool plugins` lists what is installed.",
    )


def _list_plugins() -> list[dict[str, Any]]:
    """Return the rows of ``galaxtool plugins --json`` of third parties, as a new process sees them."""
    run = subprocess.run(
        [sys.executable, "-m", "galaxtool", "plugins", "--json"], capture_output=True, text=True, check=False
    )
    try:
        rows: list[dict[str, Any]] = json.loads(run.stdout)["plugins"]
    except (ValueError, KeyError) as error:
        last = (run.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        raise PluginError(
            f"galaxtool no longer lists its plugins: {last}", hint="Run `galaxtool plugins` to see what is wrong."
        ) from error
    return [row for row in rows if row["from"] != BUILT_IN]


def _identify(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["name"], row["from"], row["version"]


def _guess_distribution(requirement: str, path: Path) -> str:
    """Return the normalized name of the package that a requirement names, as far as it says."""
    if path.is_dir() and (path / "pyproject.toml").is_file():
        found = re.search(r'^name\s*=\s*["\']([^"\']+)', read_regular_text(path / "pyproject.toml"), re.M)
        return _normalize(found[1]) if found else ""
    return _normalize(re.split(r"[\[<>=!~ ;@]|-\d", Path(requirement).name)[0])


def _brings_plugin(distribution: Distribution) -> bool:
    return any(entry.group in (ENTRY_POINT_GROUP, COMMAND_GROUP) for entry in distribution.entry_points)


def _get_name(distribution: Distribution) -> str:
    return str(distribution.metadata["Name"] or "")


def _normalize(name: str) -> str:
    """Return the name of a package as package indexes compare them."""
    return re.sub(r"[-_.]+", "-", name).lower()
