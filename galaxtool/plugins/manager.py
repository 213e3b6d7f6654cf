"""Find and load plugins, so that a broken plugin does no harm to the others.

pluggy itself does not isolate plugins: one entry point that fails to import, or one hook that raises, would stop the
program. So each entry point is loaded in its own ``try``, each hook implementation is called by itself, and its return
value is checked. The built-in plugins (`BUILTIN`) are loaded first, in the same way.

Environment
-----------
GALAXTOOL_PLUGINS
    Comma-separated names of the entry points to load; empty for none. The built-in plugins are always loaded.
GALAXTOOL_DEBUG
    When ``1``, exceptions of plugins are not caught.
"""

from __future__ import annotations

import copy
import functools
import importlib
import importlib.util
import itertools
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from galaxtool.errors import GalaxtoolError, suggest_name
from galaxtool.plugins import hookspecs
from galaxtool.plugins.containment import contain
from galaxtool.plugins.failures import describe_failure, find_own_line
from galaxtool.plugins.hook_api import check_hook_api
from galaxtool.plugins.kinds import KINDS, Kind, S
from galaxtool.plugins.registration import BUILT_IN, BY_HAND, PluginReport, Registration
from galaxtool.utils.debugging import is_debugging

ENTRY_POINT_GROUP = "galaxtool"
COMMAND_GROUP = "galaxtool.commands"
_LISTINGS = ("backbones", "datasets", "heads", "methods", "models", "plugins", "taxonomies")

HEAVY = frozenset(
    ("astropy", "faiss", "h5py", "matplotlib", "numpy", "onnx", "onnxruntime", "pandas", "PIL", "pyarrow", "scipy",
     "sklearn", "timm", "torch", "torchvision", "transformers"),
)  # fmt: skip
"""Packages that no module with hooks should import, as every listing would wait for them."""

BUILTIN = (
    "galaxtool.images.plugin",
    "galaxtool.tables.plugin",
    "galaxtool.containers.plugin",
    "galaxtool.taxonomy.plugin",
    "galaxtool.models.plugin",
    "galaxtool.backbones.plugin",
    "galaxtool.backbones.weights.hub",
    "galaxtool.datasets.plugin",
    "galaxtool.evaluation.plugin",
    "galaxtool.heads.plugin",
    "galaxtool.methods.plugin",
    "galaxtool.search.index.plugin",
    "galaxtool.search.plugin",
    "galaxtool.outliers.plugin",
    "galaxtool.plotting.plugin",
    "galaxtool.finetuning.plugin",
    "galaxtool.reproduction.plugin",
    "galaxtool.executors.plugin",
)


