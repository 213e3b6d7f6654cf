"""Classes of objects, and sets of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxtool.errors import InputError, UnknownName
from galaxtool.plugins.specs import Citation

if TYPE_CHECKING:
    from galaxtool.taxonomy.vote_schema import VoteSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class Class:
    """One class of objects.

    Parameters
    ----------
    slug : str
        Short name of lower-case letters, digits and underscores: ``barred_spiral``.
    name : str
        Singular, as a person says it: ``barred spiral galaxy``.
    prompt : str
        The sentence that a text encoder is given.
    symbol : Path or None
        PNG with the schematic symbol; None where there is none.
    is_a : tuple of str
        Coarser classes of other taxonomies that hold all of its objects, as ``taxonomy:slug``; at most one for each
        taxonomy.
    aliases : tuple of str
        Other names in use, as published data write them.
    index : int or None
        The number that stands for the class in published data, from 0; None where none is published.
    """

    slug: str
    name: str
    prompt: str
    symbol: Path | None = None
    is_a: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    index: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; the symbol as its file's name."""
        return {
            "slug": self.slug,
            "name": self.name,
            "prompt": self.prompt,
            "symbol": self.symbol.name if self.symbol else None,
            "is_a": list(self.is_a),
            "aliases": list(self.aliases),
            "index": self.index,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxonomy:
    """Classes in a fixed order: the order of every score vector and table column made with it.

    Parameters
    ----------
    name : str
        As given to ``--taxonomy``.
    title, summary : str
        For listings.
    classes : tuple of Class
        At least one, no slug twice.
    citations : tuple of Citation
        What to cite when the classes were used.
    votes : VoteSchema or None
        The questions whose answers the classes are; None where an object has one class.

    Raises
    ------
    galaxtool.errors.InputError
        If there is no class, two share a slug, or one has two parents in the same coarser taxonomy.
    """

    name: str
    title: str = ""
    summary: str = ""
    classes: tuple[Class, ...]
    citations: tuple[Citation, ...] = field(default=())
    votes: VoteSchema | None = None

    def __post_init__(self) -> None:
        if not self.classes:
            raise InputError(f"The taxonomy '{self.name}' has no classes.", hint="Give it at least one.")
        by_slug: dict[str, Class] = {}
        for item in self.classes:
            if item.slug in by_slug:
                raise InputError(
                    f"Two classes of the taxonomy '{self.name}' have the slug '{item.slug}': "
                    f"'{by_slug[item.slug].name}' and '{item.name}'.",
                    hint="Rename one, so that they differ in more than case and punctuation.",
                )
            by_slug[item.slug] = item
            parents = [target.partition(":")[0] for target in item.is_a]
            if twice := {parent for parent in parents if parents.count(parent) > 1}:
                raise InputError(
                    f"The class '{item.slug}' of the taxonomy '{self.name}' is_a two classes of '{min(twice)}'.",
                    hint="Its probability would be counted twice; keep the one that holds all of its objects.",
                )

    @property
    def slugs(self) -> tuple[str, ...]:
        """The classes' slugs, in order."""
        return tuple(item.slug for item in self.classes)

    @property
    def prompts(self) -> tuple[str, ...]:
        """The classes' prompts, in order."""
        return tuple(item.prompt for item in self.classes)

    def __len__(self) -> int:
        return len(self.classes)

    def get(self, slug: str) -> Class:
        """Return one class.

        Raises
        ------
        galaxtool.errors.UnknownName
            If no class has that slug; the nearest is suggested.
        """
        for item in self.classes:
            if item.slug == slug:
                return item
        raise UnknownName(f"class of the taxonomy '{self.name}'", slug, self.slugs)

    def subset(self, slugs: Iterable[str]) -> Taxonomy:
        """Return the taxonomy with only these classes, in this taxonomy's order; of answers, no longer a decision tree.

        Raises
        ------
        galaxtool.errors.UnknownName
            If a slug is not among them.
        galaxtool.errors.InputError
            If none is asked for.
        """
        wanted = {self.get(slug).slug for slug in slugs}
        return replace(self, classes=tuple(item for item in self.classes if item.slug in wanted), votes=None)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; read back by `galaxtool.taxonomy.load.taxonomy_from_dict`."""
        return {
            "name": self.name,
            "title": self.title,
            "summary": self.summary,
            "classes": [item.as_dict() for item in self.classes],
            "citations": [
                {"text": c.text, "doi": c.doi, "arxiv": c.arxiv, "bibcode": c.bibcode} for c in self.citations
            ],
        }
