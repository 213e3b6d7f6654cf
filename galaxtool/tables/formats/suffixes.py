"""Which format of table a name asks for."""

from __future__ import annotations

import os
from pathlib import Path

from galaxtool.errors import ConfigError

TABLE_SUFFIXES = (".csv", ".ecsv", ".fits", ".vot", ".parquet")
"""The suffixes to recommend: read, and written in pieces."""

PACKED = tuple(f"{suffix}.gz" for suffix in TABLE_SUFFIXES[:4])
"""The same, gzipped; Parquet is packed in itself."""

_ALIASES = {
    ".fit": ".fits",
    ".fts": ".fits",
    ".fit.gz": ".fits",
    ".fts.gz": ".fits",
    ".votable": ".vot",
    ".votable.gz": ".vot",
    ".pq": ".parquet",
    **{suffix: suffix for suffix in TABLE_SUFFIXES},
    **{packed: packed.removesuffix(".gz") for packed in PACKED},
}

ONLY_WRITTEN = {
    ".hdf5": "hdf5",
    ".h5": "hdf5",
    ".html": "ascii.html",
    ".htm": "ascii.html",
    ".tex": "ascii.latex",
    ".txt": "ascii.fixed_width_two_line",
    ".dat": "ascii.commented_header",
    ".tsv": "ascii.tab",
    ".tab": "ascii.tab",
    ".rdb": "ascii.rdb",
    ".ipac": "ascii.ipac",
    ".tbl": "ascii.ipac",
    ".mrt": "ascii.mrt",
    ".rst": "ascii.rst",
}
"""Further suffixes, and what astropy calls the formats."""


def table_suffix(path: str | os.PathLike[str]) -> str | None:
    """Return which of `TABLE_SUFFIXES` a name stands for, or None.

    Examples
    --------
    >>> table_suffix("Objects.FITS.gz"), table_suffix("image.png")
    ('.fits', None)
    """
    return _ALIASES.get(_ending(path, _ALIASES))


def other_format(path: str | os.PathLike[str]) -> str | None:
    """Return what astropy calls the format of a name that is written but not read, or None."""
    return ONLY_WRITTEN.get(_ending(path, ONLY_WRITTEN))


def is_packed(path: str | os.PathLike[str]) -> bool:
    """Return whether a name asks for gzip."""
    return os.fspath(path).lower().endswith(".gz")


def check_table_path(path: Path) -> None:
    """Raise `ConfigError` unless a table can be written under this name; to be called before long work begins."""
    if table_suffix(path) is None and other_format(path) is None:
        others = ", ".join([*PACKED, *ONLY_WRITTEN])
        raise ConfigError(
            f"'{path}' does not say which format of table to write.",
            hint=f"End the name with one of {', '.join(TABLE_SUFFIXES)}; {others} can be written too.",
        )


def _ending(path: str | os.PathLike[str], known: dict[str, str]) -> str:
    name = os.path.basename(os.fspath(path)).lower()  # noqa: PTH119  of texts too
    ends = [suffix for suffix in known if name.endswith(suffix) and name != suffix]
    return max(ends, key=len, default="")
