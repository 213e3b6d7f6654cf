"""The group ``galaxtool zoobot``."""

from __future__ import annotations

from typer.core import TyperCommand, TyperGroup

from galaxtool_zoobot.cli.convert import build_convert

_COMMANDS: list[TyperCommand] = [build_convert()]

group = TyperGroup(
    name="zoobot",
    commands={str(command.name): command for command in _COMMANDS},
    help="Use what was made with Zoobot.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
