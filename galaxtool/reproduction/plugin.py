"""The built-in recipes of tables and figures, and the data set ``copies``."""

from __future__ import annotations

from pathlib import Path

from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import DatasetSpec, RecipeSpec

_RECIPES = (("galaxalign-table4", "Ablation of GalaxAlign in classification."),)


@hookimpl
def register_recipes() -> list[RecipeSpec]:
    """Return the recipes of tables and figures."""
    folder = Path(__file__).resolve().parent / "recipe_files"
    return [
        RecipeSpec(
            name=name,
            summary=summary,
            path=str(folder / f"{name}.toml"),
            command="reproduce",
            factory="galaxtool.reproduction.recipe:read_table_recipe",
        )
        for name, summary in _RECIPES
    ]


@hookimpl
def register_datasets() -> list[DatasetSpec]:
    """Return the data set that shows what augmenting before splitting is worth."""
    return [
        DatasetSpec(
            name="copies",
            summary="another data set with a turned copy of each image, to show what a leak is worth: copies:NAME:PATH",
            factory="galaxtool.reproduction.copies:open_copies",
            needs_path=True,
        )
    ]
