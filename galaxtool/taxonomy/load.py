"""Read a taxonomy from a folder or a model's record, or build one from class names or a vote schema.

A folder contains ``taxonomy.toml`` and, for each class, ``<slug>.png`` (which is read) and ``<slug>.svg`` (its
source). Further drawings of the same class are named ``<slug>@<variant>.png``::

    name = "gz1-coarse"
    title = "Galaxy Zoo 1, coarse"
    summary = "four coarse classes"
    index_order = ["elliptical", "edge_on"]     # optional: the classes with the numbers 0, 1 ... in published data

    [[citations]]                               # optional: text, and optionally doi, arxiv and bibcode
    text = "Lintott et al. 2011"

    [[classes]]
    slug = "edge_on"
    name = "edge-on galaxy"
    prompt = "A picture of an edge-on galaxy"   # optional: by default made from the name
    aliases = ["disc from the side"]            # optional
    captions = ["a disc seen edge-on"]          # optional: true of every object of the class
    is_a = ["galaxymnist:edge_on_disk"]         # optional

Nothing heavy is imported, so that listings stay fast.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from galaxtool.errors import InputError
from galaxtool.plugins.specs import TaxonomySpec
from galaxtool.taxonomy.classes import Class, Taxonomy
from galaxtool.taxonomy.drawings import find_drawings
from galaxtool.taxonomy.names import clean_name, make_prompt, make_slugs, slugify
from galaxtool.taxonomy.records import check_keys, read_citations
from galaxtool.taxonomy.votes.schema import VoteSchema
from galaxtool.utils.files.regular_files import read_regular_text

__all__ = [
    "Class",
    "Taxonomy",
    "build_taxonomy",
    "build_vote_taxonomy",
    "load_taxonomy",
    "taxonomy_from_dict",
    "taxonomy_spec",
]

_TOP = {"name": str, "title": str, "summary": str, "index_order": list, "citations": list, "classes": list}
_CLASS = {"slug": str, "name": str, "prompt": str, "aliases": list, "captions": list, "is_a": list}
_STORED: dict[str, type] = {"symbol": object, "variants": list, "index": object}


def load_taxonomy(source: TaxonomySpec | Path | str) -> Taxonomy:
    """Read the folder of a taxonomy.

    Parameters
    ----------
    source : TaxonomySpec or Path or str
        Registered spec, or path of the folder.

    Raises
    ------
    galaxtool.errors.InputError
        If the folder has no readable ``taxonomy.toml``, a key in it is unknown, missing or of the wrong type, a slug
        is invalid or occurs twice, or a class has no PNG.
    """
    folder = Path(source.folder if isinstance(source, TaxonomySpec) else source)
    record, file = _read(folder)
    order = record.get("index_order", [])
    classes = []
    for entry in record["classes"]:
        check_keys(entry, _CLASS, ("slug", "name"), f"a class of {file}", InputError)
        slug = entry["slug"]
        symbol = folder / f"{slug}.png"
        if slugify(slug) != slug:
            raise InputError(f"'{slug}' in {file} is not a slug.", hint=f"Use '{slugify(slug)}'.")
        if not symbol.is_file():
            raise InputError(f"The class '{slug}' in {file} has no symbol.", hint=f"Put one at {symbol}.")
        drawings = [symbol, *sorted(folder.glob(f"{slug}@*.png"))]
        classes.append(_build_class(entry, drawings, order.index(slug) if slug in order else None))
    slugs = [item.slug for item in classes]
    if order and sorted(order) != sorted(slugs):
        raise InputError(
            f"index_order in {file} does not name every class once.", hint="List each slug once, from number 0."
        )
    return _build_from_record(record, tuple(classes))


def taxonomy_spec(folder: Path | str) -> TaxonomySpec:
    """Return the spec that registers the folder of a taxonomy; only its ``taxonomy.toml`` is read.

    Raises
    ------
    galaxtool.errors.InputError
        If ``taxonomy.toml`` is missing or malformed.
    """
    record, _ = _read(Path(folder))
    citations = read_citations(record, f"the taxonomy '{record['name']}'", InputError)
    return TaxonomySpec(
        name=record["name"],
        summary=record.get("summary", ""),
        folder=str(Path(folder).resolve()),
        citation=citations[0] if citations else None,
    )


def taxonomy_from_dict(record: Mapping[str, Any], symbols: Path | None = None) -> Taxonomy:
    """Rebuild a taxonomy from the values of `Taxonomy.as_dict`.

    Parameters
    ----------
    record : mapping
        Plain values.
    symbols : Path, optional
        Folder of the symbols; without it the classes have no symbols.

    Raises
    ------
    galaxtool.errors.InputError
        If the record is malformed, or a symbol is not in the folder.
    """
    where = f"the record of the taxonomy '{record.get('name', '')}'"
    check_keys(record, _TOP, ("name", "classes"), f"the top level of {where}", InputError)
    classes = []
    for entry in record["classes"]:
        check_keys(entry, _CLASS | _STORED, ("slug", "name"), f"a class of {where}", InputError)
        classes.append(_build_class(entry, _list_stored_drawings(entry, symbols), entry.get("index")))
    return _build_from_record(record, tuple(classes))


def build_taxonomy(names: Sequence[str], symbols: Path | None = None, *, name: str = "own") -> Taxonomy:
    """Build a taxonomy from the class names of a user.

    Parameters
    ----------
    names : sequence of str
        Class names in order; each becomes a slug and a prompt.
    symbols : Path, optional
        Folder with one image per class. The file name without suffix must match the class, ignoring case, plural and
        separators. Further drawings of the class have ``@`` and a word or number after its name: ``ring@2.png``. Other
        files are ignored; a class without an image has ``symbol=None``.
    name : str
        Name of the taxonomy.

    Raises
    ------
    galaxtool.errors.InputError
        If a name is blank, the folder does not exist, or two images match one class and variant.
    """
    slugs = make_slugs(names)
    drawings_of = {} if symbols is None else find_drawings(slugs, symbols)
    text_of = {slug: clean_name(class_name) for class_name, slug in slugs.items()}
    classes = tuple(
        _build_class({"slug": slug, "name": text}, drawings_of.get(slug, []), None) for slug, text in text_of.items()
    )
    return Taxonomy(name=name, title="Own classes", classes=classes)


def build_vote_taxonomy(schema: VoteSchema) -> Taxonomy:
    """Build a taxonomy whose classes are the answers of a vote schema, in order and without symbols."""
    classes = tuple(
        Class(slug=slug, name=answer.name, prompt=make_prompt(answer.name))
        for slug, answer in zip(schema.slugs, schema.answers, strict=True)
    )
    return Taxonomy(
        name=schema.name,
        title=schema.title,
        summary=schema.summary,
        classes=classes,
        citations=schema.citations,
        votes=schema,
    )


def _list_stored_drawings(entry: Mapping[str, Any], folder: Path | None) -> list[Path]:
    """Return the files of a class's drawings as its record names them, or none without a folder."""
    names = [entry["symbol"], *entry.get("variants", ())] if folder and entry.get("symbol") else []
    # Only the file name counts: a record from elsewhere must not read files outside its folder.
    paths = [folder / Path(name).name for name in names] if folder else []
    for path in paths:
        if not path.is_file():
            raise InputError(f"The symbol {path} of the class '{entry['slug']}' is missing.", hint="Restore it.")
    return paths


