"""The command ``doctor``."""

from __future__ import annotations

from galaxtool.diagnostics.installation import Diagnosis, check_installation


def doctor() -> Diagnosis:
    """Check this installation: versions, devices, ONNX Runtime providers, plugins, and how to fix problems.

    PyTorch is needed only for training. A missing PyTorch is not a problem.

    Returns
    -------
    Diagnosis
        Facts and problems.
    """
    return check_installation()
