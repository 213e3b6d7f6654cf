"""Commands that plugins bring."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.plugin_helpers import add_plugin, run_galaxtool

COMMANDS = """
import galaxtool
import typer

{first}

app = typer.Typer()

@app.command()
def near(): print("near the group")

@app.command()
def far(): print("far from the group")

def count(n: int = 2):
    "Count."
    print("moons:", n)

def refuse():
    raise galaxtool.InputError("There is no moon.", hint="Look up.")

@galaxtool.hookimpl
def register_heads():
    return []
"""
ENTRIES = {"moons": "count", "orbits": "app", "eclipse": "refuse", "void": "nothing_there"}


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plugin of four commands, the last of which is not there."""
    folder = tmp_path_factory.mktemp("commands")
    add_plugin(folder, "moons", COMMANDS.format(first=""), commands=ENTRIES)
    return folder


def test_commands_are_listed_from_metadata_alone(tmp_path: Path) -> None:
    add_plugin(tmp_path, "moons", COMMANDS.format(first="raise RuntimeError('imported')"), commands=ENTRIES)
    shown = run_galaxtool("--help", path=tmp_path)
    assert shown.returncode == 0 and all(name in shown.stdout for name in ENTRIES)
    assert "A test's moons." in shown.stdout
    failed = run_galaxtool("moons", path=tmp_path)
    assert failed.returncode == 1 and failed.stdout == "" and "Traceback" not in failed.stderr
    first, second = failed.stderr.strip().splitlines()
    assert first == (
        "Error: The command 'moons' of the plugin 'galaxtool-moons' cannot be loaded: RuntimeError: imported."
    )
    assert "GALAXTOOL_DEBUG=1" in second
    debugged = run_galaxtool("moons", path=tmp_path, GALAXTOOL_DEBUG="1")
    assert debugged.returncode == 1 and "RuntimeError" in debugged.stderr and "imported" in debugged.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "out", "err"),
    [
        (("moons", "--n", 3), 0, "moons: 3", ""),
        (("orbits", "far"), 0, "far from the group", ""),
        (("eclipse",), 1, "", "Error: There is no moon.\nLook up."),
        (("void",), 1, "", "AttributeError"),
        (("moon",), 2, "", "moons"),
    ],
)
def test_plugin_commands(commands: Path, arguments: tuple, code: int, out: str, err: str) -> None:
    run = run_galaxtool(*arguments, path=commands)
    assert run.returncode == code
    assert run.stdout.strip() == out
    assert err in run.stderr and "Traceback" not in run.stderr


def test_commands_stand_in_the_list_of_plugins(commands: Path) -> None:
    rows = json.loads(run_galaxtool("plugins", "--json", path=commands).stdout)["plugins"]
    row = next(row for row in rows if row["name"] == "moons")
    assert row["status"] == "ok" and row["provides"] == [
        "command eclipse",
        "command moons",
        "command orbits",
        "command void",
    ]
