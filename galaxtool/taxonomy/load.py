"""Reading taxonomies: from a folder, from a model's record, or from a user's own class names.

A folder holds ``taxonomy.toml`` and, for each class, ``<slug>.png`` (what is read) and ``<slug>.svg`` (its source)::

    name = "gz1-coarse"
    title = "Galaxy Zoo 1, coarse"
    summary = "four coarse classes"
    index_order = ["elliptical", "edge_on"]     # optional: what 0, 1 ... mean in published data

    [[citations]]                               # optional: text, and doi, arxiv, bibcode where there are
    text = "Lintott et al. 2011"

    [[classes]]
    slug = "edge_on"
    name = "edge-on galaxy"
    prompt = "A picture of an edge-on galaxy"   # optional: made from the name
    aliases = ["disc from the side"]            # optional
    is_a = ["galaxymnist:edge_on_disk"]         # optional

Only the standard library is imported, so that listings stay light.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from galaxtool.errors import InputError, suggest_name
from galaxtool.plugins.specs import Citation, TaxonomySpec
from galaxtool.taxonomy.classes import Class, Taxonomy
from galaxtool.taxonomy.names import match_key, prompt_for, slugify

__all__ = ["Class", "Taxonomy", "load_taxonomy", "own_taxonomy", "taxonomy_from_dict", "taxonomy_spec"]

_TOP = {"name": str, "title": str, "summary": str, "index_order": list, "citations": list, "classes": list}
_CLASS = {"slug": str, "name": str, "prompt": str, "aliases": list, "is_a": list}
_CITATION = {"text": str, "doi": str, "arxiv": str, "bibcode": str}
_IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")


def load_taxonomy(source: TaxonomySpec | Path | str) -> Taxonomy:
    """Read a taxonomy's folder.

    Parameters
    ----------
    source : TaxonomySpec or Path or str
        A registered spec, or the folder itself.

    Raises
    ------
    galaxtool.errors.InputError
        If the folder has no readable ``taxonomy.toml``, a key in it is unknown, missing or of the wrong type, a slug
        is not a slug or occurs twice, or a class has no PNG.
    """
    folder = Path(source.folder if isinstance(source, TaxonomySpec) else source)
    record, file = _read(folder)
    order = record.get("index_order", [])
    classes = []
    for entry in record["classes"]:
        _check(entry, _CLASS, ("slug", "name"), file, "a class")
        slug = entry["slug"]
        symbol = folder / f"{slug}.png"
        if slugify(slug) != slug:
            raise InputError(f"'{slug}' in {file} is not a slug.", hint=f"Write '{slugify(slug)}'.")
        if not symbol.is_file():
            raise InputError(f"The class '{slug}' in {file} has no symbol.", hint=f"Put one at {symbol}.")
        classes.append(_class(entry, symbol, order.index(slug) if slug in order else None))
    slugs = [item.slug for item in classes]
    if order and sorted(order) != sorted(slugs):
        raise InputError(
            f"index_order in {file} does not name every class once.", hint="List each slug, from number 0."
        )
    return _taxonomy(record, tuple(classes))


def taxonomy_spec(folder: Path | str) -> TaxonomySpec:
    """Return the spec to register for a taxonomy's folder; reads no more than its ``taxonomy.toml``.

    Raises
    ------
    galaxtool.errors.InputError
        If ``taxonomy.toml`` is missing or malformed.
    """
    record, _ = _read(Path(folder))
    citations = _citations(record)
    return TaxonomySpec(
        name=record["name"],
        summary=record.get("summary", ""),
        folder=str(Path(folder).resolve()),
        citation=citations[0] if citations else None,
    )


def taxonomy_from_dict(record: Mapping[str, Any], symbols: Path | None = None) -> Taxonomy:
    """Rebuild what `Taxonomy.as_dict` wrote.

    Parameters
    ----------
    record : mapping
        The plain values.
    symbols : Path, optional
        Folder that the symbols' file names are relative to; without it the classes have no symbol.

    Raises
    ------
    galaxtool.errors.InputError
        If the record is malformed, or a symbol it names is not in the folder.
    """
    where = f"the record of the taxonomy '{record.get('name', '')}'"
    _check(record, _TOP, ("name", "classes"), where, "the top level")
    classes = []
    for entry in record["classes"]:
        _check(entry, _CLASS | {"symbol": object, "index": object}, ("slug", "name"), where, "a class")
        # Only the last part of the name counts: a record from elsewhere must not reach out of its folder.
        symbol = symbols / Path(entry["symbol"]).name if symbols and entry.get("symbol") else None
        if symbol and not symbol.is_file():
            raise InputError(f"The symbol {symbol} of the class '{entry['slug']}' is missing.", hint="Put it back.")
        classes.append(_class(entry, symbol, entry.get("index")))
    return _taxonomy(record, tuple(classes))


def own_taxonomy(names: Sequence[str], symbols: Path | None = None, *, name: str = "own") -> Taxonomy:
    """Make a taxonomy of a user's own classes.

    Parameters
    ----------
    names : sequence of str
        Class names in order; each becomes a slug and a prompt.
    symbols : Path, optional
        Folder with one image for each class, its name without suffix matching the class whatever the case, plural
        and separators. Other files are left alone; a class without an image has ``symbol=None``.
    name : str
        Name of the taxonomy.

    Raises
    ------
    galaxtool.errors.InputError
        If a name has no letters or digits, two give one slug, the folder is none, or two images fit one class.
    """
    for given in names:
        if not slugify(given):
            raise InputError(f"'{given}' cannot name a class.", hint="A name needs a letter or a digit.")
    found = _own_symbols([slugify(given) for given in names], symbols) if symbols is not None else {}
    classes = []
    for given in names:
        text = " ".join(given.replace("_", " ").split())
        slug = slugify(given)
        classes.append(Class(slug=slug, name=text, prompt=prompt_for(text), symbol=found.get(slug)))
    return Taxonomy(name=name, title="Own classes", classes=tuple(classes))


def _own_symbols(slugs: Sequence[str], folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder of symbols.", hint="Give a folder with one image for each class.")
    found: dict[str, Path] = {}
    exact = set(slugs)
    # "ring" and "rings" may both be classes; a key then says nothing, and only the exact slug does.
    keys = [match_key(slug) for slug in slugs]
    by_key = {key: slug for key, slug in zip(keys, slugs, strict=True) if keys.count(key) == 1}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in _IMAGES:
            continue
        stem = slugify(path.stem)
        slug = stem if stem in exact else by_key.get(match_key(path.stem))
        if slug is None:
            continue
        if slug in found:
            raise InputError(
                f"The class '{slug}' has two symbols in {folder}: {found[slug].name} and {path.name}.",
                hint="Keep one.",
            )
        found[slug] = path
    return found


def _read(folder: Path) -> tuple[dict[str, Any], Path]:
    file = folder / "taxonomy.toml"
    try:
        record = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as problem:
        raise InputError(
            f"{file} cannot be read: {problem.strerror}.", hint="A taxonomy is a folder with a taxonomy.toml."
        ) from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise InputError(f"{file} is not TOML: {problem}.", hint="Correct the file at that place.") from problem
    _check(record, _TOP, ("name", "classes"), file, "the top level")
    return record, file


def _check(entry: Any, types: Mapping[str, type], needed: Sequence[str], where: Path | str, what: str) -> None:
    if not isinstance(entry, Mapping):
        raise InputError(f"{what} in {where} is not a table of keys.", hint="Write it as [[classes]] with keys below.")
    for key, value in entry.items():
        if key not in types:
            near = suggest_name(key, types)
            hint = f"Did you mean '{near}'?" if near else f"Known keys: {', '.join(types)}."
            raise InputError(f"'{key}' in {what} of {where} is not a known key.", hint=hint)
        if not isinstance(value, types[key]):
            raise InputError(
                f"'{key}' in {what} of {where} is not a {'list' if types[key] is list else 'text'}.",
                hint=f"It is {value!r}.",
            )
    for key in needed:
        if not entry.get(key):
            raise InputError(f"{what} in {where} has no '{key}'.", hint=f"Add {key} = ...")


def _class(entry: Mapping[str, Any], symbol: Path | None, index: int | None) -> Class:
    for target in entry.get("is_a", []):
        if not all(target.partition(":")):
            raise InputError(
                f"The class '{entry['slug']}' is_a '{target}', which names no taxonomy.", hint="Write 'taxonomy:slug'."
            )
    return Class(
        slug=entry["slug"],
        name=entry["name"],
        prompt=entry.get("prompt") or prompt_for(entry["name"]),
        symbol=symbol,
        is_a=tuple(entry.get("is_a", ())),
        aliases=tuple(entry.get("aliases", ())),
        index=index,
    )


def _citations(record: Mapping[str, Any]) -> tuple[Citation, ...]:
    for entry in record.get("citations", []):
        _check(entry, _CITATION, ("text",), f"the taxonomy '{record['name']}'", "a citation")
    return tuple(Citation(**entry) for entry in record.get("citations", []))


def _taxonomy(record: Mapping[str, Any], classes: tuple[Class, ...]) -> Taxonomy:
    return Taxonomy(
        name=record["name"],
        title=record.get("title", ""),
        summary=record.get("summary", ""),
        classes=classes,
        citations=_citations(record),
    )
