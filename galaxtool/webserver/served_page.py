"""What `explore` and `label` return; this file imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


class Server(Protocol):
    """What serves a page; see `galaxtool.webserver.server.WebServer`."""

    def wait(self) -> None:
        """Serve until Ctrl-C or another signal ends it, which is raised again."""

    def stop(self) -> None:
        """Stop serving."""


@dataclass(frozen=True, kw_only=True)
class ServedPage:
    """A page that is being served, until `stop` is called or the program ends.

    Parameters
    ----------
    address : str
        Address of the page, with its token: whoever has it can use the page.
    host : str
        Address that the server listens on.
    port : int
        Port that it listens on.
    source : str
        What the page shows.
    server : Server
        The server.

    Notes
    -----
    It is a context manager: the page ends with the block.
    """

    address: str
    host: str
    port: int
    source: str
    server: Server

    def wait(self) -> None:
        """Serve until Ctrl-C or another signal ends it, which is raised again."""
        try:
            self.server.wait()
        except KeyboardInterrupt as error:
            error.add_note("The page is closed. Its collections and maps are kept.")
            raise

    def stop(self) -> None:
        """Stop serving."""
        self.server.stop()

    def __enter__(self) -> ServedPage:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def as_dict(self) -> dict[str, Any]:
        """Return the address and the source as plain values."""
        return {"address": self.address, "host": self.host, "port": self.port, "source": self.source}
