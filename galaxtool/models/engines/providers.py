"""Choose the execution provider of ONNX Runtime: what computes, and where."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galaxtool.errors import ConfigError

PROVIDERS = ("auto", "cpu", "cuda", "tensorrt", "openvino")
"""Values of ``--provider``."""

_CPU = "CPUExecutionProvider"
_NAMES = {
    "cpu": _CPU,
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
_TITLES = {"cuda": "CUDA", "tensorrt": "TensorRT", "openvino": "OpenVINO"}
_MISSING = "libraries of it are missing or of another version"
_NVIDIA = Path("/dev/nvidiactl")


@dataclass(frozen=True)
class ProviderChoice:
    """A provider to try.

    Parameters
    ----------
    name : str
        One of `PROVIDERS`, but not ``auto``.
    providers : list
        What ONNX Runtime is asked for, the CPU last.
    device : str
        ``cpu``, ``cuda`` or ``cuda:1``.
    is_asked : bool
        Whether the user named it or its device; else the CPU will do.
    """

    name: str
    providers: list[Any]
    device: str
    is_asked: bool

    def is_in(self, session: Any) -> bool:
        """Tell whether a session has loaded it."""
        return _NAMES[self.name] in session.get_providers()

    def fall_back(self) -> tuple[ProviderChoice, str]:
        """Return the CPU in place of a provider that cannot be loaded, and a note to the user.

        Raises
        ------
        ConfigError
            If the user asked for the provider.
        """
        title = _TITLES[self.name]
        if self.is_asked:
            raise ConfigError(
                f"ONNX Runtime cannot load {title} here: {_MISSING}.",
                hint="Use --provider cpu or --engine torch, or install them (see the documentation of ONNX Runtime).",
            )
        note = f"The GPU is not used: ONNX Runtime cannot load {title}, because {_MISSING}. Computing on the CPU."
        return ProviderChoice("cpu", [_CPU], "cpu", is_asked=False), note


def choose_provider(runtime: Any, device: str, provider: str = "auto") -> ProviderChoice:
    """Choose a provider that ONNX Runtime has.

    Parameters
    ----------
    runtime : module
        ONNX Runtime.
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``cuda:1``.
    provider : str
        One of `PROVIDERS`; ``auto`` is CUDA where there is an NVIDIA GPU, else the CPU.

    Raises
    ------
    ConfigError
        If there is no such device, the provider is not there, or the two do not suit each other.
    """
    kind, _, number = device.partition(":")
    if kind not in ("auto", "cpu", "cuda", "mps") or not (number or "0").isdigit():
        raise ConfigError(f"There is no device '{device}' here.", hint="Use --device auto, cpu or cuda.")
    on_gpu = provider in ("cuda", "tensorrt")
    if (on_gpu and kind == "cpu") or (provider in ("cpu", "openvino") and kind == "cuda"):
        raise ConfigError(
            f"--provider {provider} and --device {device} are given, which do not go together.", hint="Leave one out."
        )
    available = runtime.get_available_providers()
    if provider not in ("auto", "cpu") and _NAMES[provider] not in available:
        raise ConfigError(
            f"The ONNX Runtime that is installed has no {_TITLES[provider]}.",
            hint="Leave --engine out: OpenVINO itself then runs the file." if provider == "openvino"
            else "Use --provider cpu, or install onnxruntime-gpu in place of onnxruntime.",
        )  # fmt: skip
    if provider == "openvino":
        return ProviderChoice("openvino", [_NAMES["openvino"], _CPU], "cpu", is_asked=True)
    has_cuda = _NAMES["cuda"] in available and (_NVIDIA.exists() or sys.platform == "win32")
    if (kind == "cuda" or on_gpu) and not has_cuda:
        raise ConfigError(
            "ONNX Runtime finds no CUDA device here.", hint="Use --device cpu, --provider cpu, or --engine torch."
        )
    if provider == "cpu" or kind in ("cpu", "mps") or not has_cuda:
        return ProviderChoice("cpu", [_CPU], "cpu", is_asked=False)
    # without TF32, whose products have three digits
    cuda = (_NAMES["cuda"], {"device_id": int(number or 0), "use_tf32": 0})
    name = f"cuda:{number}" if number and number != "0" else "cuda"
    if provider == "tensorrt":
        tensorrt = (_NAMES["tensorrt"], {"device_id": int(number or 0)})
        return ProviderChoice("tensorrt", [tensorrt, cuda, _CPU], name, is_asked=True)
    return ProviderChoice("cuda", [cuda, _CPU], name, is_asked=kind == "cuda" or provider == "cuda")
