"""Write a page of pictures in sections: one HTML file that needs neither other files nor a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path

import numpy as np
from markupsafe import Markup

from galaxtool.reports.html.environment import make_environment
from galaxtool.reports.html.picture import make_data_uri
from galaxtool.utils.files.atomic_write import atomic_write

MOST_CARDS = 3000
"""Most cards of a page; a browser takes long to open one with more pictures."""


@dataclass(frozen=True, kw_only=True)
class GalleryCard:
    """A picture with its text.

    Parameters
    ----------
    row : int
        Number by which the picture is asked for.
    id : str
        Identifier, shown in bold below the picture.
    lines : sequence of str
        Lines of text below the identifier.
    bars : sequence of (str, float)
        Titles and probabilities, each shown as a number and a bar; the first in the first colour.
    missing : str
        Text in place of a picture that cannot be shown.
    """

    row: int
    id: str
    lines: Sequence[str] = ()
    bars: Sequence[tuple[str, float]] = ()
    missing: str = "The image cannot be read."


@dataclass(frozen=True, kw_only=True)
class GallerySection:
    """Some cards under a heading.

    Parameters
    ----------
    title : str
        The heading.
    remark : str
        Paragraph below the heading; may be empty.
    groups : sequence of sequences of GalleryCard
        Cards in order. Each group starts on a new line.
    number : int, optional
        Number beside the heading, by default that of the cards.
    """

    title: str
    remark: str = ""
    groups: Sequence[Sequence[GalleryCard]] = field(default=())
    number: int | None = None

    @property
    def cards(self) -> list[GalleryCard]:
        """All cards of all groups."""
        return [card for group in self.groups for card in group]


def write_gallery(
    path: Path,
    *,
    title: str,
    summary: str,
    sections: Sequence[GallerySection],
    make_picture: Callable[[int], np.ndarray | None],
    notes: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
) -> None:
    """Write a page of pictures.

    Parameters
    ----------
    path : Path
        Page to write; an existing file is replaced when the new one is complete.
    title : str
        Heading of the page.
    summary : str
        Line below the heading.
    sections : sequence of GallerySection
        What is shown, in order. Sections from the one that brings the cards above `MOST_CARDS` are left out, and the
        page says so; of a first section with more cards, the first are shown.
    make_picture : callable
        Takes the row of a card; returns its picture, uint8 of shape (ny, nx, 3), row 0 on top, or None for an image
        that cannot be read. It is called once for each row.
    notes : sequence of str
        What to beware of, shown in a banner above everything else.
    settings : mapping of str, optional
        How the page was made.
    """
    shown, left_out = _limit_sections(sections)
    rows = dict.fromkeys(card.row for section in shown for card in section.cards)
    pictures = {row: "" if (pixels := make_picture(row)) is None else make_data_uri(pixels) for row in rows}
    style = resources.files("galaxtool.reports.html").joinpath("templates/page.css").read_text(encoding="utf-8")
    text = (
        make_environment()
        .get_template("gallery.html")
        .render(
            title=title, summary=summary, left_out=left_out, sections=shown, pictures=pictures, notes=list(notes),
            settings=settings or {}, style=Markup(style),
        )
    )  # fmt: skip
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def _limit_sections(sections: Sequence[GallerySection]) -> tuple[list[GallerySection], str]:
    """Return the sections that a page shows, and a sentence on what it leaves out; empty if it shows everything."""
    counts = [len(section.cards) for section in sections]
    total = sum(counts)
    if total <= MOST_CARDS:
        return list(sections), ""
    kept = max(1, int(np.searchsorted(np.cumsum(counts), MOST_CARDS, side="right")))
    shown = [_cut(section) for section in sections[:kept]]
    cards = sum(len(section.cards) for section in shown)
    where = f" and {kept:,} of {len(sections):,} sections" if kept < len(sections) else ""
    return shown, f"The page shows the first {cards:,} of {total:,} pictures{where}; the others are left out."


def _cut(section: GallerySection) -> GallerySection:
    """Return a section with no more cards than a page may have."""
    if len(section.cards) <= MOST_CARDS:
        return section
    groups, left = [], MOST_CARDS
    for group in section.groups:
        groups.append(group[:left])
        left -= len(groups[-1])
    number = len(section.cards) if section.number is None else section.number
    return replace(section, groups=[group for group in groups if group], number=number)
