"""The requests that the page of `explore` can make."""

from __future__ import annotations

from typing import Any

import numpy as np
from starlette.responses import Response
from starlette.routing import Route

from galaxtool import __version__
from galaxtool.backbones.layers import JOINT
from galaxtool.errors import GalaxtoolError
from galaxtool.explorer.columns import describe_columns, make_coloring
from galaxtool.explorer.exports import FORMATS, make_table, send, write_bytes
from galaxtool.explorer.maps import MapStore
from galaxtool.explorer.marks import Collections
from galaxtool.explorer.objects import Objects
from galaxtool.explorer.queries import QueryMaker
from galaxtool.explorer.selections import Selector
from galaxtool.explorer.views import Viewer
from galaxtool.types import Progress
from galaxtool.utils.optional_imports import is_installed
from galaxtool.webserver.answers import answer_array
from galaxtool.webserver.pictures import SIZES, STRETCHES, PictureMaker
from galaxtool.webserver.requests import Fields, NotThere
from galaxtool.webserver.routes import Answer, get, post, upload

_MAX_LASSO = 64 << 20
_SKETCH = 4 << 20


class ExploreApi:
    """Answers for a page about some objects.

    Parameters
    ----------
    objects : Objects
        The objects.
    progress : Progress
        Receiver of notes.
    """

    def __init__(self, objects: Objects, progress: Progress) -> None:
        self.objects = objects
        self.pictures = PictureMaker(objects)
        self.queries = QueryMaker(objects)
        self.selector = Selector(objects)
        self.viewer = Viewer(objects, self.queries, self.selector)
        self.maps = MapStore(objects, progress)
        self.collections = Collections(objects, progress)

    def routes(self) -> list[Route]:
        """Return the routes, without those of the files of the page."""
        return [
            get("/api/about", lambda fields: self.describe()),
            post("/api/view", self.viewer.show),
            post("/api/items", lambda fields: self.viewer.describe(fields.rows("rows", len(self.objects))[:1000])),
            post("/api/warm", self._warm),
            get("/api/picture/{row}", self._show_picture),
            upload("/api/image", lambda content, fields: {"key": self.queries.add_image(content)}),
            upload("/api/sketch", lambda content, fields: {"key": self.queries.add_sketch(content)}, limit=_SKETCH),
            get("/api/upload/{key}", self._show_upload),
            upload("/api/lasso", lambda content, _: {"key": self.selector.add_lasso(content)}, limit=_MAX_LASSO),
            get("/api/map/{kind}", lambda fields: self.maps.describe(fields.text("kind"))),
            get("/api/map/{kind}/points", lambda fields: answer_array(self.maps.get(fields.text("kind")).points)),
            get("/api/map/{kind}/clusters", lambda fields: answer_array(self.maps.get(fields.text("kind")).clusters)),
            get("/api/column/{number}", self._describe_coloring),
            get("/api/column/{number}/values", lambda fields: answer_array(self._make_coloring(fields).values)),
            get("/api/collections", lambda fields: self.collections.describe()),
            post("/api/collections", self._change_collections),
            post("/api/export", self._export),
            post("/api/samp", self._send),
        ]

    def describe(self) -> dict[str, Any]:
        """Return what the page shows before anything is asked."""
        objects, source = self.objects, self.objects.source
        has_text, symbols = False, list[dict[str, str]]()
        if source is not None and source.index.record.layer == JOINT:
            has_text = source.record.has_text and source.files.has_weights and is_installed("torch")
            classes = source.record.taxonomy["classes"]
            symbols = [{"slug": one["slug"], "name": one["name"]} for one in classes if one.get("symbol")]
        return {
            "name": objects.name,
            "version": __version__,
            "run": self.pictures.run,
            "count": len(objects),
            "model": objects.model,
            "has_text": has_text,
            "has_images": source is not None,
            "symbols": symbols,
            "has_positions": objects.has_positions,
            "columns": describe_columns(objects.first, objects.shown_names),
            "stretches": STRETCHES,
            "formats": list(FORMATS),
        }

    def _warm(self, fields: Fields) -> Answer:
        """Open the model before the first text is sent."""
        try:
            self.queries.open_text_encoder()
        except GalaxtoolError:
            return {"ready": False}
        return {"ready": True}

    def _show_picture(self, fields: Fields) -> Answer:
        row = fields.integer("row", -1, 0, len(self.objects) - 1)
        size = fields.integer("size", SIZES[1], SIZES[0], SIZES[-1])
        size = min(SIZES, key=lambda one: abs(one - size))
        picture = self.pictures.make(row, size, fields.choice("stretch", STRETCHES))
        headers = {"Cache-Control": "private, max-age=3600"}
        if picture.arcsec is not None:
            headers["X-Arcsec"] = f"{picture.arcsec:.3f}"
        if picture.is_missing:
            headers = {"X-Missing": "1"}
        return Response(picture.content, media_type="image/jpeg", headers=headers)

    def _show_upload(self, fields: Fields) -> Answer:
        found = self.queries.get_upload(fields.text("key", longest=100))
        return Response(found.picture, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})

    def _make_coloring(self, fields: Fields) -> Any:
        names = self.objects.shown_names
        return make_coloring(self.objects.items[names[fields.integer("number", -1, 0, len(names) - 1)]])

    def _describe_coloring(self, fields: Fields) -> Answer:
        found = self._make_coloring(fields)
        return {"categories": found.categories, "limits": found.limits}

    def _change_collections(self, fields: Fields) -> Answer:
        name, rows = fields.text("name", longest=200), fields.rows("rows", len(self.objects))
        action = fields.choice("action", ("create", "delete", "rename", "add", "remove", "note"))
        if action == "create":
            self.collections.create(name)
        elif action == "delete":
            self.collections.delete(name)
        elif action == "rename":
            self.collections.rename(name, fields.text("new", longest=200))
        elif action == "add":
            self.collections.add(name, rows)
        elif action == "remove":
            self.collections.remove(name, rows)
        elif len(rows) == 1:
            self.collections.note(name, rows[0], fields.text("note"))
        else:
            raise NotThere("A note is put on one object.")
        return self.collections.describe()

    def _export(self, fields: Fields) -> Answer:
        kind = fields.choice("format", tuple(FORMATS))
        media, suffix = FORMATS[kind]
        content = write_bytes(self._make_table(fields), kind)
        headers = {"Content-Disposition": f'attachment; filename="objects.{suffix}"'}
        return Response(content, media_type=media, headers=headers)

    def _send(self, fields: Fields) -> Answer:
        name = fields.text("collection", longest=200) or "galaxtool objects"
        return {"receivers": send(self._make_table(fields), name)}

    def _make_table(self, fields: Fields) -> Any:
        """Return the objects of a collection, with their notes, or those of a view."""
        if "collection" in fields:
            rows, notes = self.collections.rows(fields.text("collection"))
            return make_table(self.objects, rows, notes=notes)
        if "lasso" in fields:
            return make_table(self.objects, np.flatnonzero(self.selector.get_lasso(fields.text("lasso"))).tolist())
        return make_table(self.objects, fields.rows("rows", len(self.objects)))
