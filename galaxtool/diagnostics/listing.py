"""List what the plugins provide, and whether it can be used."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from galaxtool.backbones.weights.cached import describe_availability, find_weights
from galaxtool.errors import GalaxtoolError
from galaxtool.plugins.registration import Registration
from galaxtool.plugins.registry import Collection, get_registry
from galaxtool.plugins.specs import (
    BackboneSpec,
    DatasetSpec,
    HeadSpec,
    MethodOption,
    MethodSpec,
    ModelSpec,
    PlotSpec,
    Spec,
    TaxonomySpec,
)
from galaxtool.utils.optional_imports import is_installed


@dataclass(frozen=True)
class ComponentListing:
    """The result of a listing command.

    Parameters
    ----------
    kind : str
        Kind of the things that are listed, in the plural.
    rows : list of dict
        Plain values. Every row has ``name``, ``summary``, ``from`` and ``usable``; the rows of plugins have columns of
        their own.
    """

    kind: str
    rows: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """Return the rows under the name of the kind."""
        return {self.kind: self.rows}


def list_collection(collection: Collection[Any]) -> ComponentListing:
    """List everything of one kind that is registered."""
    return ComponentListing(collection.kind.plural, [_describe(registered) for registered in collection])


def list_plugins() -> ComponentListing:
    """List the plugins, with what each provides and what is wrong with it."""
    rows = [
        {
            "name": report.name,
            "from": report.origin,
            "version": report.version,
            "status": report.status,
            "provides": report.provides,
            "problem": report.problem,
            "load_ms": report.load_ms,
        }
        for report in get_registry().reports()
    ]
    return ComponentListing("plugins", rows)


def _describe(registered: Registration[Any]) -> dict[str, Any]:
    """Return the row of one thing."""
    spec = registered.spec
    row: dict[str, Any] = {
        "name": spec.name,
        "summary": spec.summary,
        **_describe_abilities(registered),
        "from": registered.origin,
        "usable": _check_usable(spec),
    }
    if spec.licence:
        row["licence"] = spec.licence
    if spec.citation:
        row["citation"] = spec.citation.text
    return row


def _describe_abilities(registered: Registration[Any]) -> dict[str, Any]:
    """Return the columns that only things of this kind have."""
    spec = registered.spec
    match spec:
        case BackboneSpec():
            return _list_weights(spec)
        case DatasetSpec():
            return {"taxonomy": spec.taxonomy, "needs_path": spec.needs_path}
        case MethodSpec():
            return {
                "paper": _cite(spec),
                "needs": list(spec.needs),
                "head": spec.head,
                **_list_options(spec.options),
            }
        case HeadSpec():
            methods = [method.name for method in get_registry().methods.specs() if method.can_train(spec)]
            return {"learns_from": list(spec.label_kinds), "fitted": spec.fitted, "methods": methods}
        case TaxonomySpec():
            return _list_classes(registered)
        case PlotSpec():
            return {"inputs": spec.inputs, "takes": [*spec.takes], **_list_options(spec.options)}
        case ModelSpec():
            return {"folder": spec.folder}
        case _:
            return {}


def _list_weights(spec: BackboneSpec) -> dict[str, Any]:
    """Return the weights of a backbone, and whether they are on this machine."""
    files = [find_weights(weights) for weights in spec.weights]
    known = {f"@{weights.tag}": describe_availability(weights) for weights in spec.weights}
    others = {"@TAG": "depends on the architecture"} if spec.architectures else {}
    available = {**known, **others, "@none": "random"}
    return {
        "text": spec.text,
        "image_size": spec.image_size,
        "weights": [*known, "@none"],
        "available": available,
        "records": [
            {**asdict(weights), "file": str(file) if file else None}
            for weights, file in zip(spec.weights, files, strict=True)
        ],
    }


def _list_options(options: Sequence[MethodOption]) -> dict[str, Any]:
    """Return the columns of the settings that something has of its own."""
    return {
        "options": [f"{option.name}={option.default}" for option in options],
        "option_summaries": {option.name: option.summary for option in options},
    }


def _cite(spec: Spec) -> str:
    """Return authors, year and arXiv id of the reference to cite."""
    if not spec.citation:
        return ""
    authors = re.match(r".*?\b\d{4}\b", spec.citation.text)
    known = [authors.group() if authors else "", f"arXiv:{spec.citation.arxiv}" if spec.citation.arxiv else ""]
    return ", ".join(part for part in known if part)


def _list_classes(registered: Registration[TaxonomySpec]) -> dict[str, Any]:
    """Return the classes of a taxonomy, or why it cannot be read."""
    try:
        taxonomy = registered.create(registered.spec)
    except GalaxtoolError as error:
        return {"classes": [], "problem": error.message}
    return {"classes": taxonomy.as_dict()["classes"]}


def _check_usable(spec: Spec) -> str:
    """Return ``yes``, or ``no`` and the reason, without importing anything heavy."""
    package = spec.factory.partition(".")[0].partition(":")[0]
    if not is_installed(package):
        return f"no: package '{package}' is not installed"
    for package in spec.requires:
        if not is_installed(package):
            return f"no: pip install {package}"
    folder = getattr(spec, "folder", None)
    if folder and not Path(folder).is_dir():
        return f"no: the folder {folder} does not exist"
    if isinstance(spec, BackboneSpec) and not is_installed("torch"):
        return "no: PyTorch is not installed"
    return "yes"
