"""The group ``galaxtool detect``: each subcommand is built from the public function of its name."""

from __future__ import annotations

from typer.core import TyperCommand, TyperGroup

from galaxtool_detect.cli.evaluate import build_evaluate
from galaxtool_detect.cli.export import build_export
from galaxtool_detect.cli.reproduce import build_reproduce
from galaxtool_detect.cli.run import build_run
from galaxtool_detect.cli.simulate import build_simulate
from galaxtool_detect.cli.train import build_train

_COMMANDS: list[TyperCommand] = [
    build_simulate(),
    build_train(),
    build_run(),
    build_evaluate(),
    build_export(),
    build_reproduce(),
]

group = TyperGroup(
    name="detect",
    commands={str(command.name): command for command in _COMMANDS},
    help="Detect sources in radio maps and other fields.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
