"""Recipes: settings of ``finetune`` in a TOML file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from string import Formatter
from typing import Any, get_args, get_type_hints

from galaxtool.errors import ConfigError, UnknownName
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.plugins.registry import get_registry
from galaxtool.utils.config import load_recipe


def apply_recipe(config: FinetuneConfig) -> FinetuneConfig:
    """Fill the settings that the user did not give from the recipe named in them.

    Parameters
    ----------
    config : FinetuneConfig
        Settings as given; without a recipe they are returned as they are.

    Returns
    -------
    FinetuneConfig
        The completed settings, whose `sources` say which ones the recipe set.

    Raises
    ------
    ConfigError
        If the recipe does not exist, sets an unknown parameter or a value of the wrong type, or if one of its data
        slots is not filled.
    """
    if config.recipe is None:
        if config.data:
            raise ConfigError(
                "--data cannot be used without --recipe, whose data slots it fills.",
                hint="Leave it out, or add --recipe.",
            )
        return config
    file = _find_recipe(str(config.recipe))
    hints = get_type_hints(FinetuneConfig)
    changes: dict[str, Any] = {}
    for name, value in load_recipe(file, FinetuneConfig.names()).items():
        if not _is_given(config, name):
            changes[name] = _convert(name, value, hints[name], file)
    sources = dict.fromkeys(changes, f"recipe {file}")
    slots = _parse_slots(config.data)
    dataset = changes.get("dataset", config.dataset)
    names = (dataset,) if isinstance(dataset, str) else dataset
    changes["dataset"] = [_fill_slots(str(name), slots, file) for name in names]
    _check_slots(slots, [str(name) for name in names], file)
    own_names = _find_names(slots)
    for setting in ("weight", "noisy"):
        if setting in changes:
            changes[setting] = [_fill_slots(text, own_names, file) for text in changes[setting]]
    return replace(config, **changes, sources=sources)


def _is_given(config: FinetuneConfig, name: str) -> bool:
    """Tell whether the user gave a setting, be it on the command line, in a file or in the environment."""
    source = config.source_of(name)
    return source != "default" if source else not config.is_default(name)


def _convert(name: str, value: Any, hint: Any, file: Path) -> Any:
    """Convert a TOML value to the type of its parameter."""
    kinds = [kind for kind in get_args(hint) or (hint,) if kind is not type(None)]
    if "Sequence" in str(hint):
        texts = [value] if isinstance(value, str) else value
        if isinstance(texts, list) and all(isinstance(text, str) for text in texts):
            return texts
    elif Path in kinds and isinstance(value, str):
        return Path(value)
    elif float in kinds and type(value) is int:
        return float(value)
    elif type(value) in kinds:
        return value
    expected = "a list of strings" if "Sequence" in str(hint) else {Path: "a path"}.get(kinds[0], kinds[0].__name__)
    raise ConfigError(f"'{file}' sets '{name}' to {value!r}; it must be {expected}.")


def _find_recipe(name: str) -> Path:
    """Return the TOML file of a recipe, given by its path or its registered name."""
    path = Path(name)
    if path.suffix == ".toml" or path.is_file():
        return path
    recipes = get_registry().recipes
    try:
        spec = recipes.find(name).spec
    except UnknownName as error:  # without the tables of papers
        raise UnknownName("recipe", name, [s.name for s in recipes.specs() if s.command == "finetune"]) from error
    if spec.command != "finetune":
        raise ConfigError(
            f"'{name}' is a table of a paper, not settings of finetune.", hint=f"galaxtool reproduce {name}"
        )
    return Path(spec.path)


def _parse_slots(given: Sequence[str]) -> dict[str, str]:
    """Split each ``SLOT=PATH`` into its two parts."""
    slots: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise ConfigError(f"--data {text} is not of the form SLOT=PATH.", hint="The recipe names its slots.")
        if name in slots:
            raise ConfigError(f"--data fills '{name}' twice.", hint="Give one PATH for each slot.")
        slots[name] = value
    return slots


def _check_slots(slots: Mapping[str, str], names: Sequence[str], file: Path) -> None:
    """Raise `UnknownName` for data that no data set of the recipe takes."""
    known = list(dict.fromkeys(slot for name in names for slot in _list_slots(name)))
    for slot in slots:
        if slot not in known:
            raise UnknownName(f"slot for data in '{file}'", slot, known)


def _list_slots(name: str) -> list[str]:
    """Return the slots in the name of a data set, as `_fill_slots` fills them."""
    try:
        return [slot for _, slot, _, _ in Formatter().parse(name) if slot]
    except ValueError:
        return []


def _find_names(slots: Mapping[str, str]) -> dict[str, str]:
    """Return the name of the data set in each slot: that of the folder, or of the reader before the colon.

    A file, and a folder that another one has the name of, is named as it was given.
    """
    names = {slot: _find_name(value) for slot, value in slots.items()}
    counts = Counter(names.values())
    return {slot: name if counts[name] == 1 else slots[slot] for slot, name in names.items()}


def _find_name(dataset: str) -> str:
    path = Path(dataset)
    if path.is_file():
        return dataset
    return path.name if path.exists() else dataset.partition(":")[0]


def _fill_slots(name: str, slots: Mapping[str, str], file: Path) -> str:
    """Replace each ``{slot}`` in the name of a data set, or in a setting that names one."""
    try:
        return name.format_map(slots)
    except KeyError as error:
        slot = str(error).strip("'")
        raise ConfigError(
            f"The recipe '{file}' needs the data '{slot}'.", hint=f"Give it with --data {slot}=PATH."
        ) from None
    except ValueError:
        return name
