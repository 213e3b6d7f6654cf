"""Questions of volunteers as Zoobot stores them, as a vote schema of galaxtool."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from galaxtool import ConfigError, get_registry, read_regular_text
from galaxtool_zoobot.checkpoints.model import ZoobotCheckpoint

_MOST_BYTES = 1 << 20
_LACKING = {"gz2": "odd-feature", "gz-evo": "-ukidss"}
"""Schema -> a part of the names of the questions that networks of Zoobot have no outputs for."""

_CAMPAIGNS = ("-dr12", "-dr5", "-dr8", "-gz2", "-candels", "-hubble", "-cd")
"""Endings of questions in the order of the outputs of Zoobot's networks."""

_BAR_FIRST = {"gz-hubble": ("",), "gz-candels": ("",), "gz-evo": ("-candels", "-hubble")}
"""Schema -> endings of the questions where Zoobot has the bar before the spiral arms, and the schema after them."""

_Questions = list[tuple[str, list[list[str]]]]
"""Name of each question, and the columns of each of its answers."""


def fit_vote_schema(votes: str, found: ZoobotCheckpoint) -> tuple[str | Mapping[str, Any], list[int]]:
    """Return the questions of a vote schema that a checkpoint has outputs for, and the output of each answer.

    The order of a schema decides which questions lead to a label, so it stays, and the outputs are put into it.

    Parameters
    ----------
    votes : str
        Name of a registered schema, or path of a TOML file.
    found : ZoobotCheckpoint
        The checkpoint of a tree.

    Returns
    -------
    schema : mapping or str
        The schema as plain values; its name if it cannot be read, which galaxtool then explains.
    outputs : list of int
        Number of the output of the checkpoint for each answer of the schema; empty if they do not fit each other.

    Raises
    ------
    ConfigError
        If the checkpoint says that its questions have other numbers of answers.
    """
    known = get_registry().vote_schemas
    file = Path(known.find(votes).spec.path) if votes in known else Path(votes)
    try:
        values = tomllib.loads(read_regular_text(file, _MOST_BYTES))
        questions = _list_questions(values["questions"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return votes, []
    name, n = votes.rpartition(":")[2], len(found.bias)
    if name in _LACKING and _count(questions) != n:
        kept = [one for one in values["questions"] if _LACKING[name] not in one["slug"]]
        if _count(_list_questions(kept)) == n:
            values, questions = {**values, "questions": kept}, _list_questions(kept)
    return values, _find_outputs(votes, questions, found) if _count(questions) == n else []


def _list_questions(entries: Sequence[Mapping[str, Any]]) -> _Questions:
    return [
        (one["slug"], [answer.get("columns") or [f"{one['slug']}_{answer['slug']}"] for answer in one["answers"]])
        for one in entries
    ]


def _count(questions: _Questions) -> int:
    return sum(len(answers) for _, answers in questions)


def _find_outputs(votes: str, questions: _Questions, found: ZoobotCheckpoint) -> list[int]:
    """Return the output for each answer, by the columns that the checkpoint names or by the order of Zoobot."""
    held = [f"{question}{answer}" for question, answers in (found.questions or {}).items() for answer in answers]
    places = {name: place for place, name in enumerate(held)}
    named = [next((places[c] for c in columns if c in places), -1) for _, answers in questions for columns in answers]
    if sorted(named) == list(range(len(held))):
        return named
    order = _order_as_zoobot(votes.rpartition(":")[2], [question for question, _ in questions])
    lengths = tuple(len(questions[i][1]) for i in order)
    if found.lengths is not None and found.lengths != lengths:
        stated, own = (", ".join(map(str, one)) for one in (lengths, found.lengths))
        raise ConfigError(
            f"The questions of '{votes}' have {stated} answers, and those of the checkpoint {own}.",
            hint="Write the questions into a TOML file, in the order of the training, and give it with --votes.",
        )
    starts = dict(zip(order, (sum(lengths[:i]) for i in range(len(lengths))), strict=True))
    return [starts[i] + k for i, (_, answers) in enumerate(questions) for k in range(len(answers))]


def _order_as_zoobot(name: str, slugs: Sequence[str]) -> list[int]:
    """Return the numbers of questions in the order in which Zoobot's networks have outputs for them."""

    def find_campaign(place: int) -> int:
        return next((i for i, ending in enumerate(_CAMPAIGNS) if slugs[place].endswith(ending)), len(_CAMPAIGNS))

    order = sorted(range(len(slugs)), key=find_campaign) if name in ("gz-desi", "gz-evo") else [*range(len(slugs))]
    for ending in _BAR_FIRST.get(name, ()):
        arms, bar = (order.index(slugs.index(f"{question}{ending}")) for question in ("has-spiral-arms", "bar"))
        order[arms], order[bar] = order[bar], order[arms]
    return order


def make_vote_schema(
    questions: Mapping[str, Sequence[str]], dependencies: Mapping[str, str | None], name: str
) -> dict[str, Any]:
    """Return a vote schema as plain values.

    Parameters
    ----------
    questions : mapping of str to sequence of str
        Question -> its answers, with the underscore that joins the two: ``"bar-dr5"`` -> ``"_strong"``.
    dependencies : mapping of str to (str or None)
        Question -> the answer that leads to it, ``"disk-edge-on-dr5_no"``. An answer to a question that is not among
        `questions` counts as none.
    name : str
        Name of the schema.
    """
    columns = {f"{question}{answer}" for question, answers in questions.items() for answer in answers}
    return {
        "name": name,
        "title": name,
        "questions": [
            {
                "slug": question,
                "asked_if": after if (after := dependencies.get(question)) in columns else "",
                "answers": [
                    {
                        "slug": answer.removeprefix("_"),
                        "name": _describe(question, answer),
                        "columns": [f"{question}{answer}"],
                    }
                    for answer in answers
                ],
            }
            for question, answers in questions.items()
        ],
    }


def _describe(question: str, answer: str) -> str:
    return f"galaxy with {question.replace('-', ' ')}: {answer.removeprefix('_').replace('-', ' ')}"
