"""Pictures of queries and results, as the model sees them but with more pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from galaxtool.containers.reading import read_ref
from galaxtool.errors import InputError, UnreadableImage
from galaxtool.inference.reading import override_preprocess
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.search.queries.vectors import QueryExample
from galaxtool.search.source import Source
from galaxtool.taxonomy.symbols import load_symbol
from galaxtool.types import ImageRef


@dataclass(frozen=True, eq=False)
class ResultPicture:
    """A picture, or the reason why there is none.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (ny, nx, 3), or None
        Row 0 is the top row.
    note : str
        Why there is none.
    side : float or None
        Side of the picture in arcsec; None where unknown.
    """

    pixels: np.ndarray | None
    note: str = ""
    side: float | None = None


def read_picture(ref: ImageRef, options: ReadingOptions, source: Source, size: int) -> ResultPicture:
    """Read an observed image as a square of `size` pixels."""
    if not ref.path.exists():
        return ResultPicture(None, "file is missing")
    preprocess = replace(override_preprocess(source.record.make_preprocess(), options), size=size)
    try:
        cutout = read_ref(ref, options.read_options)
        return ResultPicture(preprocess.display(cutout), side=preprocess.field_arcsec(cutout))
    except UnreadableImage:
        return ResultPicture(None, "file can no longer be read")


def read_example(example: QueryExample, source: Source, size: int) -> ResultPicture:
    """Read the picture of an example of a query: an image or a symbol, or its text in place of a picture."""
    if example.ref is not None:
        return read_picture(example.ref, example.reading, source, size)
    if example.path is None:
        return ResultPicture(None, example.label)
    try:
        return ResultPicture(load_symbol(example.path, size))
    except InputError:  # the model has the embedding of its own symbol without the drawing
        return ResultPicture(None, example.label)


def describe_example(example: QueryExample, *, is_only: bool) -> str:
    """Return what an example is, in a few words."""
    if example.ref is not None:
        what = "image"
    elif example.is_symbol:
        what = "symbol"
    else:
        what = "vector" if example.is_observed else "text"
    if is_only:
        return "query" if what == "image" else f"query, a {what}"
    if example.weight < 0:
        return f"not this, weight {-example.weight:g}"
    return f"query, weight {example.weight:g}"


def name_example(example: QueryExample) -> str:
    """Return the caption of an example: its name, without the folder of a file."""
    if example.path is None or example.is_symbol or example.row is not None:
        return example.label
    return example.path.name if example.ref is None or not example.ref.member else example.label
