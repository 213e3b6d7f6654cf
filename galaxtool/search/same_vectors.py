"""Check that what is added to an index, or merged with it, has vectors that can be compared with its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from galaxtool.backbones.layers import JOINT
from galaxtool.errors import ConfigError, IndexMismatch
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.models.find import find_model
from galaxtool.search.index.store import Index
from galaxtool.search.reading import describe_options, restore_reading
from galaxtool.search.source import read_record

_FINDING = ("image_column", "id_column", "ra_column", "dec_column", "table")
"""Reading options that say where images are, not how they are read."""


def choose_reading(index: Index, given: ReadingOptions) -> ReadingOptions:
    """Return how new images are read: as those of the index.

    Raises
    ------
    ConfigError
        If other options are given.
    """
    stored, changes = restore_reading(index.record), given.list_changes()
    built = stored.list_changes()
    differing = {name: value for name, value in changes.items() if name not in _FINDING and built.get(name) != value}
    if differing:
        raise ConfigError(
            f"The images of the index '{index.folder}' were not read with {describe_options(differing)}.",
            hint="Leave this out: all images of an index are read in the same way; or build another index.",
        )
    return replace(stored, **{name: changes.get(name, getattr(given, name)) for name in _FINDING})


def check_views_and_layer(index: Index, given: ComputeOptions) -> None:
    """Raise `ConfigError` if a number of views or a layer is given that is not that of an index."""
    record = index.record
    differing: dict[str, Any] = {}
    if given.tta not in (None, record.tta):
        differing["tta"] = given.tta
    if given.layer not in (JOINT, record.layer):
        differing["layer"] = given.layer
    if differing:
        raise ConfigError(
            f"The images of the index '{index.folder}' were not embedded with {describe_options(differing)}.",
            hint="Leave this out: all images of an index are embedded in the same way; or build another index.",
        )


def check_given_model(index: Index, model: str | None) -> None:
    """Raise `IndexMismatch` if a model is given that is not that of an index."""
    if model is not None:
        check_same("model", index, {"model_digest": read_record(find_model(model)).digest}, str(model))


def check_alike(first: Index, other: Index) -> None:
    """Raise `IndexMismatch` unless the vectors of two indexes can be compared."""
    names = {
        "model": "model_digest", "preprocessing": "preprocess_digest", "layer": "layer", "number of views": "tta",
        "length of the vectors": "dim", "HDU": "hdu", "reading options": "shown",
    }  # fmt: skip
    for what, name in names.items():
        check_same(what, first, {name: getattr(other.record, name)}, f"the index '{other.folder}'")


def check_same(what: str, index: Index, values: dict[str, Any], other: str) -> None:
    """Raise `IndexMismatch` unless an index has these values in its record."""
    for name, value in values.items():
        if getattr(index.record, name) != value:
            raise IndexMismatch(
                f"The index '{index.folder}' has another {what} than {other}, so their vectors cannot be compared.",
                hint="Build the indexes with the same model and options.",
            )
