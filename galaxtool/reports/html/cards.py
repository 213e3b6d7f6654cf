"""The pictures of a page, with what the model says of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from galaxtool.reports.html.case import Case
from galaxtool.reports.html.markup import bar, count, isolated, number, text
from galaxtool.reports.html.overview import Overview

_NOTHING = "<p>No image could be classified.</p>"


def confusing_section(overview: Overview, pictures: Mapping[int, str]) -> str:
    """Return the section of the most doubtful images of all."""
    if not overview.n_classified:
        return _section("confusing", "Most confusing", _NOTHING)
    known = any(not math.isnan(case.second_probability) for case in overview.confusing)
    told = (
        "The two most probable classes are closest here: whoever looks at images by eye should begin with these."
        if known
        else "The label is least probable here: whoever looks at images by eye should begin with these."
    )
    return _section("confusing", "Most confusing", f"<p>{told}</p>" + _cards(overview, overview.confusing, pictures))


def classes_section(overview: Overview, pictures: Mapping[int, str]) -> str:
    """Return the section with examples of each class."""
    if not overview.n_classified:
        return _section("classes", "By class", _NOTHING)
    blocks = [_class_block(overview, slug, pictures) for slug in overview.shown_classes]
    left = sum(1 for n in overview.labels.values() if n) - len(blocks)
    note = f"<p>{count(left, 'class', 'classes')} with fewer images {'is' if left == 1 else 'are'} not shown.</p>"
    return _section("classes", "By class", "".join(blocks) + (note if left else ""))


def _class_block(overview: Overview, slug: str, pictures: Mapping[int, str]) -> str:
    extremes = overview.extremes(slug)
    share = overview.labels[slug] / overview.n_classified
    name = overview.name(slug)
    slug_note = f" <code>{isolated(slug)}</code>" if name != slug else ""
    head = f"<h3>{isolated(name)}{slug_note} <small>{count(extremes.n, 'image')}, {share:.1%}</small></h3>"
    if not extremes.doubtful:
        title = "all, the most probable first" if extremes.n > 1 else "the only one"
        return f'<div class="of-class">{head}<h4>{title}</h4>{_cards(overview, extremes.surest, pictures, slug)}</div>'
    groups = (("most probable", extremes.surest), ("least certain", extremes.doubtful))
    body = "".join(f"<div><h4>{title}</h4>{_cards(overview, cases, pictures, slug)}</div>" for title, cases in groups)
    return f'<div class="of-class">{head}<div class="sides">{body}</div></div>'


def _cards(overview: Overview, cases: Sequence[Case], pictures: Mapping[int, str], slug: str = "") -> str:
    """Return pictures in rows; those of one class do not repeat its name."""
    cards = (_card(overview, case, pictures.get(case.row, ""), named=not slug) for case in cases)
    return f'<ul class="cards">{"".join(cards)}</ul>'


def _card(overview: Overview, case: Case, picture: str, *, named: bool) -> str:
    shown = (
        f'<img src="{picture}" alt="" width="128" height="128">'
        if picture
        else '<span class="missing">The image cannot be read any more.</span>'
    )
    said = _said(isolated(overview.name(case.label)) if named else "proba&shy;bility", case.probability, "first")
    if case.second:
        said += _said(isolated(overview.name(case.second)), case.second_probability, "second")
    flags = f'<span class="flags">{text(case.flags)}</span>' if case.flags else ""
    return (
        f'<li><div class="card" data-row="{case.row}">{shown}'
        f'<span class="id" title="{text(case.id)}">{isolated(case.id)}</span>{said}{flags}</div></li>'
    )


def _said(what: str, probability: float, kind: str) -> str:
    return (
        f'<span class="said {kind}"><span class="what">{what}</span> '
        f'<span class="number">{number(probability)}</span>{bar(probability, kind)}</span>'
    )


def _section(place: str, title: str, body: str) -> str:
    return f'<section id="{place}" aria-labelledby="{place}-title"><h2 id="{place}-title">{title}</h2>{body}</section>'
