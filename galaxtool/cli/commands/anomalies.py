"""The command line of ``galaxtool anomalies``."""

from __future__ import annotations

from typing import Any

from galaxtool.cli.build import INPUT_OPTIONS, build_command
from galaxtool.cli.render import echo, print_table
from galaxtool.commands.anomalies import anomalies
from galaxtool.outliers.results import AnomaliesResult
from galaxtool.utils.counts import format_count

_SHOWN = 10
_PANELS = {
    "Input": ("model", *INPUT_OPTIONS),
    "Method": ("method", "neighbors", "seed"),
    "Output": ("output", "top_k", "html", "overwrite"),
    "Computing": ("engine", "device"),
}
_EPILOG = (
    "Examples:  galaxtool anomalies cutouts/ --html odd.html  |  galaxtool anomalies survey_index -o odd.fits -k 1000"
    "  |  galaxtool anomalies features.parquet --method knn"
)


def command() -> Any:
    """Build the command."""
    return build_command(anomalies, show=_show, panels=_PANELS, epilog=_EPILOG)


def _show(result: AnomaliesResult) -> None:
    rows = [
        {"rank": one.rank, "score": f"{one.score:.4f}", "percentile": f"{one.percentile:.2f}", "id": one.id}
        for one in result.oddest[:_SHOWN]
    ]
    print_table(rows, ("rank", "score", "percentile", "id"), title=f"Odd ones out of {result.source}")
    left_out = f", {format_count(result.unreadable, 'unreadable one')} left out" if result.unreadable else ""
    lines = [f"Table: {result.output}, {format_count(result.rows, 'row')} of {format_count(result.count, 'image')}"]
    lines[0] += left_out
    if result.recall is not None:
        lines.append(f"Neighbours: {result.recall:.1%} of the true ones were found")
    if result.html:
        lines.append(f"Page: {result.html}")
    echo("", *lines)
