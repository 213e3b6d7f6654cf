"""Select the engine for ``auto``, and write the note that another precision would be faster."""

from __future__ import annotations

import sys
from pathlib import Path

from galaxtool.errors import ConfigError
from galaxtool.models.engines.protocol import Engine
from galaxtool.models.find import ModelFiles
from galaxtool.utils.optional_imports import is_installed
from galaxtool.utils.processor import has_amx

MANY = 10_000
"""Number of images from which on a faster precision is worth a note."""

_GPUS = (Path("/dev/nvidiactl"), Path("/dev/kfd"))


def select_engine(files: ModelFiles, engine: str, device: str, precision: str) -> str:
    """Return the name of the engine that runs a model.

    Parameters
    ----------
    files : ModelFiles
        The model.
    engine, device, precision : str
        As on the command line.

    Returns
    -------
    str
        `engine`, unless it is ``auto``. Then ``onnx``, the fastest in fp32, where the model has an ONNX file and no
        other precision is given. For bf16 on a processor with AMX, ``openvino`` where it is installed and the model
        has an ONNX file. Otherwise ``torch``. The choice never depends on the number of images.
    """
    if engine != "auto":
        return engine
    if files.onnx is not None:
        if precision in ("auto", "fp32"):
            return "onnx"
        if precision == "bf16" and runs_on_cpu(device) and has_amx() and is_installed("openvino"):
            return "openvino"
    return "torch"


def select_engine_of(provider: str, engine: str) -> str:
    """Return the name of the engine that has a provider other than ``auto``.

    Raises
    ------
    ConfigError
        If the engine that the user named does not have it.
    """
    name = ("openvino" if provider == "openvino" else "onnx") if engine == "auto" else engine
    if name == "torch" or (name == "openvino" and provider != "openvino"):
        raise ConfigError(
            f"--provider {provider} is about ONNX Runtime, and --engine {engine} is given.",
            hint="Leave one of them out; --device says where PyTorch computes.",
        )
    return name


def runs_on_cpu(device: str) -> bool:
    """Tell whether a device is the CPU, without importing PyTorch.

    ``auto`` is the CPU on Linux machines without a GPU; elsewhere only PyTorch knows.
    """
    return device == "cpu" or (
        device == "auto" and sys.platform == "linux" and not any(path.exists() for path in _GPUS)
    )


def suggest_precision(opened: Engine, images: int, *, engine: str, precision: str) -> str:
    """Return one line for the user where ``--precision bf16`` would be much faster; otherwise an empty string.

    Parameters
    ----------
    opened : Engine
        The engine in use.
    images : int
        Number of images to score.
    engine, precision : str
        As on the command line; a user who named a precision or ONNX Runtime gets no note.

    Notes
    -----
    The factors are those of `mini` in ``benchmarks/results.md``, one thread, against ONNX Runtime in fp32.
    """
    if images < MANY or precision != "auto" or engine == "onnx":
        return ""
    if opened.device.startswith("cuda") and opened.name == "torch":
        return "Computing in fp32; --precision bf16 may be faster on this GPU, with slightly different probabilities."
    if opened.device != "cpu" or not has_amx():
        return ""
    if opened.name != "torch" and is_installed("openvino"):
        speed = "2 to 5 times as fast"
    else:
        speed = "about twice as fast (2 to 5 times with galaxtool[fast])"
    return (
        f"Computing in fp32; --precision bf16 runs models such as mini {speed} on this processor, and changes "
        "probabilities by about 0.01."
    )
