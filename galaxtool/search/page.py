"""The page of queries and their results: one HTML file with all pictures inside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from astropy.table import Table

from galaxtool.reports.contact_sheet import add_scale_bar
from galaxtool.reports.html.gallery import MOST_CARDS, GalleryCard, GallerySection, write_gallery
from galaxtool.search.answer import COLUMNS, QueryAnswer
from galaxtool.search.contact_sheet import round_down
from galaxtool.search.labels import ObjectLabels
from galaxtool.search.neighbors import Hit
from galaxtool.search.pictures import describe_example, name_example, read_example, read_picture
from galaxtool.search.queries.vectors import QueryExample
from galaxtool.search.source import Source
from galaxtool.tables.formats.plain_columns import as_text, get_values_and_mask
from galaxtool.utils.counts import format_count

_SIDE = 192
_MAX_QUERIES, _MAX_NEIGHBORS = 50, 120
_MAX_COLUMNS = 8  # columns of the catalogue below a picture
_REPEATED = ("in_id", "in_path", "in_ra", "in_dec")


def write_page(path: Path, answers: Sequence[QueryAnswer], table: Table, labels: ObjectLabels, source: Source) -> None:
    """Write the page of results.

    Parameters
    ----------
    path : Path
        Page to write.
    answers : sequence of QueryAnswer
        The answers of all queries.
    table : Table
        Their table, see `galaxtool.search.answer.tabulate_answers`.
    labels : ObjectLabels
        Labels of the results.
    source : Source
        The index.
    """
    page = _Page(labels, source)
    start, cards = 0, 0
    sections: list[GallerySection] = []
    for answer in answers[:_MAX_QUERIES]:
        stop = start + len(answer.hits)
        section = page.make_section(answer, table[start:stop])
        cards += len(section.cards)
        if sections and cards > MOST_CARDS:
            break
        sections.append(section)
        start = stop
    record = source.index.record
    left = len(answers) - len(sections)
    write_gallery(
        path,
        title=f"Similar to {answers[0].query.text}" if len(answers) == 1 else f"{len(answers)} queries",
        summary=f"{format_count(len(source.index), 'object')} in {source.name}"
        + (f"; the first {len(sections)} queries are shown" if left else ""),
        sections=sections,
        make_picture=page.make_picture,
        notes=list(dict.fromkeys(answer.rating.note for answer in answers if answer.rating.note)),
        settings={
            "Model": record.model,
            "Similarity": f"cosine of the features of the layer {record.layer}",
            "Percentile": "percentage of random pairs of indexed objects that are less similar; for a text, a symbol "
            "or a sum of examples, of the indexed objects that are less similar to it",
            "Labels": "predicted by the model" if labels.is_predicted else "of the catalogue of the index",
        },
    )  # fmt: skip


class _Page:
    """Makes the sections of a page, and the pictures of their cards."""

    def __init__(self, labels: ObjectLabels, source: Source) -> None:
        self.labels = labels
        self.source = source
        self.examples: list[QueryExample] = []

    def make_section(self, answer: QueryAnswer, rows: Table) -> GallerySection:
        """Return the section of a query, with the cards of its examples and of its results."""
        examples = answer.query.examples
        asked = [self._make_query_card(one, is_only=len(examples) == 1) for one in examples]
        hits = answer.hits[:_MAX_NEIGHBORS]
        named = self.labels.find([hit.row for hit in hits])
        found = [
            GalleryCard(
                row=hit.row, id=str(rows["id"][at]), lines=list(self._describe(answer, hit, at, named[at], rows))
            )
            for at, hit in enumerate(hits)
        ]
        left = len(answer.hits) - len(hits)
        remark = f"The first {len(hits)} of {len(answer.hits)} results." if left else ""
        return GallerySection(title=answer.query.text, remark=remark, groups=[asked, found], number=len(answer.hits))

    def make_picture(self, row: int) -> np.ndarray | None:
        """Return the picture of an object of the index, or of an example, whose rows are below 0."""
        if row < 0:
            picture = read_example(self.examples[-row - 1], self.source, _SIDE)
        else:
            picture = read_picture(self.source.index[row].ref, self.source.reading, self.source, _SIDE)
        if picture.pixels is None or picture.side is None:
            return picture.pixels
        return add_scale_bar(picture.pixels, picture.side)

    def _make_query_card(self, example: QueryExample, *, is_only: bool) -> GalleryCard:
        self.examples.append(example)
        lines = [describe_example(example, is_only=is_only)]
        missing = "The image cannot be read." if example.ref is not None else "No image."
        return GalleryCard(row=-len(self.examples), id=name_example(example), lines=lines, missing=missing)

    def _describe(self, answer: QueryAnswer, hit: Hit, at: int, label: str, rows: Table) -> Iterator[str]:
        """Yield the lines below the picture of a result."""
        percentile = answer.rating.percentiles[at]
        yield f"{at + 1}: {hit.similarity:.4f}" + (
            "" if percentile is None else f", percentile {round_down(percentile)}"
        )
        if label:
            yield label
        if not np.ma.is_masked(rows["ra"][at]):
            yield f"{rows['ra'][at]:.5f} {rows['dec'][at]:+.5f}"
        others = [name for name in rows.colnames if name not in COLUMNS and name not in _REPEATED]
        for name in others[:_MAX_COLUMNS]:
            values, mask = get_values_and_mask(rows[name][at : at + 1])
            if mask.all() or values.ndim != 1:
                continue
            text = as_text(values[0])
            if text not in (label, str(rows["id"][at])):
                yield f"{name}: {text}"
