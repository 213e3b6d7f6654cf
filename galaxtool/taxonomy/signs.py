"""Words for the signs in class names: the minus of ``-5``, the plus of ``S0+``, and any other character in need."""

from __future__ import annotations

import re
import unicodedata

_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))
_COMPARISONS = {">=": "ge", "<=": "le", "≥": "ge", "≤": "le", ">": "gt", "<": "lt"}
_COMPARE = re.compile("|".join(_COMPARISONS))
_MINUS_AHEAD = re.compile(r"(?<![^\W_])-(?=\.?\d)")
_PLUS_AHEAD = re.compile(r"(?<![^\W_])\+(?=\.?\d)")
# S0- and S0^- at the end or before punctuation; S0- pec; but not "edge- on"
_SIGN_BEHIND = re.compile(r"(?<=[^\s+-])[+-]+(?=$|[^\w\s+-])|(?<=[^\s+-])\++(?=\s)|(?<=[\d^])-+(?=\s)")
_NOT = re.compile(r"^[!¬](?=\w)")
_DOUBT = re.compile(r"(?<=[^\s?])\s*\?+$")
_WORDS = {
    "-": "dash", "+": "plus", "/": "slash", ".": "dot", "*": "star", "^": "hat", "?": "question", "!": "exclamation",
    ":": "colon", ";": "semicolon", ",": "comma", "'": "prime", '"': "quote", "=": "equals", "&": "and", "%": "percent",
    "#": "hash", "~": "tilde", "@": "at", "$": "dollar", "|": "bar", "\\": "backslash", "(": "paren", "[": "bracket",
    "{": "brace", "`": "backtick", "_": "", ")": "", "]": "", "}": "", "<": "lt", ">": "gt",
}  # fmt: skip


def decompose(name: str) -> str:
    """Return a name in lower case with its accents as characters of their own, and every dash as ``-``."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    return plain.translate(_DASHES)


def name_signs(text: str) -> str:
    """Replace the signs that tell classes apart by words, between blanks.

    Parameters
    ----------
    text : str
        A name as `decompose` returns it.

    Returns
    -------
    str
        The signs of numbers (``-5``), signs at the end of a type (``S0-``, ``E+``), comparisons, a leading ``!`` and a
        question mark at the end are words. Signs between two words, which only separate them, are unchanged.

    Examples
    --------
    >>> [name_signs(text).split() for text in ("-5", "s0+", ">5", "spiral?", "edge-on", "e+a")]
    [['minus', '5'], ['s0', 'plus'], ['gt', '5'], ['spiral', 'question'], ['edge-on'], ['e+a']]
    """
    text = _DOUBT.sub(" question ", _NOT.sub(" not ", text.strip()))
    text = _COMPARE.sub(lambda match: f" {_COMPARISONS[match.group()]} ", text)
    text = _SIGN_BEHIND.sub(
        lambda match: "".join(" plus " if sign == "+" else " minus " for sign in match.group()), text
    )
    text = _MINUS_AHEAD.sub(" minus ", text)
    # +1 is the number 1
    return text if re.fullmatch(r"\+\d+(\.\d*)?", text) else _PLUS_AHEAD.sub(" plus ", text)


def spell_letter(char: str) -> str:
    """Return a letter of another script in ASCII: the name of a Greek letter, else ``u`` and the code point."""
    name = unicodedata.name(char, "")
    return name.rpartition(" ")[2].lower() if name.startswith("GREEK SMALL LETTER ") else f"u{ord(char):x}"


def spell_out(text: str) -> str:
    """Replace each character that is not an ASCII letter or digit by a word between blanks.

    Parameters
    ----------
    text : str
        A name as `name_signs` returns it.

    Examples
    --------
    >>> [spell_out(text).split() for text in ("s0/a", "🌀")]
    [['s0', 'slash', 'a'], ['cyclone']]
    """
    return "".join(_spell_character(char) for char in text)


def _spell_character(char: str) -> str:
    if char.isspace() or (char.isascii() and char.isalnum()):
        return char
    if char in _WORDS:
        return f" {_WORDS[char]} "
    if char.isalnum():
        return spell_letter(char)
    if not unicodedata.combining(char) and unicodedata.category(char) in ("Mn", "Cf", "Cc"):
        return " "
    return f" {unicodedata.name(char, f'u{ord(char):x}').removeprefix('COMBINING ').removesuffix(' ACCENT').lower()} "