class PluginManager:
    """Loads the built-in and the installed plugins, and keeps a report on each.

    Parameters
    ----------
    entries : iterable of EntryPoint, optional
        Entry points to load after the built-in plugins; by default the installed ones of the group ``galaxtool``.

    Attributes
    ----------
    reports : dict of str to PluginReport
        Reports by the name of the plugin.
    revision : int
        A number that changes whenever a plugin is added or removed.
    """

    def __init__(self, entries: Iterable[EntryPoint] | None = None) -> None:
        self.pm = pluggy.PluginManager("galaxtool")
        self.pm.add_hookspecs(hookspecs)
        self.reports: dict[str, PluginReport] = {}
        self.revision = 0
        for module in BUILTIN:
            name = module.removeprefix("galaxtool.").removesuffix(".plugin")
            self._load(name, BUILT_IN, "", functools.partial(importlib.import_module, module))
        for entry in find_installed_plugins() if entries is None else entries:
            self._load(entry.name, *find_distribution(entry), entry.load, module=entry.value.partition(":")[0])

    def register(self, plugin: object, name: str) -> PluginReport:
        """Add a plugin object, as a test or a notebook does."""
        return self._load(name, BY_HAND, "", lambda: plugin)

    def unregister(self, name: str) -> None:
        """Remove a plugin."""
        self.revision += 1
        self.pm.unregister(name=name)
        self.reports.pop(name, None)

    def collect(self, kind: Kind[S]) -> list[Registration[S]]:
        """Call the hook of one kind of every plugin.

        Returns
        -------
        list of Registration
            In the order in which the plugins were loaded: the built-in ones first.
        """
        found: list[Registration[S]] = []
        for impl in getattr(self.pm.hook, kind.hook).get_hookimpls():
            report = self.reports[impl.plugin_name]
            for spec in _call_hook(impl.function, kind, report):
                taken = report.origin != BUILT_IN and any(
                    one.spec.name == spec.name and one.origin == BUILT_IN for one in found
                )
                provided = f"{kind.name} {impl.plugin_name}:{spec.name}" if taken else f"{kind.name} {spec.name}"
                if provided not in report.provides:
                    report.provides.append(provided)
                found.append(Registration(spec=spec, plugin=impl.plugin_name, origin=report.origin))
        return found

    def note_commands(self) -> None:
        """Add the commands of plugins to their reports, from package metadata alone, without importing them."""
        origins: dict[str, str] = {}
        for entry in sorted(entry_points(group=COMMAND_GROUP), key=lambda e: e.name):
            origin, version = find_distribution(entry)
            report = next((r for r in self.reports.values() if r.origin == origin), None)
            if report is None:
                name = self._unique_name(entry.name, origin)
                report = self.reports[name] = PluginReport(name=name, origin=origin, version=version)
            if f"command {entry.name}" not in report.provides:
                report.provides.append(f"command {entry.name}")
            if _is_built_in_command(entry.name):
                _add_problem(report, f"the command '{entry.name}' is also one of galaxtool, which counts")
            if (other := origins.setdefault(entry.name, origin)) != origin:
                _add_problem(report, f"the command '{entry.name}' is also one of {other}; the last one counts")

    def observe(self, hook_name: str, **arguments: Any) -> list[str]:
        """Call a hook of every plugin that observes; return one line for each exception."""
        problems = []
        for impl in getattr(self.pm.hook, hook_name).get_hookimpls():
            try:
                with contain():
                    # a copy: what an observer does to it concerns nobody else
                    impl.function(**{name: _copy(arguments[name]) for name in impl.argnames})
            except Exception as error:
                if is_debugging():
                    raise
                problems.append(f"plugin '{impl.plugin_name}', hook {hook_name}: {describe_failure(error)}")
        return problems

    def first(self, hook_name: str, **arguments: Any) -> Any:
        """Call a hook of the plugins, the last loaded first, until one returns something other than None.

        An exception goes into the report of the plugin, which is then skipped. A `GalaxtoolError` is meant for the user
        and is raised.
        """
        for impl in reversed(getattr(self.pm.hook, hook_name).get_hookimpls()):
            try:
                with contain():
                    result = impl.function(**{name: arguments[name] for name in impl.argnames})
            except GalaxtoolError:
                raise
            except Exception as error:
                if is_debugging():
                    raise
                _add_failure(self.reports[impl.plugin_name], f"{hook_name} raised ", error)
                continue
            if result is not None:
                return result
        return None

    def _load(
        self, name: str, origin: str, version: str, load: Callable[[], object], *, module: str = ""
    ) -> PluginReport:
        name = self._unique_name(name, origin)
        report = self.reports[name] = PluginReport(name=name, origin=origin, version=version, module=module)
        self.revision += 1
        start, before = time.perf_counter(), HEAVY & sys.modules.keys()
        try:
            with contain():
                plugin = load()
            self.pm.register(plugin, name=name)
            _add_problem(report, check_hook_api(plugin))
            _add_problem(report, self._check_hooks(name))
            report.provides += [f"hook {hook}" for hook in self._other_hooks(name)]
        except Exception as error:
            if is_debugging():
                raise
            # pluggy up to 1.6 leaves a plugin that fails validation half registered
            if self.pm.get_plugin(name) is not None:
                self.pm.unregister(name=name)
            _add_failure(report, "", error)
        report.heavy = tuple(sorted((HEAVY & sys.modules.keys()) - before))
        report.load_ms = round(1000 * (time.perf_counter() - start), 1)
        return report

    def _unique_name(self, name: str, origin: str) -> str:
        """Return the name of the entry point, prefixed with its distribution where another plugin has that name."""
        candidates = itertools.chain((name, f"{origin}.{name}"), (f"{origin}.{name}.{n}" for n in itertools.count(2)))
        return next(candidate for candidate in candidates if candidate not in self.reports)

    def _other_hooks(self, name: str) -> list[str]:
        """Return the hooks that a plugin implements and that register nothing."""
        callers = self.pm.get_hookcallers(self.pm.get_plugin(name)) or []
        registering = {kind.hook for kind in KINDS}
        return [c.name for c in callers if c.name not in registering and hasattr(hookspecs, c.name)]

    def _check_hooks(self, name: str) -> str:
        """Return what is wrong with the names of a plugin's hooks; empty where nothing is."""
        known = {hook for hook in vars(hookspecs) if hook.startswith(("register_", "resolve_", "run_"))}
        callers = self.pm.get_hookcallers(self.pm.get_plugin(name)) or []
        if not callers:
            return "implements no hook; mark the functions with @galaxtool.hookimpl"
        for caller in callers:
            if caller.name not in known:
                suggestion = suggest_name(caller.name, known)
                return f"unknown hook '{caller.name}'" + (f"; did you mean '{suggestion}'?" if suggestion else "")
        return ""


