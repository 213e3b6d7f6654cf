"""The gate that every request passes: host, token and origin; and the headers that every answer has."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from galaxtool.webserver.access import Access

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_NO_TOKEN = "This page needs the address that galaxtool printed in the terminal, with the token.\n"
_FOREIGN_HOST = "This server is reached by another name than its own.\n"
_FOREIGN_ORIGIN = "This request was not sent by the page of galaxtool.\n"


class Guard:
    """Let only requests through that may be answered.

    Parameters
    ----------
    app : ASGI application
        What answers.
    access : Access
        The token, and the names of this server.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        answer: ASGIApp = self._refuse(Request(scope)) or self._app

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await answer(scope, receive, send_with_headers)

    def _refuse(self, request: Request) -> Response | None:
        """Return the answer to a request that goes no further; None if it may."""
        headers: Headers = request.headers
        if not self._access.knows_host(headers):
            return PlainTextResponse(_FOREIGN_HOST, 403)
        query: QueryParams = request.query_params
        if request.method == "GET" and ("token" in query or "code" in query) and self._access.admits_query(query):
            return self._welcome(request)
        if not self._access.admits_headers(headers):
            return PlainTextResponse(_NO_TOKEN, 403)
        if request.method not in ("GET", "HEAD") and not self._access.knows_origin(headers):
            return PlainTextResponse(_FOREIGN_ORIGIN, 403)
        return None

    def _welcome(self, request: Request) -> Response:
        """Return the answer that stores the token in the browser, and takes it out of the address bar."""
        answer = RedirectResponse("/", 303)
        answer.set_cookie(self._access.cookie, self._access.token, path="/", httponly=True, samesite="strict")
        return answer
