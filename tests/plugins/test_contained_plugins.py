"""Plugins that reuse names, print, leave at import, or change what they are shown."""

from __future__ import annotations

import sys
import threading
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from galaxtool import BackboneSpec, hookimpl
from galaxtool.cli.main import application
from galaxtool.plugins.containment import contain
from galaxtool.plugins.manager import PluginManager
from galaxtool.plugins.registry import Registry


class Clash:
    @hookimpl
    def register_backbones(self) -> list[BackboneSpec]:
        print("HELLO")
        return [BackboneSpec(name="mini", summary="s", factory="x:y", image_size=64)]


def test_a_built_in_keeps_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    manager = PluginManager([])
    report = manager.register(Clash(), "clash")
    registry = Registry(manager)
    assert registry.backbones.find("mini").origin == "built-in"
    assert registry.backbones.find("clash:mini").spec.factory == "x:y"
    assert {"mini", "clash:mini"} <= set(
        registry.backbones.names()
    ) and "backbones:mini" not in registry.backbones.names()
    assert "backbone clash:mini" in report.provides
    said = capsys.readouterr()
    assert said.out == "" and "HELLO" in said.err


@pytest.mark.parametrize(
    ("code", "problem"),
    [("sys.exit(0)", "SystemExit: 0"), ("raise GeneratorExit", "GeneratorExit"), ("raise Odd('x')", "Odd: x")],
)
def test_leaving_at_import_costs_the_plugin_alone(
    code: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "leaving_plugin.py").write_text(f"import sys\nclass Odd(BaseException): pass\n{code}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "leaving_plugin", raising=False)
    manager = PluginManager([EntryPoint("leaving", "leaving_plugin", "galaxtool")])
    assert (manager.reports["leaving"].status, manager.reports["leaving"].problem) == ("failed", problem)


def test_ctrl_c_at_import_interrupts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "interrupted_plugin.py").write_text("raise KeyboardInterrupt\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        PluginManager([EntryPoint("interrupted", "interrupted_plugin", "galaxtool")])


def test_observers_get_a_copy() -> None:
    class Vandal:
        @hookimpl
        def run_started(self, manifest: dict[str, object]) -> None:
            manifest.clear()

    manager = PluginManager([])
    manager.register(Vandal(), "vandal")
    manifest = {"status": "running"}
    assert manager.observe("run_started", manifest=manifest) == [] and manifest == {"status": "running"}


def test_standard_output_is_restored_after_plugins_of_several_threads() -> None:
    """The first thread to begin ends first, while the second is still in the code of a plugin."""
    original, begun, ended = sys.stdout, threading.Event(), threading.Event()

    def run_second() -> None:
        with contain():
            begun.set()
            assert ended.wait(20)

    second = threading.Thread(target=run_second)
    with contain():
        second.start()
        assert begun.wait(20) and sys.stdout is sys.stderr
    ended.set()
    second.join()
    assert sys.stdout is original


def install_command(folder: Path, distribution: str, command: str, code: str = "") -> None:
    """Make the command of a plugin visible in a folder."""
    module = f"{distribution}_commands"
    (folder / f"{module}.py").write_text(code or "def run() -> None:\n    print('ran')\n")
    info = folder / f"{distribution}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\nSummary: \x1b[31mred\n")
    (info / "entry_points.txt").write_text(f"[galaxtool.commands]\n{command} = {module}:run\n")


def test_commands_of_one_name_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for distribution, command in (("aone", "stack"), ("btwo", "stack"), ("cthree", "classify"), ("dfour", "alone")):
        install_command(tmp_path, distribution, command)
    monkeypatch.syspath_prepend(str(tmp_path))
    manager = PluginManager([])
    manager.note_commands()
    problems = {report.origin: report.problem for report in manager.reports.values() if report.origin != "built-in"}
    assert "the command 'stack' is also one of " in problems["aone"] + problems["btwo"]
    assert not problems["aone"] or not problems["btwo"]
    assert "the command 'classify' is also one of galaxtool" in problems["cthree"] and problems["dfour"] == ""


def test_a_command_that_leaves_at_import_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install_command(tmp_path, "leaver", "leave", "raise GeneratorExit('\\x1b[31m')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(SystemExit) as caught:
        application()(["leave"], prog_name="galaxtool")
    said = capsys.readouterr()
    assert caught.value.code == 1 and "The command 'leave' of the plugin 'leaver' cannot be loaded" in said.err
    assert "\x1b[31m" not in said.err and "GeneratorExit" in said.err


@pytest.mark.parametrize(
    "arguments", [["\x1b]0;own\x07"], ["classify", "--\x1b[2J\u202e"], ["classify", "x", "--tta", "\x1b["]]
)
def test_wrong_usage_is_shown_without_controls(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        application()(arguments, prog_name="galaxtool")
    assert not {"\x1b", "\x07", "\u202e"} & set(capsys.readouterr().err)
