"""The command line of ``galaxtool similar``."""

from __future__ import annotations

from typing import Any

from galaxtool.cli.build import INPUT_OPTIONS, build_command
from galaxtool.cli.render import echo, print_table
from galaxtool.commands.similar import similar
from galaxtool.search.results import SimilarResult

_SHOWN = 100
_PANELS = {
    "Query": ("text", "symbol", "id", "ra", "dec", "radius", "unlike", "unlike_text", "weight", "each", "queries"),
    "Index": ("index", "among", "model"),
    "Input": INPUT_OPTIONS,
    "Result": (
        "top_k", "cone", "where", "filter", "exclude_query", "exclude_duplicates", "output", "sheet", "sheet_style",
        "html", "label_column",
    ),
    "Computing": ("engine", "provider", "device"),
    "Job": ("resume", "overwrite"),
}  # fmt: skip
_FLAGS = {"unlike": ("--not", "--unlike"), "unlike_text": ("--not-text", "--unlike-text")}
_EPILOG = (
    "Examples:  galaxtool similar odd.fits -k 20  |  galaxtool similar a.fits b.fits --not c.fits  |  "
    'galaxtool similar --text "a barred spiral galaxy" --where "z < 0.1"  |  '
    "galaxtool similar odd.fits --text ring --weight 0.3  |  galaxtool similar --each queries/ --html found.html"
)


def command() -> Any:
    """Build the command."""
    return build_command(similar, show=_show, flags=_FLAGS, panels=_PANELS, epilog=_EPILOG)


def _show(result: SimilarResult) -> None:
    # the paths are in the table that was written; here they would take too much room
    is_one = len(result.queries) == 1
    rows = [
        {
            "query": hit.query,
            "rank": hit.rank,
            "similarity": f"{hit.similarity:.4f}",
            "percentile": "" if hit.percentile is None else f"{hit.percentile:.2f}",
            "id": hit.id,
            "ra": _format_degrees(hit.ra),
            "dec": _format_degrees(hit.dec),
        }
        for hit in result.neighbors[:_SHOWN]
    ]
    columns = ("rank", "similarity", "percentile", "id", "ra", "dec")
    print_table(rows, columns if is_one else ("query", *columns), title=f"Similar to {result.query}")
    more = f", {len(result.neighbors)} rows" if len(result.neighbors) > _SHOWN else ""
    echo("", f"Table: {result.output}{more}", f"Sheet: {result.sheet}")
    if result.html:
        echo(f"Page: {result.html}")


def _format_degrees(value: float | None) -> str:
    return "" if value is None else f"{value:.5f}"
