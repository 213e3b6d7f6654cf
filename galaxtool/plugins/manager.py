"""Finding and loading plugins, so that a broken one costs only itself.

pluggy protects nobody: one entry point that fails to import, or one hook that raises, would stop the program. So each
entry point is loaded in its own ``try``, each hook implementation is called by itself, and what it returns is checked.
The built-in things come through the same door (`BUILTIN`), first, with the same guard.

Environment
-----------
GALAXTOOL_PLUGINS
    Comma-separated entry-point names to load; empty for none. The built-in ones always load.
GALAXTOOL_DEBUG
    When ``1``, what a plugin raises is not caught.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from galaxtool.errors import GalaxtoolError, nearest
from galaxtool.plugins import hookspecs
from galaxtool.plugins.registered import PluginReport, Registration
from galaxtool.plugins.specs import (
    BackboneSpec,
    ContainerSpec,
    DatasetSpec,
    ExecutorSpec,
    HeadSpec,
    IndexSpec,
    MethodSpec,
    ModelSpec,
    ReaderSpec,
    RecipeSpec,
    Spec,
    TaxonomySpec,
)

ENTRY_POINT_GROUP = "galaxtool"
COMMAND_GROUP = "galaxtool.commands"

BUILTIN = (
    "galaxtool.images.plugin",
    "galaxtool.containers.plugin",
    "galaxtool.taxonomy.plugin",
    "galaxtool.models.plugin",
    "galaxtool.backbones.plugin",
    "galaxtool.backbones.hub",
    "galaxtool.datasets.plugin",
    "galaxtool.heads.plugin",
    "galaxtool.methods.plugin",
    "galaxtool.search.index.plugin",
    "galaxtool.finetuning.plugin",
    "galaxtool.executors.plugin",
)

HOOKS: dict[str, tuple[str, type[Spec]]] = {
    "backbone": ("register_backbones", BackboneSpec),
    "dataset": ("register_datasets", DatasetSpec),
    "head": ("register_heads", HeadSpec),
    "method": ("register_methods", MethodSpec),
    "taxonomy": ("register_taxonomies", TaxonomySpec),
    "reader": ("register_readers", ReaderSpec),
    "container": ("register_containers", ContainerSpec),
    "model": ("register_models", ModelSpec),
    "index": ("register_indexes", IndexSpec),
    "recipe": ("register_recipes", RecipeSpec),
    "executor": ("register_executors", ExecutorSpec),
}
"""Kind of thing -> the hook that registers it, and the spec it returns."""


def debugging() -> bool:
    """Tell whether plugins' exceptions are to be raised rather than reported."""
    return os.environ.get("GALAXTOOL_DEBUG", "") == "1"


