"""Set up the templates of pages: everything that is inserted is escaped."""

from __future__ import annotations

import math
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from galaxtool.utils.counts import format_count
from galaxtool.utils.printable import escape_controls

_CONTROL_PICTURES = {code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421}


def make_environment() -> Environment:
    """Return the environment of the templates in ``templates/``, with the filters that they use."""
    environment = Environment(
        loader=PackageLoader("galaxtool.reports.html"),
        autoescape=True,
        finalize=show_control_characters,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": True, "allow_nan": False, "separators": (",", ":")}
    environment.filters.update(
        probability=format_probability, thousands=format_thousands, count=format_count, bar_width=format_bar_width
    )
    return environment


def show_control_characters(value: Any) -> Any:
    r"""Replace control characters in text, among them ends of lines, by their pictures, such as ``␊``.

    Marks that change the direction of the text after them, such as U+202E, are shown as escapes.

    Values that are not `str`, and text that is HTML already, stay as they are.

    Examples
    --------
    >>> show_control_characters("two\nlines")
    'two␊lines'
    """
    return escape_controls(value.translate(_CONTROL_PICTURES)) if type(value) is str else value


def format_probability(value: float) -> str:
    """Return a probability with three decimals; empty if it is NaN.

    Examples
    --------
    >>> [format_probability(p) for p in (0.5, 0.99999, 1.0, 0.00001, float("nan"))]
    ['0.500', '>0.999', '1.000', '<0.001', '']
    """
    if math.isnan(value):
        return ""
    if 0.9995 <= value < 1:
        return ">0.999"
    return "<0.001" if 0 < value < 0.0005 else f"{value:.3f}"


def format_thousands(value: int) -> str:
    """Return a number with commas between thousands."""
    return f"{value:,}"


def format_bar_width(share: float) -> str:
    """Return the width of a bar that fills a share, from 0 to 1, of its space; 0 for NaN."""
    return f"{0.0 if math.isnan(share) else min(max(share, 0.0), 1.0):.2%}"
