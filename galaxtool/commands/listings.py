"""What is there, from where, and whether it is usable now."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from galaxtool.plugins.registration import Registration
from galaxtool.plugins.registry import Collection, get_registry
from galaxtool.plugins.specs import BackboneSpec, DatasetSpec, HeadSpec, MethodSpec, ModelSpec, Spec, TaxonomySpec


@dataclass(frozen=True)
class Listing:
    """Rows of one kind.

    Parameters
    ----------
    kind : str
        What is listed, in the plural.
    rows : list of dict
        Plain values; every row has ``name``, ``summary``, ``from`` and ``usable``, plugins' have their own.
    """

    kind: str
    rows: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """Return the rows under the kind's name."""
        return {self.kind: self.rows}


def backbones() -> Listing:
    """List the image encoders."""
    return _list(get_registry().backbones)


def datasets() -> Listing:
    """List the data sets."""
    return _list(get_registry().datasets)


def heads() -> Listing:
    """List the classifying heads."""
    return _list(get_registry().heads)


def methods() -> Listing:
    """List the ways to train, with the paper of each."""
    return _list(get_registry().methods)


def models() -> Listing:
    """List the trained models that come with galaxtool and its plugins."""
    return _list(get_registry().models)


def taxonomies() -> Listing:
    """List the taxonomies with their classes, prompts and coarser relatives."""
    return _list(get_registry().taxonomies)


def plugins() -> Listing:
    """List the plugins, what each provides, and what is wrong with those that failed."""
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
    return Listing("plugins", rows)


def _list(collection: Collection[Any]) -> Listing:
    return Listing(collection.kind.plural, [_row(registered) for registered in collection])


def _row(registered: Registration[Any]) -> dict[str, Any]:
    spec = registered.spec
    row: dict[str, Any] = {
        "name": spec.name,
        "summary": spec.summary,
        **_particulars(registered),
        "from": registered.origin,
        "usable": _usable(registered),
    }
    if spec.licence:
        row["licence"] = spec.licence
    if spec.citation:
        row["citation"] = spec.citation.text
    return row


def _particulars(registered: Registration[Any]) -> dict[str, Any]:
    spec = registered.spec
    match spec:
        case BackboneSpec():
            tags = [f"@{w.tag}" for w in spec.weights]
            records = [asdict(w) for w in spec.weights]
            return {"text": spec.text, "image_size": spec.image_size, "weights": [*tags, "@none"], "records": records}
        case DatasetSpec():
            return {"taxonomy": spec.taxonomy, "needs_path": spec.needs_path}
        case MethodSpec():
            options = [f"{option.name}={option.default}" for option in spec.options]
            return {"paper": _paper(spec), "needs": list(spec.needs), "head": spec.head, "options": options}
        case HeadSpec():
            return {"learns_from": list(spec.label_kinds), "fitted": spec.fitted}
        case TaxonomySpec():
            return _classes(registered)
        case ModelSpec():
            return {"folder": spec.folder}
        case _:
            return {}


def _paper(spec: Spec) -> str:
    """Return authors and year of what to cite, and where to read it."""
    if not spec.citation:
        return ""
    authors = re.match(r".*?\b\d{4}\b", spec.citation.text)
    known = [authors.group() if authors else "", f"arXiv:{spec.citation.arxiv}" if spec.citation.arxiv else ""]
    return ", ".join(part for part in known if part)


def _classes(registered: Registration[Any]) -> dict[str, Any]:
    from galaxtool.errors import GalaxtoolError

    try:
        taxonomy = registered.create(registered.spec)
    except GalaxtoolError as error:
        return {"classes": [], "problem": error.message}
    return {"classes": taxonomy.as_dict()["classes"]}


def _usable(registered: Registration[Any]) -> str:
    """Tell in a word whether a spec can be used now, without importing anything heavy."""
    package = registered.spec.factory.partition(".")[0].partition(":")[0]
    if importlib.util.find_spec(package) is None:
        return f"no: package '{package}' is not installed"
    for package in registered.spec.requires:
        if importlib.util.find_spec(package) is None:
            return f"no: pip install {package}"
    folder = getattr(registered.spec, "folder", None)
    if folder and not Path(folder).is_dir():
        return f"no: {folder} is not there"
    if isinstance(registered.spec, BackboneSpec) and importlib.util.find_spec("torch") is None:
        return "no: PyTorch is not installed"
    return "yes"
