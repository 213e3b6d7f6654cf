"""The command line of ``galaxtool similar``."""

from __future__ import annotations

from typing import Any

from galaxtool.cli.build import INPUT_OPTIONS, build_command
from galaxtool.cli.render import echo, print_table
from galaxtool.commands.similar import similar
from galaxtool.search.results import SimilarResult

_SHOWN = 100
_PANELS = {
    "Query": ("text", "symbol", "id", "ra", "dec", "radius"),
    "Index": ("index", "among", "model"),
    "Input": INPUT_OPTIONS,
    "Result": ("top_k", "filter", "exclude_query", "output", "sheet", "sheet_style"),
    "Computing": ("engine", "device"),
    "Job": ("resume", "overwrite"),
}
_EPILOG = (
    "Examples:  galaxtool similar odd.fits -k 20  |  "
    'galaxtool similar --text "a barred spiral galaxy" --index survey_index  |  '
    "galaxtool similar --symbol barred_spiral  |  galaxtool similar --ra 150.1 --dec 2.2"
)


def command() -> Any:
    """Build the command."""
    return build_command(similar, show=_show, panels=_PANELS, epilog=_EPILOG)


def _show(result: SimilarResult) -> None:
    # the paths are in the table that was written; here they would take too much room
    rows = [
        {
            "rank": hit.rank,
            "similarity": f"{hit.similarity:.4f}",
            "percentile": "" if hit.percentile is None else f"{hit.percentile:.2f}",
            "id": hit.id,
            "ra": _format_degrees(hit.ra),
            "dec": _format_degrees(hit.dec),
        }
        for hit in result.neighbors[:_SHOWN]
    ]
    print_table(rows, ("rank", "similarity", "percentile", "id", "ra", "dec"), title=f"Similar to {result.query}")
    more = f", {len(result.neighbors)} rows" if len(result.neighbors) > _SHOWN else ""
    echo("", f"Table: {result.output}{more}", f"Sheet: {result.sheet}")


def _format_degrees(value: float | None) -> str:
    return "" if value is None else f"{value:.5f}"
