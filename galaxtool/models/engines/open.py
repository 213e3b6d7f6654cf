"""Open a model with an engine."""

from __future__ import annotations

import contextlib

from galaxtool.errors import GalaxtoolError, ModelError
from galaxtool.models.engines.onnx import OnnxEngine
from galaxtool.models.engines.openvino import OpenVinoEngine
from galaxtool.models.engines.protocol import Engine
from galaxtool.models.engines.providers import PROVIDERS
from galaxtool.models.engines.selection import runs_on_cpu, select_engine, select_engine_of
from galaxtool.models.find import RECORD, ModelFiles
from galaxtool.models.licence import check_model_licence
from galaxtool.models.record import ModelRecord
from galaxtool.utils.config import check_choice
from galaxtool.utils.optional_imports import import_attribute, is_installed, require

ENGINES = {
    "onnx": "galaxtool.models.engines.onnx:OnnxEngine",
    "openvino": "galaxtool.models.engines.openvino:OpenVinoEngine",
    "torch": "galaxtool.models.engines.torch:TorchEngine",
}
"""The class of each engine, which is imported when it is used."""

_CPU_PRECISIONS = ("auto", "fp32", "bf16")
_LAZY_TORCH = "galaxtool.models.engines.lazy_torch:LazyTorchEngine"


def open_engine(
    files: ModelFiles,
    engine: str = "auto",
    device: str = "auto",
    precision: str = "auto",
    *,
    provider: str = "auto",
    threads: int = 0,
    lazy: bool = False,
) -> Engine:
    """Open a model with an engine.

    Parameters
    ----------
    files : ModelFiles
        The model, as `find_model` returns it.
    engine : {"auto", "onnx", "openvino", "torch"}
        ``auto`` is explained in `select_engine`.
    device, precision : str
        As on the command line. The precision ``auto`` is fp32 on every machine.
    provider : str
        What computes with an ONNX file, of `galaxtool.models.engines.providers.PROVIDERS`; ``auto`` leaves it to
        engine and device.
    threads : int
        Number of CPU threads; 0 for the engine's own choice.
    lazy : bool
        Load PyTorch on the CPU at the first batch, for a process that may leave the model to its workers.

    Raises
    ------
    ConfigError
        If the engine or the provider is unknown, or the model, device or precision does not suit it.
    ModelError
        If the model's files are damaged, or its ONNX file was exported from other weights, or its licence is not one of
        those that ``GALAXTOOL_LICENSES`` allows.
    """
    opened = _open_selected(files, engine, device, precision, threads=threads, lazy=lazy, provider=provider)
    check_model_licence(opened.record, files.name)
    return opened


def _open_selected(
    files: ModelFiles, engine: str, device: str, precision: str, *, threads: int, lazy: bool, provider: str
) -> Engine:
    """Open a model with the engine that was chosen, or with the best one."""
    check_choice("engine", engine, ("auto", *ENGINES))
    check_choice("provider", provider, PROVIDERS)
    if provider != "auto":
        name = select_engine_of(provider, engine)
        return _open_exported(name, files, device, precision, threads, provider=provider)
    name = select_engine(files, engine, device, precision)
    if name == "openvino" and engine == "auto" and files.has_weights:
        with contextlib.suppress(GalaxtoolError, ImportError):  # the user did not name OpenVINO, so PyTorch will do
            opened = _open_exported(name, files, device, precision, threads)
            if not (isinstance(opened, OpenVinoEngine) and opened.is_reduced):
                return opened  # bf16 makes a file of 8 or 16 bits no faster, or coarser still
        name = "torch"
    if name == "torch":
        if lazy and runs_on_cpu(device) and precision in _CPU_PRECISIONS and files.has_weights and is_installed(name):
            return _open(_LAZY_TORCH, files, "cpu", precision, threads)
        require("torch", why="This model's engine", install="torch")
        return _open(ENGINES[name], files, device, precision, threads)
    return _open_exported(name, files, device, precision, threads)


def _open_exported(
    name: str, files: ModelFiles, device: str, precision: str, threads: int, *, provider: str = "auto"
) -> Engine:
    """Open the ONNX file of a model, which must have been exported from the weights beside it."""
    if name == "onnx":
        opened: Engine = OnnxEngine(files, device, precision, threads, provider)
    else:
        opened = _open(ENGINES[name], files, device, precision, threads)
    if files.folder is not None and ModelRecord.read(files.folder / RECORD).digest != opened.record.digest:
        raise ModelError(
            f"In '{files.folder}', model.onnx was exported from other weights than those beside it.",
            hint=f"Export again: galaxtool export --model {files.name} -o {files.onnx}",
        )
    return opened


def _open(target: str, files: ModelFiles, device: str, precision: str, threads: int) -> Engine:
    opened: Engine = import_attribute(target)(files, device, precision, threads)
    return opened
