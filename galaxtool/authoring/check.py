"""Check a plugin: the work of ``galaxtool plugins check``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from galaxtool.authoring.results import CheckRow, PluginCheck
from galaxtool.authoring.source_tree import SourceTree
from galaxtool.errors import ConfigError, GalaxtoolError, PluginError, UnknownName
from galaxtool.plugins.registration import BUILT_IN
from galaxtool.plugins.registry import get_registry
from galaxtool.testing.checklist import Check, CheckSkipped, list_checks
from galaxtool.types import Progress


def check_plugin(target: str, *, onnx: bool, only: Sequence[str], progress: Progress) -> PluginCheck:
    """Check an installed plugin, or the one in a folder; see `galaxtool.commands.plugin_tools.check`.

    Raises
    ------
    UnknownName
        If there is no such plugin.
    ConfigError
        If `only` leaves no check.
    PluginError
        If the checks themselves end the process.
    """
    path = Path(target).expanduser()
    if target not in _list_names() and (path.exists() or any(mark in target for mark in ("/", os.sep, "."))):
        return _check_folder(path, onnx=onnx, only=only, progress=progress)
    origin = _find_origin(target)
    checks = [*list_checks(origin, onnx=onnx)]
    chosen = [one for one in checks if not only or any(text in one.what for text in only)]
    if not chosen:
        raise ConfigError(
            f"No check of '{target}' has {' or '.join(map(repr, only))} in its name.",
            hint=f"Its checks: {', '.join(one.what for one in checks[:8])}{' ...' if len(checks) > 8 else ''}.",
        )
    rows: list[CheckRow] = []
    for one in chosen:
        rows.append(_run(one))
        progress.say(f"{one.what}: {rows[-1].result}")
    return PluginCheck(target, rows)


def _check_folder(folder: Path, *, onnx: bool, only: Sequence[str], progress: Progress) -> PluginCheck:
    """Check the plugin in a folder, in a process that finds it there first."""
    tree = SourceTree.read(folder)
    name = str(tree.project["name"])
    with tree.make_known() as environment:
        progress.say(f"Checking '{name}' in {tree.folder} ...")
        run = subprocess.run(
            [
                sys.executable, "-m", "galaxtool", "plugins", "check", name, *(["--onnx"] if onnx else []),
                *(f"--only={text}" for text in only), "--json",
            ],
            capture_output=True, text=True, env=environment, check=False,
        )  # fmt: skip
    try:
        found = json.loads(run.stdout)
        return PluginCheck(name, [CheckRow(**row) for row in found["checks"]])
    except (ValueError, KeyError, TypeError) as error:
        last = (run.stderr.strip().splitlines() or [f"the process ended with status {run.returncode}"])[0]
        raise PluginError(
            f"'{name}' cannot be checked: {last.removeprefix('Error: ')}", hint="GALAXTOOL_DEBUG=1 shows the traceback."
        ) from error


def _list_names() -> set[str]:
    return {name for report in get_registry().reports() for name in (report.name, report.origin)}


def _find_origin(name: str) -> str:
    """Return the name of the distribution of a plugin that is named by itself or by its distribution."""
    reports = get_registry().reports()
    for report in reports:
        if report.origin != BUILT_IN and name in (report.name, report.origin):
            return report.origin
    own = [report.name for report in reports if report.origin == BUILT_IN]
    if name in own:
        return BUILT_IN
    raise UnknownName("plugin", name, sorted({r.name for r in reports if r.origin != BUILT_IN} or own))


def _run(check: Check) -> CheckRow:
    """Make a check; whatever it raises becomes its message."""
    try:
        check.run()
    except CheckSkipped as reason:
        return CheckRow(check.what, "skipped", str(reason))
    except AssertionError as error:
        return CheckRow(check.what, "failed", " ".join(str(error).split()) or "an assertion of its own fails")
    except GalaxtoolError as error:
        return CheckRow(check.what, "failed", f"{error.message} {error.hint}".strip())
    except Exception as error:
        text = " ".join(str(error).split())[:300]
        return CheckRow(check.what, "failed", f"it raises {type(error).__name__}: {text}")
    return CheckRow(check.what)
