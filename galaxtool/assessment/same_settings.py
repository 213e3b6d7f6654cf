"""The settings of an evaluation, and whether one that is resumed was begun with the same."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from galaxtool.assessment.options import EvaluateOptions
from galaxtool.errors import InputError
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.utils.files.regular_files import read_regular_text

_FLAGS = {"dataset": "DATASET", "reading": "the options of reading"}
_MOVABLE = "output"
_AUTO, _EXACT = "auto", "fp32"


def describe_settings(options: EvaluateOptions, reading: ReadingOptions, compute: ComputeOptions) -> dict[str, Any]:
    """Return the settings that decide the scores of an evaluation, for its manifest."""
    return {
        "dataset": options.dataset,
        "model": options.model,
        "output": options.output,
        "split": options.split,
        "where": options.where,
        "label_column": options.label_column,
        "by": list(options.by_columns),
        "coarse": options.coarse,
        "prior": options.prior,
        "gallery": options.gallery,
        "gallery_split": options.gallery_split,
        "perturb": list(options.perturbations),
        "tta": compute.tta,
        "precision": compute.precision,
        "reading": reading.list_changes(),
        "seed": options.seed,
    }


def check_same_settings(folder: Path, settings: Mapping[str, Any], *, digest: str = "") -> None:
    """Raise `InputError` if an evaluation was begun with other settings, or with another content of its model.

    Parameters
    ----------
    folder : Path
        Evaluation directory. What its manifest does not state, as that of an earlier version, is not compared.
    settings : mapping
        Settings of now, as `describe_settings` returns them.
    digest : str
        Digest of the model of now; empty if there is none to compare.
    """
    try:
        manifest = json.loads(read_regular_text(folder / "manifest.json"))
        stored = {name: entry["value"] for name, entry in manifest["config"].items()}
        begun = str((manifest.get("model") or {}).get("digest", digest))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return  # opening the directory says so
    pairs = {name: (stored[name], value) for name, value in settings.items() if name in stored and name != _MOVABLE}
    differing = [
        f"{_FLAGS.get(name, '--' + name.replace('_', '-'))} {_show(before)} (now {_show(now)})"
        for name, (before, now) in pairs.items()
        if not _is_same(before, now)
    ]
    if digest and begun != digest:
        differing.append(f"a model of the digest {begun[:12]} (now {digest[:12]})")
    if differing:
        raise InputError(
            f"The evaluation in '{folder}' was begun with {', '.join(differing)}.",
            hint="Give the same options as before to resume it, or start again with --overwrite.",
        )


def _is_same(before: Any, now: Any) -> bool:
    """Tell whether two values are the same, or two names of one file."""
    before, now = _simplify(before), _simplify(now)
    if isinstance(before, list) and isinstance(now, list):
        return len(before) == len(now) and all(map(_is_same, before, now))
    if isinstance(before, str) and isinstance(now, str) and os.path.exists(now):  # noqa: PTH110
        return os.path.realpath(before) == os.path.realpath(now)
    return bool(before == now)


def _simplify(value: Any) -> Any:
    plain = json.loads(json.dumps(value, default=str))
    return _EXACT if plain == _AUTO else plain


def _show(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"--{name.replace('_', '-')} {_show(one)}" for name, one in value.items()) or "left out"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_show, value)) or "left out"
    return "left out" if value is None else str(value)
