"""The registered recipes of tables and figures."""

from __future__ import annotations

from pathlib import Path

from galaxtool.errors import ConfigError, UnknownName
from galaxtool.plugins.registry import get_registry
from galaxtool.reproduction.recipe import TableRecipe
from galaxtool.reproduction.recipe_file import read_table_recipe
from galaxtool.reproduction.result import RecipeListing


def list_recipes(name: str = "") -> RecipeListing:
    """Return all recipes of tables and figures, or the one of this name."""
    recipes = get_registry().recipes
    if name:
        return RecipeListing([load_recipe(name)], chosen=name)
    return RecipeListing([load_recipe(spec.name) for spec in recipes.specs() if spec.command == "reproduce"])


def load_recipe(name: str) -> TableRecipe:
    """Return the recipe of a registered name, or of a TOML file.

    Raises
    ------
    UnknownName
        If there is none.
    ConfigError
        If it is a recipe of ``finetune``.
    """
    if Path(name).suffix == ".toml":
        return read_table_recipe(Path(name))
    recipes = get_registry().recipes
    try:
        registration = recipes.find(name)
    except UnknownName as error:  # without the recipes of finetune
        raise UnknownName("recipe", name, [s.name for s in recipes.specs() if s.command == "reproduce"]) from error
    if registration.spec.command != "reproduce":
        raise ConfigError(
            f"'{name}' is a recipe of finetune, not a table of a paper.", hint=f"galaxtool finetune --recipe {name}"
        )
    recipe: TableRecipe = registration.load()(Path(registration.spec.path))
    return recipe
