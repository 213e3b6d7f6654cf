"""What the user asks of a reproduction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galaxtool.errors import ConfigError
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.utils.config import check_choice

SCALES = ("full", "small")
MIN_IMAGES = 20
"""Fewest simulated images of which each split has some."""

SMALL_BACKBONE = "small-resnet@none"
"""Network that stands in for all others at the small scale: its weights are random, so none have to be fetched."""

_SMALL: dict[str, Any] = {"image_size": 32, "batch_size": 16, "epochs": 2, "warmup_epochs": 1}


@dataclass(frozen=True, kw_only=True)
class ReproduceOptions:
    """What to compute, and where.

    Parameters
    ----------
    output : Path
        Folder of the runs, splits and tables.
    scale : {"full", "small"}
        The recipe as it is; or with simulated images and tiny networks.
    images : int
        Number of simulated images in each data set, at the small scale.
    only : tuple of str
        Parts of the names of rows to compute; empty for all.
    protocols : tuple of str
        Ways to split the data to compute; empty for all of the recipe.
    seeds : int, optional
        Number of trainings of each cell; by default what the recipe says, and one at the small scale.
    device, precision : str
        As in `galaxtool.finetune`.
    """

    output: Path = Path("reproduction")
    scale: str = "full"
    images: int = 120
    only: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    seeds: int | None = None
    device: str = "auto"
    precision: str = "auto"

    def __post_init__(self) -> None:
        check_choice("scale", self.scale, SCALES)
        if self.seeds is not None and self.seeds < 1:
            raise ConfigError(f"--seeds is {self.seeds}; it must be at least 1.", hint="Leave it out for the recipe's.")
        if self.images < MIN_IMAGES:
            raise ConfigError(f"--images is {self.images}; it must be at least {MIN_IMAGES}.", hint="Leave it out.")

    @property
    def is_small(self) -> bool:
        """Whether simulated images and tiny networks stand in."""
        return self.scale == "small"

    def shrink(self, settings: dict[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings of a training at this scale; `own` are those of its row at the small scale."""
        if not self.is_small:
            return settings
        common = dict(_SMALL)
        if "warmup_epochs" not in settings:
            del common["warmup_epochs"]
        if "backbone" in own:  # which may have a size of its own
            del common["image_size"]
        return {**settings, "backbone": SMALL_BACKBONE, **common, **own}

    def count_seeds(self, recipe_seeds: int) -> int:
        """Return the number of trainings of each cell."""
        return self.seeds or (1 if self.is_small else recipe_seeds)


def make_config(settings: dict[str, Any], own: set[str], recipe: str) -> FinetuneConfig:
    """Return the settings of a training.

    Parameters
    ----------
    settings : dict
        All settings.
    own : set of str
        Those of the row itself; the others are common to the recipe, and dropped where the method does not use them.
    recipe : str
        Name of the recipe.
    """
    sources = {name: f"recipe {recipe}" + (", its row" if name in own else "") for name in settings}
    return FinetuneConfig(**settings, sources=sources)
