"""The command line of the listings."""

from __future__ import annotations

from typing import Any

from galaxtool.cli.build import build_command
from galaxtool.cli.commands.plugin_tools import add_subcommands
from galaxtool.cli.provided import describe_provided
from galaxtool.cli.render import print_table
from galaxtool.commands import listings
from galaxtool.diagnostics.listing import ComponentListing

_COLUMNS = {
    "backbones": ("name", "summary", "text", "image_size", "weights", "from", "usable"),
    "datasets": ("name", "summary", "taxonomy", "from", "usable"),
    "heads": ("name", "summary", "learns_from", "methods", "from", "usable"),
    "methods": ("name", "summary", "needs", "head", "from", "usable"),
    "models": ("name", "summary", "licence", "from", "usable"),
    "taxonomies": ("name", "summary", "slugs", "from", "usable"),
    "plugins": ("name", "from", "version", "status", "provides", "problem", "load_ms"),
}


def _show(listing: ComponentListing) -> None:
    rows: list[dict[str, Any]] = [{**row, "slugs": [c["slug"] for c in row.get("classes", [])]} for row in listing.rows]
    for row in rows:
        if available := row.get("available"):
            row["weights"] = [f"{tag} ({where})" for tag, where in available.items()]
        if listing.kind == "methods":  # as columns they would leave no room for the others on 80 columns
            row["summary"] = "\n".join(line for line in (row["summary"], row.get("paper")) if line)
        if listing.kind == "plugins":
            row["provides"] = describe_provided(row["provides"])
    columns = _COLUMNS[listing.kind]
    if all(row.get("from") == "built-in" for row in rows):
        columns = tuple(column for column in columns if column != "from")
    print_table(rows, columns)
    if options := list_options(rows, "methods"):
        print_table(
            options, ("option", "default", "summary", "methods"), title="Options of methods: --option NAME=VALUE"
        )


def list_options(rows: list[dict[str, Any]], owners: str) -> list[dict[str, Any]]:
    """Return a row for each option and default, with the things that have it in the column `owners`."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        for text in row.get("options", ()):
            name, _, default = text.partition("=")
            option = {"option": name, "default": default, "summary": row["option_summaries"][name], owners: []}
            found.setdefault((text, option["summary"]), option)[owners].append(row["name"])
    return list(found.values())


def backbones() -> Any:
    """Build the command ``backbones``."""
    return build_command(listings.backbones, show=_show)


def datasets() -> Any:
    """Build the command ``datasets``."""
    return build_command(listings.datasets, show=_show)


def heads() -> Any:
    """Build the command ``heads``."""
    return build_command(listings.heads, show=_show)


def methods() -> Any:
    """Build the command ``methods``."""
    return build_command(listings.methods, show=_show)


def taxonomies() -> Any:
    """Build the command ``taxonomies``."""
    return build_command(listings.taxonomies, show=_show)


def models() -> Any:
    """Build the command ``models``."""
    return build_command(listings.models, show=_show)


def plugins() -> Any:
    """Build the command ``plugins``, with its subcommands."""
    return add_subcommands(build_command(listings.plugins, show=_show))
