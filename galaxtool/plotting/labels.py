"""Text of figures."""

from __future__ import annotations

import re
import textwrap

_BETWEEN_WORDS = re.compile(r"(?<=[^\W_])_(?=[^\W_])")  # the one of $x_0$ stays


def name_class(slug: str, *, width: int = 0) -> str:
    r"""Return the slug of a class as words, in lines of at most `width` characters where that is given.

    Examples
    --------
    >>> name_class("cigar_shaped_smooth", width=14)
    'cigar shaped\nsmooth'
    >>> name_class("S$_0$")
    'S$_0$'
    """
    text = _BETWEEN_WORDS.sub(" ", slug)
    return textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False) if width else text
