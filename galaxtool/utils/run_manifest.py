"""The manifest of a run directory: when, with which versions, and whether a file is one."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import platform
from pathlib import Path
from typing import Any

from galaxtool.utils.files.regular_files import read_regular_text

MANIFEST = "manifest.json"

_KEYS = {"schema": int, "command": str, "argv": list, "config": dict, "status": str, "outputs": dict}
_REPORTED = (
    "galaxtool",
    "torch",
    "open_clip_torch",
    "timm",
    "astropy",
    "numpy",
    "faiss-cpu",
    "onnxruntime-gpu",
    "onnxruntime",
    "openvino",
    "simplejpeg",
    "kornia_rs",
)


def utc_now() -> str:
    """Return the current time in UTC, as ISO 8601 to the second."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def find_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that affect results."""
    found = {"python": platform.python_version()}
    for name in _REPORTED:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def read_manifest(path: Path) -> dict[str, Any]:
    """Return the manifest of a run; empty where there is none, or another program wrote it."""
    try:
        manifest = json.loads(read_regular_text(path / MANIFEST))
    except (OSError, ValueError, RecursionError):
        return {}
    return manifest if is_manifest(manifest) else {}


def is_manifest(values: Any) -> bool:
    """Tell whether the content of a JSON file is the manifest of a run, with the keys that every one has."""
    return isinstance(values, dict) and all(isinstance(values.get(key), kind) for key, kind in _KEYS.items())
