"""Who may use a page: those who have its token, at an address of this machine."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers, QueryParams

PAGE_HEADER = "x-galaxtool"
"""Header that every request which changes something must have; a page of another site cannot send it."""

_CODE_SECONDS = 120.0
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass
class Access:
    """The token of a server, and the names that it may be called by.

    Parameters
    ----------
    host : str
        Address that the server listens on.
    port : int
        Port that it listens on; cookies are shared between ports, so its name has the port.
    token : str
        Secret that each request must have, as a cookie or in the header ``Authorization: Bearer``.

    Notes
    -----
    The token is in the address that is printed. The browser that galaxtool opens itself gets a code instead that works
    once, because other users of this machine can see the arguments of programs.
    """

    host: str = "127.0.0.1"
    port: int = 0
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    def __post_init__(self) -> None:
        self.cookie = f"galaxtool_{self.port}"
        self._codes: dict[str, float] = {}
        self._lock = threading.Lock()

    def make_code(self) -> str:
        """Return a code that stands for the token once, within two minutes."""
        code = secrets.token_urlsafe(24)
        with self._lock:
            self._codes[code] = time.monotonic() + _CODE_SECONDS
        return code

    def admits_query(self, query: QueryParams) -> bool:
        """Tell whether an address has the token, or a code that was not used before."""
        if self._is_token(query.get("token", "")):
            return True
        with self._lock:
            end = self._codes.pop(query.get("code", ""), 0.0)
        return time.monotonic() < end

    def admits_headers(self, headers: Headers) -> bool:
        """Tell whether a request has the token."""
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._is_token(value.strip()):
            return True
        return self._is_token(_read_cookies(headers).get(self.cookie, ""))

    def knows_host(self, headers: Headers) -> bool:
        """Tell whether a request was sent to this machine by its own name.

        A page of another site can make its name point to this machine (DNS rebinding), and then its requests have that
        name. An address of digits cannot be redirected so; it is accepted where the server listens to other machines.
        """
        name = _split_host(headers.get("host", ""))
        if name in _LOOPBACK or name == self.host:
            return True
        if self.host in _LOOPBACK:
            return False
        return _is_address(name) or name in (socket.gethostname().lower(), socket.getfqdn().lower())

    def knows_origin(self, headers: Headers) -> bool:
        """Tell whether a request that changes something was sent by a page of this server."""
        if PAGE_HEADER not in headers or headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return False
        origin = headers.get("origin")
        return origin is None or urlsplit(origin).netloc.lower() == headers.get("host", "").lower()

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode("utf-8", "replace"), self.token.encode())


def _read_cookies(headers: Headers) -> Mapping[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(headers.get("cookie", "")).items()}
    except CookieError:
        return {}


def _split_host(text: str) -> str:
    """Return the name in a Host header, in lower case, without the port and the brackets of an IPv6 address."""
    try:
        return urlsplit(f"//{text}").hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
