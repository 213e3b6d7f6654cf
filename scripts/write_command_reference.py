"""Write docs/commands.md from the commands themselves.

Run from anywhere::

    python scripts/write_command_reference.py
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from galaxtool.cli.main import COMMANDS
from galaxtool.utils.atomic_write import atomic_write

TARGET = Path(__file__).resolve().parent.parent / "docs" / "commands.md"
COMMON = "Everywhere"
"""The panel of the options that every command has."""

INTRODUCTION = """\
# Commands

<!-- Written by scripts/write_command_reference.py (make docs). Edit the functions' docstrings instead. -->

`galaxtool COMMAND --help` says the same in the terminal. A command is a Python function of the same name with the same
parameters and defaults: `galaxtool classify cutouts/ --top-k 3` is `galaxtool.classify(["cutouts/"], top_k=3)`. The
listing commands are in `galaxtool.listings`. Plugins may add commands; `galaxtool --help` shows them all.

Results go to stdout, messages and progress to stderr.

| exit status | |
|---|---|
| 0 | done |
| 1 | something you can put right; one line says what is wrong, the next what to do |
| 2 | the command line is wrong |
| 130 | interrupted |
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


def reference() -> str:
    """Return the text of docs/commands.md."""
    made = {name: made_command(name) for name in COMMANDS}
    lines = [INTRODUCTION, "| command | |", "|---|---|"]
    lines += [f"| [`{name}`](#{name}) | {cell(line)} |" for name, (_, line) in COMMANDS.items()]
    lines += ["", "Every command takes these as well:", ""]
    first = next(iter(made.values()))
    lines += option_table(p for p in first.params if panel_of(p) == COMMON)
    # each command's --config names its own table
    lines = [line.replace(f"[{first.name}]", "[COMMAND]") for line in lines]
    for name, command in made.items():
        lines += ["", *section(name, command)]
    return "\n".join([*lines, "", SETTINGS])


def made_command(name: str) -> Any:
    """Return the command of a name, as the command line makes it."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    return getattr(import_module(module), attribute)()


def section(name: str, command: Any) -> list[str]:
    """Return the lines about one command."""
    arguments = [p for p in command.params if is_argument(p)]
    options = [p for p in command.params if not is_argument(p) and panel_of(p) != COMMON]
    usage = " ".join(["galaxtool", name, "[OPTIONS]", *map(argument_shown, arguments)])
    lines = [f"## {name}", "", escaped(command.help), "", "```text", usage, "```"]
    if arguments:
        lines += ["", "| argument | |", "|---|---|"]
        lines += [f"| `{argument_shown(p)}` | {cell(p.help)} |" for p in arguments]
    # what stands under no heading comes first; sorting keeps the order of the rest
    for panel in sorted(dict.fromkeys(map(panel_of, options)), key=bool):
        lines += ["", *([f"**{panel}**", ""] if panel else [])]
        lines += option_table(p for p in options if panel_of(p) == panel)
    if examples := examples_of(command):
        lines += ["", "```console", *(f"$ {example}" for example in examples), "```"]
    return lines


def option_table(options: Iterable[Any]) -> list[str]:
    """Return the lines of a table of options."""
    rows = [f"| {flags_shown(p)} | {default_shown(p)} | {cell(p.help)} |" for p in options]
    return ["| option | default | |", "|---|---|---|", *rows]


def examples_of(command: Any) -> list[str]:
    """Return the command lines in a command's epilog."""
    return [part.strip() for part in plain(command.epilog or "").removeprefix("Examples:").split("  |  ") if part]


def is_argument(parameter: Any) -> bool:
    """Tell an argument from an option."""
    return not parameter.opts[0].startswith("-")


def panel_of(parameter: Any) -> str:
    """Return the heading that a parameter stands under in ``--help``."""
    return getattr(parameter, "rich_help_panel", None) or ""


def argument_shown(parameter: Any) -> str:
    """Return an argument as it stands in a usage line."""
    shown = parameter.name.upper().removesuffix("S" if parameter.nargs == -1 else "")
    shown += "..." if parameter.nargs == -1 else ""
    return shown if parameter.required else f"[{shown}]"


def flags_shown(parameter: Any) -> str:
    """Return an option's flags, the long one first, and a word for its value."""
    flags = sorted(parameter.opts, key=lambda flag: -len(flag))
    value = "" if parameter.is_flag else " " + (parameter.metavar or flags[0].rpartition("-")[2].upper())
    return ", ".join(f"`{flag}`" for flag in flags[:-1]) + (", " if flags[1:] else "") + f"`{flags[-1]}{value}`"


def default_shown(parameter: Any) -> str:
    """Return an option's default, as it would be typed."""
    if parameter.required:
        return "required"
    if parameter.is_flag or parameter.default is None or parameter.default in ((), [], ""):
        return ""
    return f"`{parameter.default}`"


def plain(text: str) -> str:
    """Take off what keeps Rich from reading brackets as markup."""
    return text.replace("\\[", "[")


def cell(text: str) -> str:
    """Return a text for a table's cell: in one line, its bars escaped."""
    return " ".join(escaped(text).split()).replace("|", "\\|")


def escaped(text: str) -> str:
    """Return a text in which nothing looks like a tag to Markdown."""
    return plain(text).replace("<", "&lt;")


if __name__ == "__main__":
    with atomic_write(TARGET) as temporary:
        temporary.write_text(reference(), encoding="utf-8")
    print(f"Wrote {TARGET}")
