"""Questions of volunteers as Zoobot stores them, as a vote schema of galaxtool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


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
