"""Outputs that would replace what a command reads."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from galaxtool.errors import OutputExists
from galaxtool.tables.column_names import LABELS_FILE


def refuse_inputs(outputs: Mapping[str, Path | None], inputs: Sequence[str | Path]) -> None:
    """Check that no output has the name of an input.

    Parameters
    ----------
    outputs : mapping of str to Path or None
        Option -> file that it names.
    inputs : sequence of str or Path
        Files, folders and data sets, as the user wrote them.

    Raises
    ------
    OutputExists
        If an output is an input, or the ``labels.csv`` of a folder that is one.
    """
    kept = dict(entry for text in inputs for entry in _list_kept(str(text)))
    for flag, path in outputs.items():
        what = "" if path is None else kept.get(os.path.realpath(path), "")
        if what:
            raise OutputExists(
                f"'{path}' is {what}, and would be overwritten.", hint=f"Choose another name with {flag}."
            )


def _list_kept(text: str) -> Iterator[tuple[str, str]]:
    """Yield the places that an input is read from, and what they are."""
    path = text if os.path.lexists(text) else text.removeprefix("@")  # a list of inputs
    path = path if os.path.lexists(path) else path.partition(":")[2] or path  # as in galaxy10:FILE
    yield os.path.realpath(path), "the input"
    yield os.path.realpath(os.path.join(path, LABELS_FILE)), "the table of labels of the input"  # noqa: PTH118
