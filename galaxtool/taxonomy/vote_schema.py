"""The questions that volunteers are asked about an image, and the answers they choose among.

Only the standard library is imported, so that a model's answers can be told without anything else.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any

from galaxtool.errors import ConfigError, suggest_name
from galaxtool.plugins.specs import Citation
from galaxtool.taxonomy.classes import Class, Taxonomy
from galaxtool.taxonomy.names import prompt_for, slugify


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer to a question.

    Parameters
    ----------
    slug : str
        Short name within its question: ``featured-or-disk``.
    name : str
        What an object with this answer is, singular, as a person says it: ``galaxy with features or a disk``.
    columns : tuple of str
        Columns that hold its number of votes, one for each form of catalogue, in the order of the other answers'.
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
        As volunteers read it.
    answers : tuple of Answer
        At least two, of which each volunteer gives one.
    asked_if : str
        Slug of the answer that leads to it, as in `VoteSchema.slugs`; empty where everybody is asked.
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
        As given to ``--votes``.
    title, summary : str
        For people.
    questions : tuple of Question
        In order; of several that follow the same answer, the first is the main one, see `endings`.
    citations : tuple of Citation

    Raises
    ------
    ConfigError
        If there is no question or one answer only, a slug or a column occurs twice, the answers to a question have not
        equally many columns, or a question follows an answer that is not there, or that follows the question itself.
    """

    name: str
    title: str = ""
    summary: str = ""
    questions: tuple[Question, ...]
    citations: tuple[Citation, ...] = ()

    def __post_init__(self) -> None:
        if not self.questions:
            raise _wrong(self, "has no question", "Write at least one under [[questions]].")
        for question in self.questions:
            if len(question.answers) < 2:
                raise _wrong(self, f"gives the question '{question.slug}' fewer than two answers", "Add another.")
            if len({len(answer.columns) for answer in question.answers}) > 1:
                raise _wrong(
                    self,
                    f"names more columns for some answers of '{question.slug}' than for others",
                    "Name one for each answer and each form of catalogue, in the same order.",
                )
        for kind, every in (
            ("questions", [slugify(question.slug) for question in self.questions]),
            ("answers", list(self.slugs)),
            ("columns", [column for answer in self.answers for column in answer.columns]),
        ):
            if twice := sorted({one for one in every if every.count(one) > 1}):
                raise _wrong(self, f"has two {kind} '{twice[0]}'", "Give each its own.")
        self._check_tree()

    def _check_tree(self) -> None:
        asked_by = dict(zip(self.slugs, (self.questions[q] for q in self.question_of_answer), strict=True))
        for question in self.questions:
            above, seen = question, {question.slug}
            while above.asked_if:
                if above.asked_if not in asked_by:
                    near = suggest_name(above.asked_if, asked_by)
                    raise _wrong(
                        self,
                        f"asks '{above.slug}' after the answer '{above.asked_if}', which is not there",
                        f"Did you mean '{near}'?" if near else f"Its answers: {', '.join(asked_by)}.",
                    )
                above = asked_by[above.asked_if]
                if above.slug in seen:
                    raise _wrong(
                        self,
                        f"asks '{question.slug}' only after itself",
                        "Follow its asked_if: one question on the way must have none.",
                    )
                seen.add(above.slug)

    @property
    def answers(self) -> tuple[Answer, ...]:
        """All A answers, question by question."""
        return tuple(answer for question in self.questions for answer in question.answers)

    @property
    def slugs(self) -> tuple[str, ...]:
        """A slug for each answer, of its question's and its own: ``smooth_or_featured_smooth``."""
        return tuple(slugify(f"{q.slug}_{answer.slug}") for q in self.questions for answer in q.answers)

    @property
    def question_of_answer(self) -> tuple[int, ...]:
        """Which question each answer belongs to, from 0."""
        return tuple(place for place, question in enumerate(self.questions) for _ in question.answers)

    def taxonomy(self) -> Taxonomy:
        """Return the answers as classes, in order and without symbols."""
        classes = tuple(
            Class(slug=slug, name=answer.name, prompt=prompt_for(answer.name))
            for slug, answer in zip(self.slugs, self.answers, strict=True)
        )
        return Taxonomy(
            name=self.name,
            title=self.title,
            summary=self.summary,
            classes=classes,
            citations=self.citations,
            votes=self,
        )

    def endings(self) -> dict[str, tuple[int, ...]]:
        """Return what an object may be called, with the places of the answers that lead there.

        From the first question that everybody is asked, each answer leads to the first question that follows it, until
        one is followed by none. The objects that end there are all objects, each counted once: the probabilities of
        the endings, each the product of the shares along its way, add up to 1. Other questions, such as a second one
        after the same answer, are off this way.

        Returns
        -------
        dict
            Slug of the last answer -> places in `slugs` of all answers on the way, in order.
        """
        follows: dict[str, int] = {}
        for place, question in enumerate(self.questions):
            follows.setdefault(question.asked_if, place)
        found: dict[str, tuple[int, ...]] = {}

        def walk(asked: int, way: tuple[int, ...]) -> None:
            for place, slug in enumerate(self.slugs):
                if self.question_of_answer[place] == asked and slug in follows:
                    walk(follows[slug], (*way, place))
                elif self.question_of_answer[place] == asked:
                    found[slug] = (*way, place)

        walk(follows[""], ())
        return found

    def only(self, questions: Collection[str]) -> VoteSchema:
        """Return the schema with only these questions, by slug.

        A question whose predecessor is left out follows the answer that the predecessor followed.
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
        """Return plain values for JSON; read back by `galaxtool.taxonomy.votes.schema_from_dict`."""
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


def _wrong(schema: VoteSchema, what: str, hint: str) -> ConfigError:
    return ConfigError(f"The vote schema '{schema.name}' {what}.", hint=hint)
