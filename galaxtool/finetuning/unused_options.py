"""Settings of ``finetune`` that would have no effect: they are refused rather than ignored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from galaxtool.errors import ConfigError
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.plugins.registry import get_registry

_INDIRECT = ("recipe ", "file ", "environment ")
"""How the sources begin of settings that the user did not type for this very call."""


class UnusedOption(NamedTuple):
    """A setting that has no effect, the setting that is the cause of it, and the reason as the end of a sentence."""

    name: str
    cause: str
    reason: str


def drop_unused(config: FinetuneConfig) -> FinetuneConfig:
    """Reset the settings that have no effect with the chosen method, stopping rule or kind of labels.

    Returns
    -------
    FinetuneConfig
        The settings, in which a useless value from a recipe, a settings file or the environment is the default again
        if the cause has another source: the recipe of one method may be used with another method.

    Raises
    ------
    ConfigError
        If a useless setting was typed, or was set in the same place as its cause.
    """
    changes: dict[str, Any] = {}
    for name, cause, reason in find_unused(config):
        if name not in FinetuneConfig.names() or name in changes or config.is_default(name):
            continue
        source = config.source_of(name)
        if source.startswith(_INDIRECT) and source != config.source_of(cause):
            changes[name] = getattr(FinetuneConfig(), name)
            continue
        where = f" ({source})" if source.startswith(_INDIRECT) else ""
        other = ", or choose another --method" if cause == "method" else ""
        raise ConfigError(f"{_name_option(name)}{where} {reason}.", hint=f"Leave it out{other}.")
    return replace(config, **changes)


def refuse_on_resume(path: Path, run: FinetuneConfig, given: FinetuneConfig) -> None:
    """Raise `ConfigError` for a setting typed next to ``--resume`` that differs from the run's own.

    Parameters
    ----------
    path : Path
        The run directory.
    run, given : FinetuneConfig
        Settings stored in the run, and those of this call.
    """
    typed, stored = given.to_dict(), {**run.to_dict(), "output": str(path)}
    for name, value in typed.items():
        if given.is_default(name) or given.source_of(name).startswith(_INDIRECT):
            continue
        if value != stored[name]:
            raise ConfigError(
                f"--resume uses the settings saved with the run, but {_name_option(name)} has another value there.",
                hint=f"Leave it out, or start a new run; the run's settings are in '{path / 'config.toml'}'.",
            )


def find_unused(config: FinetuneConfig) -> Iterator[UnusedOption]:
    """Yield the settings that have no effect, whether or not they were given."""
    method = get_registry().methods.find(config.method).spec
    if "warmup_epochs" not in method.lengths:
        reason = f"changes nothing with the method '{method.name}', which has one stage"
        yield UnusedOption("warmup_epochs", "method", reason)
    for name in method.ignores:
        yield UnusedOption(name, "method", f"changes nothing with the method '{method.name}'")
    if config.stopping != "best":
        yield UnusedOption("patience", "stopping", f"changes nothing with --stopping {config.stopping}")
    if config.select == "last":
        yield UnusedOption("patience", "select", "changes nothing with --select last, which trains for all epochs")
    if config.size_arcsec is not None:
        yield UnusedOption("crop", "size_arcsec", "changes nothing with --size-arcsec, which replaces it")
    if config.taxonomy is not None:
        yield UnusedOption("symbols", "taxonomy", "is for classes of your own; those of --taxonomy have their symbols")
    if "labels" not in method.needs:
        yield UnusedOption("noisy", "method", f"changes nothing with the method '{method.name}'")
    if not config.votes:
        yield UnusedOption("dropout", "votes", "cannot be used without --votes, whose head it is for")
    if config.votes:
        yield UnusedOption("noisy", "votes", "is for classes; --votes has answers")
        yield UnusedOption("all_classes", "votes", "is for classes; --votes has answers")
    if config.target:
        for name in ("noisy", "all_classes", "label_column"):
            yield UnusedOption(name, "target", "is for classes; --target has numbers")


def _name_option(name: str) -> str:
    """Return the option of a setting as the subject of a sentence."""
    return "the data set" if name == "dataset" else f"--{name.replace('_', '-')}"
