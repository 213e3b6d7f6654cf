"""The requests that the page of `galaxtool label` can make: the next objects, and answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from starlette.responses import Response
from starlette.routing import Route

from galaxtool.labeling.answers import ACTIONS, UNDO
from galaxtool.labeling.options import LabelQuestion
from galaxtool.labeling.session import LabelSession, Page
from galaxtool.webserver.pictures import SIZES, STRETCHES, PictureMaker
from galaxtool.webserver.requests import Fields
from galaxtool.webserver.routes import Answer, get, post


class LabelApi:
    """Answers the page of a session.

    Parameters
    ----------
    session : LabelSession
        The session.
    """

    def __init__(self, session: LabelSession) -> None:
        self.session = session
        self.pictures = PictureMaker(session.features)

    def routes(self) -> list[Route]:
        """Return the routes of the page."""
        return [
            get("/api/about", self._describe),
            get("/api/page", self._show_page),
            post("/api/next", self._show_next),
            post("/api/answer", self._answer),
            post("/api/undo", self._undo),
            get("/api/picture/{row}", self._show_picture),
        ]

    def _describe(self, _: Fields) -> Mapping[str, Any]:
        options = self.session.options
        return {
            "name": Path(self.session.features.name).name,
            "run": self.pictures.run,
            "count": len(self.session.features),
            "model": self.session.features.model,
            "log": options.output.name,
            "by": options.by,
            "kind": name_kind(options.question),
            "classes": list(options.question.classes),
            "stretches": list(STRETCHES),
        }

    def _show_page(self, _: Fields) -> Mapping[str, Any]:
        return self._describe_page(self.session.page or self.session.make_page())

    def _show_next(self, fields: Fields) -> Mapping[str, Any]:
        page = self.session.page
        # a page that was left already, by a second click or in a second window, is not left again
        if page is not None and fields.integer("page", 0, 0, 1 << 31) != page.number:
            return self._describe_page(page)
        return self._describe_page(self.session.make_page())

    def _describe_page(self, page: Page) -> Mapping[str, Any]:
        """Return a page, without the reasons for which objects are shown: they would bias the answers."""
        rows = [one.row for one in page.shown]
        items = self.session.features.items.take(pa.array(rows, pa.int64()))  # which may be none
        columns = {name: items[name].to_pylist() for name in ("id", "ra", "dec")}
        objects = [
            {"row": row, **{name: values[k] for name, values in columns.items()}, **self._describe_state(row)}
            for k, row in enumerate(rows)
        ]
        return {"page": page.number, "ranked_by": page.model, "objects": objects, "status": self._describe_status()}

    def _answer(self, fields: Fields) -> Mapping[str, Any]:
        row = fields.integer("row", -1, 0, len(self.session.features) - 1)
        action = fields.choice("action", tuple(one for one in ACTIONS if one != UNDO))
        self.session.answer(row, action, fields.text("label", longest=200))
        return {"row": row, **self._describe_state(row), "status": self._describe_status()}

    def _undo(self, _: Fields) -> Mapping[str, Any]:
        answer = self.session.undo()
        row = None if answer is None else self.session.find_row(answer.id)
        state = {} if row is None else self._describe_state(row)
        return {"row": row, "undone": answer is not None, **state, "status": self._describe_status()}

    def _describe_state(self, row: int) -> dict[str, Any]:
        state = self.session.state(row)
        if state is None:
            return {"label": "", "star": False, "skipped": False}
        return {"label": state.label, "star": state.star, "skipped": self.session.is_skipped(row)}

    def _describe_status(self) -> dict[str, Any]:
        remaining = self.session.estimate_left()
        return {
            "labels": self.session.count_labels(),
            "answers": len(self.session.log.answers),
            "remaining": None if remaining is None else remaining.as_dict(),
            "agreement": [pair.as_dict() for pair in self.session.measure_agreement()],
        }

    def _show_picture(self, fields: Fields) -> Answer:
        row = fields.integer("row", -1, 0, len(self.session.features) - 1)
        size = fields.integer("size", SIZES[2], SIZES[0], SIZES[-1])
        size = min(SIZES, key=lambda one: abs(one - size))
        picture = self.pictures.make(row, size, fields.choice("stretch", STRETCHES))
        headers = {"X-Missing": "1"} if picture.is_missing else {"Cache-Control": "private, max-age=3600"}
        return Response(picture.content, media_type="image/jpeg", headers=headers)


def name_kind(question: LabelQuestion) -> str:
    """Return what kind of question is asked: ``grades``, ``classes`` or ``wanted``."""
    if question.are_grades:
        return "grades"
    return "wanted" if len(question.classes) == 2 and not question.all_equal else "classes"
