"""Recipes of the tables and figures of papers: TOML files that say what to train, and what was published."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from galaxtool.errors import ConfigError, suggest_name
from galaxtool.finetuning.config import FinetuneConfig

T = TypeVar("T")

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
    """

    name: str
    title: str
    value: str
    data: tuple[str, ...] = ()


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
        Settings of the kind, as ``NAME=VALUE``; ``{backbone}`` stands for the backbone of the first training.
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
    waiting : str
        Why it cannot be computed yet; empty if it can.
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
    waiting: str = ""

    def find_data(self, slot: str) -> DataSlot:
        """Return a data set by its slot."""
        return next(data for data in self.data if data.slot == slot)


def read_table_recipe(path: Path) -> TableRecipe:
    """Read a recipe; its name is that of the file.

    A recipe with the entry ``extends`` has all entries of another one in the same folder that it does not have itself.

    Raises
    ------
    ConfigError
        If the file cannot be read, or has an entry that is unknown or missing.
    """
    content = _read_toml(path)
    if "extends" in content:
        content = {**_read_toml(path.with_name(f"{content.pop('extends')}.toml")), **content}
    return _Parser(path).parse(content)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"The recipe '{path}' cannot be read: {error}.", hint="galaxtool reproduce --list names those that exist."
        ) from error


class _Parser:
    """Turns the content of a TOML file into a recipe; an error names the file and the place in it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def parse(self, content: dict[str, Any]) -> TableRecipe:
        seeds = content.pop("seeds", 1)
        fact = seeds if isinstance(seeds, dict) else {"ours": seeds}
        axis = content.pop("axis", None)
        return self._make(
            TableRecipe,
            "recipe",
            {
                **content,
                "name": self.path.stem,
                "data": tuple(self._parse_data(slot, entry) for slot, entry in content.get("data", {}).items()),
                "settings": self._parse_facts("settings", content.get("settings", {})),
                "rows": tuple(self._parse_row(entry) for entry in content.get("rows", [])),
                "scores": tuple(
                    self._make(Score, "scores", {"title": entry.get("name"), **entry})
                    for entry in content.get("scores", [])
                ),
                "figures": tuple(self._make(FigureRecipe, "figures", entry) for entry in content.get("figures", [])),
                "axis": None if axis is None else self._make(Axis, "axis", axis),
                "seeds": fact["ours"],
                "seeds_paper": fact.get("paper", NOT_STATED),
            },
        )

    def _parse_data(self, slot: str, entry: dict[str, Any]) -> DataSlot:
        facts = self._parse_facts(f"data.{slot}.settings", entry.get("settings", {}))
        return self._make(DataSlot, f"data.{slot}", {"reader": slot, **entry, "slot": slot, "settings": facts})

    def _parse_row(self, entry: dict[str, Any]) -> Row:
        for part in ("settings", "small"):
            self._check_settings(f"rows '{entry.get('name')}'", entry.get(part, {}))
        return self._make(Row, f"rows '{entry.get('name')}'", entry)

    def _parse_facts(self, where: str, entries: dict[str, Any]) -> tuple[Fact, ...]:
        self._check_settings(where, entries)
        return tuple(
            self._make(Fact, f"{where}.{name}", {"name": name, **(e if isinstance(e, dict) else {"ours": e})})
            for name, e in entries.items()
        )

    def _check_settings(self, where: str, names: Mapping[str, Any]) -> None:
        for name in names:
            if name not in FinetuneConfig.names():
                near = suggest_name(name, FinetuneConfig.names())
                raise ConfigError(
                    f"The recipe '{self.path}' sets '{name}' in {where}, which is not a parameter of finetune.",
                    hint=f"Did you mean '{near}'?" if near else "See galaxtool finetune --help.",
                )

    def _make(self, kind: type[T], where: str, entry: dict[str, Any]) -> T:
        """Build a dataclass from a TOML table; lists become tuples."""
        known = [f.name for f in fields(kind)]  # type: ignore[arg-type]
        unknown = [name for name in entry if name not in known]
        if unknown:
            near = suggest_name(unknown[0], known)
            raise ConfigError(
                f"The recipe '{self.path}' has an unknown entry '{unknown[0]}' in {where}.",
                hint=f"Did you mean '{near}'?" if near else f"Known: {', '.join(known)}.",
            )
        try:
            return kind(**{name: _freeze(value) for name, value in entry.items()})
        except TypeError as error:
            raise ConfigError(f"The recipe '{self.path}' lacks an entry in {where}: {error}.", hint="Add it.") from None


def _freeze(value: Any) -> Any:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
