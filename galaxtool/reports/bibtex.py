"""Citations as BibTeX entries, made of the lines of a reference list."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

_LINE = re.compile(r"^(?P<authors>.+?)[ ,]+\(?(?P<year>(?:19|20)\d\d)[a-z]?\)?[,.:]? +(?P<rest>.+)$")
_WITH_INITIALS = re.compile(r"[^,&]+, (?:[A-Z][.]?[ -]?)+(?=[,&]|$)")
_JOURNAL = re.compile(
    r", (?P<name>MNRAS|A&A|ApJS?|AJ|PASP|Astronomy and Computing|Journal of Open Source Software|Econometrica|TMLR|"
    r"JMLR|Nature Astronomy|Nature|Physica D)(?P<where>[ ,].*)?$"
)
_CONFERENCE = re.compile(r", (?P<name>CVPR|ICCV|ECCV|ICML|ICLR|NeurIPS|NIPS|AAAI|WACV)\b(?P<where>.*)$")
_LETTERS = " abcdefghijklmnopqrstuvwxyz"  # of the second entry with the same author and year, and on
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "$": r"\$",
    "{": r"\{",
    "}": r"\}",
}


def format_bibtex(citations: Iterable[Mapping[str, str]]) -> str:
    """Return citations as BibTeX, one entry for each, with keys that are all different.

    Parameters
    ----------
    citations : iterable of mapping
        Each with ``text``, a line of a reference list, and maybe ``doi``, ``arxiv`` and ``bibcode``.
    """
    taken: set[str] = set()
    return "\n\n".join(_format_entry(citation, taken) for citation in citations)


def format_software(version: str) -> str:
    """Return the entry of galaxtool itself."""
    fields = {"author": "{The galaxtool developers}", "title": "{galaxtool}", "version": version}
    return _join("software", "galaxtool", fields)


def _format_entry(citation: Mapping[str, str], taken: set[str]) -> str:
    text = " ".join(str(citation.get("text", "")).split())
    found = _LINE.match(text)
    authors = split_authors(found["authors"]) if found else []
    fields: dict[str, str] = {}
    kind = "misc"
    if found:
        title, kind, place = _split_place(found["rest"])
        fields = {"author": " and ".join(map(_escape, authors)), "title": "{" + _escape(title) + "}"}
        fields |= {name: _escape(value) for name, value in place.items()}
        fields["year"] = found["year"]
    else:
        fields["title"] = "{" + _escape(text) + "}"
    if arxiv := citation.get("arxiv"):
        fields |= {"eprint": str(arxiv), "archivePrefix": "arXiv"}
    if doi := citation.get("doi"):
        fields["doi"] = str(doi)
    if bibcode := citation.get("bibcode"):
        fields["adsurl"] = f"https://ui.adsabs.harvard.edu/abs/{bibcode}"
    return _join(kind, _make_key(authors, found["year"] if found else "", text, taken), fields)


def split_authors(text: str) -> list[str]:
    """Return the authors of a line of a reference list, as BibTeX separates them; ``others`` for et al.

    Examples
    --------
    >>> split_authors("Leung, H. W. & Bovy, J.")
    ['Leung, H. W.', 'Bovy, J.']
    >>> split_authors("Wang, Wang & Luo"), split_authors("Walmsley, M. et al.")
    (['Wang', 'Wang', 'Luo'], ['Walmsley, M.', 'others'])
    """
    text, many, _ = re.sub(r",? et al\.?.*$", "\0", text).partition("\0")
    initials = [part.strip() for part in _WITH_INITIALS.findall(text)]
    authors = initials or [part.strip() for part in re.split(r", and |, | & | and ", text) if part.strip()]
    return [*authors, "others"] if many else authors


def _split_place(rest: str) -> tuple[str, str, dict[str, str]]:
    """Return the title, the kind of entry, and the fields for where it was published."""
    if found := _JOURNAL.search(rest):
        place = {"journal": found["name"]}
        numbers = re.findall(r"\d+", found["where"] or "")
        place |= dict(zip(("volume", "pages"), numbers, strict=False))
        return rest[: found.start()], "article", place
    if found := _CONFERENCE.search(rest):
        note = found["where"].strip(" ,")
        return rest[: found.start()], "inproceedings", {"booktitle": found["name"], **({"note": note} if note else {})}
    return rest.rstrip("."), "misc", {}


def _make_key(authors: Sequence[str], year: str, text: str, taken: set[str]) -> str:
    """Return the surname of the first author and the year, and a letter if that is taken."""
    first = authors[0] if authors else text
    name = re.sub(r"[^A-Za-z0-9]", "", first.partition(",")[0])[:20] or "reference"
    key, number = f"{name}{year}", 1
    while key in taken:
        number += 1
        key = f"{name}{year}{_LETTERS[number] if number < len(_LETTERS) else number}"
    taken.add(key)
    return key


def _escape(text: str) -> str:
    return "".join(_SPECIAL.get(letter, letter) for letter in text)


def _join(kind: str, key: str, fields: Mapping[str, str]) -> str:
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])
