"""Check the plain values, from TOML or JSON, that taxonomies and vote schemas are built from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from galaxtool.errors import GalaxtoolError, suggest_name
from galaxtool.plugins.specs import Citation
from galaxtool.taxonomy.names import slugify

_CITATION = {"text": str, "doi": str, "arxiv": str, "bibcode": str}


def check_keys(
    entry: Any, types: Mapping[str, type], required: Sequence[str], what: str, error: type[GalaxtoolError]
) -> None:
    """Check the keys of an entry and the types of their values.

    Parameters
    ----------
    entry : object
        The entry, which should be a mapping.
    types : mapping of str to type
        Known keys and the type of each value.
    required : sequence of str
        Keys that must have a value; a slug must have a letter or a digit.
    what : str
        Name of the entry in messages: ``a question of 'rings.toml'``.
    error : type
        Class of the error to raise.

    Raises
    ------
    error
        If the entry is not a mapping, or a key is unknown, missing or of the wrong type.
    """
    title = f"{what[0].upper()}{what[1:]}"
    if not isinstance(entry, Mapping):
        raise error(f"{title} is not a table of keys.", hint="Write it as { key = value }.")
    for key, value in entry.items():
        if key not in types:
            near = suggest_name(str(key), types)
            hint = f"Did you mean '{near}'?" if near else f"Known keys: {', '.join(types)}."
            raise error(f"'{key}' in {what} is not a known key.", hint=hint)
        if not isinstance(value, types[key]):
            kind = "list" if types[key] is list else "text"
            raise error(f"'{key}' in {what} is not a {kind}.", hint=f"It is {value!r}.")
    for key in required:
        if not entry.get(key) or (key == "slug" and not slugify(entry[key])):
            raise error(f"{title} has no '{key}'.", hint=f"Add {key} = ...")


def read_citations(record: Mapping[str, Any], where: str, error: type[GalaxtoolError]) -> tuple[Citation, ...]:
    """Return the citations of a record; `where` names it in messages, and `error` is as for `check_keys`."""
    entries = record.get("citations", [])
    for entry in entries:
        check_keys(entry, _CITATION, ("text",), f"a citation of {where}", error)
    return tuple(Citation(**entry) for entry in entries)
