"""A class of objects, and a taxonomy: an ordered set of classes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from galaxtool.errors import InputError, UnknownName
from galaxtool.plugins.specs import Citation
from galaxtool.taxonomy.quantity import Quantity
from galaxtool.taxonomy.votes.schema import VoteSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class Class:
    """One class of objects.

    Parameters
    ----------
    slug : str
        Short name of lower-case letters, digits and underscores: ``barred_spiral``.
    name : str
        Name in the singular, as used in a sentence: ``barred spiral galaxy``.
    prompt : str
        Sentence for a text encoder.
    symbol : Path or None
        PNG with the schematic symbol; None if there is none.
    variants : tuple of Path
        Further drawings of the symbol in other styles, such as filled or fading; see `drawings`.
    is_a : tuple of str
        Coarser classes of other taxonomies that contain all objects of this class, as ``taxonomy:slug``; at most one
        for each taxonomy.
    aliases : tuple of str
        Other names used in published data.
    captions : tuple of str
        Sentences that are true of every object of this class, from which a text encoder may learn.
    index : int or None
        Number of the class in published data, from 0; None if it has none.
    """

    slug: str
    name: str
    prompt: str
    symbol: Path | None = None
    variants: tuple[Path, ...] = ()
    is_a: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()
    index: int | None = None

    @property
    def drawings(self) -> tuple[Path, ...]:
        """All drawings of the class: its symbol, then the variants; empty without a symbol."""
        return () if self.symbol is None else (self.symbol, *self.variants)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; the symbol and its variants are stored as their file names."""
        return {
            "slug": self.slug,
            "name": self.name,
            "prompt": self.prompt,
            "symbol": self.symbol.name if self.symbol else None,
            "variants": [path.name for path in self.variants],
            "is_a": list(self.is_a),
            "aliases": list(self.aliases),
            "captions": list(self.captions),
            "index": self.index,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxonomy:
    """Classes in a fixed order: the order of every score vector and table column made with it.

    Parameters
    ----------
    name : str
        Name, as given to ``--taxonomy``.
    title, summary : str
        Title and one-line summary for listings.
    classes : tuple of Class
        At least one class; slugs are unique.
    citations : tuple of Citation
        Papers to cite when the classes are used.
    votes : VoteSchema or None
        The questions whose answers are the classes; None if each object has one class.
    quantities : tuple of Quantity
        The numbers whose quantiles take the place of the classes; empty if there are classes.

    Raises
    ------
    galaxtool.errors.InputError
        If there are no classes, two share a slug, or one has two parents in the same coarser taxonomy.
    """

    name: str
    title: str = ""
    summary: str = ""
    classes: tuple[Class, ...]
    citations: tuple[Citation, ...] = field(default=())
    votes: VoteSchema | None = None
    quantities: tuple[Quantity, ...] = ()

    def __post_init__(self) -> None:
        if not self.classes:
            raise InputError(f"The taxonomy '{self.name}' has no classes.", hint="Give it at least one.")
        by_slug: dict[str, Class] = {}
        for item in self.classes:
            if item.slug in by_slug:
                raise InputError(
                    f"Two classes of the taxonomy '{self.name}' have the slug '{item.slug}': "
                    f"'{by_slug[item.slug].name}' and '{item.name}'.",
                    hint="Rename one so that they differ in more than case and punctuation.",
                )
            by_slug[item.slug] = item
            parents = [target.partition(":")[0] for target in item.is_a]
            if twice := {parent for parent in parents if parents.count(parent) > 1}:
                raise InputError(
                    f"The class '{item.slug}' of the taxonomy '{self.name}' is_a two classes of '{min(twice)}'.",
                    hint="Keep the one that contains all of its objects, or its probability would count twice.",
                )

    @property
    def slugs(self) -> tuple[str, ...]:
        """The slugs of the classes, in order."""
        return tuple(item.slug for item in self.classes)

    @property
    def prompts(self) -> tuple[str, ...]:
        """The prompts of the classes, in order."""
        return tuple(item.prompt for item in self.classes)

    def __len__(self) -> int:
        return len(self.classes)

    def get(self, slug: str) -> Class:
        """Return one class.

        Raises
        ------
        galaxtool.errors.UnknownName
            If no class has this slug; the nearest one is suggested.
        """
        for item in self.classes:
            if item.slug == slug:
                return item
        raise UnknownName(f"class of the taxonomy '{self.name}'", slug, self.slugs)

    def subset(self, slugs: Iterable[str]) -> Taxonomy:
        """Return the taxonomy with only these classes, in the order of this taxonomy and without `votes`.

        Raises
        ------
        galaxtool.errors.UnknownName
            If no class has one of the slugs.
        galaxtool.errors.InputError
            If `slugs` is empty.
        """
        wanted = {self.get(slug).slug for slug in slugs}
        return replace(self, classes=tuple(item for item in self.classes if item.slug in wanted), votes=None)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; `galaxtool.taxonomy.load.taxonomy_from_dict` reads them."""
        return {
            "name": self.name,
            "title": self.title,
            "summary": self.summary,
            "classes": [item.as_dict() for item in self.classes],
            "citations": [
                {"text": c.text, "doi": c.doi, "arxiv": c.arxiv, "bibcode": c.bibcode} for c in self.citations
            ],
        }
