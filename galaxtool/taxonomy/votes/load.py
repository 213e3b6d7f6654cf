"""Read a vote schema from a TOML file or a model's record.

The schemas that come with galaxtool are in ``taxonomy/votes/schemas``; plugins register others. A schema looks like
this::

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

Nothing heavy is imported, so that listings stay fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from galaxtool.errors import ConfigError, UnknownName
from galaxtool.plugins.own_plugins import explain_missing_plugin
from galaxtool.plugins.registry import get_registry
from galaxtool.taxonomy.names import slugify
from galaxtool.taxonomy.records import check_keys, read_citations
from galaxtool.taxonomy.votes.schema import Answer, Question, VoteSchema
from galaxtool.utils.config import read_toml

_TOP = {"name": str, "title": str, "summary": str, "citations": list, "questions": list}
_QUESTION = {"slug": str, "text": str, "answers": list, "asked_if": str}
_ANSWER = {"slug": str, "name": str, "columns": list}


def list_schemas() -> list[str]:
    """Return the names of the registered schemas."""
    return get_registry().vote_schemas.names()


def load_schema(source: str | Path) -> VoteSchema:
    """Read a vote schema.

    Parameters
    ----------
    source : str or Path
        Name of a registered schema (``gz2``, ``gz-decals``), or path of a TOML file.

    Raises
    ------
    UnknownName
        If it is neither.
    ConfigError
        If the file cannot be read, or is not a valid schema.
    """
    registered = get_registry().vote_schemas
    if str(source) in registered:
        file = Path(registered.find(str(source)).spec.path)
    else:
        file = Path(source)
        if file.suffix.lower() != ".toml" and not file.is_file():
            missing, hint = explain_missing_plugin("vote schema", str(source))
            note = missing or "The path of a TOML file also works."
            raise UnknownName("vote schema", str(source), list_schemas(), note=note, hint=hint)
    return schema_from_dict(read_toml(file, kind="vote schema"), str(file))


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
    check_keys(record, _TOP, ("name", "questions"), f"the top level of '{where}'", ConfigError)
    citations = read_citations(record, f"'{where}'", ConfigError)
    questions = []
    for entry in record["questions"]:
        check_keys(entry, _QUESTION, ("slug", "answers"), f"a question of '{where}'", ConfigError)
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
        citations=citations,
    )


def _read_answer(entry: Any, question: str, where: str) -> Answer:
    check_keys(entry, _ANSWER, ("slug", "name"), f"an answer to '{question}' in '{where}'", ConfigError)
    columns = entry.get("columns") or [f"{question}_{entry['slug']}"]
    if not all(isinstance(column, str) and column for column in columns):
        raise ConfigError(
            f"Not all columns of the answer '{entry['slug']}' to '{question}' in '{where}' are texts.",
            hint='Use columns = ["name"].',
        )
    return Answer(slug=entry["slug"], name=entry["name"], columns=tuple(columns))
