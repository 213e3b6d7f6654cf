"""Numbers with their nouns, for messages."""

from __future__ import annotations


def format_count(value: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> format_count(1, "image"), format_count(12000, "image"), format_count(2, "class", "classes")
    ('1 image', '12,000 images', '2 classes')
    """
    return f"{value:,} {noun if value == 1 else plural or f'{noun}s'}"


def format_skipped(files: int) -> str:
    """Return how many files were skipped, as a clause such as ``2 files were skipped``."""
    return f"{format_count(files, 'file')} {'was' if files == 1 else 'were'} skipped"
