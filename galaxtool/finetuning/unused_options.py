"""What is given to ``finetune`` and would change nothing: it is refused rather than passed over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from galaxtool.errors import ConfigError
from galaxtool.plugins.registry import get_registry
from galaxtool.utils.config import invocation

_ELSEWHERE = ("recipe ", "file ", "environment ")


def drop_unused(settings: Mapping[str, Any], defaults: Mapping[str, Any], sources: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings without those that the chosen method, rule or votes have no use for.

    Parameters
    ----------
    settings, defaults : mapping
        Of ``finetune``, by parameter.
    sources : mapping
        Where settings came from that a recipe set.

    Returns
    -------
    dict
        What a recipe, a settings file or the environment says has its default again where something else made it
        useless: the recipe of one method may be used with another.

    Raises
    ------
    ConfigError
        If a useless one was typed, or was set together with what makes it useless.
    """
    origins = {**invocation.get().sources, **sources}
    kept = dict(settings)
    for name, cause, why in find_unused(settings):
        if kept.get(name) == defaults.get(name):
            continue
        origin = origins.get(name, "")
        if origin.startswith(_ELSEWHERE) and origin != origins.get(cause):
            kept[name] = defaults.get(name)
            continue
        where = f" ({origin})" if origin.startswith(_ELSEWHERE) else ""
        other = ", or choose another --method" if cause == "method" else ""
        raise ConfigError(f"{_flag(name)}{where} {why}.", hint=f"Leave it out{other}.")
    return kept


def refuse_on_resume(path: Path, run: Mapping[str, Any], given: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    """Raise `ConfigError` for a setting that was typed beside ``--resume`` and is not the run's own.

    Parameters
    ----------
    path : Path
        The run directory.
    run, given, defaults : mapping
        Settings in its manifest, of this call, and where nothing is given.
    """
    origins = invocation.get().sources
    for name, value in given.items():
        if value == defaults[name] or origins.get(name, "").startswith(_ELSEWHERE):
            continue
        own = str(path) if name == "out" else run.get(name, defaults[name])
        if _plain(value) != _plain(own):
            raise ConfigError(
                f"--resume goes on with the run's own settings, and {_flag(name)} is another there.",
                hint=f"Leave it out, or start a new run; the settings of this one are in '{path / 'config.toml'}'.",
            )


def find_unused(settings: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield a setting, the one that makes it useless, and why that is."""
    method = get_registry().methods.find(settings["method"]).spec
    if "warmup_epochs" not in method.lengths:
        yield "warmup_epochs", "method", f"changes nothing with the method '{method.name}', which has one stage"
    for name in method.ignores:
        yield name, "method", f"changes nothing with the method '{method.name}'"
    if settings["stopping"] != "best":
        yield "patience", "stopping", f"changes nothing with --stopping {settings['stopping']}"
    if settings["size_arcsec"] is not None:
        yield "crop", "size_arcsec", "changes nothing with --size-arcsec, which cuts in its place"
    if settings["votes"]:
        yield "all_classes", "votes", "is for classes, and --votes has answers"


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [str(one) for one in value]
    return str(value) if isinstance(value, Path) else value


def _flag(name: str) -> str:
    return "The data set" if name == "dataset" else f"--{name.replace('_', '-')}"
