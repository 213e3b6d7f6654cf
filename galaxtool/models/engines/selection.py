"""The engine for many images: one that computes in bf16, where the choice was left open and the processor has AMX."""

from __future__ import annotations

import contextlib
from pathlib import Path

from galaxtool.errors import GalaxtoolError
from galaxtool.models.engines.amx import has_amx
from galaxtool.models.engines.lazy_torch import LateTorchEngine
from galaxtool.models.engines.open import open_engine
from galaxtool.models.engines.protocol import Engine
from galaxtool.models.find import WEIGHTS, ModelFiles
from galaxtool.utils.optional_imports import is_installed

MANY = 10_000
"""Images that are worth a coarser precision, and the seconds in which PyTorch starts in every process."""


def open_engine_for(
    images: int, files: ModelFiles, engine: str, device: str, precision: str, *, executor: str
) -> Engine:
    """Open a model by the engine that is the fastest for so many images, where the choice was left open.

    Parameters
    ----------
    images : int
    files : ModelFiles
    engine, device, precision : str
        As on the command line, see `galaxtool.models.engines.open.open_engine`.
    executor : str
        As on the command line. Threads share one engine in one process, and the choice is left alone.

    Notes
    -----
    OpenVINO, for which nobody asked, is done without where it is not well installed or cannot run the model; and where
    the file was exported in fp16 or int8, which bf16 would make no faster or coarser still.
    """
    fastest = engine if executor == "threads" else engine_for(images, files, engine, device, precision)
    if fastest != engine:
        if fastest == "torch":
            return LateTorchEngine(files, "bf16")
        with contextlib.suppress(GalaxtoolError, ImportError):
            opened = open_engine(files, fastest, "cpu", "bf16")
            if not getattr(opened, "is_reduced", False):
                return opened
    return open_engine(files, engine, device, precision)


def engine_for(images: int, files: ModelFiles, engine: str, device: str, precision: str) -> str:
    """Return the engine to compute by: the given one, or another that is faster in bf16, on the CPU.

    Parameters
    ----------
    images : int
        How many are to be scored.
    files : ModelFiles
    engine, device, precision : str
        As on the command line; a choice is left open where engine and precision are ``auto``, and the device is not a
        GPU.

    Returns
    -------
    str
        ``openvino`` or ``torch``, to be opened in bf16; or what was given.

    Notes
    -----
    A processor with AMX runs `mini` in bf16 about twice as fast by PyTorch, and two to five times by OpenVINO, as ONNX
    Runtime does in fp32 (``benchmarks/results.md``).
    """
    left_open = engine == "auto" and precision == "auto" and device in ("auto", "cpu")
    if not left_open or images < MANY or (device == "auto" and Path("/dev/nvidiactl").exists()) or not has_amx():
        return engine
    if files.onnx is not None and is_installed("openvino"):
        return "openvino"
    has_weights = files.folder is not None and (files.folder / WEIGHTS).is_file()
    return "torch" if has_weights and is_installed("torch") else engine


def engine_note(opened: Engine, chosen: str) -> str:
    """Return what the user is told where an engine is not the one that few images would have; else nothing.

    Parameters
    ----------
    opened : Engine
        By `open_engine_for`.
    chosen : str
        As on the command line.
    """
    if chosen != "auto" or getattr(opened, "precision", "fp32") != "bf16":
        return ""
    if opened.name == "openvino":
        return "Many images: computing by OpenVINO in bf16, the fastest here. --engine onnx computes in fp32."
    if isinstance(opened, LateTorchEngine):
        return (
            "Many images: computing by PyTorch in bf16, the faster here. --engine onnx computes in fp32; "
            "pip install 'galaxtool[fast]' makes it faster still."
        )
    return ""
