"""Settings of a command, in order of precedence: flag, ``--config`` file, ``GALAXTOOL_*`` variable, default.

The parameters of every command can be set in a TOML file, in a table named after the command::

    [classify]
    model = "runs/mine"
    top_k = 3

and in the environment, as ``GALAXTOOL_CLASSIFY_MODEL`` or, for every command with that parameter, ``GALAXTOOL_MODEL``.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from galaxtool.errors import ConfigError, suggest_name
from galaxtool.utils.files.regular_files import read_regular_text
from galaxtool.utils.suggestions import suggest_path

FORMER_NAMES: Mapping[str, Mapping[str, str]] = {"finetune": {"out": "output"}, "similar": {"k": "top_k"}}
"""Command -> former name of a parameter -> its name; flags, settings files and Python accept both."""

# Variables with another meaning, which never set a parameter.
_RESERVED = {
    "GALAXTOOL_CACHE", "GALAXTOOL_DEBUG", "GALAXTOOL_LICENSES", "GALAXTOOL_OFFLINE", "GALAXTOOL_PLUGINS",
    "GALAXTOOL_TEST_DATA",
}  # fmt: skip


@dataclass(frozen=True)
class Invocation:
    """The call of the running command, which a run records in its manifest.

    Parameters
    ----------
    argv : tuple of str
        Command line; empty when called from Python.
    sources : mapping of str to str
        Parameter -> ``flag``, ``file PATH``, ``environment NAME`` or ``default``.
    """

    argv: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)


_FROM_PYTHON = Invocation()
invocation: ContextVar[Invocation] = ContextVar("invocation", default=_FROM_PYTHON)


def is_offline() -> bool:
    """Tell whether downloads are disabled (``--offline`` or ``GALAXTOOL_OFFLINE=1``)."""
    return os.environ.get("GALAXTOOL_OFFLINE", "").lower() not in ("", "0", "false", "no")


def is_follower() -> bool:
    """Tell whether this process is not the first of a training in several processes; only the first one prints."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and os.environ.get("RANK", "0") != "0"


def cache_dir() -> Path:
    """Return the cache folder: ``GALAXTOOL_CACHE``, or the default of the platform."""
    return Path(os.environ.get("GALAXTOOL_CACHE") or platformdirs.user_cache_dir("galaxtool"))


def gather_settings(
    command: str, parameters: Iterable[str], file: Path | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Gather the settings of one command from the environment and a file.

    Parameters
    ----------
    command : str
        Name of the command, as typed.
    parameters : iterable of str
        Parameters of the command.
    file : Path or None
        File given with ``--config``.

    Returns
    -------
    values : dict
        Parameter -> value; the file takes precedence over the environment.
    sources : dict
        Parameter -> source of the value: ``environment NAME`` or ``file PATH``.
    """
    names = list(parameters)
    former = {name: old for old, name in FORMER_NAMES.get(command, {}).items()}
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for name in names:
        spellings = [name, former[name]] if name in former else [name]
        for variable in [f"GALAXTOOL_{part}{n}".upper() for n in spellings for part in (f"{command}_", "")]:
            if os.environ.get(variable) and variable not in _RESERVED:
                values[name], sources[name] = os.environ[variable], f"environment {variable}"
                break
    if file is not None:
        for name, value in _read_section(read_toml(file), command, names, file).items():
            values[name], sources[name] = value, f"file {file}"
    return values, sources


def read_toml(file: Path, *, kind: str = "settings file") -> dict[str, Any]:
    """Read a TOML file; `kind` names it in messages.

    Raises
    ------
    ConfigError
        If the file does not exist or is not valid TOML; the message names the line.
    """
    try:
        return tomllib.loads(read_regular_text(file))
    except OSError as error:
        hint = "Check its permissions." if file.exists() else suggest_path(file)
        raise ConfigError(f"The {kind} '{file}' cannot be read: {error.strerror}.", hint=hint) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"The {kind} '{file}' is not valid TOML: {error}.", hint="Correct it there.") from error


def load_recipe(file: Path, parameters: Iterable[str]) -> dict[str, Any]:
    """Read the ``[finetune]`` table of a recipe.

    Raises
    ------
    ConfigError
        If the file cannot be read, or has a key that is not one of `parameters`.
    """
    return _read_section(read_toml(file), "finetune", list(parameters), file)


def _read_section(document: Mapping[str, Any], command: str, known: list[str], file: Path) -> dict[str, Any]:
    """Return the table of a command, with keys spelled as parameters."""
    table = document.get(command, {})
    if not isinstance(table, dict):
        raise ConfigError(
            f"In '{file}', '{command}' must be a table: [{command}].", hint=f"Write [{command}] in a line."
        )
    former = FORMER_NAMES.get(command, {})
    names = {key: former.get(key.replace("-", "_"), key.replace("-", "_")) for key in table}
    for key, name in names.items():
        if name not in known:
            suggestion = suggest_name(key, known)
            raise ConfigError(
                f"'{file}' sets '{key}' in [{command}], which is not a parameter of `galaxtool {command}`"
                + (f"; did you mean '{suggestion}'?" if suggestion else "."),
                hint=f"See `galaxtool {command} --help`.",
            )
    return {names[key]: value for key, value in table.items()}


def check_choice(parameter: str, value: str, choices: Iterable[str]) -> str:
    """Check the value of a parameter that accepts only a few words, and return it.

    Raises
    ------
    ConfigError
        If the value is not one of `choices`; suggests the most similar one.
    """
    known = list(choices)
    if value not in known:
        suggestion = suggest_name(value, known)
        raise ConfigError(
            f"--{parameter} is '{value}', which is not one of {', '.join(known)}."
            + (f" Did you mean '{suggestion}'?" if suggestion else ""),
            hint=f"Give --{parameter} {suggestion or known[0]}, for example, or leave it out.",
        )
    return value
