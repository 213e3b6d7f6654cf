"""The commands of the tutorial in docs/plugins.md, from start to end, in an environment of their own."""

from __future__ import annotations

import os
import re
import site
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def read_tutorial() -> list[str]:
    text = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    section = re.search(r"^## A plugin in five minutes\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    assert section
    blocks = re.findall(r"^```console\n(.*?)^```", section[1], re.MULTILINE | re.DOTALL)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]


def test_the_tutorial_names_every_subcommand() -> None:
    commands = read_tutorial()
    for name in ("new", "install", "check", "doctor", "uninstall"):
        assert any(command.startswith(f"galaxtool plugins {name}") for command in commands)


@pytest.mark.slow
def test_the_tutorial_works(tmp_path: Path) -> None:
    home, work = tmp_path / "venv", tmp_path / "work"
    work.mkdir()
    venv.create(home, with_pip=False, symlinks=True)
    (own,) = (home / "lib").glob("python*/site-packages")
    (own / "outer.pth").write_text("\n".join([str(ROOT), *site.getsitepackages(), *sys.path[1:]]) + "\n")
    # galaxtool is a distribution there too, without being copied
    info = own / "galaxtool-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: galaxtool\nVersion: 0.1.0\n")
    script = home / "bin" / "galaxtool"
    script.write_text(f'#!/bin/sh\nexec "{home}/bin/python" -m galaxtool "$@"\n')
    script.chmod(0o755)
    environment = {
        **os.environ, "PATH": f"{home}/bin{os.pathsep}{os.environ['PATH']}", "GALAXTOOL_OFFLINE": "1",
        "OMP_NUM_THREADS": "1", "COLUMNS": "200",
    }  # fmt: skip
    environment.pop("PYTHONPATH", None)
    said = []
    for command in read_tutorial():
        run = subprocess.run(
            command, shell=True, cwd=work, env=environment, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, f"{command}\n{run.stdout}{run.stderr}"
        said.append(run.stdout)
    assert "'galaxtool-two-layers' passes." in "".join(said)
    assert (work / "run" / "model" / "model.json").is_file()
    assert not (own / "galaxtool_two_layers").exists()
