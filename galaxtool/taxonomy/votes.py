"""Vote schemas from files, and votes from catalogues.

A schema is a TOML file; those that come with galaxtool are in ``taxonomy/schemas``::

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

``columns`` are the columns of a catalogue that hold the number of votes: one name for each form of catalogue that is
about, in the same order for all answers to a question. Without it, the column is ``question_answer``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxtool.errors import ConfigError, InputError, UnknownName, suggest_name
from galaxtool.plugins.specs import Citation
from galaxtool.taxonomy.names import slugify
from galaxtool.taxonomy.vote_endings import ending_probabilities, leading_endings
from galaxtool.taxonomy.vote_schema import Answer, Question, VoteSchema
from galaxtool.utils.suggestions import suggest_path

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "Answer",
    "Question",
    "VoteSchema",
    "ending_probabilities",
    "leading_endings",
    "load_schema",
    "read_votes",
    "schema_from_dict",
    "schema_names",
    "with_votes_in",
]

_SCHEMAS = Path(__file__).resolve().parent / "schemas"
_TOP = {"name": str, "title": str, "summary": str, "citations": list, "questions": list}
_QUESTION = {"slug": str, "text": str, "answers": list, "asked_if": str}
_ANSWER = {"slug": str, "name": str, "columns": list}
_CITATION = {"text": str, "doi": str, "arxiv": str, "bibcode": str}


def schema_names() -> list[str]:
    """Return the names of the schemas that come with galaxtool."""
    return sorted(file.stem for file in _SCHEMAS.glob("*.toml"))


def load_schema(source: str | Path) -> VoteSchema:
    """Read a vote schema.

    Parameters
    ----------
    source : str or Path
        Name of one that comes with galaxtool (``gz2``, ``gz-decals``), or a TOML file.

    Raises
    ------
    UnknownName
        If it is neither.
    ConfigError
        If the file cannot be read, or is not as the module's docstring says.
    """
    file = _SCHEMAS / f"{source}.toml"
    if str(source) not in schema_names():
        file = Path(source)
        if file.suffix.lower() != ".toml" and not file.is_file():
            raise UnknownName("vote schema", str(source), schema_names(), note="A TOML file of your own will do, too.")
    try:
        record = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as problem:
        hint = "Give the right file." if file.exists() else suggest_path(file)
        raise ConfigError(f"The vote schema '{file}' cannot be read: {problem.strerror}.", hint=hint) from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigError(f"'{file}' is not TOML: {problem}.", hint="Correct the file at that place.") from problem
    return schema_from_dict(record, str(file))


def schema_from_dict(record: Mapping[str, Any], where: str) -> VoteSchema:
    """Make a schema of plain values, as TOML gives them or `VoteSchema.as_dict`; `where` is named in errors.

    Raises
    ------
    ConfigError
        If a key is unknown, missing or of the wrong type, or the questions make no tree.
    """
    _check(record, _TOP, ("name", "questions"), f"the top level of '{where}'")
    for entry in record.get("citations", []):
        _check(entry, _CITATION, ("text",), f"a citation of '{where}'")
    questions = []
    for entry in record["questions"]:
        _check(entry, _QUESTION, ("slug", "answers"), f"a question of '{where}'")
        answers = tuple(_answer(answer, entry["slug"], where) for answer in entry["answers"])
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


def _answer(entry: Any, question: str, where: str) -> Answer:
    _check(entry, _ANSWER, ("slug", "name"), f"an answer to '{question}' in '{where}'")
    columns = entry.get("columns") or [f"{question}_{entry['slug']}"]
    if not all(isinstance(column, str) and column for column in columns):
        raise ConfigError(
            f"The columns of the answer '{entry['slug']}' to '{question}' in '{where}' are not all texts.",
            hint='Write columns = ["name"].',
        )
    return Answer(slug=entry["slug"], name=entry["name"], columns=tuple(columns))


def _check(entry: Any, types: Mapping[str, type], needed: Sequence[str], whose: str) -> None:
    if not isinstance(entry, Mapping):
        raise ConfigError(f"What stands for {whose} is not a table of keys.", hint="Write { key = value }.")
    for key, value in entry.items():
        if key not in types:
            near = suggest_name(str(key), types)
            raise ConfigError(
                f"'{key}' in {whose} is not a known key.",
                hint=f"Did you mean '{near}'?" if near else f"Known keys: {', '.join(types)}.",
            )
        if not isinstance(value, types[key]):
            kind = "a list" if types[key] is list else "a text"
            raise ConfigError(f"'{key}' in {whose} is not {kind}.", hint=f"It is {value!r}.")
    for key in needed:
        if not entry.get(key) or (key == "slug" and not slugify(entry[key])):
            raise ConfigError(f"{whose[0].upper()}{whose[1:]} has no '{key}'.", hint=f"Add {key} = ...")


# --- votes -----------------------------------------------------------------------------------------------------------


def with_votes_in(schema: VoteSchema, columns: Sequence[Mapping[str, Any]]) -> VoteSchema:
    """Return the schema with only those questions that somebody answered: nothing can be learned of the others.

    Parameters
    ----------
    schema : VoteSchema
    columns : sequence of mapping
        Each item's columns, name -> value.

    Raises
    ------
    InputError, ConfigError
        As `read_votes`.
    """
    totals = read_votes(columns, schema).sum(axis=0)
    return schema.only({schema.questions[q].slug for q, n in zip(schema.question_of_answer, totals, strict=True) if n})


def read_votes(columns: Sequence[Mapping[str, Any]], schema: VoteSchema) -> np.ndarray:
    """Read the votes of items.

    Parameters
    ----------
    columns : sequence of N mapping
        Each item's columns, name -> value; as of `galaxtool.types.Item`.
    schema : VoteSchema
        A answers.

    Returns
    -------
    ndarray of float32, shape (N, A)
        Numbers of votes in the order of the schema's answers; 0 where a value is missing, masked or NaN. Where an item
        has the columns of several forms of catalogue, each question is read from the first form with any vote.

    Raises
    ------
    InputError
        If no column of the schema is there, if the columns of a question are there in part, or if nobody voted.
    ConfigError
        If a value is no number, negative, or no whole number.
    """
    import numpy as np

    found = np.zeros((len(columns), len(schema.answers)))
    start = 0
    for question, forms in zip(schema.questions, _forms(schema, columns), strict=True):
        answers = slice(start, start + len(question.answers))
        start = answers.stop
        for names in forms:
            votes = np.stack([_numbers(columns, name) for name in names], axis=1)
            still_none = ~found[:, answers].any(axis=1)
            found[still_none, answers] = votes[still_none]
    if not found.any():
        raise InputError(
            f"Nobody has voted: all columns of the schema '{schema.name}' are empty or 0.",
            hint="Check --where, and that the columns hold numbers of votes.",
        )
    return found.astype(np.float32)


def _forms(schema: VoteSchema, columns: Sequence[Mapping[str, Any]]) -> list[list[list[str]]]:
    """Return for each question, the names of its columns in each form of catalogue that is there."""
    wanted = [column for answer in schema.answers for column in answer.columns]
    there = {column for column in wanted if any(column in row for row in columns)}
    if not there:
        known = list(dict.fromkeys(name for row in columns for name in row))
        near = {column: suggest_name(column, known) for column in wanted}
        told = [f"'{found}' is near '{column}'" for column, found in near.items() if found]
        raise InputError(
            f"None of the columns holds votes for '{schema.name}', such as {', '.join(wanted[:4])}.",
            hint=f"{'; '.join(told[:3])}." if told else "Name the columns in a TOML file of your own: --votes FILE.",
        )
    forms = []
    for question in schema.questions:
        each = [list(names) for names in zip(*(answer.columns for answer in question.answers), strict=True)]
        for names in each:
            missing = [name for name in names if name not in there]
            if 0 < len(missing) < len(names):
                raise InputError(
                    f"The column '{missing[0]}' is missing: the question '{question.slug}' needs {', '.join(names)}.",
                    hint="Add it, or leave the question or the answer out in a TOML file of your own: --votes FILE.",
                )
        forms.append([names for names in each if names[0] in there])
    return forms


def _numbers(columns: Sequence[Mapping[str, Any]], name: str) -> np.ndarray:
    """Return a column's numbers of votes, 0 where there is none."""
    import numpy as np

    numbers = np.zeros(len(columns))
    for row, item in enumerate(columns):
        value = item.get(name)
        if value is None or value is np.ma.masked or (isinstance(value, str) and not value.strip()):
            continue
        try:
            numbers[row] = float(value)
        except (TypeError, ValueError):
            raise _not_votes(name, value, "is no number") from None
    numbers[np.isnan(numbers)] = 0
    for bad, why in ((numbers < 0, "is negative"), (numbers != np.round(numbers), "is no whole number")):
        if bad.any():
            raise _not_votes(name, numbers[bad][0], why)
    if np.isinf(numbers).any():
        raise _not_votes(name, np.inf, "is infinite")
    return numbers


def _not_votes(name: str, value: Any, why: str) -> ConfigError:
    return ConfigError(
        f"The column '{name}' holds {value}, which {why}; it must hold numbers of votes.",
        hint="Give the columns of counts, not those of fractions; leave rows out with --where.",
    )
