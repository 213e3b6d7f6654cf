"""Read consecutive rows of the prediction table in the form that a page needs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from astropy.table import Table

from galaxtool.tables.formats.plain_columns import get_values_and_mask, simplify_table

MOST_COLUMNS = 12
"""Most columns of a catalogue that a page shows."""

_EXACT = 1 << 53
_SUM_IS_ONE = 0.02
_SAME = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRows:
    """Rows of the prediction table.

    Parameters
    ----------
    ids, paths, labels, seconds, flags, errors : list of n str
        Empty where there is none. `seconds` are the classes that are next in probability to `labels`.
    ra, dec : ndarray of float64, shape (n,)
        Degrees, ICRS; NaN where unknown.
    probability, second : ndarray of float32, shape (n,)
        Probabilities of `labels` and of `seconds`; NaN where there is none.
    shares : ndarray of float32, shape (n, K)
        Probabilities of the K classes; NaN in rows without a prediction.
    exclusive : ndarray of bool, shape (n,)
        Whether `shares` add up to 1 and the label has the largest, or the row has no prediction; False for the answers
        of a decision tree.
    extra : dict of list
        Columns of the catalogue, at most `MOST_COLUMNS`, with their units in brackets; plain values, None where masked.
    left_out : tuple of str
        Names of the other columns of the catalogue.
    """

    ids: list[str]
    paths: list[str]
    ra: np.ndarray
    dec: np.ndarray
    labels: list[str]
    probability: np.ndarray
    seconds: list[str]
    second: np.ndarray
    shares: np.ndarray
    exclusive: np.ndarray
    flags: list[str]
    errors: list[str]
    extra: dict[str, list[Any]]
    left_out: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def part(self, start: int, stop: int) -> PageRows:
        """Return some of the rows."""
        cut = {name: getattr(self, name)[start:stop] for name in _BY_ROW}
        extra = {name: values[start:stop] for name, values in self.extra.items()}
        return PageRows(**cut, extra=extra, left_out=self.left_out)


_BY_ROW = [field.name for field in fields(PageRows) if field.name not in ("extra", "left_out")]


def read_pages(chunks: Callable[[], Iterable[Table]], slugs: Sequence[str], size: int) -> Iterator[PageRows]:
    """Yield all rows in pieces of one size, also from chunks of other sizes; the last piece may be smaller."""
    waiting: list[PageRows] = []
    for chunk in chunks():
        if len(chunk):
            waiting.append(read_rows(chunk, slugs))
        while sum(map(len, waiting)) >= size:
            whole = _join(waiting)
            yield whole.part(0, size)
            waiting = [whole.part(size, len(whole))] if len(whole) > size else []
    if waiting:
        yield _join(waiting)


def read_rows(table: Table, slugs: Sequence[str]) -> PageRows:
    """Read rows of a prediction table.

    Parameters
    ----------
    table : Table, n rows
        Rows as `galaxtool.inference.predictions.table` makes them; a missing column counts as masked throughout.
    slugs : sequence of K str
        Slugs of the model's classes.
    """
    table = simplify_table(table)
    labels, probability = _read_texts(table, "label"), _read_numbers(table, "probability").astype(np.float32)
    shares = np.empty((len(table), len(slugs)), dtype=np.float32)
    for k, slug in enumerate(slugs):
        shares[:, k] = _read_numbers(table, f"p_{slug}")
    seconds, second = _read_texts(table, "label_2"), _read_numbers(table, "probability_2").astype(np.float32)
    exclusive = _fill_seconds(labels, probability, shares, slugs, seconds, second)
    kept, left_out = _find_catalogue_columns(table)
    return PageRows(
        ids=_read_texts(table, "id"), paths=_read_texts(table, "path"),
        ra=_read_numbers(table, "ra"), dec=_read_numbers(table, "dec"),
        labels=labels, probability=probability, seconds=seconds, second=second, shares=shares, exclusive=exclusive,
        flags=_read_texts(table, "flags"), errors=_read_texts(table, "error"),
        extra={_make_title(table, name): _to_plain(table, name) for name in kept}, left_out=left_out,
    )  # fmt: skip


def _find_catalogue_columns(table: Table) -> tuple[list[str], tuple[str, ...]]:
    """Return the names of the catalogue's columns that a page shows, and of those that it leaves out."""
    names = table.colnames[: table.colnames.index("id")] if "id" in table.colnames else []
    kept = [name for name in names if len(table[name].shape) == 1][:MOST_COLUMNS]
    return kept, tuple(name for name in names if name not in kept)


