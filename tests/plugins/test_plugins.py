"""Plugins: a broken one costs only itself, and each is told of."""

from __future__ import annotations

import json
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.plugin_helpers import BROKEN, add_plugin, run_galaxtool

import galaxtool
from galaxtool import (
    ConfigError,
    DependencyMissing,
    HeadSpec,
    PluginError,
    UnknownName,
    hookimpl,
)
from galaxtool.plugins.kinds import HEAD
from galaxtool.plugins.manager import BUILTIN, PluginManager, find_installed_plugins
from galaxtool.plugins.registry import Registry

KINDS = ("backbones", "datasets", "heads", "methods", "taxonomies", "models")


def heads_plugin(*specs: object) -> SimpleNamespace:
    """A plugin object that returns these from `register_heads`."""
    return SimpleNamespace(register_heads=hookimpl(lambda: list(specs)))


def head(name: str, factory: str = "galaxtool.heads.linear:build") -> HeadSpec:
    return HeadSpec(name=name, factory=factory)


@pytest.fixture
def manager() -> PluginManager:
    """Only the built-in plugins."""
    return PluginManager(entries=[])


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all broken plugins."""
    folder = tmp_path_factory.mktemp("broken")
    for name, (source, _) in BROKEN.items():
        add_plugin(folder, name, source)
    return folder


# --- broken ones -----------------------------------------------------------------------------------------------------


def test_built_in_plugins_are_whole(manager: PluginManager) -> None:
    reports = Registry(manager).reports()
    built_in = [r for r in reports if r.origin == "built-in"]
    assert len(built_in) == len(BUILTIN)
    assert {r.name: r.problem for r in built_in if r.status != "ok" or not r.provides} == {}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_costs_only_itself(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, problem = BROKEN[name]
    module = add_plugin(tmp_path, name, source)
    add_plugin(tmp_path, "whole", BROKEN["junk"][0].replace('"linear", ', "").replace("sound", "whole"))
    monkeypatch.syspath_prepend(tmp_path)
    entries = [EntryPoint(name, module, "galaxtool"), EntryPoint("whole", "galaxtool_whole", "galaxtool")]
    registry = Registry(PluginManager(entries=entries))
    reports = {report.name: report for report in registry.reports()}
    assert (reports[name].status, reports[name].origin) == ("failed", module)
    assert problem in reports[name].problem
    assert reports["whole"].status == "ok" and reports["whole"].provides == ["head whole"]
    assert {"linear", "prompt", "whole"} <= {r.spec.name for r in registry.heads}


def test_command_line_with_six_broken_plugins(six: Path) -> None:
    told = json.loads(run_galaxtool("plugins", "--json", path=six).stdout)["plugins"]
    rows = {row["name"]: row for row in told}
    for name, (_, problem) in BROKEN.items():
        assert rows[name]["status"] == "failed"
        assert problem in rows[name]["problem"]
        assert (rows[name]["from"], rows[name]["version"]) == (f"galaxtool-{name}", "1.0")
    assert all(row["status"] == "ok" for row in told if row["from"] == "built-in")
    heads = run_galaxtool("heads", "--json", path=six)
    names = [row["name"] for row in json.loads(heads.stdout)["heads"]]
    assert names == ["prompt", "linear", "knn", "logistic", "votes", "regression", "none", "sound"]
    methods = run_galaxtool("methods", path=six)
    assert "galaxalign" in methods.stdout and "spared" in methods.stdout
    assert [r.returncode for r in (heads, methods)] == [0, 0]
    assert heads.stderr == methods.stderr == ""


def test_an_unknown_name_says_which_plugins_failed(manager: PluginManager) -> None:
    manager.register(SimpleNamespace(register_head=hookimpl(lambda: [])), "faulty")
    with pytest.raises(UnknownName, match=r"Did you mean 'linear'\? These plugins failed to load: faulty"):
        Registry(manager).heads.find("lineer")


@pytest.mark.parametrize(
    ("returned", "problem"),
    [
        (head("one"), "returned HeadSpec instead of a list of HeadSpec"),
        ("linear", "returned str instead of a list of HeadSpec"),
        ({"one": head("one")}, "returned dict instead of a list of HeadSpec"),
        (None, "returned NoneType instead of a list of HeadSpec"),
        ([head("one"), head("one")], "returned 'one' twice; the first one counts"),
        ((spec for spec in (head("one"), 3)), "returned int instead of HeadSpec"),
    ],
)
def test_what_a_hook_returns_is_checked(returned: object, problem: str, manager: PluginManager) -> None:
    report = manager.register(SimpleNamespace(register_heads=hookimpl(lambda: returned)), "odd")
    names = [r.spec.name for r in manager.collect(HEAD) if r.plugin == "odd"]
    assert report.status == "failed" and problem in report.problem
    assert names == (["one"] if isinstance(returned, list) or problem.startswith("returned int") else [])


def test_any_iterable_of_specs_will_do(manager: PluginManager) -> None:
    report = manager.register(
        SimpleNamespace(register_heads=hookimpl(lambda: (s for s in (head("a"), head("b"))))), "lazy"
    )
    assert [r.spec.name for r in manager.collect(HEAD) if r.plugin == "lazy"] == ["a", "b"]
    assert report.status == "ok" and report.provides == ["head a", "head b"]


def test_asking_twice_tells_a_problem_once(manager: PluginManager) -> None:
    report = manager.register(heads_plugin(head("one"), 3), "odd")
    for _ in range(2):
        manager.collect(HEAD)
    assert report.problem.count("returned int") == 1 and report.provides == ["head one"]


def test_a_plugin_without_hooks_is_told_of(manager: PluginManager) -> None:
    report = manager.register(SimpleNamespace(register_heads=lambda: []), "forgot")
    assert "implements no hook" in report.problem and "@galaxtool.hookimpl" in report.problem


def test_a_plugin_may_bear_the_name_of_another(manager: PluginManager) -> None:
    reports = [manager.register(heads_plugin(head(name)), "heads") for name in ("a", "b", "c")]
    names = [report.name for report in reports]
    assert len({"heads", *names}) == 4 and all(report.status == "ok" for report in reports)
    assert {"a", "b", "c", "linear"} <= {r.spec.name for r in manager.collect(HEAD)}
    assert not any("@" in name for name in names), "an @ in a qualified name would begin a backbone's weights"


def test_a_plugin_can_be_taken_out_again(manager: PluginManager) -> None:
    manager.register(heads_plugin(head("passing")), "guest")
    manager.unregister("guest")
    assert "passing" not in {r.spec.name for r in manager.collect(HEAD)}
    assert "guest" not in manager.reports


def test_metadata_without_name_or_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = add_plugin(tmp_path, "bare", BROKEN["junk"][0].replace('"linear", ', ""))
    (tmp_path / f"{module}-1.0.dist-info" / "METADATA").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    report = PluginManager().reports["bare"]
    assert (report.status, report.origin, report.version) == ("ok", module, "")


# --- choosing and debugging ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("allowed", "expected"), [(None, ["one", "two"]), ("two", ["two"]), (" one , three", ["one"]), ("", [])]
)
def test_allow_list(allowed: str | None, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("two", "one"):
        add_plugin(tmp_path, name, "")
    monkeypatch.syspath_prepend(tmp_path)
    if allowed is None:
        monkeypatch.delenv("GALAXTOOL_PLUGINS", raising=False)
    else:
        monkeypatch.setenv("GALAXTOOL_PLUGINS", allowed)
    names = [entry.name for entry in find_installed_plugins()]
    assert [name for name in names if name in ("one", "two")] == expected
    assert allowed is None or names == expected


@pytest.mark.parametrize(
    ("name", "raised"), [("import-error", ModuleNotFoundError), ("exits", SystemExit), ("raises", RuntimeError)]
)
def test_debugging_raises(
    name: str, raised: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = add_plugin(tmp_path, name, BROKEN[name][0])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("GALAXTOOL_DEBUG", "1")
    with pytest.raises(raised):
        Registry(PluginManager(entries=[EntryPoint(name, module, "galaxtool")])).heads.all()


# --- names and factories ---------------------------------------------------------------------------------------------


def test_an_ambiguous_name_is_refused_with_both_qualified_names(manager: PluginManager) -> None:
    manager.register(heads_plugin(head("twin")), "a")
    manager.register(heads_plugin(head("twin"), head("linear")), "b")
    registry = Registry(manager)
    with pytest.raises(ConfigError, match="Several plugins have a head called 'twin'") as caught:
        registry.heads.find("twin")
    assert "a:twin or b:twin" in caught.value.hint
    assert registry.heads.find("b:twin").plugin == "b"
    assert "twin" in registry.heads and "a:twin" in registry.heads and "c:twin" not in registry.heads
    assert registry.heads.names()[:2] == ["prompt", "linear"] and registry.heads.names()[-2:] == [
        "b:twin",
        "b:linear",
    ]
    assert registry.heads.find("linear").plugin == "heads" and registry.heads.find("b:linear").plugin == "b"


@pytest.mark.slow
def test_an_ambiguous_name_on_the_command_line(tmp_path: Path) -> None:
    for name in ("one", "two"):
        add_plugin(
            tmp_path, name, "from galaxtool import MethodSpec, hookimpl\n@hookimpl\ndef register_methods():\n"
            "    return [MethodSpec(name='same', summary='s', factory='x:y', head='linear')]"
        )  # fmt: skip
    run = run_galaxtool("finetune", "--method", "same", "--out", tmp_path / "run", path=tmp_path)
    assert run.returncode == 1 and "Traceback" not in run.stderr
    assert "one:same or two:same" in run.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("build = 3 +", "SyntaxError"),
        ("raise SystemExit('gone')", "SystemExit: gone"),
        ("raise RuntimeError('gone')", "RuntimeError: gone"),
        ("", "has no attribute 'build'"),
        ("import galaxtool_late.missing", "No module named 'galaxtool_late.missing'"),
    ],
)
def test_a_factory_that_cannot_be_had(
    source: str, message: str, tmp_path: Path, manager: PluginManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "galaxtool_late.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "galaxtool_late", raising=False)
    manager.register(heads_plugin(head("late", "galaxtool_late:build")), "late")
    registry = Registry(manager)
    with pytest.raises(PluginError, match="The plugin 'late' registers 'late'") as caught:
        registry.heads.find("late").load()
    assert message in caught.value.message and caught.value.hint


def test_a_missing_package_is_named(tmp_path: Path, manager: PluginManager, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "galaxtool_needy.py").write_text("import a_package_that_is_not_there")
    monkeypatch.syspath_prepend(tmp_path)
    manager.register(heads_plugin(head("needy", "galaxtool_needy:build")), "needy")
    registry = Registry(manager)
    with pytest.raises(DependencyMissing, match="'needy' needs the package 'a_package_that_is_not_there'"):
        registry.heads.find("needy").load()


def test_names_can_be_listed() -> None:
    assert "mini" in galaxtool.list_backbones() and galaxtool.list_backbones("min?") == ["mini"]
    assert galaxtool.list_models() == ["mini", "mini-radio"]
    assert {"prompt", "knn"} <= set(galaxtool.list_heads())
    assert "galaxalign" in galaxtool.list_methods("galax*")
    assert "galaxy10" in galaxtool.list_taxonomies()
    assert "sample" in galaxtool.list_datasets()


# --- observers and answers -------------------------------------------------------------------------------------------


def test_observers_that_raise_only_complain(manager: PluginManager) -> None:
    seen: list[object] = []

    def fail(manifest: dict) -> None:
        raise ValueError("no disk\nleft")

    def leave() -> None:
        raise SystemExit

    manager.register(SimpleNamespace(run_started=hookimpl(fail)), "faulty")
    manager.register(SimpleNamespace(run_started=hookimpl(leave)), "leaving")
    manager.register(SimpleNamespace(run_started=hookimpl(lambda manifest: seen.append(manifest))), "good")
    complaints = manager.observe("run_started", manifest={"command": "finetune"})
    assert seen == [{"command": "finetune"}]
    assert complaints == [
        "plugin 'faulty', hook run_started: ValueError: no disk left",
        "plugin 'leaving', hook run_started: SystemExit",
    ]


def test_the_first_answer_counts_and_a_plugin_that_raises_is_passed_over(manager: PluginManager) -> None:
    def fail(weights: object) -> None:
        raise ValueError("no disk")

    manager.register(
        SimpleNamespace(resolve_weights=hookimpl(lambda weights, offline: Path("a") if offline else None)), "a"
    )
    manager.register(SimpleNamespace(resolve_weights=hookimpl(lambda: None)), "silent")
    report = manager.register(SimpleNamespace(resolve_weights=hookimpl(fail)), "faulty")
    arguments = {"weights": None, "cache_dir": Path("cache")}
    assert manager.first("resolve_weights", **arguments, offline=True) == Path("a")
    assert manager.first("resolve_weights", **arguments, offline=False) is None
    assert report.problem == "resolve_weights raised ValueError: no disk"


def test_an_error_for_the_user_goes_through(manager: PluginManager) -> None:
    def refuse() -> None:
        raise galaxtool.OfflineError("The archive wants a token.")

    manager.register(SimpleNamespace(resolve_weights=hookimpl(refuse)), "archive")
    with pytest.raises(galaxtool.OfflineError, match="wants a token"):
        manager.first("resolve_weights", weights=None, cache_dir=Path(), offline=False)
