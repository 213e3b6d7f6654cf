"""The default location of an index."""

from __future__ import annotations

from pathlib import Path

DEFAULT_INDEX = Path("galaxtool_index")
"""Folder where `index` writes and `similar` looks, relative to the working folder."""