def _fill_seconds(
    labels: list[str],
    probability: np.ndarray,
    shares: np.ndarray,
    slugs: Sequence[str],
    seconds: list[str],
    second: np.ndarray,
) -> np.ndarray:
    """Fill in the next most probable class where classes exclude each other; return where they do."""
    place = {slug: k for k, slug in enumerate(slugs)}
    best = np.array([place.get(label, -1) for label in labels], dtype=int)
    exclusive = np.array([not label for label in labels], dtype=bool)
    known = np.flatnonzero((best >= 0) & np.isfinite(shares).all(axis=1))
    adds_up = np.abs(shares[known].sum(axis=1, dtype=float) - 1) < _SUM_IS_ONE
    known = known[adds_up & (np.abs(shares[known, best[known]] - probability[known]) < _SAME)]
    exclusive[known] = True
    if len(slugs) > 1:
        others = shares[known]
        rows = np.arange(len(known))
        others[rows, best[known]] = -1
        next_best = others.argmax(axis=1)
        second[known] = others[rows, next_best]
        for row, k in zip(known.tolist(), next_best.tolist(), strict=True):
            seconds[row] = slugs[k]
    return exclusive


def _join(pieces: Sequence[PageRows]) -> PageRows:
    """Join pieces; a column of the catalogue that one of them lacks is masked there."""
    if len(pieces) == 1:
        return pieces[0]
    by_row: dict[str, Any] = {}
    for name in _BY_ROW:
        values = [getattr(piece, name) for piece in pieces]
        arrays = isinstance(values[0], np.ndarray)
        by_row[name] = np.concatenate(values) if arrays else [v for one in values for v in one]
    names = dict.fromkeys(name for piece in pieces for name in piece.extra)
    extra = {name: [v for one in pieces for v in one.extra.get(name, [None] * len(one))] for name in names}
    left_out = tuple(dict.fromkeys(name for piece in pieces for name in piece.left_out))
    return PageRows(**by_row, extra=extra, left_out=left_out)


def _make_title(table: Table, name: str) -> str:
    return f"{name} [{table[name].unit}]" if table[name].unit else name


def _to_plain(table: Table, name: str) -> list[Any]:
    """Return values for JSON; numbers that a browser would round become texts."""
    data, masked = get_values_and_mask(table[name])
    values = [float(str(v)) for v in data] if data.dtype == np.float32 else data.tolist()
    return [None if hidden else _to_json(value) for value, hidden in zip(values, masked.tolist(), strict=True)]


def _to_json(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bool | str) or (isinstance(value, int) and abs(value) <= _EXACT):
        return value
    return str(value)


def _read_texts(table: Table, name: str) -> list[str]:
    if name not in table.colnames:
        return [""] * len(table)
    data, masked = get_values_and_mask(table[name])
    return ["" if hidden else str(v) for v, hidden in zip(data.tolist(), masked.tolist(), strict=True)]


def _read_numbers(table: Table, name: str) -> np.ndarray:
    if name not in table.colnames:
        return np.full(len(table), np.nan)
    data, masked = get_values_and_mask(table[name])
    if data.dtype.kind not in "fiu":  # masked throughout, so that its kind is unknown
        return np.full(len(table), np.nan)
    return np.where(masked, np.nan, data.astype(float))