def _read(folder: Path) -> tuple[dict[str, Any], Path]:
    """Return the content of ``taxonomy.toml`` and its path."""
    file = folder / "taxonomy.toml"
    try:
        record = tomllib.loads(read_regular_text(file))
    except OSError as problem:
        raise InputError(
            f"{file} cannot be read: {problem.strerror}.", hint="A taxonomy is a folder with a taxonomy.toml."
        ) from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise InputError(f"{file} is not valid TOML: {problem}.", hint="Correct the file at this place.") from problem
    check_keys(record, _TOP, ("name", "classes"), f"the top level of {file}", InputError)
    return record, file


def _build_class(entry: Mapping[str, Any], drawings: Sequence[Path], index: int | None) -> Class:
    targets = entry.get("is_a", [])
    for target in targets if isinstance(targets, (list, tuple)) else [targets]:
        if not isinstance(target, str) or not all(target.partition(":")):
            raise InputError(
                f"The class '{entry['slug']}' is_a '{str(target)[:100]}', which names no taxonomy.",
                hint="Use 'taxonomy:slug'.",
            )
    return Class(
        slug=entry["slug"],
        name=entry["name"],
        prompt=entry.get("prompt") or make_prompt(entry["name"]),
        symbol=drawings[0] if drawings else None,
        variants=tuple(drawings[1:]),
        is_a=tuple(entry.get("is_a", ())),
        aliases=tuple(entry.get("aliases", ())),
        captions=tuple(entry.get("captions", ())),
        index=index,
    )


def _build_from_record(record: Mapping[str, Any], classes: tuple[Class, ...]) -> Taxonomy:
    return Taxonomy(
        name=record["name"],
        title=record.get("title", ""),
        summary=record.get("summary", ""),
        classes=classes,
        citations=read_citations(record, f"the taxonomy '{record['name']}'", InputError),
    )
