"""Read the numbers of votes from the columns of a catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from galaxtool.errors import ConfigError, InputError, suggest_name
from galaxtool.taxonomy.votes.schema import VoteSchema


def select_answered(schema: VoteSchema, columns: Sequence[Mapping[str, Any]]) -> VoteSchema:
    """Return the schema with only the questions that have votes; a model cannot learn the others.

    Parameters
    ----------
    schema : VoteSchema
        Schema of the catalogue.
    columns : sequence of mapping
        Columns of each item, name -> value.

    Raises
    ------
    InputError, ConfigError
        As for `read_votes`.
    """
    totals = read_votes(columns, schema).sum(axis=0)
    return schema.only({schema.questions[q].slug for q, n in zip(schema.question_of_answer, totals, strict=True) if n})


def read_votes(columns: Sequence[Mapping[str, Any]], schema: VoteSchema) -> np.ndarray:
    """Read the votes of items.

    Parameters
    ----------
    columns : sequence of N mapping
        Columns of each item, name -> value, as in `galaxtool.types.Item`.
    schema : VoteSchema
        Schema with A answers.

    Returns
    -------
    ndarray of float32, shape (N, A)
        Number of votes for each answer, in the order of the schema; 0 where a value is missing, masked or NaN. If an
        item has the columns of several forms of the catalogue, each question is read from the first form with votes.

    Raises
    ------
    InputError
        If no column of the schema exists, only some columns of a question exist, or there are no votes at all.
    ConfigError
        If a value is not a number, is negative, or is not an integer.
    """
    counts = np.zeros((len(columns), len(schema.answers)))
    start = 0
    for question, forms in zip(schema.questions, _find_forms(schema, columns), strict=True):
        answers = slice(start, start + len(question.answers))
        start = answers.stop
        for names in forms:
            votes = np.stack([_read_column(columns, name) for name in names], axis=1)
            without_votes = ~counts[:, answers].any(axis=1)
            counts[without_votes, answers] = votes[without_votes]
    if not counts.any():
        raise InputError(
            f"There are no votes: all columns of the schema '{schema.name}' are empty or 0.",
            hint="Check --where, and that the columns contain numbers of votes.",
        )
    return counts.astype(np.float32)


def _find_forms(schema: VoteSchema, columns: Sequence[Mapping[str, Any]]) -> list[list[list[str]]]:
    """Return for each question the names of its columns, for each form of the catalogue that is present."""
    wanted = [column for answer in schema.answers for column in answer.columns]
    present = {column for column in wanted if any(column in row for row in columns)}
    if not present:
        raise _no_vote_columns(schema, wanted, list(dict.fromkeys(name for row in columns for name in row)))
    forms = []
    for question in schema.questions:
        names_of_forms = [list(names) for names in zip(*(answer.columns for answer in question.answers), strict=True)]
        for names in names_of_forms:
            missing = [name for name in names if name not in present]
            if 0 < len(missing) < len(names):
                raise InputError(
                    f"The column '{missing[0]}' is missing: the question '{question.slug}' needs {', '.join(names)}.",
                    hint="Add it, or use a schema of your own without the question or the answer: --votes FILE.",
                )
        forms.append([names for names in names_of_forms if names[0] in present])
    return forms


def _no_vote_columns(schema: VoteSchema, wanted: list[str], known: list[str]) -> InputError:
    near = {column: suggest_name(column, known) for column in wanted}
    similar = [f"'{name}' is similar to '{column}'" for column, name in near.items() if name]
    return InputError(
        f"None of the columns has votes for '{schema.name}', such as {', '.join(wanted[:4])}.",
        hint=f"{'; '.join(similar[:3])}." if similar else "Name the columns in a schema of your own: --votes FILE.",
    )


def _read_column(columns: Sequence[Mapping[str, Any]], name: str) -> np.ndarray:
    """Return the numbers of votes in a column, 0 where there are none."""
    numbers = np.zeros(len(columns))
    for row, item in enumerate(columns):
        value = item.get(name)
        if value is None or value is np.ma.masked or (isinstance(value, str) and not value.strip()):
            continue
        try:
            numbers[row] = float(value)
        except (TypeError, ValueError):
            raise _not_a_count(name, value, "not a number") from None
    numbers[np.isnan(numbers)] = 0
    for bad, problem in ((numbers < 0, "negative"), (numbers != np.round(numbers), "not an integer")):
        if bad.any():
            raise _not_a_count(name, numbers[bad][0], problem)
    if np.isinf(numbers).any():
        raise _not_a_count(name, np.inf, "infinite")
    return numbers


def _not_a_count(name: str, value: Any, problem: str) -> ConfigError:
    return ConfigError(
        f"The column '{name}' contains {value}, which is {problem}; it must contain numbers of votes.",
        hint="Use columns with counts, not fractions; leave out rows with --where.",
    )
