"""Debugging by ``GALAXTOOL_DEBUG=1``; imports nothing that ``--help`` would wait for."""

from __future__ import annotations

import os


def is_debugging() -> bool:
    """Tell whether exceptions of plugins and decoders are raised rather than reported (``GALAXTOOL_DEBUG=1``)."""
    return os.environ.get("GALAXTOOL_DEBUG", "") == "1"
