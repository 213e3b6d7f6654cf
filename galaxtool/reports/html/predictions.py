"""Write the page of ``classify --html``: one file that needs neither other files nor a network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from astropy.table import Table
from markupsafe import Markup

from galaxtool.reports.html.environment import make_environment
from galaxtool.reports.html.histogram import lay_out_histogram
from galaxtool.reports.html.overview import CLOSE, Overview
from galaxtool.reports.html.page_rows import read_pages
from galaxtool.reports.html.picture import make_data_uris
from galaxtool.reports.html.row_data import BLOCK, describe_rows, pack_blocks
from galaxtool.types import FLAGS
from galaxtool.utils.files.atomic_write import atomic_write

_HERE = Path(__file__).resolve().parent
_SCRIPTS = ("scripts/rows.js", "scripts/table.js", "scripts/details.js", "scripts/start.js")
_TITLES = {
    "MODEL": "Model",
    "MODELSHA": "Digest of the model (SHA-256)",
    "PRIOR": "Class frequencies that the probabilities assume",
    "UNLIKE": "Images unlike those of the training",
    "TTA": "Views of each image, averaged",
    "TERMS": "Coarser terms",
    "ENGINE": "Engine",
    "PRECISN": "Precision",
    "CALIBRAT": "Calibration",
    "GALAXTOO": "galaxtool",
    "VERSIONS": "Versions",
    "COMMAND": "Command",
    "CREATED": "Made",
}
_CODE = ("COMMAND", "MODELSHA")


def write_predictions_page(
    path: Path,
    chunks: Callable[[], Iterable[Table]],
    *,
    slugs: Sequence[str],
    names: Sequence[str],
    about: Mapping[str, str],
    thumbnails: Callable[[Sequence[int]], Sequence[np.ndarray | None]],
    notes: Sequence[str] = (),
) -> None:
    """Write a page that shows predictions: summary, confusing cases, images by class, errors, and all rows.

    Parameters
    ----------
    path : Path
        Page to write; an existing file is replaced when the new one is complete.
    chunks : callable
        Returns pieces of the prediction table in order, see `galaxtool.inference.predictions.table`. It is called twice
        and must return the same each time. NaN and masked values count as unknown.
    slugs : sequence of K str
        Slugs of the classes, which are those of the columns ``p_<slug>``.
    names : sequence of K str
        Names of the classes.
    about : mapping of str
        How the predictions were made, by the keys of table headers: MODEL, MODELSHA, ENGINE, PRECISN, VERSIONS,
        COMMAND; other keys are shown as they are. CALIBRAT completes "They were ...", as in
        ``calibrated on 500 validation images``; ``not calibrated`` if nothing is known.
    thumbnails : callable
        Takes numbers of rows, from 0 and in order, and returns as many pictures, uint8 of shape (ny, nx, 3), row 0 on
        top, or None for an image that cannot be read. It is called for a few rows at a time, and once for each image
        that is shown; these are fewer than 300.
    notes : sequence of str
        What to beware of, shown in a banner above everything else.

    Raises
    ------
    GalaxtoolError
        If the page cannot be written; an existing file then stays as it is.

    Notes
    -----
    The file is the same, byte by byte, however the rows are cut into pieces. It takes some 100 bytes per row for ten
    classes. Writing it needs the memory of a few thousand rows, whatever their number.
    """
    slugs = list(slugs)
    overview = Overview(read_pages(chunks, slugs, BLOCK), slugs, names)
    script = "\n".join(_load(name) for name in _SCRIPTS)
    page = (
        make_environment()
        .get_template("predictions.html")
        .generate(
            title=path.stem,
            overview=overview,
            about=about,
            calibration=str(about.get("CALIBRAT", "")).strip(),
            provenance=_list_provenance(about),
            notes=list(notes),
            pictures=dict(make_data_uris(thumbnails, overview.shown_rows())),
            histogram=lay_out_histogram(overview.histogram) if overview.n_classified else None,
            close=CLOSE,
            meanings=FLAGS,
            about_rows=describe_rows(overview, slugs),
            blocks=pack_blocks(read_pages(chunks, slugs, BLOCK), overview),
            style=Markup(_load("templates/page.css")),
            script=Markup(script),
            script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )
    with atomic_write(path) as temporary:  # noqa: SIM117  the inner one needs the outer one's
        with temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
            stream.writelines(page)


def _list_provenance(about: Mapping[str, str]) -> list[tuple[str, str, bool]]:
    """Return title, value, and whether the value is code, for each entry with a value; known keys come first."""
    known = [key for key in _TITLES if about.get(key)]
    others = [key for key, value in about.items() if key not in (*_TITLES, "NOTES") and str(value)]
    return [(_TITLES.get(key, key), str(about[key]), key in _CODE) for key in [*known, *others]]


def _load(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
