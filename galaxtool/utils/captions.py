"""Several captions of an image in one cell of a table."""

from __future__ import annotations

from collections.abc import Sequence

COLUMN = "caption"
"""Name of the column of captions."""

_SEPARATOR = "|"


def join_captions(captions: Sequence[str]) -> str:
    """Return captions as the text of one cell."""
    return _SEPARATOR.join(captions)


def split_captions(cell: object) -> tuple[str, ...]:
    """Return the captions in a cell: a text with ``|`` between captions, a list of texts, or None for none.

    Examples
    --------
    >>> split_captions("a barred spiral | two loose arms")
    ('a barred spiral', 'two loose arms')
    """
    if cell is None:
        return ()
    texts = [str(text) for text in cell] if isinstance(cell, list | tuple) else str(cell).split(_SEPARATOR)
    return tuple(dict.fromkeys(short for text in texts if (short := " ".join(text.split()))))
