"""Write docs/commands.md from the docstrings and options of the commands.

Run from anywhere::

    python scripts/write_command_reference.py
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from galaxtool.cli.build import describe_argument
from galaxtool.cli.main import COMMANDS, load_command
from galaxtool.utils.files.atomic_write import atomic_write

TARGET = Path(__file__).resolve().parent.parent / "docs" / "commands.md"
COMMON = "Common options"
"""Panel of the options that every command has."""

INTRODUCTION = """\
# Commands

<!-- Written by scripts/write_command_reference.py (make docs). Edit the functions' docstrings instead. -->

`galaxtool COMMAND --help` says the same in the terminal. A command is a Python function of the same name with the same
parameters and defaults: `galaxtool classify cutouts/ --top-k 3` is `galaxtool.classify(["cutouts/"], top_k=3)`. The
listing commands are in `galaxtool.listings`, and the subcommands of `plugins` in `galaxtool.plugin_tools`. Plugins may
add commands; `galaxtool --help` shows them all.

Results go to stdout, messages and progress to stderr.

| exit status | |
|---|---|
| 0 | done |
| 1 | something you can put right; one line says what is wrong, the next what to do |
| 2 | the command line is wrong |
| 130 | interrupted by Ctrl-C; 143 by SIGTERM, 129 by SIGHUP |
"""

SETTINGS = """\
## Settings

A parameter takes its value from the command line, else from the file given with `--config`, else from the environment,
else its default. In the file each command has a table, with the parameters' names in it:

```toml
[classify]
model = "runs/mine"
top_k = 3
```

In the environment the name is `GALAXTOOL_<COMMAND>_<PARAMETER>`, or `GALAXTOOL_<PARAMETER>` for every command that has
the parameter: `GALAXTOOL_DEVICE=cpu`. An unknown key in a file is an error; an unknown variable is left alone.

| variable | |
|---|---|
| `GALAXTOOL_OFFLINE=1` | fetch nothing |
| `GALAXTOOL_CACHE` | folder for what can be made or fetched again |
| `GALAXTOOL_PLUGINS=a,b` | load only these plugins beside the built-in ones; empty for none |
| `GALAXTOOL_DEBUG=1` | show tracebacks |
"""


def make_reference() -> str:
    """Return the text of docs/commands.md."""
    commands = {name: load_command(name) for name in COMMANDS}
    lines = [INTRODUCTION, "| command | |", "|---|---|"]
    lines += [f"| [`{name}`](#{name}) | {format_cell(line)} |" for name, line in COMMANDS.items()]
    lines += ["", "Every command takes these as well:", ""]
    first = next(iter(commands.values()))
    lines += make_option_table(p for p in first.params if find_panel(p) == COMMON)
    # each command's --config names its own table
    lines = [line.replace(f"[{first.name}]", "[COMMAND]") for line in lines]
    for name, command in commands.items():
        lines += ["", *describe_command(name, command)]
    return "\n".join([*lines, "", SETTINGS])


def describe_command(name: str, command: Any, *, level: int = 2) -> list[str]:
    """Return the lines that describe one command, with a heading of this level, and its subcommands."""
    arguments = [p for p in command.params if is_argument(p)]
    options = [p for p in command.params if not is_argument(p) and find_panel(p) != COMMON]
    usage = " ".join(["galaxtool", name, "[OPTIONS]", *map(describe_argument, arguments)])
    lines = [f"{'#' * level} {name}", "", escape_tags(command.help), "", "```text", usage, "```"]
    if arguments:
        lines += ["", "| argument | |", "|---|---|"]
        lines += [f"| `{describe_argument(p)}` | {format_cell(p.help)} |" for p in arguments]
    # options without a heading come first; the sort is stable
    for panel in sorted(dict.fromkeys(map(find_panel, options)), key=bool):
        lines += ["", *([f"**{panel}**", ""] if panel else [])]
        lines += make_option_table(p for p in options if find_panel(p) == panel)
    if examples := find_examples(command):
        lines += ["", "```console", *(f"$ {example}" for example in examples), "```"]
    for part, subcommand in getattr(command, "commands", {}).items():
        lines += ["", *describe_command(f"{name} {part}", subcommand, level=3)]
    return lines


def make_option_table(options: Iterable[Any]) -> list[str]:
    """Return the lines of a table of options."""
    rows = [f"| {format_flags(p)} | {format_default(p)} | {format_cell(p.help)} |" for p in options]
    return ["| option | default | |", "|---|---|---|", *rows]


def find_examples(command: Any) -> list[str]:
    """Return the example command lines in the epilog of a command."""
    return [
        part.strip() for part in remove_escapes(command.epilog or "").removeprefix("Examples:").split("  |  ") if part
    ]


def is_argument(parameter: Any) -> bool:
    """Return whether a parameter is an argument and not an option."""
    return not parameter.opts[0].startswith("-")


def find_panel(parameter: Any) -> str:
    """Return the heading of a parameter in ``--help``."""
    return getattr(parameter, "rich_help_panel", None) or ""


def format_flags(parameter: Any) -> str:
    """Return the flags of an option, the long one first, and a placeholder for its value."""
    flags = sorted(parameter.opts, key=lambda flag: -len(flag))
    value = "" if parameter.is_flag else " " + (parameter.metavar or flags[0].rpartition("-")[2].upper())
    return ", ".join(f"`{flag}`" for flag in flags[:-1]) + (", " if flags[1:] else "") + f"`{flags[-1]}{value}`"


def format_default(parameter: Any) -> str:
    """Return the default of an option as the user would type it."""
    if parameter.required:
        return "required"
    if parameter.is_flag or parameter.default is None or parameter.default in ((), [], ""):
        return ""
    return f"`{parameter.default}`"


def remove_escapes(text: str) -> str:
    """Remove the escapes that keep Rich from reading brackets as markup."""
    return text.replace("\\[", "[")


def format_cell(text: str) -> str:
    """Return a text for a table cell: on one line, with escaped bars."""
    return " ".join(escape_tags(text).split()).replace("|", "\\|")


def escape_tags(text: str) -> str:
    """Return a text in which Markdown sees no HTML tags."""
    return remove_escapes(text).replace("<", "&lt;")


if __name__ == "__main__":
    with atomic_write(TARGET) as temporary:
        temporary.write_text(make_reference(), encoding="utf-8")
    print(f"Wrote {TARGET}")
