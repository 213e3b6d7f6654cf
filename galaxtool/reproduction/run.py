"""Compute a table of a paper, cell by cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from galaxtool.errors import ConfigError, GalaxtoolError
from galaxtool.reproduction.catalog import load_recipe
from galaxtool.reproduction.data_rows import count_classes
from galaxtool.reproduction.execute import CellOutcome, Runner, is_finished
from galaxtool.reproduction.figures import draw_figures
from galaxtool.reproduction.options import ReproduceOptions
from galaxtool.reproduction.plan import Line, plan_lines
from galaxtool.reproduction.recipe import Score, TableRecipe
from galaxtool.reproduction.result import ReproduceResult
from galaxtool.reproduction.rows import make_row
from galaxtool.reproduction.simulated import simulate_data
from galaxtool.reproduction.slots import fill_slots
from galaxtool.reproduction.table_row import TableRow
from galaxtool.reproduction.tables import SMALL_NOTE, write_csv, write_markdown
from galaxtool.types import Progress
from galaxtool.utils.files.atomic_write import write_json


def reproduce_table(name: str, data: Sequence[str], options: ReproduceOptions, progress: Progress) -> ReproduceResult:
    """Train what is missing and write the table; see `galaxtool.commands.reproduce.reproduce`."""
    recipe = load_recipe(name)
    if recipe.elsewhere:
        raise ConfigError(
            f"'{name}' is computed by a command of its own: {recipe.elsewhere}.",
            hint=f"Run: {recipe.elsewhere} --help; if there is no such command, install its plugin (docs/plugins.md).",
        )
    datasets = simulate_data(recipe, options) if options.is_small else fill_slots(recipe, data)
    lines = plan_lines(recipe, datasets, options)
    folder = options.output / (f"{recipe.name}-small" if options.is_small else recipe.name)
    table = _Table(recipe, lines, folder, options)
    if options.is_small:
        progress.say(SMALL_NOTE)
    try:
        if recipe.rows:
            _run_lines(lines, table, progress)
        else:
            table.replace(count_classes(recipe, datasets))
            table.write()
        draw_figures(recipe, lines, datasets, folder, progress)
    except KeyboardInterrupt as error:
        # in place of how to resume an evaluation, by an option that this command does not have
        error.__notes__ = [f"The same command continues; the table so far is '{folder / 'table.md'}'."]
        raise
    return ReproduceResult(recipe, table.rows, options.scale, folder, sorted(folder.iterdir()))


def _run_lines(lines: Sequence[Line], table: _Table, progress: Progress) -> None:
    """Run all trainings, and write the table after each line; what is finished is there from the start."""
    runner = Runner(progress)
    for number, line in enumerate(lines):
        if line.trainings and all(map(is_finished, line.trainings)):
            table.fill(number, line, [CellOutcome("done")] * len(line.trainings))
    table.write()
    total = len({training.path for line in lines for training in line.trainings})
    seen: set[Path] = set()
    for number, line in enumerate(lines):
        outcomes = []
        for training in line.trainings:
            if training.path not in seen:
                seen.add(training.path)
                where = f"{line.row.name}, {line.data.title}, {line.protocol} split, seed {training.config.seed}"
                progress.say(f"Training {len(seen)} of {total}: {where}")
            outcomes.append(runner.run(training))
        table.fill(number, line, outcomes)
        table.write()
    if not any(row.status == "done" for row in table.rows):
        reason = next(row.reason for row in table.rows)
        raise GalaxtoolError(
            f"No cell of '{table.recipe.name}' could be computed: {reason}",
            hint=f"The reason for each is in '{table.folder / 'table.csv'}'; --scale small needs no data and weights.",
        )


def _choose_scores(recipe: TableRecipe, line: Line) -> list[Score]:
    return [score for score in recipe.scores if not score.data or line.data.slot in score.data]


class _Table:
    """The table as it fills: written after each line."""

    def __init__(self, recipe: TableRecipe, lines: Sequence[Line], folder: Path, options: ReproduceOptions) -> None:
        self.recipe, self.folder, self.options = recipe, folder, options
        self._parts = [[make_row(line, score) for score in _choose_scores(recipe, line)] for line in lines]
        write_json(folder / "recipe.json", {"scale": options.scale, **asdict(recipe)})

    @property
    def rows(self) -> list[TableRow]:
        """All rows so far."""
        return [row for part in self._parts for row in part]

    def replace(self, rows: list[TableRow]) -> None:
        """Set all rows."""
        self._parts = [rows]

    def fill(self, number: int, line: Line, outcomes: Sequence[CellOutcome]) -> None:
        """Set the numbers of a line."""
        why_not = "" if line.trainings else f"no --data {line.data.same_as or line.data.slot}=PATH was given"
        self._parts[number] = [make_row(line, score, outcomes, why_not) for score in _choose_scores(self.recipe, line)]

    def write(self) -> None:
        """Write the files."""
        write_csv(self.folder / "table.csv", self.rows)
        write_markdown(self.folder / "table.md", self.recipe, self.rows, is_small=self.options.is_small)