def find_installed_plugins() -> list[EntryPoint]:
    """Return the installed entry points that ``GALAXTOOL_PLUGINS`` allows, sorted by name."""
    allowed = os.environ.get("GALAXTOOL_PLUGINS")
    names = None if allowed is None else {name.strip() for name in allowed.split(",")}
    found = entry_points(group=ENTRY_POINT_GROUP)
    return sorted((e for e in found if names is None or e.name in names), key=lambda e: e.name)


def find_distribution(entry: EntryPoint) -> tuple[str, str]:
    """Return the name and version of the distribution of an entry point, as far as its metadata has them."""
    metadata: Any = entry.dist.metadata if entry.dist else {}
    return metadata.get("Name") or entry.value, metadata.get("Version") or ""


def _call_hook(function: Callable[[], Any], kind: Kind[S], report: PluginReport) -> Iterator[S]:
    """Call one implementation of a hook and yield the valid specs; anything else becomes a problem in the report."""
    expected = kind.spec.__name__
    try:
        with contain():
            returned = function()
            specs = list(returned) if _is_list_like(returned) else returned
    except Exception as error:
        if is_debugging():
            raise
        _add_failure(report, f"{kind.hook} raised ", error)
        return
    if not isinstance(specs, list):
        _add_problem(report, f"{kind.hook} returned {type(returned).__name__} instead of a list of {expected}")
        return
    names = set()
    for spec in specs:
        if not isinstance(spec, kind.spec):
            _add_problem(report, f"{kind.hook} returned {type(spec).__name__} instead of {expected}")
        elif spec.name in names:
            _add_problem(report, f"{kind.hook} returned '{spec.name}' twice; the first one counts")
        else:
            names.add(spec.name)
            yield spec


def _is_built_in_command(name: str) -> bool:
    if name in _LISTINGS:
        return True
    return name.isidentifier() and importlib.util.find_spec(f"galaxtool.commands.{name}") is not None


def _copy(value: Any) -> Any:
    """Return a copy of what an observer is shown; the value itself where it cannot be copied."""
    try:
        return copy.deepcopy(value)
    except Exception:
        return value


def _is_list_like(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))


def _add_problem(report: PluginReport, problem: str) -> None:
    if problem and problem not in report.problem:
        report.status = "failed"
        report.problem = f"{report.problem}; {problem}" if report.problem else problem


def _add_failure(report: PluginReport, what: str, error: Exception) -> None:
    """Add an exception to the report of a plugin, with the line of the plugin's own code that led to it."""
    _add_problem(report, f"{what}{describe_failure(error)}")
    report.where = report.where or find_own_line(error, report.module.partition(".")[0])
