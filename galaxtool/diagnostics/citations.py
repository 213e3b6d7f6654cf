"""Find what to cite for a run, a model or an evaluation: the work of ``galaxtool cite``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from galaxtool import __version__
from galaxtool.diagnostics.citation_list import CitationList
from galaxtool.errors import ConfigError, GalaxtoolError, InputError, ModelError
from galaxtool.models.find import RECORD, find_model
from galaxtool.models.record import ModelRecord
from galaxtool.plugins.dataset_names import find_named_dataset
from galaxtool.plugins.registry import get_registry
from galaxtool.reports.bibtex import format_bibtex, format_software
from galaxtool.utils.files.regular_files import read_regular_text
from galaxtool.utils.optional_imports import import_attribute

_MANIFEST = "manifest.json"
_MOST_BYTES = 64 << 20
_FIELDS = ("text", "doi", "arxiv", "bibcode")


def list_citations(name: str) -> CitationList:
    """Return what to cite for a run directory, an evaluation, a model directory, an ONNX file or a registered name.

    Raises
    ------
    InputError, ModelError
        If it is none of these, or its record is damaged.
    """
    found, licences, notes = _collect(name)
    unique = {tuple(entry.get(key, "") for key in _FIELDS): entry for entry in found if entry.get("text")}
    citations = [dict(zip(_FIELDS, values, strict=True)) for values in unique]
    bibtex = "\n\n".join(filter(None, (format_software(__version__), format_bibtex(citations))))
    return CitationList(
        name=name, citations=citations, bibtex=bibtex, licences=list(dict.fromkeys(filter(None, licences))), notes=notes
    )


def _collect(name: str) -> tuple[list[Mapping[str, Any]], list[str], list[str]]:
    """Return the citations, the licences of weights, and what is not known."""
    folder, is_model = Path(name).expanduser(), name in get_registry().models
    if not is_model and (folder / _MANIFEST).is_file():
        manifest = _read_manifest(folder / _MANIFEST)
        found, licences = list(_list_entries(manifest.get("citations"))), []
        if (folder / "model" / RECORD).is_file():
            record = ModelRecord.read(folder / "model" / RECORD)
            found, licences = [*found, *_list_entries(record.citations)], [record.licence]
        elif (other := _find_other_record(folder / "model")) is not None:
            found, licences = [*found, *_list_entries(other["citations"])], [str(other.get("licence", ""))]
        of_datasets, notes = _list_of_datasets(manifest)
        found += of_datasets
        if not found and not notes:
            notes = [f"The {manifest.get('command', 'run')} records nothing to cite but galaxtool itself."]
        return found, licences, notes
    if not is_model and name in get_registry().backbones:
        spec = get_registry().backbones.find(name).spec
        weights = spec.weights[0] if spec.weights else None
        own = [spec.citation, weights.citation if weights else None]
        return [_to_entry(c) for c in own if c is not None], [weights.licence if weights else spec.licence], []
    if not is_model and (other := _find_other_record(folder)) is not None:
        return list(_list_entries(other["citations"])), [str(other.get("licence", ""))], []
    try:
        record = _read_record(name)
    except ModelError:
        raise
    except GalaxtoolError as error:
        raise InputError(
            f"'{name}' is not a run, an evaluation or a model, so there is nothing to cite for it.",
            hint="Give a folder with manifest.json or model.json, an .onnx file, or a name of `galaxtool models`.",
        ) from error
    return list(_list_entries(record.citations)), [record.licence], []


def _find_other_record(folder: Path) -> Mapping[str, Any] | None:
    """Return the record of what a plugin has trained: a JSON file of the folder with a list of citations."""
    if (folder / RECORD).is_file() or not folder.is_dir():
        return None
    for file in sorted(folder.glob("*.json")):
        try:
            values = json.loads(read_regular_text(file, _MOST_BYTES))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(values, dict) and isinstance(values.get("citations"), list):
            return values
    return None


def _read_record(name: str) -> ModelRecord:
    """Return the record of a model; that of an ONNX file alone is inside."""
    files = find_model(name)
    if files.folder is not None:
        return ModelRecord.read(files.folder / RECORD)
    record: ModelRecord = import_attribute("galaxtool.models.engines.onnx:OnnxEngine")(files).record
    return record


def _read_manifest(file: Path) -> Mapping[str, Any]:
    try:
        manifest = json.loads(read_regular_text(file, _MOST_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"'{file}' cannot be read: {error}.", hint="Copy the run again from where it was made."
        ) from error
    if not isinstance(manifest, dict):
        raise InputError(f"'{file}' is not the manifest of a run.", hint="Give the folder of a run.")
    return manifest


def _list_of_datasets(manifest: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], list[str]]:
    """Return the citations of the data sets of a run, as the user named them or as its inputs do, and notes."""
    found: list[Mapping[str, Any]] = []
    notes: list[str] = []
    for text in _list_given_datasets(manifest) or _list_inputs(manifest):
        try:
            entry = find_named_dataset(text)
        except ConfigError as error:
            notes.append(f"{error.message} The run does not say whose it is; cite that which was used.")
            continue
        if entry is not None and entry.spec.citation is not None:
            found.append(_to_entry(entry.spec.citation))
    return found, notes


def _list_given_datasets(manifest: Mapping[str, Any]) -> list[str]:
    """Return the data sets of a run as the user named them; empty if the manifest does not say."""
    config = manifest.get("config")
    given = [config.get(name) for name in ("dataset", "gallery")] if isinstance(config, dict) else []
    values = [entry.get("value") for entry in given if isinstance(entry, dict)]
    every = [one for value in values for one in (value if isinstance(value, list) else [value])]
    return [one for one in every if isinstance(one, str)]


def _list_inputs(manifest: Mapping[str, Any]) -> list[str]:
    inputs = manifest.get("inputs")
    return [str(one.get("name", "")) for one in (inputs if isinstance(inputs, list) else []) if isinstance(one, dict)]


def _list_entries(values: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the entries that are citations; a record may come from anywhere."""
    for entry in values if isinstance(values, list) else []:
        if isinstance(entry, Mapping) and all(isinstance(entry.get(key, ""), str) for key in _FIELDS):
            yield entry


def _to_entry(citation: Any) -> Mapping[str, str]:
    return {key: getattr(citation, key) for key in _FIELDS}
