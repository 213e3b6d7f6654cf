"""Names to specs to the code behind them."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

from galaxtool.errors import ConfigError, DependencyMissing, GalaxtoolError, PluginError, UnknownName
from galaxtool.plugins.manager import HOOKS, PluginManager, debugging
from galaxtool.plugins.registered import PluginReport, Registration


class Registry:
    """What is registered, by kind and name.

    Parameters
    ----------
    manager : PluginManager, optional
        By default one with the built-in and the installed plugins.

    Examples
    --------
    >>> [r.spec.name for r in get_registry().specs("method")][:1]
    ['galaxalign']
    """

    def __init__(self, manager: PluginManager | None = None) -> None:
        self.plugins = manager or PluginManager()

    def specs(self, kind: str) -> list[Registration]:
        """Return everything registered of a kind (a key of `galaxtool.plugins.manager.HOOKS`), the built-in first."""
        return self.plugins.collect(kind)

    def find(self, kind: str, name: str) -> Registration:
        """Look a name up, plain or as ``plugin:name``.

        Raises
        ------
        UnknownName
            If nothing has that name, with the nearest one.
        ConfigError
            If several plugins use that name, with the qualified names.
        """
        every = self.specs(kind)
        hits = [r for r in every if name in (r.spec.name, r.qualified)]
        if len(hits) == 1:
            return hits[0]
        if hits:
            raise ConfigError(
                f"Several plugins have a {kind} called '{name}'.",
                hint=f"Say which: {' or '.join(r.qualified for r in hits)}.",
            )
        failed = [report.name for report in self.plugins.reports.values() if report.status == "failed"]
        note = f"Of the plugins, {', '.join(failed)} failed to load; see `galaxtool plugins`." if failed else ""
        raise UnknownName(kind, name, [r.spec.name for r in every], note=note)

    def factory(self, registered: Registration) -> Callable[..., Any]:
        """Import what a spec's ``"package.module:function"`` names.

        Raises
        ------
        DependencyMissing
            If a package that it imports is not installed.
        PluginError
            If a third party's module does not import otherwise, or lacks the function.
        """
        return self.load(registered.spec.factory, registered)

    def load(self, target: str, registered: Registration) -> Callable[..., Any]:
        """Import any ``"package.module:function"`` that a spec names; raises as `factory` does."""
        module_name, _, attribute = target.partition(":")
        package = module_name.partition(".")[0]
        built_in = registered.origin == "built-in"
        try:
            return getattr(importlib.import_module(module_name), attribute)
        except GalaxtoolError:
            raise
        except (Exception, SystemExit) as error:
            if debugging():
                raise
            missing = error.name if isinstance(error, ModuleNotFoundError) else None
            if missing and missing != package and "." not in missing:
                raise DependencyMissing(
                    f"'{registered.spec.name}' needs the package '{missing}', which is not installed.",
                    hint=f"Run: pip install --upgrade {'galaxtool' if built_in else registered.origin}",
                ) from error
            if built_in:
                raise
            raise PluginError(
                f"The plugin '{registered.plugin}' promises '{registered.spec.name}', but {target} cannot be had: "
                f"{type(error).__name__}: {error}.",
                hint=f"Update or remove {registered.origin}; GALAXTOOL_DEBUG=1 shows the traceback.",
            ) from error

    def reports(self) -> list[PluginReport]:
        """Return what became of each plugin, after asking all of them for everything."""
        for kind in HOOKS:
            self.specs(kind)
        self.plugins.note_commands()
        return list(self.plugins.reports.values())


@functools.cache
def get_registry() -> Registry:
    """Return the process-wide registry, made on first use."""
    return Registry()
