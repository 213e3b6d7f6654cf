"""The command line of ``galaxtool reproduce``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from galaxtool.cli.build import build_command
from galaxtool.cli.render import echo, print_table
from galaxtool.commands.reproduce import reproduce
from galaxtool.reproduction.recipe import Fact, TableRecipe
from galaxtool.reproduction.result import RecipeListing, ReproduceResult
from galaxtool.utils.counts import format_count

_EPILOG = (
    "Examples:  galaxtool reproduce --list  |  galaxtool reproduce galaxalign-table4 --scale small  |  "
    "galaxtool reproduce galaxalign-table4 --data galaxy10=Galaxy10_DECals.h5"
)


def command() -> Any:
    """Build the command."""
    return build_command(reproduce, show=_show, epilog=_EPILOG)


def _show(result: RecipeListing | ReproduceResult) -> None:
    if isinstance(result, ReproduceResult):
        _show_table(result)
    elif result.chosen:
        _describe(result.recipes[0])
    else:
        rows = [
            {
                "name": r.name,
                "shows": r.title,
                "data": [d.title for d in r.data],
                "note": r.elsewhere and f"by {r.elsewhere}",
            }
            for r in result.recipes
        ]
        print_table(rows, ("name", "shows", "data", "note"))


def _show_table(result: ReproduceResult) -> None:
    echo(*(result.output / "table.md").read_text(encoding="utf-8").splitlines())
    echo("", f"{_count(result)}; {', '.join(str(file) for file in result.files)}")


def _count(result: ReproduceResult) -> str:
    """Return how many numbers there are: ``12 numbers, 4 missing``."""
    texts = [format_count(sum(row.ours is not None for row in result.rows), "number")]
    counts = {status: sum(row.status == status for row in result.rows) for status in ("missing", "failed")}
    return ", ".join([*texts, *(f"{count} {status}" for status, count in counts.items() if count)])


def _describe(recipe: TableRecipe) -> None:
    """Print what a recipe computes, with the paper's own words."""
    echo(f"{recipe.name}: {recipe.title}", recipe.paper, "")
    if recipe.elsewhere:
        echo(f"Computed by: {recipe.elsewhere}")
    data = [
        {
            "data": d.title,
            "fill with": f"--data {d.same_as or d.slot}=PATH",
            "in the paper": d.paper,
            "splits here": d.protocols,
            "only where": d.where,
        }
        for d in recipe.data
    ]
    if data:
        print_table(data, ("data", "fill with", "in the paper", "splits here", "only where"))
    _print_facts("", recipe.settings)
    for slot in recipe.data:
        _print_facts(f"On {slot.title}:", slot.settings)
    if recipe.rows:
        echo("", f"Trainings of each cell: {recipe.seeds} (in the paper: {recipe.seeds_paper})", "")
        settings = dict.fromkeys(name for row in recipe.rows for name in row.settings)
        rows = [{"row": r.name, **r.settings, "clusters": r.clusters or None} for r in recipe.rows]
        print_table(rows, ("row", *settings, "clusters"))
    for title, texts in (("Conditions that differ", recipe.conditions), ("Misprints", recipe.misprints)):
        if texts:
            echo("", f"{title}:", *(f"* {text}" for text in texts))


def _print_facts(title: str, facts: Sequence[Fact]) -> None:
    if facts:
        rows = [{"setting": f.name, "here": f.ours, "in the paper": f.paper} for f in facts]
        echo("")
        print_table(rows, ("setting", "here", "in the paper"), title=title)
