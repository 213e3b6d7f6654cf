"""The command ``reproduce``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from galaxtool.commands.shared_options import describe_shared_options
from galaxtool.errors import ConfigError
from galaxtool.reproduction.result import RecipeListing, ReproduceResult
from galaxtool.types import Progress, Silent
from galaxtool.utils.optional_imports import require
from galaxtool.utils.path_arguments import accept_paths


@accept_paths
@describe_shared_options
def reproduce(
    recipe: str | Path = "",
    *,
    list: bool = False,
    data: Sequence[str] = (),
    scale: str = "full",
    output: Path = Path("reproduction"),
    only: Sequence[str] = (),
    protocol: Sequence[str] = (),
    seeds: int | None = None,
    images: int = 120,
    device: str = "auto",
    precision: str = "auto",
    progress: Progress | None = None,
) -> RecipeListing | ReproduceResult:
    """Measure a table or figure of a paper again, beside the published values.

    Trains what is missing, one cell after another, and writes the table after each. Run it again to continue: finished
    trainings are not repeated, and an interrupted one is resumed. Cells whose weights or data are not on this machine
    say so, and the others are computed.

    Parameters
    ----------
    recipe : str or Path
        Table or figure, such as galaxalign-table4 (see --list), or a TOML file of your own.
    list : bool
        List the tables and figures of the papers, or describe the one that is named: data, settings with the paper's
        own words, and the conditions that differ.
    data : sequence of str
        Data set of the recipe, as SLOT=PATH, or just PATH if it has one; can be repeated.
    scale : str
        full: the recipe as it is; small: a test run with simulated images and tiny networks, which takes minutes.
    output : Path
        Folder for the trainings, splits and tables of all recipes.
    only : sequence of str
        Compute the rows with this text in their names; can be repeated.
    protocol : sequence of str
        Compute only this way to split the data: given, leak-safe, random or augmented-first; can be repeated.
    seeds : int, optional
        Number of trainings of each cell; by default what the recipe says, and 1 at the small scale.
    images : int
        Number of simulated images in each data set, at the small scale.
    {device}
    {precision}
    {progress}

    Returns
    -------
    RecipeListing or ReproduceResult
        The recipes, or the rows of the table: each with the published value, ours, its interval and the difference.

    Raises
    ------
    GalaxtoolError
        If there is no such recipe, it has no such row, or none of its cells can be computed.
    KeyboardInterrupt
        After Ctrl-C, once the training has been saved; the same command continues.
    """
    if list:
        from galaxtool.reproduction.catalog import list_recipes

        return list_recipes(str(recipe))
    if not recipe:
        raise ConfigError("No table or figure was named.", hint="galaxtool reproduce --list shows them.")
    require("torch", why="Training", install="torch")
    from galaxtool.reproduction.options import ReproduceOptions
    from galaxtool.reproduction.run import reproduce_table

    options = ReproduceOptions(
        output=Path(output), scale=scale, images=images, only=tuple(only), protocols=tuple(protocol), seeds=seeds,
        device=device, precision=precision,
    )  # fmt: skip
    return reproduce_table(str(recipe), data, options, progress or Silent())
