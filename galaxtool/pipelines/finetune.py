"""Training a classifier, from images to a model directory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from galaxtool.config import one_of
from galaxtool.errors import ConfigError
from galaxtool.pipelines.recipes import with_recipe
from galaxtool.pipelines.training_run import FinetuneResult, create_run, prepare, resume_run, train
from galaxtool.requires import require
from galaxtool.types import Progress, Silent


def finetune(
    dataset: Sequence[str | Path] = (),
    *,
    out: Path | None = None,
    method: str = "galaxalign",
    backbone: str = "mini",
    taxonomy: str | None = None,
    symbols: Path | None = None,
    where: str | None = None,
    weight: Sequence[str] = (),
    image_column: str | None = None,
    label_column: str | None = None,
    all_classes: bool = False,
    recipe: str | None = None,
    data: Sequence[str] = (),
    fraction: float = 1.0,
    valid_fraction: float = 0.15,
    epochs: int | None = None,
    warmup_epochs: int | None = None,
    batch_size: int = 32,
    lr: float | None = None,
    weight_decay: float = 0.05,
    patience: int = 10,
    contrast: str = "instance",
    score: str = "both",
    crop: float = 1.0,
    stretch: str = "auto",
    seed: int = 0,
    precision: str = "auto",
    device: str = "auto",
    resume: Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> FinetuneResult:
    """Train a classifier on labelled cutouts.

    Without DATASET it learns from 1200 simulated galaxies. The run directory keeps the model, the split, the history
    and a manifest; Ctrl-C leaves a run that --resume continues.

    Parameters
    ----------
    dataset : sequence of str or Path
        Registered names, name:PATH, folders with class sub-folders or a labels.csv, or catalogues; several are mixed.
    out : Path, optional
        Run directory; by default runs/<utc time>-<method>.
    method : str
        How to train; see galaxtool methods.
    backbone : str
        What to train, as source:architecture@weights; @none starts from random weights. See galaxtool backbones.
    taxonomy : str, optional
        Taxonomy of the labels; by default the one that they all fit.
    symbols : Path, optional
        Folder with one image for each of your own classes.
    where : str, optional
        Only rows for which this holds, e.g. "odd_pool == 0 and label in ('spiral', 'edge_on')".
    weight : sequence of str
        How often a data set is seen, as NAME=2; can be given several times.
    image_column, label_column : str, optional
        Columns of a catalogue or labels.csv, where they do not have one of the usual names.
    all_classes : bool
        Keep the taxonomy's classes that no image has.
    recipe : str, optional
        Registered name or TOML file with settings; what is given here goes before it.
    data : sequence of str
        Fills a recipe's data slot, as SLOT=PATH; can be given several times.
    fraction : float
        Train on this fraction of each class; smaller fractions lie within larger ones.
    valid_fraction : float
        Part of each class kept for validation, where the data have no split of their own.
    epochs : int, optional
        Of the last stage; 20 by default.
    warmup_epochs : int, optional
        Of the stage before it; 11 by default, and never more than --epochs where only that is given.
    batch_size : int
        Images a step.
    lr : float, optional
        Peak learning rate; by default what suits the backbone.
    weight_decay : float
        Of AdamW.
    patience : int
        Stop after so many epochs of the last stage without a better validation score; 0 never stops.
    contrast : str
        Negatives of the contrastive losses: instance (as printed in the paper) or class.
    score : str
        What classifies: similarity to the prompt, the symbol, or both.
    crop : float
        Fraction of the image's side that is kept, about the centre.
    stretch : str
        How FITS data are shown: auto, linear, asinh, log, zscale or lupton.
    seed : int
        Of the split, the order, the augmentation and random weights.
    precision : str
        auto, fp32, bf16 or fp16; auto is bf16 where the processor computes in it.
    device : str
        auto, cpu, cuda, cuda:1 or mps.
    resume : Path, optional
        Go on with an interrupted run; its own settings count.
    overwrite : bool
        Empty an existing run directory first.

    Returns
    -------
    FinetuneResult

    Raises
    ------
    GalaxtoolError
        If the data, the settings or the output cannot be used.
    KeyboardInterrupt
        After Ctrl-C, when the run has been put away.
    """
    given = dict(locals())
    progress = given.pop("progress") or Silent()
    where_to_resume = given.pop("resume")
    given.pop("overwrite")
    require("torch", why="Training", install="torch")
    if where_to_resume is not None:
        return resume_run(Path(where_to_resume), progress)
    if isinstance(dataset, (str, Path)):
        given["dataset"] = [dataset]
    settings, sources = with_recipe(given, finetune)
    check_settings(settings)
    prepared = prepare(settings)
    run = create_run(settings, sources, overwrite)
    return train(run, settings, prepared, progress, resume=False)


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raise `ConfigError` for a value that no training can use."""
    one_of("contrast", settings["contrast"], ("instance", "class"))
    one_of("score", settings["score"], ("prompt", "symbol", "both"))
    for name, least in (("batch_size", 2), ("epochs", 1), ("warmup_epochs", 0), ("patience", 0), ("seed", 0)):
        value = settings[name]
        if value is not None and value < least:
            raise ConfigError(f"--{name.replace('_', '-')} is {value}; it must be at least {least}.")
    for name in ("fraction", "crop"):
        if not 0 < settings[name] <= 1:
            raise ConfigError(f"--{name} is {settings[name]}; it must be above 0 and at most 1.")
    if not 0 < settings["valid_fraction"] < 1:
        raise ConfigError(f"--valid-fraction is {settings['valid_fraction']}; it must be between 0 and 1.")
    if settings["lr"] is not None and not 0 < settings["lr"] < math.inf:
        raise ConfigError(f"--lr is {settings['lr']}; it must be a number above 0.")
    if not 0 <= settings["weight_decay"] < math.inf:
        raise ConfigError(f"--weight-decay is {settings['weight_decay']}; it must be a number of at least 0.")
    if settings["seed"] >= 2**63:
        raise ConfigError(f"--seed is {settings['seed']}; it must be below 2^63.")
