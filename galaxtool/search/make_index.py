"""Build, extend or merge an index: the work of ``galaxtool index``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from galaxtool.search.build import build_index
from galaxtool.search.extend import add_to_index, merge_indexes
from galaxtool.search.options import IndexOptions
from galaxtool.search.results import IndexResult
from galaxtool.types import Progress


def make_index(
    inputs: Sequence[str | Path], model: str | None, options: IndexOptions, progress: Progress
) -> IndexResult:
    """Build an index of images, or add images to one, or merge several; see `galaxtool.commands.index.index`."""
    if options.add:
        return add_to_index(inputs, model, options, progress)
    if options.merge:
        return merge_indexes(inputs, model, options, progress)
    return build_index(inputs, model or "mini", options, progress)
