"""The command line of ``galaxtool doubts``."""

from __future__ import annotations

from typing import Any

from galaxtool.cli.build import INPUT_OPTIONS, build_command
from galaxtool.cli.render import echo, print_table
from galaxtool.commands.doubts import doubts
from galaxtool.label_checks.results import DoubtsResult
from galaxtool.utils.counts import format_count

_SHOWN = 10
_PANELS = {
    "Input": ("where", "label_column", *INPUT_OPTIONS),
    "Method": ("model", "folds", "separation", "seed"),
    "Output": ("output", "html"),
    "Computing": ("engine", "device", "precision", "tta", "batch_size", "workers", "executor"),
    "Job": ("resume", "overwrite"),
}
_EPILOG = (
    "Examples:  galaxtool doubts galaxies/ --html doubts.html  |  galaxtool doubts labels.csv -o doubts.fits  |  "
    "galaxtool doubts galaxies/ --model runs/mine --folds 10"
)


def command() -> Any:
    """Build the command."""
    return build_command(doubts, show=_show, panels=_PANELS, epilog=_EPILOG)


def _show(result: DoubtsResult) -> None:
    rows = [
        {
            "id": one.id,
            "label": one.label,
            "suggested": one.suggested,
            "p_label": "" if one.probability is None else f"{one.probability:.3f}",
        }
        for one in result.doubts[:_SHOWN]
    ]
    if rows:
        print_table(rows, ("id", "label", "suggested", "p_label"), title="The most doubtful labels")
    echo(
        "",
        f"{format_count(result.contradicted, 'label')} of {result.count:,} contradicted, "
        f"{format_count(result.duplicates, 'pair')} of the same object with different labels",
        f"Table: {result.output}, {format_count(result.rows, 'row')}",
        *([f"Page: {result.html}"] if result.html else []),
    )
