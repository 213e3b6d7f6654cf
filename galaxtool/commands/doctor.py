"""What this installation is, and what to fix."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
from dataclasses import asdict, dataclass, field
from typing import Any

from galaxtool.plugins.registry import get_registry
from galaxtool.utils.config import cache_dir, is_offline
from galaxtool.utils.optional_imports import is_installed
from galaxtool.utils.processor import has_amx
from galaxtool.utils.run_directory import versions


@dataclass(frozen=True)
class Diagnosis:
    """What `doctor` found.

    Parameters
    ----------
    versions : dict
        Of Python and of the packages that decide a result.
    devices : list of str
        What can train: ``cpu``, ``cuda:0 NVIDIA ...``, ``mps``; empty without PyTorch.
    providers : list of str
        What ONNX Runtime can use.
    precision : str
        Fastest precision of the CPU, for ``--precision``; empty without PyTorch.
    plugins : list of dict
        Name, status and problem of each.
    notes : list of str
        Good to know.
    problems : list of str
        To be fixed, each with how.
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


def doctor() -> Diagnosis:
    """Check this installation: versions, devices, ONNX providers, plugins, and what to fix.

    PyTorch is needed for training only; without it the diagnosis is still content.
    """
    notes = [f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors; cache in {cache_dir()}"]
    if is_offline():
        notes.append("offline: nothing is fetched")
    if has_amx() and not is_installed("openvino"):
        notes.append("many images are classified faster on this processor with: pip install 'galaxtool[fast]'")
    problems: list[str] = []
    devices, precision = _devices(notes, problems)
    return Diagnosis(
        versions=versions(),
        devices=devices,
        providers=_providers(problems),
        precision=precision,
        plugins=_plugins(problems),
        notes=notes,
        problems=problems,
    )


def _devices(notes: list[str], problems: list[str]) -> tuple[list[str], str]:
    if importlib.util.find_spec("torch") is None:
        notes.append("PyTorch is not installed: ONNX models classify, but nothing can be trained")
        return [], ""
    try:
        from galaxtool.vision.device import find_fastest_precision, list_devices

        return list_devices(), find_fastest_precision("cpu")
    except (ImportError, OSError, RuntimeError) as error:
        problems.append(f"PyTorch does not import ({error}); reinstall it: pip install --force-reinstall torch")
        return [], ""


def _providers(problems: list[str]) -> list[str]:
    installed = [n for n in ("onnxruntime", "onnxruntime-gpu") if _is_installed(n)]
    if len(installed) > 1:
        problems.append(
            "onnxruntime and onnxruntime-gpu share one module and are both installed; "
            "run: pip uninstall -y onnxruntime onnxruntime-gpu && pip install onnxruntime-gpu"
        )
    if not installed:
        problems.append("ONNX Runtime is not installed; run: pip install onnxruntime-gpu (or onnxruntime)")
        return []
    import onnxruntime

    return list(onnxruntime.get_available_providers())


def _plugins(problems: list[str]) -> list[dict[str, str]]:
    reports = get_registry().reports()
    problems.extend(
        f"plugin '{r.name}' ({r.origin}): {r.problem}; update it or pip uninstall {r.origin}"
        for r in reports
        if r.status == "failed"
    )
    return [{"name": r.name, "from": r.origin, "status": r.status, "problem": r.problem} for r in reports]


def _is_installed(distribution: str) -> bool:
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
