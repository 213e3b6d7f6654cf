"""The built-in recipes."""

from __future__ import annotations

from pathlib import Path

from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import RecipeSpec


@hookimpl
def register_recipes() -> list[RecipeSpec]:
    """Return the recipes of the bundled models."""
    folder = Path(__file__).resolve().parent / "recipe_files"
    return [
        RecipeSpec(
            name="mini",
            summary="The first part of the training of the bundled optical model; needs --data gz2=, gz1= and decals=.",
            path=str(folder / "mini.toml"),
        ),
        RecipeSpec(
            name="mini-finish",
            summary="The second part of the training of the bundled optical model; also needs --backbone.",
            path=str(folder / "mini-finish.toml"),
        ),
        RecipeSpec(
            name="mini-radio",
            summary="How the bundled model of radio galaxies was trained; needs --data first=.",
            path=str(folder / "mini-radio.toml"),
        ),
    ]
