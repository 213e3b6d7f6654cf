"""Where an index is written and found by default."""

from __future__ import annotations

from pathlib import Path

DEFAULT_INDEX = Path("galaxtool_index")
