"""The page of `galaxtool explore`: open the objects, and serve them."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

from galaxtool.errors import GalaxtoolError, InputError
from galaxtool.explorer.api import ExploreApi
from galaxtool.explorer.objects import Objects, open_objects
from galaxtool.search.features import FeatureArgs
from galaxtool.types import Progress
from galaxtool.webserver.page_files import load_page_files
from galaxtool.webserver.routes import serve_files
from galaxtool.webserver.served_page import ServedPage
from galaxtool.webserver.server import ServerOptions, WebServer

PAGE = "galaxtool.explorer.pages"
"""Package with the files of the page."""


def open_page(path: Path, args: FeatureArgs, options: ServerOptions, progress: Progress) -> ServedPage:
    """Open the page about an index, a file of embeddings or images; see `galaxtool.commands.explore.explore`."""
    if not path.exists():
        raise InputError(f"There is no '{path}'.", hint="Give an index, a file of embeddings or a folder of cutouts.")
    server = WebServer(str(path), options)  # first, so that a port in use costs no time
    try:
        objects = open_objects(path, args, progress)
        progress.start("Opening the page")
        api = ExploreApi(objects, progress)
        server.start([*serve_files(load_page_files(PAGE)), *api.routes()], progress)
        # the page is there at once, and quick as soon as all rows are in memory
        threading.Thread(target=_read_ahead, args=(objects,), name="read-ahead", daemon=True).start()
    except BaseException:
        server.stop()
        raise
    return server.page


def _read_ahead(objects: Objects) -> None:
    with contextlib.suppress(GalaxtoolError):  # raised again where the rows are needed
        len(objects.items)
