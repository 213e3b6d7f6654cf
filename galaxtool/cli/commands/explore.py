"""The command line of ``galaxtool explore``."""

from __future__ import annotations

from typing import Any

from galaxtool.cli.build import build_command
from galaxtool.cli.render import echo
from galaxtool.commands.explore import explore
from galaxtool.webserver.served_page import ServedPage

_PANELS = {
    "Page": ("host", "port", "browser"),
    "Input": ("model", "hdu", "pixel_scale", "size_arcsec", "stretch", "overwrite"),
    "Computing": ("engine", "device"),
}
_EPILOG = (
    "Examples:  galaxtool explore survey_index  |  galaxtool explore cutouts/ --no-browser --port 8800  |  "
    "galaxtool explore features.parquet"
)


def command() -> Any:
    """Build the command."""
    return build_command(explore, show=_show, afterwards=ServedPage.wait, panels=_PANELS, epilog=_EPILOG)


def _show(page: ServedPage) -> None:
    echo(f"Page: {page.address}", "Press Ctrl-C to stop.")
