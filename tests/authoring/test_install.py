"""`galaxtool plugins install` and `uninstall`."""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import galaxtool

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", ["galaxtool", "Galaxtool", "galaxtool==0.1", "galaxtool[fast]"])
def test_galaxtool_itself_is_neither_installed_nor_removed(name: str) -> None:
    with pytest.raises(galaxtool.ConfigError, match="galaxtool itself is not a plugin"):
        galaxtool.plugin_tools.install(name)
    if name.lower() == "galaxtool":
        with pytest.raises(galaxtool.ConfigError, match="not removed by its own command"):
            galaxtool.plugin_tools.uninstall(name)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("heads", galaxtool.ConfigError, "'heads' is a part of galaxtool itself"),
        ("numpy", galaxtool.ConfigError, "'numpy' is installed, but is not a galaxtool plugin, and was left alone"),
        ("nonsuch-plugin", galaxtool.InputError, "There is no plugin called 'nonsuch-plugin'"),
    ],
)
def test_what_is_not_removed(name: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        galaxtool.plugin_tools.uninstall(name)


def test_what_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(galaxtool.InputError, match=r"has no pyproject\.toml"):
        galaxtool.plugin_tools.install(str(tmp_path))
    with pytest.raises(galaxtool.InputError, match="There is no folder or file"):
        galaxtool.plugin_tools.install("./nothing/there")
    with pytest.raises(galaxtool.ConfigError, match="--editable needs a folder"):
        galaxtool.plugin_tools.install("galaxtool-nonsuch", editable=True)
    monkeypatch.setenv("GALAXTOOL_OFFLINE", "1")
    with pytest.raises(galaxtool.OfflineError, match="downloads are disabled"):
        galaxtool.plugin_tools.install("galaxtool-nonsuch")


@pytest.mark.slow
def test_install_and_uninstall_in_an_environment_of_its_own(tmp_path: Path) -> None:
    home = tmp_path / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    (own,) = (home / "lib").glob("python*/site-packages")
    # what this environment has, and galaxtool, without any of it being copied
    (own / "outer.pth").write_text("\n".join([str(ROOT), *site.getsitepackages(), *sys.path[1:]]) + "\n")
    folder = tmp_path / "galaxtool-mine"
    galaxtool.plugin_tools.new("mine", kind="metric", output=folder)
    pyproject = folder / "pyproject.toml"
    # galaxtool itself is not a distribution here
    pyproject.write_text(pyproject.read_text().replace('"galaxtool>=0.1", ', ""))

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "GALAXTOOL_OFFLINE": "1", "COLUMNS": "200"}
        return subprocess.run(
            [str(python), "-m", "galaxtool", "plugins", *map(str, arguments)],
            capture_output=True, text=True, env=environment, check=False,
        )  # fmt: skip

    done = run("install", folder, "--json")
    assert done.returncode == 0, done.stderr
    (plugin,) = json.loads(done.stdout)["plugins"]
    assert (plugin["name"], plugin["provides"]) == ("mine", ["metric mine"])
    assert (own / "galaxtool_mine" / "plugin.py").is_file()
    gone = run("uninstall", "mine")
    assert gone.returncode == 0, gone.stderr
    assert "uninstalled galaxtool-mine 0.1.0: plugin mine (metric mine)" in gone.stdout
    assert not (own / "galaxtool_mine").exists()
    again = run("uninstall", "mine")
    assert again.returncode == 1 and again.stderr.startswith("Error: There is no plugin called 'mine'")
