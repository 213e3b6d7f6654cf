"""The recipe of a table of detectors: rows, settings, and what was published."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RECIPE = Path(__file__).resolve().parent / "recipes" / "lastufka2024-table4.toml"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A training of the table, once for each seed.

    Parameters
    ----------
    row : str
        Name of the row.
    backbone, mode : str
        As for ``detect train``.
    data : str
        ``rgz``, ``mgcls`` or ``simulated``.
    published : float or None
        mAP@50 as printed.
    settings : dict
        Further settings of the training.
    """

    row: str
    backbone: str
    mode: str
    data: str
    published: float | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """Name of the folder of its trainings, without the seed."""
        backbone = self.backbone.replace(":", "-").partition("@")[0]
        return f"{self.data}-{backbone}-{self.mode}"


@dataclass(frozen=True, kw_only=True)
class Scale:
    """A table that is computed on simulated fields.

    Parameters
    ----------
    fields : dict
        ``n``, ``size`` and ``density`` of ``detect simulate``.
    pretraining : dict
        ``fields``, the number of fields whose sources are cut out, and ``epochs``; ``image_sizes`` of
        backbones that are trained on other images than those of their own size.
    settings : dict
        Settings of every training.
    test_fields : int
        Number of further fields, on which the trainings are scored.
    rates : dict of str to float
        Mode -> learning rate, where it is not chosen by a sweep.
    """

    fields: dict[str, Any]
    test_fields: int
    pretraining: dict[str, Any]
    settings: dict[str, Any]
    rates: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TableRecipe:
    """The recipe of a table.

    Parameters
    ----------
    paper, title : str
        The paper, and what the table shows.
    misprints : tuple of str
        What is printed wrongly.
    cells : tuple of Cell
        All trainings of the paper.
    simulated : tuple of dict
        Rows of the small scales: ``name``, ``backbone`` and ``modes``.
    scales : dict of str to Scale
        The small scales.
    """

    paper: str
    title: str
    misprints: tuple[str, ...]
    cells: tuple[Cell, ...]
    simulated: tuple[dict[str, Any], ...]
    scales: dict[str, Scale]

    def list_simulated(self, scale: str) -> list[Cell]:
        """Return the trainings of a small scale."""
        one = self.scales[scale]
        return [
            Cell(
                row=row["name"],
                backbone=row["backbone"],
                mode=mode,
                data="simulated",
                settings={**one.settings, "lr": one.rates.get(mode)},
            )
            for row in self.simulated
            for mode in row["modes"]
        ]


def read_recipe(path: Path = RECIPE) -> TableRecipe:
    """Read the recipe."""
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    cells = [
        Cell(
            row=row["name"],
            backbone=row["backbone"],
            mode=row["mode"],
            data=data,
            published=published,
            settings={**values["settings"], "image_size": values["image_sizes"][data]},
        )
        for row in values["rows"]
        for data, published in row["published"].items()
    ]
    return TableRecipe(
        paper=values["paper"],
        title=values["title"],
        misprints=tuple(values["misprints"]),
        cells=tuple(cells),
        simulated=tuple(values["simulated"]),
        scales={name: Scale(**one) for name, one in values["scales"].items()},
    )
