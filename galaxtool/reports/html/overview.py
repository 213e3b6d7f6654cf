"""Count and average all rows in one pass, and choose the images that a page shows."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from galaxtool.reports.html.case import Case, Extremes
from galaxtool.reports.html.page_rows import PageRows
from galaxtool.types import FLAGS

BINS = 20
"""Number of bins of the histogram of probabilities, from 0 to 1."""

MOST_ERRORS = 200
"""Number of errors that are listed; the table of all rows has them all."""

CLOSE = 0.1
"""Two classes whose probabilities differ by less than this are confused."""

_MOST_CONFUSING = 24
_MOST_PAIRS = 8
_CASES_PER_CLASS = 5
_MOST_CLASSES = 25


class Overview:
    """Counts and means of all rows, and the images to show.

    Parameters
    ----------
    pieces : iterable of PageRows
        All rows, in order.
    slugs : sequence of str
        Slugs of the model's classes.
    names : sequence of str
        Names of the classes.
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
        """Number of rows with a label."""
        return sum(self.labels.values())

    @property
    def classes(self) -> list[str]:
        """All possible labels: the model's classes in its order, then any others."""
        return [*self._slugs, *(slug for slug in self._others if slug not in self._names)]

    @property
    def shown_classes(self) -> list[str]:
        """Classes whose images are shown: those with most images, in the order of `classes`."""
        common = {slug for slug, _ in self.labels.most_common(_MOST_CLASSES)}
        return [slug for slug in self.classes if slug in common]

    @property
    def confusing(self) -> list[Case]:
        """The most doubtful images of all, the worst first."""
        return self._all.worst(min(_MOST_CONFUSING, -(-self._all.n // 2)))

    @property
    def n_labels(self) -> int:
        """Number of classes with images."""
        return sum(1 for n in self.labels.values() if n)

    @property
    def knows_second(self) -> bool:
        """Whether the second most probable class of any confusing image is known."""
        return any(not math.isnan(case.second_probability) for case in self.confusing)

    @property
    def most_confused(self) -> list[tuple[str, str, int]]:
        """Pairs of label and next class that are confused most often, with their numbers of images."""
        pairs = sorted(self.pairs.items(), key=lambda pair: (-pair[1], pair[0]))
        return [(first, second, n) for (first, second), n in pairs[:_MOST_PAIRS]]

    @property
    def ordered_flags(self) -> list[str]:
        """Flags that occur: those of galaxtool in their order, then any others."""
        known = [flag for flag in FLAGS if flag in self.flags]
        return [*known, *sorted(flag for flag in self.flags if flag not in FLAGS)]

    def name(self, slug: str) -> str:
        """Return the name of a class."""
        return self._names.get(slug, slug)

    def mean(self, slug: str | None = None) -> float:
        """Return the mean probability of all labels, or of one; NaN if there is none."""
        if slug is None:
            return sum(self._sums.values()) / self.n_classified if self.n_classified else float("nan")
        return self._sums[slug] / self.labels[slug] if self.labels[slug] else float("nan")

    def extremes(self, slug: str) -> Extremes:
        """Return the most certain and the most doubtful images of a class."""
        return self._extremes[slug]

    def shown_rows(self) -> list[int]:
        """Return the rows of all images that are shown, in order and without repetition."""
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
            self._extremes.setdefault(slug, Extremes(_CASES_PER_CLASS)).add(piece, start, rows)
        self._all.add(piece, start, np.flatnonzero(found))
        bins = np.floor(np.nan_to_num(piece.probability[found].astype(float)) * BINS).clip(0, BINS - 1).astype(int)
        self.histogram += np.bincount(bins, minlength=BINS)
        close = np.flatnonzero(found & (piece.probability - piece.second < CLOSE))
        self.n_close += len(close)
        self.pairs.update((piece.labels[row], piece.seconds[row]) for row in close.tolist())
