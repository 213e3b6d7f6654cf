"""`galaxtool plugins check` and `plugins doctor`."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.plugin_helpers import BROKEN, add_plugin, run_galaxtool

import galaxtool
from galaxtool import HeadSpec, MetricSpec, get_registry, hookimpl
from galaxtool.authoring.check import check_plugin
from galaxtool.authoring.plugin_doctor import diagnose_plugins
from galaxtool.authoring.source_tree import SourceTree
from galaxtool.plugins.manager import PluginManager
from galaxtool.types import Silent


def draw(values: object, targets: object) -> float:
    """Return something else at each call."""
    draw.calls += 1  # type: ignore[attr-defined]
    return float(draw.calls)  # type: ignore[attr-defined]


draw.calls = 0  # type: ignore[attr-defined]


@pytest.fixture
def odd() -> object:
    """A plugin with a head that has the name of galaxtool's own, and a random metric without a summary."""
    plugins = get_registry().plugins
    it = SimpleNamespace(
        register_heads=hookimpl(
            lambda: [HeadSpec(name="linear", summary="Mine.", factory="galaxtool.heads.linear:build")]
        ),
        register_metrics=hookimpl(lambda: [MetricSpec(name="odd_metric", factory=f"{__name__}:draw")]),
    )
    plugins.register(it, "odd")
    yield it
    plugins.unregister("odd")


@pytest.mark.usefixtures("odd")
def test_check_says_what_to_change() -> None:
    found = check_plugin("odd", onnx=False, only=(), progress=Silent())
    rows = {row.what: row for row in found.rows}
    assert rows["plugin odd"].result == "ok"
    assert rows["summary of metric odd_metric"].message.startswith("it has none")
    assert rows["metric odd_metric"].message.endswith("draw nothing at random.")
    assert rows["name of head linear"].message.endswith("it is found only as 'odd:linear'; rename it")
    assert [row.what for row in found.failed] == [
        "name of head linear", "summary of metric odd_metric", "metric odd_metric",
    ]  # fmt: skip


@pytest.mark.usefixtures("odd")
def test_only_some_checks_are_made() -> None:
    found = check_plugin("odd", onnx=False, only=("summary", "plugin"), progress=Silent())
    assert [row.what for row in found.rows] == ["plugin odd", "summary of metric odd_metric"]
    with pytest.raises(galaxtool.ConfigError, match="No check of 'odd' has 'backbone' in its name") as caught:
        check_plugin("odd", onnx=False, only=("backbone",), progress=Silent())
    assert "metric odd_metric" in caught.value.hint


@pytest.mark.usefixtures("odd")
def test_doctor_finds_names_that_two_plugins_use() -> None:
    found = diagnose_plugins()
    assert any("2 plugins have a head called 'linear'; write heads:linear or odd:linear" in p for p in found.problems)
    row = next(row for row in found.plugins if row["name"] == "odd")
    assert row["status"] == "ok" and "metric odd_metric" in row["provides"]


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("import-error", "line 2: import a_module_that_is_not_there"),
        ("exits", "line 2: raise SystemExit('no licence found')"),
        ("raises", 'line 6: raise RuntimeError("no such moon")'),
    ],
)
def test_a_failure_has_the_last_line_of_the_plugin_itself(
    name: str, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, message = BROKEN[name]
    module = add_plugin(tmp_path, f"own-{name}", f"\n{source}" if not source.startswith("\n") else source)
    monkeypatch.syspath_prepend(tmp_path)
    manager = PluginManager([EntryPoint(name, module, "galaxtool")])
    from galaxtool.plugins.kinds import HEAD

    manager.collect(HEAD)
    report = manager.reports[name]
    assert message in report.problem
    assert report.where == f"{tmp_path.name}/{module}.py, {where}"


@pytest.mark.parametrize(
    ("version", "problem"),
    [
        ("1.0", ""),
        ("1.99", "was written for version 1.99 of the hooks, and this galaxtool has 1.0; update galaxtool"),
        ("2.0", "was written for version 2.0 of the hooks, and this galaxtool has 1.0; update galaxtool"),
        ("0.9", "was written for version 0.9 of the hooks, and this galaxtool has 1.0; update the plugin"),
        ("new", "GALAXTOOL_API is 'new', not a version such as '1.0'"),
    ],
)
def test_a_plugin_may_name_the_version_of_the_hooks(version: str, problem: str) -> None:
    plugin = SimpleNamespace(GALAXTOOL_API=version, register_heads=hookimpl(lambda: []))
    report = PluginManager([]).register(plugin, "versioned")
    assert report.problem == problem


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "has no pyproject.toml"),
        ("[project\n", "not valid TOML"),
        ('[project]\nname = "x"\n', "names no plugin"),
    ],
)
def test_folders_that_hold_no_plugin(text: str | None, message: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(galaxtool.GalaxtoolError, match=message):
        galaxtool.plugin_tools.check(str(tmp_path))


def test_an_unknown_plugin() -> None:
    with pytest.raises(galaxtool.UnknownName, match="There is no plugin called 'nonsuch'"):
        galaxtool.plugin_tools.check("nonsuch")


def test_a_folder_is_made_known_as_if_it_were_installed(tmp_path: Path) -> None:
    galaxtool.plugin_tools.new("told", kind="metric", output=tmp_path / "told")
    tree = SourceTree.read(tmp_path / "told")
    with tree.make_known() as environment:
        first, second, third = environment["PYTHONPATH"].split(":")[:3]
        (info,) = Path(first).iterdir()
        assert info.name == "galaxtool_told-0.1.0.dist-info"
        assert "told = galaxtool_told.plugin" in (info / "entry_points.txt").read_text()
        assert (second, third) == (str(tree.folder), str(tree.folder / "src"))
    assert not info.exists()


@pytest.mark.slow
def test_check_of_a_folder_has_an_exit_status(tmp_path: Path) -> None:
    folder = tmp_path / "told"
    galaxtool.plugin_tools.new("told", kind="metric", output=folder)
    good = run_galaxtool("plugins", "check", folder, "--json")
    assert good.returncode == 0, good.stderr
    assert {row["result"] for row in json.loads(good.stdout)["checks"]} == {"ok"}
    source = folder / "galaxtool_told" / "metric.py"
    source.write_text(source.read_text().replace("return float(", "return float(np.random.random() + "))
    plugin = folder / "galaxtool_told" / "plugin.py"
    plugin.write_text("import numpy\n" + plugin.read_text().replace("from __future__ import annotations\n", ""))
    bad = run_galaxtool("plugins", "check", folder)
    assert bad.returncode == 1 and "Traceback" not in bad.stderr
    assert "draw nothing at random" in " ".join(bad.stdout.split())
    assert "imports numpy" in " ".join(bad.stdout.split())
    assert bad.stderr.splitlines()[-2].startswith("Error: 2 of ")


@pytest.mark.slow
def test_doctor_on_the_command_line(tmp_path: Path) -> None:
    add_plugin(tmp_path, "raises", BROKEN["raises"][0])
    run = run_galaxtool("plugins", "doctor", path=tmp_path)
    assert run.returncode == 0
    assert "register_heads raised RuntimeError: no such moon, at" in run.stdout
    assert "galaxtool plugins uninstall raises" in run.stdout
    plain = run_galaxtool("plugins", "--json", path=tmp_path)
    assert {row["name"] for row in json.loads(plain.stdout)["plugins"]} >= {"heads", "raises"}
