"""The command ``galaxtool``: lists all commands with one line each, and imports one only to run it."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from galaxtool import __version__
from galaxtool.cli.errors import explain_system_error, explain_unexpected_error, print_error, print_interruption
from galaxtool.cli.render import escape_markup
from galaxtool.cli.signals import stop_on_signals
from galaxtool.cli.suggestions import describe_unknown_command, describe_unknown_option
from galaxtool.errors import GalaxtoolError, PluginError
from galaxtool.plugins.containment import PluginExit, contain
from galaxtool.plugins.manager import COMMAND_GROUP
from galaxtool.utils.debugging import is_debugging
from galaxtool.utils.printable import escape_controls
from galaxtool.utils.processor import let_waiting_threads_sleep
from galaxtool.utils.resume_command import make_resume_command

COMMANDS = {
    "finetune": "Train a classifier on labelled cutouts.",
    "classify": "Classify cutouts and write a table of probabilities.",
    "evaluate": "Score a model on labelled cutouts, with confidence intervals.",
    "compare": "Compare evaluations on the same images: differences with intervals, and tests.",
    "embed": "Compute embeddings of cutouts.",
    "merge": "Merge the results of all shards of a job.",
    "index": "Build a similarity index of cutouts.",
    "similar": "Find images similar to images, texts, symbols, indexed objects or a position.",
    "explore": "Explore images in the browser: search, a map, collections.",
    "cluster": "Group cutouts by their features, and compare the groups with labels.",
    "anomalies": "Find the odd ones out among images, by their features.",
    "label": "Label a few images and rank the rest with a model trained on those labels.",
    "doubts": "Find labels that are probably wrong.",
    "plot": "Draw a figure for a paper.",
    "export": "Export a model to a single ONNX file, and check it against PyTorch.",
    "cutouts": "Cut out the objects of a catalogue from FITS images.",
    "simulate": "Simulate labelled galaxies as FITS or PNG images.",
    "reproduce": "Measure a table or figure of a paper again, beside the published values.",
    "cite": "Print what to cite, as BibTeX: the method, the data and the weights.",
    "backbones": "List the image encoders (backbones).",
    "datasets": "List the registered data sets.",
    "heads": "List the classification heads.",
    "methods": "List the training methods and their papers.",
    "taxonomies": "List the taxonomies with their classes, prompts and coarser classes.",
    "models": "List the trained models that come with galaxtool and its plugins.",
    "plugins": "List the plugins, what each provides, and why a plugin failed.",
    "doctor": "Check this installation: versions, devices, ONNX Runtime providers, plugins, and how to fix problems.",
}
"""Command -> its line in ``--help``, in the order shown there."""

_LISTINGS = {"backbones", "datasets", "heads", "methods", "taxonomies", "models", "plugins"}


class LazyGroup(TyperGroup):
    """A group of the commands in `COMMANDS` and in entry-point metadata, each imported only when it runs."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order of ``--help``: the built-in ones, then those of plugins, sorted."""
        return [*COMMANDS, *sorted(_find_plugin_commands())]

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:
        """Return a placeholder with a name and a line of help, or None."""
        if cmd_name in COMMANDS:
            return TyperCommand(cmd_name, help=COMMANDS[cmd_name])
        if cmd_name in (others := _find_plugin_commands()):
            dist = others[cmd_name].dist
            summary = str(dist.metadata.json.get("summary", "")) if dist else ""
            return TyperCommand(cmd_name, help=escape_markup(escape_controls(summary)), rich_help_panel="Plugins")
        return None

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Import and return the command itself."""
        try:
            name, placeholder, rest = super().resolve_command(ctx, args)
        except Exception as error:  # Typer keeps the class private
            if hasattr(error, "message") and not args[0].startswith("-"):
                error.message = describe_unknown_command(args[0], self.list_commands(ctx))
            raise
        if name is None or placeholder is None:
            return name, placeholder, rest
        return name, _load(name), rest

    def invoke(self, ctx: Any) -> Any:
        """Run a command; print a `GalaxtoolError` as two lines, and exit with status 1."""
        try:
            with stop_on_signals():
                return super().invoke(ctx)
        except GalaxtoolError as error:
            if is_debugging():
                raise
            print_error(error)
            raise typer.Exit(1) from None
        except (OSError, MemoryError) as error:
            if is_debugging():
                raise
            print_error(explain_system_error(error, resume=make_resume_command(sys.argv) if _can_resume(ctx) else ""))
            raise typer.Exit(1) from None
        except KeyboardInterrupt as error:
            if not getattr(error, "__notes__", ()):
                again = f"Nothing is lost. Run it again with: {make_resume_command(sys.argv)}"
                error.add_note(again if _can_resume(ctx) else "Run again, the command starts from the beginning.")
            print_interruption(error)
            raise typer.Exit(128 + getattr(error, "number", signal.SIGINT)) from None
        except Exception as error:
            if hasattr(error, "option_name") and hasattr(error, "possibilities"):  # Typer keeps the class private
                _improve_suggestion(error)
            if isinstance(getattr(error, "message", None), str):  # of wrong usage; names of files may be in it
                error.message = escape_controls(error.message)  # type: ignore[attr-defined]
            if is_debugging() or hasattr(error, "exit_code") or isinstance(error, typer.Abort):  # Typer ends with it
                raise
            print_error(explain_unexpected_error(error))
            raise typer.Exit(1) from None


def _can_resume(ctx: Any) -> bool:
    """Tell whether the running command has ``--resume`` without a value."""
    name = ctx.invoked_subcommand
    parameters = _load(name).params if name in COMMANDS else ()
    return any(option.name == "resume" and getattr(option, "is_flag", False) for option in parameters)


def _improve_suggestion(error: Any) -> None:
    """Suggest the option that the user may have meant in the error for one that does not exist."""
    command = error.ctx.command if error.ctx else None
    if command is not None:
        error.message = describe_unknown_option(error.option_name, _list_flags(command), _list_flags_of_all)
        error.possibilities = None


def _list_flags(command: Any) -> list[str]:
    """Return the options of a command, with their dashes."""
    return [flag for parameter in command.params for flag in parameter.opts if flag.startswith("-")]


def _list_flags_of_all() -> dict[str, list[str]]:
    """Return the options of each built-in command."""
    return {name: _list_flags(_load(name)) for name in COMMANDS}


def application() -> LazyGroup:
    """Build the command ``galaxtool``.

    Returns
    -------
    LazyGroup
        Command; without arguments it reads ``sys.argv``.
    """
    app = typer.Typer(
        cls=LazyGroup,
        name="galaxtool",
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_show_locals=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(root)
    group = typer.main.get_command(app)
    assert isinstance(group, LazyGroup)
    return group


def root(
    offline: Annotated[bool, typer.Option("--offline", help="Disable downloads; same as GALAXTOOL_OFFLINE=1.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=lambda value: _show_version(value))
    ] = False,
) -> None:
    """Galaxy morphology from image cutouts: train classifiers, classify, find similar images, export to ONNX."""
    if offline:
        os.environ["GALAXTOOL_OFFLINE"] = "1"
    let_waiting_threads_sleep()


def _show_version(value: bool) -> None:
    if value:
        print(f"galaxtool {__version__}")
        raise typer.Exit


def _find_plugin_commands() -> dict[str, EntryPoint]:
    """Return the entry points of the commands of plugins."""
    found = entry_points(group=COMMAND_GROUP)
    return {entry.name: entry for entry in found if entry.name not in COMMANDS and entry.name.isprintable()}


def locate_command(name: str) -> tuple[str, str]:
    """Return the module of a built-in command, and the function in it that builds the command."""
    module, function = ("listings", name) if name in _LISTINGS else (name, "command")
    return f"galaxtool.cli.commands.{module}", function


def load_command(name: str) -> Any:
    """Import and build a built-in command."""
    module, function = locate_command(name)
    return getattr(importlib.import_module(module), function)()


def _load(name: str) -> Any:
    """Import and build a command."""
    if name in COMMANDS:
        return load_command(name)
    entry = _find_plugin_commands()[name]
    try:
        with contain():
            target = entry.load()
        return _as_command(name, target)
    except Exception as error:
        if is_debugging():
            raise
        why = str(error) if isinstance(error, PluginExit) else f"{type(error).__name__}: {error}"
        owner = entry.dist.metadata["Name"] if entry.dist else entry.value
        raise PluginError(
            f"The command '{name}' of the plugin '{owner}' cannot be loaded: {why}.",
            hint=f"Update or remove {owner}; GALAXTOOL_DEBUG=1 shows the traceback.",
        ) from error


def _as_command(name: str, target: Any) -> Any:
    """Build the command of a plugin from its function or Typer app, or return the command that it has built."""
    if isinstance(target, (TyperCommand, TyperGroup)):
        return target
    if isinstance(target, typer.Typer):
        app = target
    else:
        app = typer.Typer(add_completion=False, rich_markup_mode="rich")
        app.command(name)(target)
    command = typer.main.get_command(app)
    command.name = name
    return command
