"""Labels that stand for "no label", and labels that another program has wrapped or turned into floats."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from astropy.table import Column

from galaxtool.tables.whole_numbers import format_integer_valued
from galaxtool.taxonomy.sentinels import DOUBTFUL, SENTINELS

_MISSING = frozenset((
    "nan", "NaN", "NAN", "Nan", "None", "NONE", "null", "NULL", "Null", "n/a", "N/A", "NA", "#N/A", "#NA", "<NA>",
    "NaT", "nil", "\\N", "-", "--", "---", "----", "?", "??", "???", "...", "\u2026", "\u2013", "\u2014", "*",
    "unlabelled", "unlabeled", "Unlabelled", "Unlabeled", "UNLABELLED", "UNLABELED",
))  # fmt: skip
"""Texts that people and programs write where there is no label; ``none``, ``unknown`` and ``NAT`` are classes."""

_DOUBTFUL = frozenset(("none", "unknown", "unclassified", "undefined", "missing", "unsure", "na"))
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_WHOLE_FLOAT = re.compile(r"([+-]?(?:0|[1-9]\d*))\.0*")
_WRAPPED = re.compile(r"""b?(['"])(.*)\1""", re.DOTALL)
_INVISIBLE = str.maketrans(dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\x00"))
_MAX_CLASSES = 30


@dataclass(frozen=True, slots=True)
class CleanLabels:
    """Labels without those that stand for none.

    Parameters
    ----------
    labels : list of str or None
        The label of each item; None where it has none.
    notes, warnings : tuple of str
        What was done, one sentence for each kind.
    """

    labels: list[str | None]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def clean_labels(labels: Sequence[str | None]) -> CleanLabels:
    """Recognize labels that stand for none, and undo what other programs do to labels.

    Parameters
    ----------
    labels : sequence of str or None
        N labels as they are written in the data.

    Returns
    -------
    CleanLabels
        N labels without blanks at the ends. Words such as ``nan``, ``NULL`` and ``--``, and numbers such as -999, are
        None. ``b'ring'`` and ``'ring'`` become ``ring`` and 1.0 becomes 1, each only if all labels are like that.
        ``none`` and ``unknown`` stay classes, of which a warning speaks, and so does -1, which is a T-type.
    """
    texts = [None if label is None else _strip(str(label)) for label in labels]
    texts = _map_all(texts, _WRAPPED.fullmatch, lambda text: _strip(_WRAPPED.sub(r"\2", text)))
    missing = Counter(text for text in texts if text in _MISSING)
    texts = [None if not text or text in _MISSING else text for text in texts]
    texts = _map_all(texts, _NUMBER.fullmatch, _shorten_whole) if _are_whole(texts) else texts
    sentinels = Counter(text for text in texts if text is not None and _find_number(text) in SENTINELS)
    texts = [None if text in sentinels else text for text in texts]
    n = sum(text is None for text in texts)
    notes, warnings = [], []
    words = f" ({_list_counts(missing + sentinels)})" if missing or sentinels else ""
    if n and n == len(texts):
        notes.append(f"None of the {n} images has a label{words}.")
    elif n:
        notes.append(f"{n} of {len(texts)} images {'has' if n == 1 else 'have'} no label{words}.")
    if sentinels:
        first = next(iter(sentinels))
        warnings.append(f"The label {first} is taken for a missing value; rename it if it is a class.")
    return CleanLabels(texts, tuple(notes), (*warnings, *_find_doubtful(texts)))


def read_class_column(column: Column) -> list[str]:
    """Return a column of classes of a table of predictions as texts, empty where it has none.

    Tables that other programs have written are read alike: a class 1 that became 1.0, because another image has none,
    is 1 again, and ``nan`` is none.
    """
    return [label or "" for label in clean_labels(format_integer_valued(column)).labels]


def find_measurements(labels: Sequence[str | None]) -> list[str]:
    """Return the distinct labels if they are too many numbers with fractions to be classes; otherwise nothing."""
    distinct = list(dict.fromkeys(label for label in labels if label is not None))
    numbers = [_find_number(label) for label in distinct]
    fractions = any(number is not None and not number.is_integer() for number in numbers)
    return distinct if len(distinct) > _MAX_CLASSES and None not in numbers and fractions else []


def _find_doubtful(labels: Sequence[str | None]) -> list[str]:
    """Return warnings of classes that may stand for "no label"."""
    counts = Counter(label for label in labels if label is not None)
    numbers = {label: number for label in counts if (number := _find_number(label)) is not None}
    doubtful = [label for label in counts if label.lower() in _DOUBTFUL]
    if len(numbers) == len(counts):
        negative = [label for label, number in numbers.items() if number < 0]
        if len(numbers) > 1 and [numbers[label] for label in negative] == [-1]:
            doubtful += negative
        usual = [number for number in numbers.values() if number not in DOUBTFUL]
        doubtful += [label for label, number in numbers.items() if number in DOUBTFUL and max(usual, default=99) < 50]
    return [
        f"The label '{label}' ({counts[label]} image{'s' if counts[label] > 1 else ''}) is trained as a class. If it "
        f"stands for no label, leave it out with --where \"label <> '{label}'\"."
        for label in doubtful
    ]


def _strip(text: str) -> str:
    return unicodedata.normalize("NFC", text.translate(_INVISIBLE)).strip()


def _map_all(texts: list[str | None], fits: Callable[[str], object], change: Callable[[str], str]) -> list[str | None]:
    """Apply a change to all labels if it fits each of them that is not missing, and some."""
    written = {text for text in texts if text and text not in _MISSING}
    if not written or not all(fits(text) for text in written):
        return texts
    changed = {text: change(text) for text in written}
    return [changed.get(text, text) if text else text for text in texts]


def _are_whole(texts: Sequence[str | None]) -> bool:
    """Tell whether all labels are whole numbers, without leading zeros."""
    return all(_WHOLE_FLOAT.fullmatch(text if "." in text else f"{text}.") for text in set(texts) if text is not None)


def _shorten_whole(text: str) -> str:
    return text.partition(".")[0].removeprefix("+")


def _find_number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def _list_counts(counts: Counter[str]) -> str:
    return ", ".join(f"'{word}': {count}" for word, count in counts.most_common(5))
