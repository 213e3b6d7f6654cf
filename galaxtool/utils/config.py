"""Where a setting's value comes from: flag, then ``--config`` file, then ``GALAXTOOL_*``, then default.

Every command's parameters can be set in a TOML file, in a table named after the command::

    [classify]
    model = "runs/mine"
    top_k = 3

and in the environment, as ``GALAXTOOL_CLASSIFY_MODEL`` or, for any command that has the parameter, ``GALAXTOOL_MODEL``.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from galaxtool.errors import ConfigError, suggest_name
from galaxtool.utils.suggestions import suggest_path

# Names that mean something else to galaxtool and so never set a parameter.
_RESERVED = {"GALAXTOOL_DEBUG", "GALAXTOOL_PLUGINS", "GALAXTOOL_OFFLINE", "GALAXTOOL_CACHE", "GALAXTOOL_TEST_DATA"}


@dataclass(frozen=True)
class Invocation:
    """How the running command was called; a run's manifest repeats it.

    Parameters
    ----------
    argv : tuple of str
        The command line, empty when called from Python.
    sources : mapping of str to str
        Parameter -> ``flag``, ``file PATH``, ``environment NAME`` or ``default``.
    """

    argv: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)


_NOBODY = Invocation()
invocation: ContextVar[Invocation] = ContextVar("invocation", default=_NOBODY)


def is_offline() -> bool:
    """Tell whether nothing may be fetched (``--offline`` or ``GALAXTOOL_OFFLINE=1``)."""
    return os.environ.get("GALAXTOOL_OFFLINE", "").lower() not in ("", "0", "false", "no")


def is_debugging() -> bool:
    """Tell whether exceptions of plugins and decoders are raised rather than reported (``GALAXTOOL_DEBUG=1``)."""
    return os.environ.get("GALAXTOOL_DEBUG", "") == "1"


def is_follower() -> bool:
    """Tell whether this is one of several processes of one training, and not the first, which alone talks."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and os.environ.get("RANK", "0") != "0"


def cache_dir() -> Path:
    """Return the folder for what may be thrown away: ``GALAXTOOL_CACHE``, else the platform's own."""
    import platformdirs

    return Path(os.environ.get("GALAXTOOL_CACHE") or platformdirs.user_cache_dir("galaxtool"))


def settings(command: str, parameters: Iterable[str], file: Path | None) -> tuple[dict[str, Any], dict[str, str]]:
    """Gather what the file and the environment say for one command.

    Parameters
    ----------
    command : str
        Name of the command, as typed.
    parameters : iterable of str
        Its parameters.
    file : Path or None
        Of ``--config``.

    Returns
    -------
    values : dict
        Parameter -> value, file over environment.
    sources : dict
        Parameter -> where the value came from.
    """
    names = list(parameters)
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for name in names:
        for variable in (f"GALAXTOOL_{command}_{name}".upper(), f"GALAXTOOL_{name}".upper()):
            if os.environ.get(variable) and variable not in _RESERVED:
                values[name], sources[name] = os.environ[variable], f"environment {variable}"
                break
    if file is not None:
        for name, value in _table(read_toml(file), command, names, file).items():
            values[name], sources[name] = value, f"file {file}"
    return values, sources


def read_toml(file: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises
    ------
    ConfigError
        If it is not there or not TOML; the line is named.
    """
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        hint = "Give the right file." if file.exists() else suggest_path(file)
        raise ConfigError(f"The settings file '{file}' cannot be read: {error.strerror}.", hint=hint) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"The settings file '{file}' is not valid TOML: {error}.") from error


def load_recipe(file: Path, parameters: Iterable[str]) -> dict[str, Any]:
    """Read the settings of ``finetune`` that a recipe holds; a key that is no parameter is an error."""
    return _table(read_toml(file), "finetune", list(parameters), file)


def _table(document: Mapping[str, Any], command: str, known: list[str], file: Path) -> dict[str, Any]:
    table = document.get(command, {})
    if not isinstance(table, dict):
        raise ConfigError(f"In '{file}', '{command}' must be a table: [{command}].")
    for key in table:
        if key.replace("-", "_") not in known:
            near = suggest_name(key, known)
            raise ConfigError(
                f"'{file}' sets '{key}' in [{command}], which is no parameter of `galaxtool {command}`"
                + (f"; did you mean '{near}'?" if near else "."),
                hint=f"`galaxtool {command} --help` lists them.",
            )
    return {key.replace("-", "_"): value for key, value in table.items()}


def one_of(parameter: str, value: str, choices: Iterable[str]) -> str:
    """Return the value of a parameter that takes a few words.

    Raises
    ------
    ConfigError
        If it is none of them, with the nearest.
    """
    known = list(choices)
    if value not in known:
        near = suggest_name(value, known)
        raise ConfigError(
            f"--{parameter} is '{value}', which is not one of {', '.join(known)}."
            + (f" Did you mean '{near}'?" if near else "")
        )
    return value
