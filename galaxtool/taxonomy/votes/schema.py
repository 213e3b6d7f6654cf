"""A vote schema: the questions that volunteers are asked about an image, and their answers.

Only the standard library is imported, so that the answers of a model can be listed without other packages.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any

from galaxtool.errors import ConfigError, suggest_name
from galaxtool.plugins.specs import Citation
from galaxtool.taxonomy.names import slugify


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer to a question.

    Parameters
    ----------
    slug : str
        Short name within its question: ``featured-or-disk``.
    name : str
        Name in the singular of an object with this answer: ``galaxy with features or a disk``.
    columns : tuple of str
        Columns with the number of votes, one for each form of the catalogue, in the same order for all answers.
    """

    slug: str
    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question.

    Parameters
    ----------
    slug : str
        Short name: ``smooth-or-featured``.
    text : str
        Text that volunteers read.
    answers : tuple of Answer
        Two or more answers; each volunteer gives one.
    asked_if : str
        Slug of the answer that leads to this question, as in `VoteSchema.slugs`; empty if all volunteers are asked.
    """

    slug: str
    text: str
    answers: tuple[Answer, ...]
    asked_if: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteSchema:
    """A decision tree of questions.

    Parameters
    ----------
    name : str
        Name, as given to ``--votes``.
    title, summary : str
        Title and one-line summary.
    questions : tuple of Question
        Questions in order. If several follow the same answer, the first is the main one, see `endings`.
    citations : tuple of Citation
        Papers to cite.

    Raises
    ------
    ConfigError
        If there are no questions, a question has a single answer, a slug or a column occurs twice, the answers to a
        question have different numbers of columns, or a question follows an unknown answer or itself.
    """

    name: str
    title: str = ""
    summary: str = ""
    questions: tuple[Question, ...]
    citations: tuple[Citation, ...] = ()

    def __post_init__(self) -> None:
        if not self.questions:
            raise _schema_error(self, "has no questions", "Add at least one under [[questions]].")
        for question in self.questions:
            if len(question.answers) < 2:
                problem = f"has fewer than two answers to the question '{question.slug}'"
                raise _schema_error(self, problem, "Add another.")
            if len({len(answer.columns) for answer in question.answers}) > 1:
                raise _schema_error(
                    self,
                    f"has more columns for some answers to '{question.slug}' than for others",
                    "Name one column for each answer and each form of the catalogue, in the same order.",
                )
        for kind, names in (
            ("questions", [slugify(question.slug) for question in self.questions]),
            ("answers", list(self.slugs)),
            ("columns", [column for answer in self.answers for column in answer.columns]),
        ):
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise _schema_error(self, f"has two {kind} '{twice[0]}'", "Use different names.")
        self._check_tree()

    def _check_tree(self) -> None:
        """Check that every question can be reached from one that all volunteers are asked."""
        asked_by = dict(zip(self.slugs, (self.questions[q] for q in self.question_of_answer), strict=True))
        for question in self.questions:
            above, seen = question, {question.slug}
            while above.asked_if:
                if above.asked_if not in asked_by:
                    near = suggest_name(above.asked_if, asked_by)
                    raise _schema_error(
                        self,
                        f"asks '{above.slug}' after the answer '{above.asked_if}', which does not exist",
                        f"Did you mean '{near}'?" if near else f"Its answers: {', '.join(asked_by)}.",
                    )
                above = asked_by[above.asked_if]
                if above.slug in seen:
                    raise _schema_error(
                        self,
                        f"asks '{question.slug}' only after itself",
                        "Follow asked_if from question to question: the first one must have none.",
                    )
                seen.add(above.slug)

    @property
    def answers(self) -> tuple[Answer, ...]:
        """All A answers, question by question."""
        return tuple(answer for question in self.questions for answer in question.answers)

    @property
    def slugs(self) -> tuple[str, ...]:
        """The slug of each answer, including that of its question: ``smooth_or_featured_smooth``."""
        return tuple(slugify(f"{q.slug}_{answer.slug}") for q in self.questions for answer in q.answers)

    @property
    def question_of_answer(self) -> tuple[int, ...]:
        """The index of the question of each answer, from 0."""
        return tuple(index for index, question in enumerate(self.questions) for _ in question.answers)

    def endings(self) -> dict[str, tuple[int, ...]]:
        """Return the endings of the tree: the final answers, with the path of answers that leads to each.

        A path begins with the first question that all volunteers are asked. Each answer leads to the first question
        that follows it, and the path ends with an answer that no question follows. Every object has exactly one ending,
        so the probabilities of the endings (the product of the vote fractions along the path) sum to 1. Other
        questions, such as a second one after the same answer, are on no path.

        Returns
        -------
        dict
            Slug of the final answer -> indices into `slugs` of all answers on the path, in order.
        """
        next_question: dict[str, int] = {}
        for index, question in enumerate(self.questions):
            next_question.setdefault(question.asked_if, index)
        paths: dict[str, tuple[int, ...]] = {}

        def follow(asked: int, path: tuple[int, ...]) -> None:
            for index, slug in enumerate(self.slugs):
                if self.question_of_answer[index] == asked and slug in next_question:
                    follow(next_question[slug], (*path, index))
                elif self.question_of_answer[index] == asked:
                    paths[slug] = (*path, index)

        follow(next_question[""], ())
        return paths

    def only(self, questions: Collection[str]) -> VoteSchema:
        """Return the schema with only these questions, given by slug.

        A question whose predecessor is dropped then follows the answer that the predecessor followed.
        """
        asked_by = dict(zip(self.slugs, (self.questions[q] for q in self.question_of_answer), strict=True))
        kept = []
        for question in self.questions:
            asked_if = question.asked_if
            while asked_if and asked_by[asked_if].slug not in questions:
                asked_if = asked_by[asked_if].asked_if
            if question.slug in questions:
                kept.append(replace(question, asked_if=asked_if))
        return replace(self, questions=tuple(kept))

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; `galaxtool.taxonomy.votes.load.schema_from_dict` reads them."""
        return {
            "name": self.name,
            "title": self.title,
            "summary": self.summary,
            "citations": [asdict(citation) for citation in self.citations],
            "questions": [
                {
                    "slug": question.slug,
                    "text": question.text,
                    "asked_if": question.asked_if,
                    "answers": [{"slug": a.slug, "name": a.name, "columns": list(a.columns)} for a in question.answers],
                }
                for question in self.questions
            ],
        }


def _schema_error(schema: VoteSchema, problem: str, hint: str) -> ConfigError:
    return ConfigError(f"The vote schema '{schema.name}' {problem}.", hint=hint)
