"""Conversion of class names to slugs, keys for comparison, and prompts."""

from __future__ import annotations

import re
import unicodedata

_IGNORED = frozenset({"galaxy", "source"})


def slugify(name: str) -> str:
    """Return a name as lower-case ASCII letters and digits joined by single underscores.

    Accents are dropped. A letter of another script becomes ``u`` and its code point, so that different names stay
    different and the slug is a valid column name in every table format. A name without letters and digits gives an
    empty string.

    Examples
    --------
    >>> slugify("In-between Round Smooth Galaxies")
    'in_between_round_smooth_galaxies'
    >>> slugify("  1C_1P ")
    '1c_1p'
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    letters = []
    for char in plain:
        if unicodedata.combining(char):
            continue
        if char.isascii() or not char.isalnum():
            letters.append(char)
        else:
            letters.append(f"u{ord(char):x}")
    return re.sub(r"[^a-z0-9]+", "_", "".join(letters)).strip("_")


def match_key(name: str) -> str:
    """Return a name without case, separators, plural and the words "galaxy" and "source".

    Names with the same key mean the same class: ``Disturbed Galaxies``, ``disturbed-galaxy``, ``disturbed``.

    Examples
    --------
    >>> match_key("Edge-on Galaxies with Bulge")
    'edgeonwithbulge'
    >>> match_key("Galaxies")
    'galaxy'
    """
    words = [_to_singular(word) for word in slugify(name).split("_")]
    significant = [word for word in words if word not in _IGNORED]
    return "".join(significant or words)


def _to_singular(word: str) -> str:
    # Words with digits (1p, s0) and short words do not change. The result need not be correct, only consistent.
    if len(word) < 4 or not word.isalpha() or word.endswith("ss"):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word.removesuffix("es") if word.endswith(("sses", "xes", "ches", "shes")) else word.removesuffix("s")


def is_bare_number(name: str) -> bool:
    """Return whether a label is only a number, such as ``3`` or ``3.0``.

    Examples
    --------
    >>> [is_bare_number(text) for text in ("3", " 3.0 ", "-1", "1c", "")]
    [True, True, True, False, False]
    """
    return re.fullmatch(r"\s*[+-]?\d+(\.\d*)?\s*", name) is not None


def choose_article(name: str) -> str:
    """Return ``a`` or ``an``, depending on the sound of the first word.

    Examples
    --------
    >>> [choose_article(n) for n in ("unbarred spiral", "uniform disc", "S0 galaxy", "FR I source", "8-shaped ring")]
    ['an', 'a', 'an', 'an', 'an']
    """
    first = next(iter(re.findall(r"\w+", name)), "")
    if first[:1].isdigit():
        return "an" if first.startswith("8") or re.match(r"(11|18)(?!\d)", first) else "a"
    spelled_out = first[:1].isupper() and (
        len(first) == 1 or not first.isalpha() or (first.isupper() and len(first) < 4)
    )
    if spelled_out:
        return "an" if first[0] in "AEFHILMNORSX" else "a"
    if re.match(r"(?i)(uni(?!n)|us[aeu]|eu|ubiq|one|once)", first):
        return "a"
    return "an" if first[:1].lower() in set("aeiou") else "a"


def make_prompt(name: str) -> str:
    """Return the sentence that describes a class to a text encoder.

    Examples
    --------
    >>> make_prompt("edge-on galaxy with bulge")
    'A picture of an edge-on galaxy with bulge'
    """
    return f"A picture of {choose_article(name)} {name}"
