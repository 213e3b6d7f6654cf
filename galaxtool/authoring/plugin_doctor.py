"""Diagnose the installed plugins: the work of ``galaxtool plugins doctor``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from galaxtool import __version__
from galaxtool.authoring.results import PluginDiagnosis
from galaxtool.plugins.hook_api import HOOK_API
from galaxtool.plugins.registration import BUILT_IN, PluginReport
from galaxtool.plugins.registry import Registry, get_registry
from galaxtool.testing.checklist import find_conflicts

_SLOW_MS = 100.0


def diagnose_plugins() -> PluginDiagnosis:
    """Find the versions, the conflicts, the load times and the failures of the plugins."""
    registry = get_registry()
    reports = registry.reports()
    return PluginDiagnosis(
        galaxtool=__version__,
        hook_api=HOOK_API,
        plugins=[_describe(report) for report in reports],
        notes=[note for report in reports for note in _find_notes(report)],
        problems=[*_find_failures(reports), *_find_shared_names(registry), *_find_unmet(reports)],
    )


def _describe(report: PluginReport) -> dict[str, Any]:
    return {
        "name": report.name,
        "from": report.origin,
        "version": report.version,
        "status": report.status,
        "load_ms": report.load_ms,
        "provides": report.provides,
        "problem": report.problem,
        "where": report.where,
    }


def _find_notes(report: PluginReport) -> Iterator[str]:
    if report.origin == BUILT_IN:
        return
    if report.heavy:
        yield (
            f"plugin '{report.name}' imports {', '.join(report.heavy)} when it is loaded ({report.load_ms:.0f} ms), so "
            "every listing is slow; its author can import it in the module of the factory"
        )
    elif report.load_ms > _SLOW_MS:
        yield f"plugin '{report.name}' takes {report.load_ms:.0f} ms to load, and every listing waits for it"
    if report.status == "ok" and not report.provides:
        yield f"plugin '{report.name}' provides nothing"


def _find_failures(reports: list[PluginReport]) -> Iterator[str]:
    for report in reports:
        if report.status == "failed":
            where = f", at {report.where}" if report.where else ""
            yield (
                f"plugin '{report.name}' ({report.origin}): {report.problem}{where}; update it, or run: galaxtool "
                f"plugins uninstall {report.name}"
            )


def _find_shared_names(registry: Registry) -> Iterator[str]:
    """Yield a sentence on each name that several plugins use for things of one kind."""
    for collection in registry.collections():
        owners: dict[str, list[str]] = defaultdict(list)
        for registered in collection.all():
            owners[registered.spec.name].append(registered.qualified)
        for name, qualified in owners.items():
            if len(qualified) > 1:
                yield (
                    f"{len(qualified)} plugins have a {collection.kind.name} called '{name}'; write "
                    f"{' or '.join(qualified)}, or uninstall one of them"
                )


def _find_unmet(reports: list[PluginReport]) -> Iterator[str]:
    """Yield a sentence on each requirement of the package of a plugin that is not met."""
    for origin in sorted({report.origin for report in reports} - {BUILT_IN}):
        for conflict in find_conflicts(origin):
            yield f"{origin} {conflict}; run: galaxtool plugins install --upgrade {origin}"
