"""``galaxtool plugins`` is a listing, and has subcommands with the same parameters as their functions."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path

import pytest

import galaxtool
from galaxtool.cli.build import read_docstring
from galaxtool.cli.commands.listings import plugins
from galaxtool.cli.main import application

SUBCOMMANDS = ("new", "install", "uninstall", "check", "doctor")


def run(*arguments: str) -> None:
    application().main(args=["plugins", *arguments], prog_name="galaxtool", standalone_mode=False)


def test_without_a_subcommand_it_lists(capsys: pytest.CaptureFixture[str]) -> None:
    run("--json")
    assert {row["name"] for row in json.loads(capsys.readouterr().out)["plugins"]} >= {"heads", "methods"}


def test_with_one_it_does_not_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("new", "a-net", "--kind", "backbone", "-o", str(tmp_path / "a"), "--json")
    assert json.loads(capsys.readouterr().out)["distribution"] == "galaxtool-a-net"


def test_subcommands_are_those_of_the_module() -> None:
    group = plugins()
    assert tuple(group.commands) == SUBCOMMANDS
    for name in SUBCOMMANDS:
        function = getattr(galaxtool.plugin_tools, name)
        wanted = [p for p in inspect.signature(function).parameters if p != "progress"]
        shown = [p.name for p in group.commands[name].params if p.name not in ("config", "as_json", "quiet", "offline")]
        assert shown == wanted
        assert set(read_docstring(function)[1]) - {"progress"} == set(wanted)


def test_help_names_them(capsys: pytest.CaptureFixture[str]) -> None:
    run("--help")
    shown = capsys.readouterr().out
    assert all(f" {name} " in shown for name in SUBCOMMANDS)


def test_an_error_is_two_lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["galaxtool", "plugins", "uninstall", "galaxtool"])
    with pytest.raises(SystemExit) as caught:
        application()(prog_name="galaxtool")
    assert caught.value.code == 1
    first, second = capsys.readouterr().err.strip().splitlines()
    assert first.startswith("Error: galaxtool itself is not a plugin") and second.startswith("To remove it")
