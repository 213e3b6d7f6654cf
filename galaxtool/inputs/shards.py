"""Shards: Parquet files with images in their cells that together are one data set."""

from __future__ import annotations

import os
from pathlib import Path

from galaxtool.inputs.globs import find_files
from galaxtool.tables.formats.find import find_table_format
from galaxtool.utils.files.ignored_names import is_ignored
from galaxtool.utils.optional_imports import import_attribute


def list_shards(text: str) -> list[Path]:
    """Return the Parquet files with images that a folder or a glob names, sorted; none if it names anything else.

    Parameters
    ----------
    text : str
        A folder, whose other files do not matter, or a glob that matches nothing but such files.
    """
    if os.path.isdir(text):  # noqa: PTH112  Path.is_dir raises for a name that is too long
        found = [path for path in Path(text).rglob("*") if not any(map(is_ignored, path.relative_to(text).parts))]
        paths = [path for path in found if _is_parquet(path)]
    else:
        paths = find_files(text)
        if not all(map(_is_parquet, paths)):
            return []
    return sorted(path for path in paths if path.is_file() and _has_images(path))


def _is_parquet(path: Path) -> bool:
    return find_table_format(path) == "parquet"


def _has_images(path: Path) -> bool:
    """Tell whether a Parquet file has a column of images."""
    return bool(import_attribute("galaxtool.containers.parquet_images:list_image_columns")(path))
