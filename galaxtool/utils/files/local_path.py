"""Make paths that libraries cannot mistake for URLs."""

from __future__ import annotations

import os
from pathlib import Path


def to_local_path(path: Path) -> str:
    """Return an absolute path, which no library mistakes for a URL.

    pyarrow and astropy mistake ``M31:field/p.csv`` or ``file:x`` for URLs, and replace ``~`` at the start.

    Examples
    --------
    >>> to_local_path(Path("M31:field/p.parquet")).endswith("/M31:field/p.parquet")
    True
    """
    return os.path.abspath(path)  # noqa: PTH100  Path.resolve would follow links
