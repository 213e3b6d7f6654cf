"""The table and the page of doubtful labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.table import MaskedColumn, Table

from galaxtool import __version__
from galaxtool.label_checks.duplicates import Duplicate
from galaxtool.label_checks.results import Doubt
from galaxtool.reports.html.gallery import GalleryCard, GallerySection, write_gallery
from galaxtool.tables.text_arrays import make_text_array
from galaxtool.tables.write import write_table
from galaxtool.utils.counts import format_count

_MOST_CARDS = 200
_MOST_PAIRS = 60


@dataclass(frozen=True, kw_only=True, eq=False)
class DoubtfulLabels:
    """N labels, and which of them are doubtful.

    Parameters
    ----------
    ids, paths : sequence of str
        Identifier and path of each image.
    slugs : sequence of str
        The K classes.
    targets : ndarray of int, shape (N,)
        Index of the label of each image.
    probabilities : ndarray, shape (N, K)
        Cross-validated probabilities; NaN where an image was not judged.
    wrong : ndarray of int
        Rows of the labels that these contradict, the worst first.
    duplicates : sequence of Duplicate
        Images of the same object with different labels.
    """

    ids: Sequence[str]
    paths: Sequence[str]
    slugs: Sequence[str]
    targets: np.ndarray
    probabilities: np.ndarray
    wrong: np.ndarray
    duplicates: Sequence[Duplicate]

    def find_label(self, row: int) -> str:
        """Return the label of an image."""
        return self.slugs[int(self.targets[row])]

    def find_suggestion(self, row: int) -> str:
        """Return the most probable class of an image; empty if it was not judged."""
        values = self.probabilities[row]
        return "" if np.isnan(values).any() else self.slugs[int(values.argmax())]

    def find_probability(self, row: int) -> float | None:
        """Return the probability of the label of an image; None if it was not judged."""
        value = float(self.probabilities[row, self.targets[row]])
        return None if np.isnan(value) else value

    def collect_reasons(self) -> dict[int, str]:
        """Return the reason for each doubtful row: contradicted labels, the worst first, then duplicates."""
        reasons: defaultdict[int, list[str]] = defaultdict(list)
        for row in self.wrong.tolist():
            best, own = float(self.probabilities[row].max()), float(self.probabilities[row, self.targets[row]])
            reasons[row].append(f"probability {best:.3f} for {self.find_suggestion(row)}, {own:.3f} for its label")
        for pair in self.duplicates:
            for row, other in ((pair.first, pair.second), (pair.second, pair.first)):
                reasons[row].append(f"{_KINDS[pair.kind]} {self.ids[other]}, labelled {self.find_label(other)}")
        return {row: "; ".join(texts) for row, texts in reasons.items()}


_KINDS = {
    "copy of the file": "copy of the file of",
    "at the position": "at the position of",
    "near-duplicate": "near-duplicate of",
}


def describe_doubts(labels: DoubtfulLabels) -> list[Doubt]:
    """Return the doubtful labels in the order of the table."""
    return [
        Doubt(
            labels.ids[row], labels.paths[row], labels.find_label(row), labels.find_suggestion(row),
            labels.find_probability(row), reason,
        )
        for row, reason in labels.collect_reasons().items()
    ]  # fmt: skip


def write_doubts_table(path: Path, labels: DoubtfulLabels, *, model: str) -> None:
    """Write the table: id, path, label, suggested, p_<class> for each class, reason."""
    doubts = describe_doubts(labels)
    rows = list(labels.collect_reasons())
    table = Table()
    for name in ("id", "path", "label", "suggested"):
        values = [getattr(one, name) for one in doubts]
        table[name] = MaskedColumn(make_text_array(values), mask=[not value for value in values])
    for number, slug in enumerate(labels.slugs):
        column = labels.probabilities[rows, number]
        table[f"p_{slug}"] = MaskedColumn(np.nan_to_num(column), mask=np.isnan(column))
    table["reason"] = MaskedColumn(make_text_array([one.reason for one in doubts]))
    write_table(table, path, meta={"MODEL": model, "GALAXTOO": __version__})


def write_doubts_page(
    path: Path,
    labels: DoubtfulLabels,
    *,
    make_picture: Callable[[int], np.ndarray | None],
    notes: Sequence[str],
    settings: Mapping[str, str],
) -> None:
    """Write the page: contradicted labels by label, the worst first, and pairs of duplicates."""
    sections = []
    shown = labels.wrong[:_MOST_CARDS].tolist()
    for target in sorted({int(labels.targets[row]) for row in shown}):
        cards = [_make_card(labels, row) for row in shown if labels.targets[row] == target]
        sections.append(GallerySection(title=f"Labelled {labels.slugs[target]}", groups=[cards]))
    if labels.duplicates:
        groups = [[_make_card(labels, row) for row in (p.first, p.second)] for p in labels.duplicates[:_MOST_PAIRS]]
        more = len(labels.duplicates) - len(groups)
        sections.append(
            GallerySection(
                title="The same object with different labels",
                remark="Copies of a file, images at the same position, and images whose fine structure is the same."
                + (f" {format_count(more, 'further pair')} in the table only." if more else ""),
                groups=groups,
            )
        )
    remark = "" if sections else "No label is in doubt."
    contradicted = format_count(len(labels.wrong), "label")
    first = f" The page shows the worst {_MOST_CARDS}." if len(labels.wrong) > _MOST_CARDS else ""
    write_gallery(
        path,
        title=path.stem,
        summary=f"{contradicted} of {len(labels.ids):,} are contradicted by a model that has not seen them.{first}",
        sections=sections or [GallerySection(title="Labels", remark=remark)],
        make_picture=make_picture,
        notes=notes,
        settings={**settings, "galaxtool": __version__},
    )


def _make_card(labels: DoubtfulLabels, row: int) -> GalleryCard:
    """Return a card with the suggestion and the label of an image."""
    own, suggested = labels.find_probability(row), labels.find_suggestion(row)
    lines = (f"labelled {labels.find_label(row)}",)
    if own is None:
        return GalleryCard(row=row, id=labels.ids[row], lines=lines)
    bars = [(suggested, float(labels.probabilities[row].max()))]
    if suggested != labels.find_label(row):
        bars.append((labels.find_label(row), own))
    return GalleryCard(row=row, id=labels.ids[row], lines=lines, bars=bars)
