"""What a page tells of all rows, gathered in one pass."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from galaxtool.reports.html.case import Case, Extremes
from galaxtool.reports.html.page_rows import PageRows

BINS = 20
"""Of the histogram of probabilities, from 0 to 1."""

MOST_ERRORS = 200
"""Errors that are listed; the table of all rows has them all."""

CLOSE = 0.1
"""Two classes closer than this in probability are confused."""

_MOST_CONFUSING = 24
_EACH = 5
_MOST_CLASSES = 25


class Overview:
    """Counts, means, and the images to show.

    Parameters
    ----------
    pieces : iterable of Piece
        All rows, in order.
    slugs : sequence of str
        The model's classes.
    names : sequence of str
        What they are called.
    """

    def __init__(self, pieces: Iterable[PageRows], slugs: Sequence[str], names: Sequence[str]) -> None:
        self.n = 0
        self.exclusive = True
        self.labels: Counter[str] = Counter()
        self.histogram = np.zeros(BINS, dtype=int)
        self.flags: Counter[str] = Counter()
        self.flag_texts: dict[str, int] = {"": 0}
        self.pairs: Counter[tuple[str, str]] = Counter()
        self.n_close = self.n_errors = self.n_flagged = 0
        self.errors: list[tuple[int, str, str, str]] = []
        self.columns: dict[str, None] = {}
        self.left_out: dict[str, None] = {}
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._others: dict[str, None] = {}
        self._slugs, self._names = tuple(slugs), dict(zip(slugs, names, strict=True))
        self._extremes: dict[str, Extremes] = {}
        self._all = Extremes(_MOST_CONFUSING)
        for piece in pieces:
            self._add(piece)

    @property
    def n_classified(self) -> int:
        """Rows with a label."""
        return sum(self.labels.values())

    @property
    def classes(self) -> list[str]:
        """All that an image may be labelled as: the model's classes in its order, then what else is a label."""
        return [*self._slugs, *(slug for slug in self._others if slug not in self._names)]

    @property
    def shown_classes(self) -> list[str]:
        """Classes whose images are shown: those with the most images, in the order of `classes`."""
        common = {slug for slug, _ in self.labels.most_common(_MOST_CLASSES)}
        return [slug for slug in self.classes if slug in common]

    @property
    def confusing(self) -> list[Case]:
        """The most doubtful of all, the worst first."""
        return self._all.worst(min(_MOST_CONFUSING, -(-self._all.n // 2)))

    def name(self, slug: str) -> str:
        """Return what a class is called."""
        return self._names.get(slug, slug)

    def mean(self, slug: str | None = None) -> float:
        """Return the mean probability of the labels, all or one; NaN where there is none."""
        if slug is None:
            return sum(self._sums.values()) / self.n_classified if self.n_classified else float("nan")
        return self._sums[slug] / self.labels[slug] if self.labels[slug] else float("nan")

    def extremes(self, slug: str) -> Extremes:
        """Return the surest and the most doubtful of a class."""
        return self._extremes[slug]

    def shown(self) -> list[int]:
        """Return the rows of all images that are shown, in order, each once."""
        rows = {case.row for case in self.confusing}
        for slug in self.shown_classes:
            extremes = self.extremes(slug)
            rows.update(case.row for case in [*extremes.surest, *extremes.doubtful])
        return sorted(rows)

    def _add(self, piece: PageRows) -> None:
        start = self.n
        self.n += len(piece)
        self.exclusive &= bool(piece.exclusive.all())
        self.columns |= dict.fromkeys(piece.extra)
        self.left_out |= dict.fromkeys(piece.left_out)
        self._others |= dict.fromkeys(slug for slug in [*piece.labels, *piece.seconds] if slug)
        for text, n in Counter(piece.flags).items():
            self.flag_texts.setdefault(text, len(self.flag_texts))
            self.n_flagged += n if text else 0
            for flag in dict.fromkeys(text.split()):
                self.flags[flag] += n
        for row, error in enumerate(piece.errors):
            if error:
                self.n_errors += 1
                if len(self.errors) < MOST_ERRORS:
                    self.errors.append((start + row, piece.ids[row], piece.paths[row], error))
        self._add_labels(piece, start)

    def _add_labels(self, piece: PageRows, start: int) -> None:
        labels = np.array(piece.labels, dtype=object)
        found = labels != ""
        for slug in dict.fromkeys(slug for slug in piece.labels if slug):
            rows = np.flatnonzero(labels == slug)
            self.labels[slug] += len(rows)
            self._sums[slug] += float(np.nansum(piece.probability[rows], dtype=float))
            self._extremes.setdefault(slug, Extremes(_EACH)).add(piece, start, rows)
        self._all.add(piece, start, np.flatnonzero(found))
        bins = np.floor(np.nan_to_num(piece.probability[found].astype(float)) * BINS).clip(0, BINS - 1).astype(int)
        self.histogram += np.bincount(bins, minlength=BINS)
        close = np.flatnonzero(found & (piece.probability - piece.second < CLOSE))
        self.n_close += len(close)
        self.pairs.update((piece.labels[row], piece.seconds[row]) for row in close.tolist())
