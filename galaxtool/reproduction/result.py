"""The results of ``reproduce``: a listing of recipes, or a table."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from galaxtool.reproduction.recipe import TableRecipe
from galaxtool.reproduction.table_row import TableRow


@dataclass(frozen=True)
class RecipeListing:
    """The recipes of tables and figures.

    Parameters
    ----------
    recipes : list of TableRecipe
    chosen : str
        Name of the only recipe that was asked for; empty for all.
    """

    recipes: list[TableRecipe]
    chosen: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return all fields of the recipes as plain values."""
        return {"recipes": [asdict(recipe) for recipe in self.recipes]}


@dataclass(frozen=True)
class ReproduceResult:
    """A table: published and our values.

    Parameters
    ----------
    recipe : TableRecipe
    rows : list of TableRow
    scale : str
    output : Path
        Folder of the table: ``table.csv``, ``table.md``, ``recipe.json``.
    files : list of Path
        Everything that was written there.
    """

    recipe: TableRecipe
    rows: list[TableRow]
    scale: str
    output: Path
    files: list[Path]

    def as_dict(self) -> dict[str, Any]:
        """Return the table as plain values."""
        return {
            "recipe": asdict(self.recipe),
            "scale": self.scale,
            "output": str(self.output),
            "files": [str(file) for file in self.files],
            "rows": [row.as_dict() for row in self.rows],
        }
