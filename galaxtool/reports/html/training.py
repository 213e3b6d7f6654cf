"""The page of a training: scores, figures, and what to beware of."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from markupsafe import Markup

from galaxtool.reports.html.environment import make_environment
from galaxtool.utils.files.atomic_write import atomic_write


def write_training_page(
    path: Path,
    *,
    title: str,
    kept: str,
    tables: Sequence[Any],
    notes: Sequence[str],
    settings: Mapping[str, str],
    figures: Sequence[tuple[str, Path]],
    subject: str = "scores of a training",
    warning: str = "Before you use this model",
) -> None:
    """Write the page of a training or an evaluation as one HTML file that needs no other.

    Parameters
    ----------
    path : Path
        File to write.
    title : str
        Name of the run.
    kept : str
        Sentence below the title, such as the epoch that was kept.
    tables : sequence
        Tables with ``title``, ``columns``, ``rows`` (texts by column) and ``remark``, the most important first.
    notes : sequence of str
        What to beware of, shown in a banner above everything else.
    settings : mapping of str
        What the model was trained with.
    figures : sequence of (str, Path)
        Captions and PNG files; those that do not exist are left out.
    subject : str
        What the page shows, behind the name in its title.
    warning : str
        Heading of the notes.
    """
    pictures = [
        (caption, f"data:image/png;base64,{base64.b64encode(file.read_bytes()).decode()}")
        for caption, file in figures
        if file.is_file()
    ]
    style = resources.files("galaxtool.reports.html").joinpath("templates/page.css").read_text(encoding="utf-8")
    text = (
        make_environment()
        .get_template("training.html")
        .render(
            title=title, kept=kept, tables=tables, notes=notes, settings=settings, pictures=pictures,
            style=Markup(style), subject=subject, warning=warning,
        )
    )  # fmt: skip
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
