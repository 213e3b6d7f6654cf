"""The command ``doctor``."""

from __future__ import annotations

from galaxtool.diagnostics.installation import Diagnosis, check_installation


def doctor() -> Diagnosis:
    """Check this installation: versions, devices, ONNX Runtime providers, plugins, and how to fix problems.

    A missing PyTorch is not reported as a problem: only training, export, and searches by text or by your own drawing
    need it.

    Returns
    -------
    Diagnosis
        Facts and problems.
    """
    return check_installation()
