"""Named settings of ``finetune``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

from galaxtool.errors import ConfigError
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import RecipeSpec
from galaxtool.utils.config import invocation, load_recipe


def with_recipe(settings: Mapping[str, Any], function: Callable[..., Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Fill what was not given from the recipe that was.

    Parameters
    ----------
    settings : mapping
        The function's arguments.
    function : callable
        Whose defaults tell what was not given.

    Returns
    -------
    settings : dict
        To use.
    sources : dict
        Where those came from that the recipe set.

    Raises
    ------
    ConfigError
        If the recipe is not there, sets what is no parameter or of another type, or a data slot is not filled.
    """
    result = dict(settings)
    if settings["recipe"] is None:
        if settings["data"]:
            raise ConfigError("--data fills the slots of a recipe, and no --recipe is given.")
        return result, {}
    defaults = {p.name: p.default for p in inspect.signature(function).parameters.values()}
    file = _recipe_file(str(settings["recipe"]))
    hints = get_type_hints(function)
    before, sources = invocation.get().sources, {}
    for key, value in load_recipe(file, settings).items():
        given = before[key] != "default" if key in before else settings[key] != defaults[key]
        if not given:
            result[key], sources[key] = _typed(key, value, hints[key], file), f"recipe {file}"
    slots = dict(_slot(text) for text in settings["data"])
    result["dataset"] = [_filled(str(name), slots, file) for name in result["dataset"] or ()]
    return result, sources


def _typed(key: str, value: Any, hint: Any, file: Path) -> Any:
    """Return what TOML gave as the type of the parameter."""
    kinds = [kind for kind in get_args(hint) or (hint,) if kind is not type(None)]
    if "Sequence" in str(hint):
        every = [value] if isinstance(value, str) else value
        if isinstance(every, list) and all(isinstance(one, str) for one in every):
            return every
    elif Path in kinds and isinstance(value, str):
        return Path(value)
    elif float in kinds and type(value) is int:
        return float(value)
    elif type(value) in kinds:
        return value
    wanted = "a list of texts" if "Sequence" in str(hint) else {Path: "a path"}.get(kinds[0], f"{kinds[0].__name__}")
    raise ConfigError(f"'{file}' sets '{key}' to {value!r}; it must be {wanted}.")


def _recipe_file(name: str) -> Path:
    path = Path(name)
    if path.suffix == ".toml" or path.is_file():
        return path
    spec = get_registry().recipes.find(name).spec
    assert isinstance(spec, RecipeSpec)
    return Path(spec.path)


def _slot(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise ConfigError(f"--data {text} is not of the form SLOT=PATH.")
    return name, value


def _filled(name: str, slots: Mapping[str, str], file: Path) -> str:
    """Replace ``{slot}`` in a data set's name."""
    try:
        return name.format_map(slots)
    except KeyError as error:
        slot = str(error).strip("'")
        raise ConfigError(
            f"The recipe '{file}' needs the data '{slot}'.", hint=f"Give it with --data {slot}=PATH."
        ) from None
    except ValueError:
        return name
