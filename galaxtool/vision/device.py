"""Choose the device and the precision."""

from __future__ import annotations

import torch

from galaxtool.errors import ConfigError
from galaxtool.utils.config import check_choice

PRECISIONS = ("fp32", "bf16", "fp16")


def list_devices() -> list[str]:
    """Return the devices that PyTorch can use, the fastest first, with the names of GPUs."""
    devices = [f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        devices.append("mps")
    return [*devices, "cpu"]


def choose_device(name: str) -> torch.device:
    """Return the device for ``auto`` or a name such as ``cpu``, ``cuda`` or ``cuda:1``.

    Raises
    ------
    ConfigError
        If the device does not exist.
    """
    if name == "auto":
        name = list_devices()[0].partition(" ")[0]
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(
            f"There is no device '{name}' here.", hint=f"Devices: {', '.join(list_devices())}; or --device auto."
        ) from error
    return device


def find_fastest_precision(device: torch.device | str) -> str:
    """Return ``bf16`` on CPUs with AMX and on GPUs that support it, ``fp16`` on older GPUs, else ``fp32``.

    CPUs without AMX are faster in fp32, also those with AVX512-BF16: one of them trained 12 times slower in bf16.
    """
    device = torch.device(device)
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    if device.type == "cpu":
        supports = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        return "bf16" if supports.get("amx_bf16") else "fp32"
    return "fp32"


def choose_precision(name: str, device: torch.device) -> str:
    """Return the precision for ``auto``, ``fp32``, ``bf16`` or ``fp16`` on a device.

    ``auto`` is fp32 on every device, so that results never depend on the machine.

    Raises
    ------
    ConfigError
        If the name is unknown, or fp16 is requested on a CPU.
    """
    if name == "auto":
        return "fp32"
    check_choice("precision", name, ("auto", *PRECISIONS))
    if name == "fp16" and device.type != "cuda":
        raise ConfigError("fp16 needs a CUDA device.", hint="Use --precision auto.")
    return name


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Return the context manager for computing at a precision; fp32 changes nothing."""
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[precision]
    return torch.autocast(device.type, dtype=dtype, enabled=precision != "fp32")
