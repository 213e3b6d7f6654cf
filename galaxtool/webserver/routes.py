"""Routes of a server: plain functions that answer what a page asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from galaxtool.webserver.answers import answer_error, answer_json
from galaxtool.webserver.page_files import PageFile
from galaxtool.webserver.requests import MAX_JSON, MAX_UPLOAD, Fields, NotThere, read_body

Answer = Response | Mapping[str, Any]


def get(path: str, function: Callable[[Fields], Answer]) -> Route:
    """Answer a question: `function` takes the values of the path and the address, and runs in a thread."""

    async def answer(request: Request) -> Answer:
        values = {**request.query_params, **request.path_params}
        return await run_in_threadpool(function, Fields(values))

    return Route(path, _catch(answer), methods=["GET"])


def post(path: str, function: Callable[[Fields], Answer]) -> Route:
    """Take an order: `function` takes the values of a JSON object, and runs in a thread."""

    async def answer(request: Request) -> Answer:
        fields = Fields.from_json(await read_body(request, MAX_JSON))
        return await run_in_threadpool(function, fields)

    return Route(path, _catch(answer), methods=["POST"])


def upload(path: str, function: Callable[[bytes, Fields], Answer], *, limit: int = MAX_UPLOAD) -> Route:
    """Take a file: `function` takes its bytes and the values of the address, and runs in a thread."""

    async def answer(request: Request) -> Answer:
        content = await read_body(request, limit)
        return await run_in_threadpool(function, content, Fields(dict(request.query_params)))

    return Route(path, _catch(answer), methods=["POST"])


def serve_files(files: Mapping[str, PageFile], first: str = "index.html") -> list[Route]:
    """Answer with the files of a page; `first` is the one at ``/``."""

    def find(fields: Fields) -> Answer:
        file = files.get(fields.text("name", first))
        if file is None:
            raise NotThere("There is no such file.")
        return Response(file.content, media_type=file.kind)

    return [get("/", lambda fields: find(Fields({}))), get("/files/{name}", find)]


def _catch(answer: Callable[[Request], Awaitable[Answer]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            found = await answer(request)
        except Exception as error:  # a page must learn of every failure, and the server must go on
            return answer_error(error)
        return found if isinstance(found, Response) else answer_json(found)

    return endpoint
