"""The listing commands."""

from __future__ import annotations

from typing import Any

from galaxtool.cli.build import command_of
from galaxtool.cli.render import print_table
from galaxtool.commands import listings
from galaxtool.diagnostics.listing import ComponentListing

_COLUMNS = {
    "backbones": ("name", "summary", "text", "image_size", "weights", "from", "usable"),
    "datasets": ("name", "summary", "taxonomy", "from", "usable"),
    "heads": ("name", "summary", "learns_from", "from", "usable"),
    "methods": ("name", "summary", "paper", "needs", "head", "options", "from", "usable"),
    "models": ("name", "summary", "licence", "from", "usable"),
    "taxonomies": ("name", "summary", "slugs", "from", "usable"),
    "plugins": ("name", "from", "version", "status", "provides", "problem", "load_ms"),
}


def _show(listing: ComponentListing) -> None:
    rows: list[dict[str, Any]] = [{**row, "slugs": [c["slug"] for c in row.get("classes", [])]} for row in listing.rows]
    columns = _COLUMNS[listing.kind]
    if all(row.get("from") == "built-in" for row in rows):
        columns = tuple(column for column in columns if column != "from")
    print_table(rows, columns)


def backbones() -> Any:
    """Make the command ``backbones``."""
    return command_of(listings.backbones, show=_show)


def datasets() -> Any:
    """Make the command ``datasets``."""
    return command_of(listings.datasets, show=_show)


def heads() -> Any:
    """Make the command ``heads``."""
    return command_of(listings.heads, show=_show)


def methods() -> Any:
    """Make the command ``methods``."""
    return command_of(listings.methods, show=_show)


def taxonomies() -> Any:
    """Make the command ``taxonomies``."""
    return command_of(listings.taxonomies, show=_show)


def models() -> Any:
    """Make the command ``models``."""
    return command_of(listings.models, show=_show)


def plugins() -> Any:
    """Make the command ``plugins``."""
    return command_of(listings.plugins, show=_show)
