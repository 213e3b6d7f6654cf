"""Convert class names to slugs, keys for comparison, and prompts."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256

from galaxtool.errors import InputError
from galaxtool.taxonomy.signs import decompose, name_signs, spell_letter, spell_out

_MAX_LENGTH = 60
_BLANKS = str.maketrans({"_": " ", "\u200b": " ", "\ufeff": " "})
_IGNORED = frozenset({"galaxy", "source"})


def slugify(name: str) -> str:
    """Return a name as lower-case ASCII letters and digits joined by single underscores.

    Accents are dropped. Signs that tell classes apart become words (see `galaxtool.taxonomy.signs.name_signs`), so that
    the T-type -5 is not 5. A Greek letter becomes its name, and a letter of another script ``u`` and its code point, so
    that the slug is a valid column name in every table format. A name without letters and digits gives an empty string.

    Examples
    --------
    >>> slugify("In-between Round Smooth Galaxies")
    'in_between_round_smooth_galaxies'
    >>> slugify("  1C_1P "), slugify("-5"), slugify("S0+")
    ('1c_1p', 'minus_5', 's0_plus')
    """
    letters = []
    for char in name_signs(decompose(name)):
        if unicodedata.combining(char):
            continue
        letters.append(char if char.isascii() or not char.isalnum() else spell_letter(char))
    return _join_words("".join(letters))


def make_slugs(names: Iterable[str]) -> dict[str, str]:
    """Return a slug for each name, such that different names have different slugs.

    Parameters
    ----------
    names : iterable of str
        Names of classes, in any order. Names that differ only in blanks and underscores are one class.

    Returns
    -------
    dict
        Slug of each name: that of `slugify` where it is nonempty and no other name has the same one. Otherwise
        punctuation and accents are spelled out (``s0_slash_a``), and case and then a number are added (``sa_upper``).
        The slugs depend on the set of names only.

    Raises
    ------
    galaxtool.errors.InputError
        If a name is blank.

    Examples
    --------
    >>> make_slugs(["S0/a", "S0-a", "Sa", "SA", "-5", "5"])
    {'S0/a': 's0_slash_a', 'S0-a': 's0_dash_a', 'Sa': 'sa', 'SA': 'sa_upper', '-5': 'minus_5', '5': '5'}
    """
    name_of = {name: clean_name(name) for name in names}
    if blank := [name for name, cleaned in name_of.items() if not cleaned]:
        raise InputError(f"'{blank[0]}' cannot name a class.", hint="A name needs a character that is not a blank.")
    distinct = sorted(set(name_of.values()))
    groups = _group_by(distinct, _make_slug)
    slugs = {members[0]: slug for slug, members in groups.items() if slug and len(members) == 1}
    taken = set(slugs.values())
    clashing = [name for name in distinct if name not in slugs]
    for slug, members in _group_by(clashing, _make_long_slug).items():
        for member, suffix in _suffixes(members, slug):
            slugs[member] = _find_free(slug + suffix, taken)
            taken.add(slugs[member])
    return {name: slugs[cleaned] for name, cleaned in name_of.items()}


def find_lookalikes(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the groups of names that may be spellings of one class.

    Names are alike if they differ only in case, accents and separators, or are the same number.

    Examples
    --------
    >>> find_lookalikes(["Sa", "SA", "S0-", "S0", "1.0", "10", "01", "1"])
    [('01', '1', '1.0'), ('SA', 'Sa')]
    """
    groups = _group_by(sorted({clean_name(name) for name in names}), _make_loose_key)
    return [tuple(members) for members in groups.values() if len(members) > 1]


def _make_loose_key(name: str) -> str:
    return f"={float(name):g}" if is_bare_number(name) else slugify(name).replace("_", "") or name


def clean_name(name: str) -> str:
    """Return the name of a class as it is shown: with single blanks, and letters in their composed form."""
    return unicodedata.normalize("NFC", " ".join(name.translate(_BLANKS).split()))


def _make_slug(name: str) -> str:
    return _shorten(slugify(name), name)


def _make_long_slug(name: str) -> str:
    """Return the slug of a name whose `slugify` is empty or not unique."""
    spelled = _join_words(spell_out(name_signs(decompose(name))))
    return _shorten(spelled or "_".join(f"u{ord(char):x}" for char in name), name)


def _shorten(slug: str, name: str) -> str:
    """Return a slug that leaves room for a prefix in the names of FITS columns, which have 68 characters at most."""
    digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return slug if len(slug) <= _MAX_LENGTH else f"{slug[: _MAX_LENGTH - 9].rstrip('_')}_{digest}"


def _suffixes(names: list[str], slug: str) -> Iterator[tuple[str, str]]:
    """Yield names with the same slug, each with what its case adds; one of them keeps the slug."""
    first, *others = sorted(names, key=lambda name: (_distance(name, slug), name.isupper(), name))
    yield first, ""
    for name in others:
        if name.casefold() != first.casefold():
            yield name, ""
        else:
            yield name, "_upper" if name.isupper() else "_lower" if name.islower() else "_capital"


def _distance(name: str, slug: str) -> int:
    """Return how far a name is from its slug: 0 if equal, 1 but for case and blanks, 2 otherwise."""
    return 0 if name == slug else 1 if name.casefold().replace(" ", "_") == slug else 2


def _find_free(slug: str, taken: set[str]) -> str:
    candidates = (f"{slug}_{number}" if number > 1 else slug for number in itertools.count(1))
    return next(candidate for candidate in candidates if candidate not in taken)


def _group_by(names: Iterable[str], key: Callable[[str], str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(key(name), []).append(name)
    return groups


def _join_words(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text).strip("_")


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
