"""The command line of ``galaxtool plot``."""

from __future__ import annotations

from typing import Any

from galaxtool.cli.build import build_command
from galaxtool.cli.commands.listings import list_options
from galaxtool.cli.render import echo, print_table
from galaxtool.commands.plot import plot
from galaxtool.diagnostics.listing import ComponentListing
from galaxtool.plotting.result import PlotResult

_PANELS = {
    "Figure": ("option", "by", "truth", "split", "label", "model"),
    "Page": ("columns", "style"),
}
_EPILOG = (
    "Examples:  galaxtool plot --list  |  galaxtool plot confusion evaluation/ -o confusion.pdf  |  "
    "galaxtool plot training-curves runs/a runs/b -o curves.pdf --columns 2"
)


def command() -> Any:
    """Build the command."""
    return build_command(plot, show=_show, panels=_PANELS, epilog=_EPILOG)


def _show(result: PlotResult | ComponentListing) -> None:
    if isinstance(result, PlotResult):
        echo(str(result.output))
        return
    print_table([_lay_out(row) for row in result.rows], ("name", "figure", "from", "usable"))
    if options := list_options(result.rows, "kinds"):
        columns = ("option", "default", "summary", "kinds")
        echo("")
        print_table(options, columns if len(result.rows) > 1 else columns[:-1], title="Settings: --option NAME=VALUE")


def _lay_out(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a kind with all its texts in one column, which leaves them room on 80 columns."""
    flags = ", ".join(f"--{name}" for name in row["takes"])
    lines = (
        row["summary"],
        f"Input: {row['inputs']}." if row["inputs"] else "",
        f"Takes {flags}." if flags else "",
    )
    shown = {**row, "figure": "\n".join(line for line in lines if line)}
    if row["from"] == "built-in":
        shown["from"] = ""
    if row["usable"] == "yes":
        shown["usable"] = ""
    return shown
