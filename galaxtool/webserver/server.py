"""A web server on this machine that runs in a thread until it is stopped."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from galaxtool.errors import ConfigError, GalaxtoolError
from galaxtool.types import Progress
from galaxtool.webserver.access import Access
from galaxtool.webserver.guard import Guard
from galaxtool.webserver.served_page import ServedPage

_START_SECONDS = 30.0
_STOP_SECONDS = 20.0
_TICK = 0.2
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """Where a page is served.

    Parameters
    ----------
    host : str
        Address to listen on.
    port : int
        Port to listen on; 0 for any free one.
    browser : bool
        Whether to open the page in the browser.

    Raises
    ------
    ConfigError
        If the port is not one.
    """

    host: str = "127.0.0.1"
    port: int = 0
    browser: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ConfigError(f"--port is {self.port}; it must be from 0 to 65535.", hint="0 takes any free port.")


class WebServer:
    """A page that is being served.

    Parameters
    ----------
    name : str
        What is shown, for the result.
    options : ServerOptions
        Where it is served.
    close : callable, optional
        Function to call once it has stopped.

    Attributes
    ----------
    address : str
        Address of the page, with its token.
    access : Access
        The token.

    Raises
    ------
    ConfigError
        If the port is taken, or there is no such address.

    Notes
    -----
    It serves from `start` until `stop`. `wait` blocks until Ctrl-C. It is a context manager, too.
    """

    def __init__(self, name: str, options: ServerOptions, close: Callable[[], None] | None = None) -> None:
        self.name = name
        self._options, self._close = options, close
        self._socket = _listen(options.host, options.port)
        self.port = int(self._socket.getsockname()[1])
        self.access = Access(options.host, self.port)
        self.address = f"{self._base}/?token={self.access.token}"
        self._server: uvicorn.Server | None = None
        # Thread.join takes a thread for ended if a signal arrives while it waits, in Python up to 3.12
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="galaxtool-web", daemon=True)

    @property
    def _base(self) -> str:
        host = self._options.host
        shown = "127.0.0.1" if host in ("", "0.0.0.0", "::") else f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self.port}"

    @property
    def page(self) -> ServedPage:
        """The page, as the result of a command."""
        return ServedPage(
            address=self.address, host=self._options.host, port=self.port, source=self.name, server=self
        )  # fmt: skip

    def start(self, routes: Sequence[Route], progress: Progress) -> WebServer:
        """Begin to serve, and open the browser if wanted.

        Parameters
        ----------
        routes : sequence of Route
            What it answers, see `galaxtool.webserver.routes`.
        progress : Progress
            Receiver of notes.
        """
        config = uvicorn.Config(
            Guard(Starlette(routes=list(routes)), self.access), log_config=None, access_log=False, lifespan="off",
            ws="none", http="h11", loop="asyncio", proxy_headers=False, server_header=False, date_header=False,
            timeout_graceful_shutdown=1,
        )  # fmt: skip
        self._server = server = uvicorn.Server(config)
        self._thread.start()
        end = time.monotonic() + _START_SECONDS
        while not server.started:
            if self._ended.is_set() or time.monotonic() > end:
                raise GalaxtoolError(f"The web server did not start at {self._base}.", hint="Try another --port.")
            time.sleep(0.01)
        if self._options.host not in _LOOPBACK:
            progress.say("Other machines can reach this page, and its token is sent without encryption.")
        if self._options.browser and not _open_browser(f"{self._base}/?code={self.access.make_code()}"):
            progress.say("There is no browser on this machine. Open the address yourself.")
        return self

    def wait(self) -> None:
        """Serve until Ctrl-C or another signal ends it, which is raised again."""
        try:
            while not self._ended.wait(_TICK):  # in short steps, so that signals arrive on every system
                pass
        finally:
            self.stop()

    def stop(self) -> None:
        """Stop serving; requests that are being answered have a second to end."""
        if self._server is not None:
            self._server.should_exit = True
        if self._server is None or self._ended.wait(_STOP_SECONDS):
            self._socket.close()
        close, self._close = self._close, None
        if close is not None:
            close()

    def __enter__(self) -> WebServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        assert self._server is not None
        try:
            with contextlib.suppress(SystemExit):  # uvicorn's way to say that it cannot start
                self._server.run(sockets=[self._socket])
        finally:
            self._ended.set()


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address.

    Raises
    ------
    ConfigError
        If the port is taken, or there is no such address.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise ConfigError(
            f"There is no address '{host}' on this machine.", hint="Leave --host out to serve on this machine only."
        ) from error
    try:
        if os.name != "nt":  # on Windows, this would let two programs listen at once
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(128)
    except OSError as error:
        found.close()
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(
                f"Port {port} is in use.", hint="Choose another with --port, or leave it out for any that is free."
            ) from error
        why = (error.strerror or str(error)).lower()
        raise ConfigError(
            f"The page cannot be served at {host}, port {port}: {why}.",
            hint="Leave --host and --port out to serve on this machine, at any free port.",
        ) from error
    return found


def _open_browser(address: str) -> bool:
    """Open an address in a graphical browser; a text browser would take the terminal."""
    graphical = sys.platform in ("win32", "darwin") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if not graphical:
        return False
    try:
        return webbrowser.open(address)
    except (webbrowser.Error, OSError):
        return False
