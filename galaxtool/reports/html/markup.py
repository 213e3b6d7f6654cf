"""Text and numbers as HTML."""

from __future__ import annotations

import html
import math

_PICTURES = {code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421}


def text(value: object) -> str:
    """Return anything as text that is safe in HTML, in attributes too.

    Parameters
    ----------
    value : object
        Its `str` is taken. Control characters, among them ends of lines, become their pictures, such as ``␊``.

    Examples
    --------
    >>> text("<a href='x'>")
    '&lt;a href=&#x27;x&#x27;&gt;'
    """
    return html.escape(str(value).translate(_PICTURES), quote=True)


def isolated(value: object) -> str:
    """Return a text that was given, whose direction of writing leaves what is around it alone."""
    return f"<bdi>{text(value)}</bdi>"


def number(value: float) -> str:
    """Return a probability with three decimals; empty where it is NaN.

    Examples
    --------
    >>> number(0.5), number(0.99999), number(1.0), number(0.00001), number(float("nan"))
    ('0.500', '&gt;0.999', '1.000', '&lt;0.001', '')
    """
    if math.isnan(value):
        return ""
    if 0.9995 <= value < 1:
        return "&gt;0.999"
    return "&lt;0.001" if 0 < value < 0.0005 else f"{value:.3f}"


def count(value: int, what: str, several: str = "") -> str:
    """Return a number of things.

    Examples
    --------
    >>> count(1, "image"), count(12000, "image"), count(2, "class", "classes")
    ('1 image', '12,000 images', '2 classes')
    """
    return f"{value:,} {what if value == 1 else several or f'{what}s'}"


def bar(share: float, kind: str = "") -> str:
    """Return a bar that fills a share, 0 to 1, of its place; readers of the screen are told the number beside it."""
    width = 0.0 if math.isnan(share) else min(max(share, 0.0), 1.0)
    return f'<span class="bar {kind}" style="--share:{width:.2%}" aria-hidden="true"></span>'
