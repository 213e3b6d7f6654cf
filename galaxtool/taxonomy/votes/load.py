"""Read a vote schema from a TOML file or a model's record.

The schemas that come with galaxtool are in ``taxonomy/votes/schemas``. A schema looks like this::

    name = "rings"
    title = "Rings"                              # optional, as are summary and [[citations]]

    [[questions]]
    slug = "ring"
    text = "Is there a ring?"
    answers = [
        { slug = "yes", name = "galaxy with a ring" },
        { slug = "no", name = "galaxy without a ring" },
    ]

    [[questions]]
    slug = "ring-kind"
    text = "Does the ring go through the centre?"
    asked_if = "ring_yes"                        # optional: question_answer
    answers = [
        { slug = "through", name = "polar ring galaxy", columns = ["n_polar"] },
        { slug = "around", name = "ring galaxy", columns = ["n_around"] },
    ]

``columns`` are the columns of a catalogue with the number of votes: one name for each form of the catalogue in use, in
the same order for all answers to a question. Without it, the column is ``question_answer``.

Only the standard library is imported.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from galaxtool.errors import ConfigError, UnknownName, suggest_name
from galaxtool.plugins.specs import Citation
from galaxtool.taxonomy.names import slugify
from galaxtool.taxonomy.votes.schema import Answer, Question, VoteSchema
from galaxtool.utils.suggestions import suggest_path

_SCHEMAS = Path(__file__).resolve().parent / "schemas"
_TOP = {"name": str, "title": str, "summary": str, "citations": list, "questions": list}
_QUESTION = {"slug": str, "text": str, "answers": list, "asked_if": str}
_ANSWER = {"slug": str, "name": str, "columns": list}
_CITATION = {"text": str, "doi": str, "arxiv": str, "bibcode": str}


def list_schemas() -> list[str]:
    """Return the names of the schemas that come with galaxtool."""
    return sorted(file.stem for file in _SCHEMAS.glob("*.toml"))


def load_schema(source: str | Path) -> VoteSchema:
    """Read a vote schema.

    Parameters
    ----------
    source : str or Path
        Name of a schema that comes with galaxtool (``gz2``, ``gz-decals``), or path of a TOML file.

    Raises
    ------
    UnknownName
        If it is neither.
    ConfigError
        If the file cannot be read, or is not a valid schema.
    """
    file = _SCHEMAS / f"{source}.toml"
    if str(source) not in list_schemas():
        file = Path(source)
        if file.suffix.lower() != ".toml" and not file.is_file():
            raise UnknownName("vote schema", str(source), list_schemas(), note="The path of a TOML file also works.")
    try:
        record = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as problem:
        hint = "Give the path of a TOML file." if file.exists() else suggest_path(file)
        raise ConfigError(f"The vote schema '{file}' cannot be read: {problem.strerror}.", hint=hint) from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigError(
            f"'{file}' is not valid TOML: {problem}.", hint="Correct the file at this place."
        ) from problem
    return schema_from_dict(record, str(file))


def schema_from_dict(record: Mapping[str, Any], where: str) -> VoteSchema:
    """Build a schema from plain values, as in TOML or from `VoteSchema.as_dict`.

    Parameters
    ----------
    record : mapping
        Plain values.
    where : str
        Name of the source for error messages.

    Raises
    ------
    ConfigError
        If a key is unknown, missing or of the wrong type, or the questions do not form a tree.
    """
    _check(record, _TOP, ("name", "questions"), f"the top level of '{where}'")
    for entry in record.get("citations", []):
        _check(entry, _CITATION, ("text",), f"a citation of '{where}'")
    questions = []
    for entry in record["questions"]:
        _check(entry, _QUESTION, ("slug", "answers"), f"a question of '{where}'")
        answers = tuple(_read_answer(answer, entry["slug"], where) for answer in entry["answers"])
        questions.append(
            Question(
                slug=entry["slug"],
                text=entry.get("text", ""),
                answers=answers,
                asked_if=slugify(entry.get("asked_if", "")),
            )
        )
    return VoteSchema(
        name=record["name"],
        title=record.get("title", ""),
        summary=record.get("summary", ""),
        questions=tuple(questions),
        citations=tuple(Citation(**entry) for entry in record.get("citations", [])),
    )


def _read_answer(entry: Any, question: str, where: str) -> Answer:
    _check(entry, _ANSWER, ("slug", "name"), f"an answer to '{question}' in '{where}'")
    columns = entry.get("columns") or [f"{question}_{entry['slug']}"]
    if not all(isinstance(column, str) and column for column in columns):
        raise ConfigError(
            f"Not all columns of the answer '{entry['slug']}' to '{question}' in '{where}' are texts.",
            hint='Use columns = ["name"].',
        )
    return Answer(slug=entry["slug"], name=entry["name"], columns=tuple(columns))


def _check(entry: Any, types: Mapping[str, type], required: Sequence[str], what: str) -> None:
    """Check the keys of an entry and the types of their values."""
    title = f"{what[0].upper()}{what[1:]}"
    if not isinstance(entry, Mapping):
        raise ConfigError(f"{title} is not a table of keys.", hint="Use { key = value }.")
    for key, value in entry.items():
        if key not in types:
            near = suggest_name(str(key), types)
            raise ConfigError(
                f"'{key}' in {what} is not a known key.",
                hint=f"Did you mean '{near}'?" if near else f"Known keys: {', '.join(types)}.",
            )
        if not isinstance(value, types[key]):
            kind = "a list" if types[key] is list else "a text"
            raise ConfigError(f"'{key}' in {what} is not {kind}.", hint=f"It is {value!r}.")
    for key in required:
        if not entry.get(key) or (key == "slug" and not slugify(entry[key])):
            raise ConfigError(f"{title} has no '{key}'.", hint=f"Add {key} = ...")
