"""The command line of ``galaxtool index``."""

from __future__ import annotations

from typing import Any

from galaxtool.cli.build import INPUT_OPTIONS, build_command
from galaxtool.cli.render import echo, print_flags
from galaxtool.commands.index import index
from galaxtool.search.results import IndexResult
from galaxtool.types import FLAGS
from galaxtool.utils.counts import format_count

_PANELS = {
    "Input": INPUT_OPTIONS,
    "Computing": ("engine", "provider", "device", "precision", "tta", "layer", "batch_size", "workers", "executor"),
    "Index": ("kind", "target_recall", "add", "merge"),
    "Job": ("resume", "overwrite"),
}
_EPILOG = (
    "Examples:  galaxtool index cutouts/  |  galaxtool index survey.parquet -o survey_index --model runs/mine  |  "
    "galaxtool index new/ --add -o survey_index"
)


def command() -> Any:
    """Build the command."""
    return build_command(index, show=_show, panels=_PANELS, epilog=_EPILOG)


def _show(result: IndexResult) -> None:
    record = result.record
    print_flags(record.flags, FLAGS)
    echo(
        f"{result.output}: {format_count(record.count, 'image')}, {record.kind} index by {record.model}, "
        f"recall@10 {record.recall_at_10:.3f} on {format_count(record.recall_queries, 'query', 'queries')}",
        f"Try: galaxtool similar IMAGE --index {result.output}",
    )
