"""The group ``galaxtool detect``: each subcommand is built from the public function of its name."""

from __future__ import annotations

from typer.core import TyperCommand, TyperGroup

from galaxtool_detect.cli.simulate import build_simulate

_COMMANDS: list[TyperCommand] = [build_simulate()]

group = TyperGroup(
    name="detect",
    commands={str(command.name): command for command in _COMMANDS},
    help="Detect sources in radio maps and other fields.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
