"""The command line of ``galaxtool evaluate``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from galaxtool.assessment.results import EvaluateResult
from galaxtool.assessment.score_rows import NAMES, QUANTITIES, format_rows, list_scores, list_tables
from galaxtool.cli.build import INPUT_OPTIONS, build_command
from galaxtool.cli.render import echo, print_table
from galaxtool.commands.evaluate import evaluate
from galaxtool.utils.counts import format_count

_PANELS = {
    "Scores": (
        "split", "where", "label_column", "by", "coarse", "prior", "gallery", "gallery_split", "perturb", "figures",
        "seed",
    ),
    "Input": tuple(name for name in INPUT_OPTIONS if name not in ("each_hdu", "id_column")),
    "Computing": ("engine", "provider", "device", "precision", "tta", "batch_size", "workers", "executor"),
    "Job": ("resume", "overwrite"),
}  # fmt: skip

_EPILOG = (
    "Examples:  galaxtool evaluate galaxies/ -o evaluation  |  galaxtool evaluate galaxies/ --model runs/mine "
    "--split test -o evaluation  |  galaxtool evaluate labels.csv --coarse gz2-5 -o evaluation"
)


def command() -> Any:
    """Build the command."""
    return build_command(evaluate, show=_show, panels=_PANELS, epilog=_EPILOG)


def _show(result: EvaluateResult) -> None:
    rows = [
        {"score": NAMES.get(name, name), "value": f"{entry['value']:.4f}", "95 % interval": _format_interval(entry)}
        | _format_spread(entry)
        for name, entry in list_scores(result.metrics)
        if entry["value"] is not None
    ]
    if rows:
        print_table(rows, tuple(rows[0]))
    for table in list_tables(result.metrics):
        if table.name == QUANTITIES:
            columns, cells = format_rows(table)
            print_table(cells, columns)
    split = "" if result.split == "all" else f", split {result.split}"
    left = [
        f"{result.errors:,} cannot be read" if result.errors else "",
        f"{result.unlabeled:,} without a label" if result.unlabeled else "",
    ]
    retrieval = result.metrics.get("retrieval", {})
    failed = "; ".join(filter(None, left))
    echo(
        "",
        f"{format_count(result.n, 'image')} of {result.dataset}{split}, scored with {result.model}"
        + (f" ({failed})" if failed else ""),
        *([f"Retrieval from {retrieval['gallery']}"] if "gallery_source" in retrieval else []),
        f"Report: {result.output / 'report.html'}",
    )


def _format_interval(entry: Mapping[str, Any]) -> str:
    return "" if entry.get("low") is None else f"{entry['low']:.4f} to {entry['high']:.4f}"


def _format_spread(entry: Mapping[str, Any]) -> dict[str, str]:
    """Return the columns of a score of several models."""
    if "sd" not in entry:
        return {}
    return {"sd": f"{entry['sd']:.4f}", "lowest to highest": f"{entry['lowest']:.4f} to {entry['highest']:.4f}"}
