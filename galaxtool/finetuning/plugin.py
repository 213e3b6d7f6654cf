"""The built-in recipes."""

from __future__ import annotations

from pathlib import Path

from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import RecipeSpec


@hookimpl
def register_recipes() -> list[RecipeSpec]:
    """Return the recipe of the bundled model."""
    return [
        RecipeSpec(
            name="mini",
            summary="How the bundled model was trained: galaxtool finetune --recipe mini",
            path=str(Path(__file__).resolve().parent / "recipe_files" / "mini.toml"),
        )
    ]
