"""The cells of a table: which trainings each needs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from galaxtool.datasets.open import open_dataset
from galaxtool.errors import ConfigError, UnknownName
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.finetuning.unused_options import drop_unused
from galaxtool.plugins.registry import get_registry
from galaxtool.reproduction.options import ReproduceOptions, make_config
from galaxtool.reproduction.recipe import DataSlot, Row, TableRecipe
from galaxtool.reproduction.splits import PROTOCOLS, write_split
from galaxtool.reproduction.values import EVALUATION

_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9.]+")


@dataclass(frozen=True)
class Training:
    """A training in its run directory.

    Parameters
    ----------
    config : FinetuneConfig
        Its settings.
    path : Path
        Its run directory, whose name ends in a digest of the settings: the same training is shared by all recipes.
    trains : bool
        Whether there is anything to train; if not, the backbone is used as it is.
    clusters : bool
        Whether the features are clustered afterwards.
    evaluates : bool
        Whether it is evaluated on its test images afterwards.
    """

    config: FinetuneConfig
    path: Path
    trains: bool = True
    clusters: bool = False
    evaluates: bool = False


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of the table that is written: a row of the recipe on one data set.

    Parameters
    ----------
    row : Row
    data : DataSlot
    protocol : str
        Way to split the data.
    readout : str
        Way to read the training out; empty for the head of the training.
    at : object
        Value of the axis of the recipe; None without one.
    trainings : tuple of Training
        One for each seed; empty where the data set was not given.
    """

    row: Row
    data: DataSlot
    protocol: str
    readout: str = ""
    at: Any = None
    trainings: tuple[Training, ...] = ()


def plan_lines(recipe: TableRecipe, datasets: Mapping[str, str], options: ReproduceOptions) -> list[Line]:
    """Return the lines of a table in the order in which they are computed.

    Parameters
    ----------
    recipe : TableRecipe
    datasets : mapping of str to str
        Data slot -> what `galaxtool.finetune` opens.
    options : ReproduceOptions

    Raises
    ------
    ConfigError
        If no row or way to split is left.
    UnknownName
        If there is no such way to split.
    """
    for protocol in options.protocols:
        if protocol not in PROTOCOLS:
            raise UnknownName("way to split", protocol, PROTOCOLS)
    if not recipe.rows:
        return []
    planner = _Planner(recipe, datasets, options)
    lines = [line for row in _choose_rows(recipe, options) for line in planner.plan(row)]
    if not lines:
        splits = dict.fromkeys(
            p for row in recipe.rows for d in recipe.data for p in row.protocols.get(d.slot, d.protocols)
        )
        raise ConfigError(
            f"The recipe '{recipe.name}' has no line of that kind.",
            hint=f"Its ways to split the data are {', '.join(splits)}.",
        )
    return lines


def _choose_rows(recipe: TableRecipe, options: ReproduceOptions) -> list[Row]:
    rows = [r for r in recipe.rows if not options.only or any(o.lower() in r.name.lower() for o in options.only)]
    if not rows:
        raise ConfigError(
            f"No row of '{recipe.name}' has '{options.only[0]}' in its name.",
            hint=f"Its rows are {', '.join(row.name for row in recipe.rows)}.",
        )
    return rows


class _Planner:
    """Makes the lines of a table; tables of splits are written once."""

    def __init__(self, recipe: TableRecipe, datasets: Mapping[str, str], options: ReproduceOptions) -> None:
        self.recipe, self.datasets, self.options = recipe, datasets, options
        self._splits: dict[tuple[str, str, float], tuple[Path, str]] = {}

    def plan(self, row: Row) -> Iterator[Line]:
        axis = self.recipe.axis
        for data in self.recipe.data:
            if row.data and data.slot not in row.data:
                continue
            for protocol in row.protocols.get(data.slot, data.protocols):
                if self.options.protocols and protocol not in self.options.protocols:
                    continue
                for at in axis.values if axis else (None,):
                    trainings = self._plan_trainings(row, data, protocol, at)
                    for readout in row.readouts or ("",):
                        yield Line(row=row, data=data, protocol=protocol, readout=readout, at=at, trainings=trainings)

    def _plan_trainings(self, row: Row, data: DataSlot, protocol: str, at: Any) -> tuple[Training, ...]:
        if data.slot not in self.datasets:
            return ()
        dataset = self.datasets[data.slot]
        if protocol == "augmented-first":
            dataset = f"copies:{dataset}"
        split, digest = self._write_split(data, protocol, dataset, row.share)
        common = {fact.name: fact.ours for fact in (*self.recipe.settings, *data.settings)}
        own: dict[str, Any] = {"method": "supervised", **row.settings}
        if self.recipe.axis:
            own[self.recipe.axis.setting] = at
        if data.where:
            own["where"] = data.where
        settings = self.options.shrink({**common, **own}, row.small)
        settings |= {"dataset": (dataset,), "split": split, "readouts": True}
        settings |= {"device": self.options.device, "precision": self.options.precision}
        configs = [
            make_config({**settings, "seed": seed}, {*own, "backbone", *row.small}, self.recipe.name)
            for seed in range(self.options.count_seeds(self.recipe.seeds))
        ]
        # a row whose method is that of a plugin which is not installed says so, like one without its weights
        if own["method"] in get_registry().methods:
            configs = [drop_unused(config) for config in configs]
        return tuple(self._make_training(config, row, data, protocol, digest) for config in configs)

    def _make_training(self, config: FinetuneConfig, row: Row, data: DataSlot, protocol: str, digest: str) -> Training:
        trains = "method" in row.settings
        # where the data lie, and what computes, change nothing
        described = replace(config, dataset=(), split=None, output=None, device="auto")
        changed = {n: v for n, v in described.to_dict().items() if not described.is_default(n)}
        slot = data.same_as or data.slot
        text = json.dumps([slot, self.options.scale, digest, trains, changed], sort_keys=True)
        method = config.method if trains else "untrained"
        words = f"{slot} {protocol} {method} {config.backbone} s{config.seed}"
        name = f"{_NOT_IN_NAME.sub('-', words)}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"
        path = self.options.output / "runs" / name
        evaluates = any(score.value.startswith(f"{EVALUATION}:") for score in self.recipe.scores) and not row.clusters
        return Training(replace(config, output=path), path, trains, row.clusters, evaluates)

    def _write_split(self, data: DataSlot, protocol: str, dataset: str, share: float) -> tuple[Path, str]:
        """Return the table of splits of a data set, and its digest."""
        key = (data.slot, protocol, share)
        if key not in self._splits:
            small = "-small" if self.options.is_small else ""
            part = "" if share == 1 else f"-{share:g}"
            path = self.options.output / "splits" / f"{self.recipe.name}-{data.slot}-{protocol}{part}{small}.csv"
            digest = write_split(
                path,
                open_dataset(dataset),
                protocol,
                test_fraction=data.test_fraction,
                valid_fraction=data.valid_fraction,
                share=share,
            )
            self._splits[key] = path, digest
        return self._splits[key]
