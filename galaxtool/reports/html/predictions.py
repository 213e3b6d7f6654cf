"""The page of ``classify --html``: whole in one file, from disk, without a network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from galaxtool.reports.html.cards import classes_section, confusing_section
from galaxtool.reports.html.data import BLOCK, about_rows, blocks, json_in_html
from galaxtool.reports.html.markup import count, isolated, text
from galaxtool.reports.html.overview import Overview
from galaxtool.reports.html.page_rows import read_pieces
from galaxtool.reports.html.picture import data_uris
from galaxtool.reports.html.summary import about_section, errors_section, summary_section
from galaxtool.utils.atomic_write import atomic_write

if TYPE_CHECKING:
    import numpy as np
    from astropy.table import Table

_HERE = Path(__file__).resolve().parent
_SCRIPTS = ("scripts/rows.js", "scripts/table.js", "scripts/details.js", "scripts/start.js")


def write_predictions_page(
    path: Path,
    chunks: Callable[[], Iterable[Table]],
    *,
    slugs: Sequence[str],
    names: Sequence[str],
    about: Mapping[str, str],
    thumbnails: Callable[[Sequence[int]], Sequence[np.ndarray | None]],
) -> None:
    """Write a page that shows predictions: summary, confusing cases, images by class, errors, and all rows.

    Parameters
    ----------
    path : Path
        What stands there is replaced, once the page is whole.
    chunks : callable
        Returns pieces of the prediction table in order, see `galaxtool.inference.prediction_table`; called twice, and
        must give the same each time. NaN and masked count as unknown.
    slugs : sequence of K str
        The model's classes, those of the columns ``p_<slug>``.
    names : sequence of K str
        What they are called.
    about : mapping of str
        How the predictions were made, by the keys that tables' headers have: MODEL, MODELSHA, ENGINE, PRECISN,
        VERSIONS, COMMAND; others are shown as they are. CALIBRAT completes "They were ...", as in
        ``calibrated on 500 validation images``; ``not calibrated`` where nothing is known of it.
    thumbnails : callable
        Takes numbers of rows, from 0 and in order, and returns as many pictures, uint8 of shape (ny, nx, 3), row 0 on
        top, or None where one cannot be read. Called for a few at a time, and once for each that is shown; these are
        fewer than 300.

    Raises
    ------
    GalaxtoolError
        If the page cannot be written; what stood at `path` stays.

    Notes
    -----
    The file is the same, byte by byte, however the rows are cut into pieces. It takes some 100 bytes a row for ten
    classes, and to write it the memory of a few thousand rows, whatever their number.
    """
    slugs = list(slugs)
    overview = Overview(read_pieces(chunks, slugs, BLOCK), slugs, names)
    pictures = dict(data_uris(thumbnails, overview.shown()))
    before, after = _frame(Path(path).stem, overview, about, pictures)
    with atomic_write(Path(path)) as temporary:  # noqa: SIM117  the inner one needs the outer one's
        with temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
            stream.write(before)
            stream.write(_json_element("about-rows", about_rows(overview, slugs)))
            for block in blocks(read_pieces(chunks, slugs, BLOCK), overview):
                stream.write(_json_element("rows", block))
            stream.write(after)


def _frame(title: str, overview: Overview, about: Mapping[str, str], pictures: Mapping[int, str]) -> tuple[str, str]:
    """Return what comes before and after the rows."""
    script = "\n".join(_file(name) for name in _SCRIPTS)
    values = {
        "title": text(f"{title}: {count(overview.n, 'image')} classified by {about.get('MODEL', 'galaxtool')}"),
        "heading": isolated(title),
        "made": _made(overview, about),
        "style": _file("templates/page.css"),
        "script": script,
        "script_digest": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "summary": summary_section(overview, about),
        "confusing": confusing_section(overview, pictures),
        "classes": classes_section(overview, pictures),
        "errors": errors_section(overview),
        "about": about_section(overview, about),
        "n_errors": f"{overview.n_errors:,}",
        "n": f"{overview.n:,}",
    }
    before, after = (Template(part) for part in _file("templates/predictions.html").split("$rows\n"))
    return before.substitute(values), after.substitute(values)


def _made(overview: Overview, about: Mapping[str, str]) -> str:
    """Return the line below the heading."""
    parts = [count(overview.n, "image")]
    if about.get("MODEL"):
        parts.append(f"model {isolated(about['MODEL'])}")
    if about.get("MODELSHA"):
        parts.append(f"digest <code>{text(about['MODELSHA'][:12])}</code>")
    if about.get("ENGINE"):
        parts.append(f"engine {isolated(about['ENGINE'])}")
    return " · ".join(parts)


def _json_element(kind: str, value: object) -> str:
    return f'<script type="application/json" class="{kind}">{json_in_html(value)}</script>\n'


def _file(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
