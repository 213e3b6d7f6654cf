"""Every package in plugins/ loads and brings what its entry points say; `make test-plugins` runs their own tests."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

from support.plugin_helpers import run_galaxtool

from galaxtool.plugins.kinds import KINDS
from galaxtool.plugins.own_plugins import COMMAND, OWN_PLUGINS

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = [folder for folder in sorted((ROOT / "plugins").glob("galaxtool-*")) if folder.name != "galaxtool-example"]
"""All but the example, which `test_example_plugin` tests."""


def test_each_loads_with_its_commands(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    subprocess.run(
        [*pip, "--no-build-isolation", "--target", str(tmp_path), *map(str, PACKAGES)], check=True, capture_output=True
    )
    rows = json.loads(run_galaxtool("plugins", "--json", path=tmp_path).stdout)["plugins"]
    found = {(row["from"], row["name"]): row for row in rows}
    for folder in PACKAGES:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        points = project["entry-points"]
        for name in {**points.get("galaxtool", {}), **points.get("galaxtool.commands", {})}:
            row = found[project["name"], name]
            assert (row["status"], row["problem"], row["version"]) == ("ok", "", project["version"])
            if name in points.get("galaxtool.commands", {}):
                assert f"command {name}" in row["provides"]
    for plugin in OWN_PLUGINS:
        provided = {
            (kind, one.removeprefix(f"{kind} ").removeprefix(f"{plugin.entry}:"))
            for one in found[plugin.package, plugin.entry]["provides"]
            for kind in (COMMAND, *(kind.name for kind in KINDS))
            if one.startswith(f"{kind} ")
        }
        assert all(plugin.has(kind, name) for kind, name in provided)
        for kind, patterns in plugin.names.items():
            assert all(any(k == kind and fnmatchcase(name, pattern) for k, name in provided) for pattern in patterns)
    assert {plugin.package for plugin in OWN_PLUGINS} == {folder.name for folder in PACKAGES}
