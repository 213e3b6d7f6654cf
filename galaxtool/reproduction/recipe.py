"""Recipes of the tables and figures of papers: what to train, and what was published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NOT_STATED = "not stated"


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A setting: the value that is used, and the paper's own words.

    Parameters
    ----------
    name : str
        Parameter of `galaxtool.finetune`, or any other word for something that is not one.
    ours : object
        Value that is used.
    paper : str
        The paper's words, or ``not stated``.
    """

    name: str
    ours: Any
    paper: str = NOT_STATED


@dataclass(frozen=True, kw_only=True)
class DataSlot:
    """A data set of a recipe, which the user fills.

    Parameters
    ----------
    slot : str
        Name that the user fills: ``--data galaxy10=PATH``.
    reader : str
        Registered data set that reads it.
    title : str
        Name in the table.
    paper : str
        The paper's words on the data and how they are split.
    protocols : tuple of str
        Ways to split it, see `galaxtool.reproduction.splits.PROTOCOLS`.
    test_fraction, valid_fraction : float
        Fractions of each class for the test and for the validation, where the data have no split of their own.
    where : str
        Condition that selects images.
    settings : tuple of Fact
        Settings of trainings on this data set alone.
    same_as : str
        Slot of the same files, where they are used twice: with other labels, say. The user fills that one.
    """

    slot: str
    reader: str
    title: str
    paper: str = NOT_STATED
    protocols: tuple[str, ...] = ("given",)
    test_fraction: float = 0.2
    valid_fraction: float = 0.1
    where: str = ""
    settings: tuple[Fact, ...] = ()
    same_as: str = ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of a table: a training for each data set and seed.

    Parameters
    ----------
    name : str
        Name as printed.
    settings : mapping
        Settings of `galaxtool.finetune` that differ from those of the recipe.
    published : mapping
        Data slot -> score -> value as printed, or the value and its standard deviation.
    readouts : tuple of str
        Ways to read the training out, one line for each; empty for the head of the training.
    protocols : mapping of str to tuple of str
        Data slot -> ways to split it, where they are not those of the data set.
    data : tuple of str
        Data slots of this row; empty for all.
    share : float
        Fraction of each class of the whole data set that is used, before it is split.
    clusters : bool
        Whether the features of all images are clustered, after the training if the settings have a method.
    small : mapping
        Settings at the small scale that differ from those of the other rows there.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    published: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    readouts: tuple[str, ...] = ()
    protocols: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    data: tuple[str, ...] = ()
    share: float = 1.0
    clusters: bool = False
    small: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Score:
    """A column of a table.

    Parameters
    ----------
    name : str
        Name in the files.
    title : str
        Heading as printed.
    value : str
        Where the value comes from, see `galaxtool.reproduction.values`.
    data : tuple of str
        Data slots that have it; empty for all.
    published : str
        Score whose published value stands beside it, where the paper leaves open which of several it printed; by
        default the one of its own name.
    """

    name: str
    title: str
    value: str
    data: tuple[str, ...] = ()
    published: str = ""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A setting that takes several values in each row, as on the horizontal axis of a figure."""

    setting: str
    values: tuple[Any, ...]
    paper: str = NOT_STATED


@dataclass(frozen=True, kw_only=True)
class FigureRecipe:
    """A figure that is drawn when the numbers are there, for each data set or for all together.

    Parameters
    ----------
    kind : str
        Kind of `galaxtool plot`; or ``clusters``, the confusion matrix of clusters.
    of : {"runs", "evaluations", "images", "data"}
        What it draws: the trainings, evaluations of them on their test images, all images of the data set as the first
        training sees them, or the data set itself.
    data : tuple of str
        Data slots; empty for all.
    rows : tuple of str
        Names of the rows; empty for all.
    columns : {1, 2}
        Columns of a journal page that it spans.
    options : tuple of str
        Settings of the kind, as ``NAME=VALUE``; ``{backbone}`` stands for the backbone of the first training, and
        ``{run:ROW}`` for the run directory of a row. A setting of a row that was not trained is left out.
    together : bool
        Whether one figure shows all data sets.
    """

    kind: str
    of: str = "runs"
    data: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    columns: int = 1
    options: tuple[str, ...] = ()
    together: bool = False


@dataclass(frozen=True, kw_only=True)
class TableRecipe:
    """A table or figure of a paper.

    Parameters
    ----------
    name : str
        Identifier: ``galaxalign-table4``.
    paper : str
        Authors, year and arXiv identifier.
    title : str
        What it shows.
    kind : {"table", "figure"}
    data : tuple of DataSlot
    settings : tuple of Fact
        Settings of all trainings.
    rows : tuple of Row
        Empty for a figure of the data alone, whose numbers are the images of each class.
    scores : tuple of Score
    figures : tuple of FigureRecipe
    axis : Axis, optional
    seeds : int
        Number of trainings of each cell, which differ in their random seed.
    seeds_paper : str
        The paper's words on repeated trainings.
    conditions : tuple of str
        Conditions that differ from the paper's.
    misprints : tuple of str
    elsewhere : str
        Command of a plugin that computes it; empty if `galaxtool reproduce` does.
    """

    name: str
    paper: str
    title: str
    kind: str = "table"
    data: tuple[DataSlot, ...] = ()
    settings: tuple[Fact, ...] = ()
    rows: tuple[Row, ...] = ()
    scores: tuple[Score, ...] = ()
    figures: tuple[FigureRecipe, ...] = ()
    axis: Axis | None = None
    seeds: int = 1
    seeds_paper: str = NOT_STATED
    conditions: tuple[str, ...] = ()
    misprints: tuple[str, ...] = ()
    elsewhere: str = ""
