"""Check an installation: versions, devices, ONNX Runtime providers and plugins."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from galaxtool.diagnostics.unfinished import find_unfinished
from galaxtool.plugins.registry import get_registry
from galaxtool.utils.config import cache_dir, is_offline
from galaxtool.utils.optional_imports import import_attribute, is_installed
from galaxtool.utils.processor import has_amx
from galaxtool.utils.run_manifest import find_versions


@dataclass(frozen=True)
class Diagnosis:
    """The result of `doctor`.

    Parameters
    ----------
    versions : dict
        Versions of Python and of the packages that affect results.
    devices : list of str
        Devices for training: ``cpu``, ``cuda:0 NVIDIA ...``, ``mps``; empty without PyTorch.
    providers : list of str
        Execution providers of ONNX Runtime.
    precision : str
        Precision in which the CPU computes fastest; empty without PyTorch.
    plugins : list of dict
        Name, origin, status and problem of each plugin.
    notes : list of str
        Further facts.
    problems : list of str
        Problems, each with how to fix it.
    """

    versions: dict[str, str]
    devices: list[str]
    providers: list[str]
    precision: str
    plugins: list[dict[str, str]]
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the findings as plain values."""
        return asdict(self)


def check_installation() -> Diagnosis:
    """Check the versions, devices, ONNX Runtime providers and plugins of this installation."""
    notes = [f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores; cache in {cache_dir()}"]
    if is_offline():
        notes.append("offline: downloads are disabled")
    if has_amx() and not is_installed("openvino"):
        notes.append(
            "this processor classifies many images faster with OpenVINO (--precision bf16): "
            "pip install 'galaxtool[fast]'"
        )
    notes.extend(find_unfinished(Path()))
    problems: list[str] = []
    devices, precision = _check_torch(notes, problems)
    return Diagnosis(
        versions=find_versions(),
        devices=devices,
        providers=_check_onnxruntime(problems),
        precision=precision,
        plugins=_check_plugins(problems),
        notes=notes,
        problems=problems,
    )


def _check_torch(notes: list[str], problems: list[str]) -> tuple[list[str], str]:
    """Return the devices of PyTorch, and the precision in which the CPU computes fastest."""
    if not is_installed("torch"):
        notes.append("PyTorch is not installed: ONNX models can classify, but training is not possible")
        return [], ""
    try:
        devices: list[str] = import_attribute("galaxtool.vision.device:list_devices")()
        precision: str = import_attribute("galaxtool.vision.device:find_fastest_precision")("cpu")
    except (ImportError, OSError, RuntimeError) as error:
        problems.append(f"PyTorch cannot be imported ({error}); run: pip install --force-reinstall torch")
        return [], ""
    return devices, precision


def _check_onnxruntime(problems: list[str]) -> list[str]:
    """Return the execution providers of ONNX Runtime."""
    installed = [name for name in ("onnxruntime", "onnxruntime-gpu") if _has_distribution(name)]
    if len(installed) > 1:
        problems.append(
            "onnxruntime and onnxruntime-gpu are both installed and overwrite each other's files; "
            "run: pip uninstall -y onnxruntime onnxruntime-gpu && pip install onnxruntime-gpu"
        )
    if not installed:
        problems.append("ONNX Runtime is not installed; run: pip install onnxruntime-gpu (or onnxruntime)")
        return []
    return list(import_attribute("onnxruntime:get_available_providers")())


def _check_plugins(problems: list[str]) -> list[dict[str, str]]:
    """Return the state of each plugin."""
    reports = get_registry().reports()
    problems.extend(
        f"plugin '{r.name}' ({r.origin}): {r.problem}; update it or run: pip uninstall {r.origin}"
        for r in reports
        if r.status == "failed"
    )
    return [{"name": r.name, "from": r.origin, "status": r.status, "problem": r.problem} for r in reports]


def _has_distribution(name: str) -> bool:
    """Tell whether a distribution is installed; two of them may contain the same module."""
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
