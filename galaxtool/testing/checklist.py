"""The checks of all that a plugin provides, one after the other, and what its package requires."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, entry_points, requires, version
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from galaxtool.plugins.manager import COMMAND_GROUP, find_distribution
from galaxtool.plugins.registration import BUILT_IN, PluginReport, Registration
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import BackboneSpec, DatasetSpec, HeadSpec
from galaxtool.utils.optional_imports import import_attribute, is_installed

_CHECKS = {
    "backbone": "galaxtool.testing.backbone:check_backbone",
    "dataset": "galaxtool.testing.dataset:check_dataset",
    "head": "galaxtool.testing.head:check_head",
    "method": "galaxtool.testing.method:check_method",
    "taxonomy": "galaxtool.testing.taxonomy:check_taxonomy",
    "vote schema": "galaxtool.testing.taxonomy:check_vote_schema",
    "reader": "galaxtool.testing.reader:check_reader",
    "container": "galaxtool.testing.container:check_container",
    "model": "galaxtool.testing.taxonomy:check_model",
    "index": "galaxtool.testing.search:check_index",
    "recipe": "galaxtool.testing.taxonomy:check_recipe",
    "executor": "galaxtool.testing.executor:check_executor",
    "table format": "galaxtool.testing.table_format:check_table_format",
    "anomaly method": "galaxtool.testing.anomaly_method:check_anomaly_method",
    "metric": "galaxtool.testing.metric:check_metric",
}
"""Kind -> its check, for things that need nothing but their name."""

_ONNX = "galaxtool.testing.onnx_parity:check_onnx"

_ASIDE = {
    "search filter": "needs an argument: call galaxtool.check_search_filter in a test",
    "plot": "needs something to draw: call galaxtool.check_plot in a test",
}


class CheckSkipped(Exception):
    """A check cannot be made here; the message says why."""


@dataclass(frozen=True)
class Check:
    """One check.

    Parameters
    ----------
    what : str
        What it checks: ``"head my-head"``.
    run : callable
        Makes the check: raises `AssertionError`, or any other error, if something is wrong, and `CheckSkipped` if it
        cannot tell.
    """

    what: str
    run: Callable[[], None]


def list_checks(origin: str, *, onnx: bool = False) -> Iterator[Check]:
    """Yield the checks of a plugin.

    Parameters
    ----------
    origin : str
        Name of its distribution.
    onnx : bool
        Whether to export backbones and heads to ONNX too, which takes up to a minute each.
    """
    if origin != BUILT_IN:
        yield Check("requirements", partial(_check_requirements, origin))
    for report in get_registry().reports():
        if report.origin == origin:
            yield from _list_checks_of_hooks(report)
    for collection in get_registry().collections():
        for registered, name in zip(collection.all(), collection.names(), strict=True):
            if registered.origin == origin:
                yield from _list_checks_of_thing(collection.kind.name, registered, name, onnx=onnx)
    for entry in entry_points(group=COMMAND_GROUP):
        if find_distribution(entry)[0] == origin:
            yield Check(f"command {entry.name}", _find("galaxtool.testing.command:check_command", entry.name))


def _find(target: str, *args: str) -> Callable[[], None]:
    """Return a check that is imported when it is made."""
    return lambda: import_attribute(target)(*args)


def _fail(message: str) -> None:
    raise AssertionError(message)


def _skip(message: str) -> None:
    raise CheckSkipped(message)


def _check_requirements(origin: str) -> None:
    problems = list(find_conflicts(origin))
    assert not problems, "; ".join(problems)


def find_conflicts(distribution: str) -> Iterator[str]:
    """Yield a sentence on each requirement of a package that is not met."""
    try:
        texts = requires(distribution) or []
    except PackageNotFoundError:
        return
    for text in texts:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            yield f"requires '{text}', which is not a valid requirement"
            continue
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            if not is_installed(re.sub(r"[-.]+", "_", requirement.name)):  # a source tree has no metadata
                yield f"requires {requirement}, which is not installed"
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            yield f"requires {requirement}, and {requirement.name} {found} is installed"


def _list_checks_of_hooks(report: PluginReport) -> Iterator[Check]:
    """Yield the checks that a plugin is loaded, provides something, and is light."""
    yield Check(f"plugin {report.name}", partial(_check_report, report))
    if report.module:  # a package with commands only has none
        yield Check(
            f"imports of {report.name}",
            _find("galaxtool.testing.light_import:check_plugin_is_light", report.name),
        )


def _check_report(report: PluginReport) -> None:
    where = f" ({report.where})" if report.where else ""
    assert report.status == "ok", f"{report.problem}{where}"
    assert report.provides, "its hooks return nothing; return a list of specs"


def _list_checks_of_thing(kind: str, registered: Registration[Any], name: str, *, onnx: bool) -> Iterator[Check]:
    """Yield the checks of one thing that a plugin registers."""
    spec, what = registered.spec, f"{kind} {registered.spec.name}"
    missing = [package for package in spec.requires if not is_installed(package)]
    if missing:
        yield Check(what, partial(_skip, f"needs {', '.join(missing)}, which is not installed"))
        return
    if name != spec.name:
        message = f"something else has this name, so it is found only as '{name}'; rename it"
        yield Check(f"name of {what}", partial(_fail, message))
    if not spec.summary:
        yield Check(f"summary of {what}", partial(_fail, "it has none, and listings show one; set summary="))
    if reason := _find_reason_to_skip(kind, spec, name):
        yield Check(what, partial(_load, registered))
        yield Check(f"results of {what}", partial(_skip, reason))
        return
    target = f"{name}@none" if isinstance(spec, BackboneSpec) else name
    yield Check(what, _find(_CHECKS[kind], target))
    if onnx and isinstance(spec, BackboneSpec):
        yield Check(f"ONNX of {what}", _find(_ONNX, target))
    elif onnx and isinstance(spec, HeadSpec) and not spec.fitted and "none" not in spec.label_kinds:
        yield Check(f"ONNX of {what}", lambda: import_attribute(_ONNX)(head=target))


def _load(registered: Registration[Any]) -> None:
    registered.load()


def _find_reason_to_skip(kind: str, spec: Any, name: str) -> str:
    """Return why the results of a thing cannot be checked by its name alone; empty if they can."""
    if kind in _ASIDE:
        return _ASIDE[kind]
    if isinstance(spec, DatasetSpec) and spec.needs_path:
        return f"needs a path: call galaxtool.check_dataset('{name}:PATH') in a test"
    if isinstance(spec, BackboneSpec) and spec.architectures:
        return f"stands for many: call galaxtool.check_backbone('{name}:ARCHITECTURE@none') in a test"
    return ""
