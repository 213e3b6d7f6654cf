"""Fill the data slots of a recipe from ``--data``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from galaxtool.errors import ConfigError, UnknownName
from galaxtool.reproduction.recipe import TableRecipe
from galaxtool.utils.suggestions import suggest_path

_FILES = {"galaxy10": "Galaxy10_DECals.h5"}
"""Reader -> the file that it takes from a folder."""


def fill_slots(recipe: TableRecipe, given: Sequence[str]) -> dict[str, str]:
    """Return what to open for each data slot that was given.

    Parameters
    ----------
    recipe : TableRecipe
    given : sequence of str
        ``SLOT=PATH``; or just a path, where the recipe has a single slot.

    Raises
    ------
    ConfigError
        If nothing was given, or a plain path where there are several slots.
    UnknownName
        If the recipe has no such slot.
    """
    slots = {data.slot: data.reader for data in recipe.data if not data.same_as}
    example = " ".join(f"--data {slot}=PATH" for slot in slots)
    if not given:
        raise ConfigError(
            f"'{recipe.name}' needs data: {', '.join(data.title for data in recipe.data if not data.same_as)}.",
            hint=f"Give {example}, or --scale small, which simulates them.",
        )
    found = {}
    for text in given:
        slot, equals, path = text.partition("=")
        if not equals or (slot not in slots and Path(text).exists()):
            if len(slots) > 1:
                raise ConfigError(f"--data {text} does not say which data set it is.", hint=f"Write {example}.")
            slot, path = next(iter(slots)), text
        if slot not in slots:
            raise UnknownName("data set of the recipe", slot, slots)
        file = Path(path).expanduser()
        if not file.exists():
            raise ConfigError(f"There is no file or folder '{path}'.", hint=suggest_path(file) or f"Check {example}.")
        inside = file / _FILES.get(slots[slot], "")
        found[slot] = f"{slots[slot]}:{inside if inside.is_file() else file}"
    return fill_twins(recipe, found)


def fill_twins(recipe: TableRecipe, found: Mapping[str, str]) -> dict[str, str]:
    """Add the data sets that are those of another slot."""
    twins = {data.slot: found[data.same_as] for data in recipe.data if data.same_as in found}
    return {**found, **twins}
