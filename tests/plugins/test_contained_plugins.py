"""Plugins that reuse names, print, leave at import, or change what they are shown."""

from __future__ import annotations

import sys
import threading
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from galaxtool import BackboneSpec, hookimpl
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
