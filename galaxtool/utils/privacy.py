"""Disable usage reporting in dependencies.

Reporting that an environment variable controls is disabled when galaxtool is imported, in its ``__init__``.
"""

from __future__ import annotations

import os
import sys
from typing import Any

_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


def forbid_openvino_reports() -> None:
    """Switch off the reports of OpenVINO, which has no variable for it; called before its import."""
    # openvino does without this package where it is not installed
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]


def forbid_onnx_reports(onnxruntime: Any) -> None:
    """Switch off the reports of ONNX Runtime where it was imported before galaxtool."""
    disable = getattr(onnxruntime, "disable_telemetry_events", None)
    if disable is not None:
        disable()


def forbid_downloads() -> None:
    """Keep the hub of Hugging Face offline, also for libraries that would download from it by themselves."""
    os.environ.update(dict.fromkeys(_OFFLINE, "1"))
    for name in ("huggingface_hub.constants", "transformers.utils.hub"):
        if (module := sys.modules.get(name)) is not None:
            for constant in ("HF_HUB_OFFLINE", "_is_offline_mode"):
                if hasattr(module, constant):
                    setattr(module, constant, True)
