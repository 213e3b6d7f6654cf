"""The labels of indexed objects that contact sheets and pages show: of their catalogue, or predicted by the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from galaxtool.backbones.layers import JOINT
from galaxtool.errors import ConfigError, suggest_name
from galaxtool.search.source import Source
from galaxtool.tables.column_names import LABEL_COLUMNS
from galaxtool.tables.formats.plain_columns import as_text, get_values_and_mask

_PROMPT_HEAD = "prompt"
"""Head that classifies by the most similar prompt, which needs nothing but embeddings."""


@dataclass(frozen=True)
class ObjectLabels:
    """The labels of indexed objects.

    Parameters
    ----------
    find : callable
        Takes rows of the index; returns a label for each, empty where there is none.
    is_predicted : bool
        Whether they are classes that the model predicts rather than values of a column.
    """

    find: Callable[[Sequence[int]], list[str]]
    is_predicted: bool = False


def choose_labels(source: Source, column: str | None) -> ObjectLabels:
    """Choose the labels to show.

    Parameters
    ----------
    source : Source
        The index.
    column : str or None
        Column of its catalogue with the labels; by default one with a usual name such as ``label``, otherwise the class
        that the model predicts, where its prompts decide it.

    Raises
    ------
    ConfigError
        If the column does not exist.
    """
    chosen = find_label_column(source.columns, column)
    if chosen is not None:
        return ObjectLabels(lambda rows: _read_column(source, chosen, rows))
    record = source.record
    if record.head == _PROMPT_HEAD and record.votes is None and source.index.record.layer == JOINT:
        return ObjectLabels(lambda rows: _predict(source, rows), is_predicted=True)
    return ObjectLabels(lambda rows: [""] * len(rows))


def find_label_column(names: Sequence[str], given: str | None) -> str | None:
    """Return the column of labels: the given one, by default one with a usual name; None if there is none.

    Raises
    ------
    ConfigError
        If the given column does not exist.
    """
    if given is not None and given not in names:
        near = suggest_name(given, names)
        listed = ", ".join(names)
        raise ConfigError(
            f"The index has no column '{given}'." + (f" Did you mean '{near}'?" if near else ""),
            hint=f"Its columns are {listed}." if names else "It was built without a catalogue, so it has none.",
        )
    if given is not None:
        return given
    by_lower = {name.lower(): name for name in reversed(names)}
    return next((by_lower[name] for name in LABEL_COLUMNS if name in by_lower), None)


def _read_column(source: Source, name: str, rows: Sequence[int]) -> list[str]:
    values, mask = get_values_and_mask(source.make_table([name], np.asarray(rows, dtype=np.int64))[name])
    return ["" if hidden else as_text(value) for value, hidden in zip(values.tolist(), mask.tolist(), strict=True)]


def _predict(source: Source, rows: Sequence[int]) -> list[str]:
    """Return the class whose prompt is most similar to each object."""
    prompts = source.engine.class_embeddings().get("prompt")
    slugs = source.record.slugs
    if prompts is None or len(prompts) != len(slugs) or not len(rows):
        return [""] * len(rows)
    return [slugs[best] for best in (source.index.vectors(rows) @ prompts.T).argmax(axis=1).tolist()]
