"""The command line of ``galaxtool zoobot convert``."""

from __future__ import annotations

from typer.core import TyperCommand

from galaxtool import build_command, echo
from galaxtool_zoobot.commands.convert import ConvertResult, convert


def build_convert() -> TyperCommand:
    """Build the command."""
    command: TyperCommand = build_command(
        convert,
        show=_show,
        group="zoobot",
        flags={"classes": ("--class",)},
        epilog="Example:  galaxtool zoobot convert epoch3.ckpt -o ring-model --class no_ring --class ring",
    )
    return command


def _show(result: ConvertResult) -> None:
    shown = ", ".join(result.outputs[:6]) + (", ..." if len(result.outputs) > 6 else "")
    echo(f"A {result.kind} on {result.backbone} with {len(result.outputs)} outputs ({shown}) in {result.model}")
    echo(f"Try: galaxtool classify cutouts/ --model {result.model}")