class PluginManager:
    """Loads the built-in and installed plugins, and keeps a report of each.

    Parameters
    ----------
    entries : iterable of EntryPoint, optional
        What to load after the built-in ones; by default the installed entry points of group ``galaxtool``.
    """

    def __init__(self, entries: Iterable[EntryPoint] | None = None) -> None:
        self.pm = pluggy.PluginManager("galaxtool")
        self.pm.add_hookspecs(hookspecs)
        self.reports: dict[str, PluginReport] = {}
        for module in BUILTIN:
            name = module.removeprefix("galaxtool.").removesuffix(".plugin")
            self._load(name, "built-in", "", functools.partial(importlib.import_module, module))
        for entry in installed_plugins() if entries is None else entries:
            self._load(entry.name, *owner_of(entry), entry.load)

    def register(self, plugin: object, name: str) -> PluginReport:
        """Add a plugin object by hand, as a test or a notebook does."""
        return self._load(name, "added by hand", "", lambda: plugin)

    def unregister(self, name: str) -> None:
        """Take a plugin out again."""
        self.pm.unregister(name=name)
        self.reports.pop(name, None)

    def collect(self, kind: str) -> list[Registration]:
        """Ask every plugin for its specs of one kind.

        Returns
        -------
        list of Registered
            In the order in which plugins were loaded: the built-in first.
        """
        hook_name, wanted = HOOKS[kind]
        found: list[Registration] = []
        for impl in getattr(self.pm.hook, hook_name).get_hookimpls():
            report = self.reports[impl.plugin_name]
            for spec in _specs_of(impl.function, hook_name, wanted, report):
                provided = f"{kind} {spec.name}"
                if provided not in report.provides:
                    report.provides.append(provided)
                found.append(Registration(spec=spec, plugin=impl.plugin_name, origin=report.origin))
        return found

    def note_commands(self) -> None:
        """Add to the reports the commands that packages bring; they are known from metadata alone and not imported."""
        for entry in sorted(entry_points(group=COMMAND_GROUP), key=lambda e: e.name):
            origin, version = owner_of(entry)
            report = next((r for r in self.reports.values() if r.origin == origin), None)
            if report is None:
                name = self._free_name(entry.name, origin)
                report = self.reports[name] = PluginReport(name=name, origin=origin, version=version)
            if f"command {entry.name}" not in report.provides:
                report.provides.append(f"command {entry.name}")

    def observe(self, hook_name: str, **arguments: Any) -> list[str]:
        """Tell every plugin that something happened; return the complaints, one line each."""
        complaints = []
        for impl in getattr(self.pm.hook, hook_name).get_hookimpls():
            try:
                impl.function(**{name: arguments[name] for name in impl.argnames})
            except (Exception, SystemExit) as error:
                if debugging():
                    raise
                complaints.append(f"plugin '{impl.plugin_name}', hook {hook_name}: {_say(error)}")
        return complaints

    def first(self, hook_name: str, **arguments: Any) -> Any:
        """Ask the plugins, the last loaded first, until one answers with something other than None.

        One that raises is blamed in its report and passed over; a `GalaxtoolError` is meant for the user and goes on.
        """
        for impl in reversed(getattr(self.pm.hook, hook_name).get_hookimpls()):
            try:
                answer = impl.function(**{name: arguments[name] for name in impl.argnames})
            except GalaxtoolError:
                raise
            except (Exception, SystemExit) as error:
                if debugging():
                    raise
                _blame(self.reports[impl.plugin_name], f"{hook_name} raised {_say(error)}")
                continue
            if answer is not None:
                return answer
        return None

    def _load(self, name: str, origin: str, version: str, load: Callable[[], object]) -> PluginReport:
        name = self._free_name(name, origin)
        report = self.reports[name] = PluginReport(name=name, origin=origin, version=version)
        start = time.perf_counter()
        try:
            self.pm.register(load(), name=name)
            _blame(report, self._misspelt(name))
            report.provides += [f"hook {hook}" for hook in self._other_hooks(name)]
        except (Exception, SystemExit) as error:
            if debugging():
                raise
            # pluggy up to 1.6 leaves a plugin that fails its validation half registered
            if self.pm.get_plugin(name) is not None:
                self.pm.unregister(name=name)
            _blame(report, _say(error))
        report.load_ms = round(1000 * (time.perf_counter() - start), 1)
        return report

    def _free_name(self, name: str, origin: str) -> str:
        """Return the entry point's name, or one that says whose it is where another plugin has that name."""
        tries = itertools.chain((name, f"{origin}.{name}"), (f"{origin}.{name}.{n}" for n in itertools.count(2)))
        return next(candidate for candidate in tries if candidate not in self.reports)

    def _other_hooks(self, name: str) -> list[str]:
        """Return the hooks it implements that register nothing."""
        callers = self.pm.get_hookcallers(self.pm.get_plugin(name)) or []
        registering = {hook for hook, _ in HOOKS.values()}
        return [c.name for c in callers if c.name not in registering and hasattr(hookspecs, c.name)]

    def _misspelt(self, name: str) -> str:
        known = {hook for hook in vars(hookspecs) if hook.startswith(("register_", "resolve_", "run_"))}
        callers = self.pm.get_hookcallers(self.pm.get_plugin(name)) or []
        if not callers:
            return "implements no hook; a hook's function is marked with @galaxtool.hookimpl"
        for caller in callers:
            if caller.name not in known:
                near = nearest(caller.name, known)
                return f"unknown hook '{caller.name}'" + (f"; did you mean '{near}'?" if near else "")
        return ""


def installed_plugins() -> list[EntryPoint]:
    """Return the installed entry points that ``GALAXTOOL_PLUGINS`` allows, by name."""
    allowed = os.environ.get("GALAXTOOL_PLUGINS")
    names = None if allowed is None else {name.strip() for name in allowed.split(",")}
    found = entry_points(group=ENTRY_POINT_GROUP)
    return sorted((e for e in found if names is None or e.name in names), key=lambda e: e.name)


def owner_of(entry: EntryPoint) -> tuple[str, str]:
    """Return the name and version of the distribution that brings an entry point, as far as its metadata says."""
    metadata: Any = entry.dist.metadata if entry.dist else {}
    return metadata.get("Name") or entry.value, metadata.get("Version") or ""


def _specs_of(function: Callable[[], Any], hook_name: str, wanted: type[Spec], report: PluginReport) -> Iterator[Spec]:
    """Call one hook implementation and yield what it may return; whatever else it does is blamed in its report."""
    try:
        returned = function()
        specs = list(returned) if _is_list_like(returned) else returned
    except (Exception, SystemExit) as error:
        if debugging():
            raise
        _blame(report, f"{hook_name} raised {_say(error)}")
        return
    if not isinstance(specs, list):
        _blame(report, f"{hook_name} returned {type(returned).__name__} where a list of {wanted.__name__} was wanted")
        return
    names = set()
    for spec in specs:
        if not isinstance(spec, wanted):
            _blame(report, f"{hook_name} returned {type(spec).__name__} where a {wanted.__name__} was wanted")
        elif spec.name in names:
            _blame(report, f"{hook_name} returned '{spec.name}' twice; the first one counts")
        else:
            names.add(spec.name)
            yield spec


def _is_list_like(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))


def _blame(report: PluginReport, problem: str) -> None:
    if problem and problem not in report.problem:
        report.status = "failed"
        report.problem = f"{report.problem}; {problem}" if report.problem else problem


def _say(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
