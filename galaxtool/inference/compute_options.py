"""The options that decide where, by which engine and in what batches images are scored."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from galaxtool.backbones.layers import JOINT, LAYERS
from galaxtool.errors import ConfigError
from galaxtool.jobs.job import PARTS, job_folder
from galaxtool.jobs.record import FILE_NAME, load_values
from galaxtool.plugins.registry import get_registry
from galaxtool.utils.config import check_choice

BATCH_SIZE = 64
"""Default number of images in a batch."""

MOST_PASSES = 1000
"""Largest number of passes with dropout."""

VIEWS = (1, 2, 4, 8)
"""Numbers of views of an image: itself, also mirrored, its four quarter turns, or those also mirrored."""

_MEMORY_SHARE = 4  # copies of a model take at most a quarter of the memory


@dataclass(frozen=True, kw_only=True)
class ComputeOptions:
    """Where, by which engine and in what batches images are scored.

    Parameters
    ----------
    executor : str
        ``auto``, a registered name, or a name and an address: ``ray://head:10001``.
    workers : int, optional
        Number of workers; one per available core by default.
    batch_size : int
        Images in a batch.
    engine, provider, device, precision : str
        As on the command line, see `galaxtool.models.engines.open.open_engine`.
    tta : int, optional
        Number of views of each image, turned and mirrored, whose results are averaged; by default that of the model.
    layer : str
        Layer whose features are the embeddings, of `galaxtool.backbones.layers.LAYERS`.
    passes : int, optional
        Number of passes with dropout of a model of votes; none by default.

    Raises
    ------
    ConfigError
        If a number is not positive, or there is no such number of views.
    UnknownName
        If the executor does not exist.
    """

    executor: str = "auto"
    workers: int | None = None
    batch_size: int = BATCH_SIZE
    engine: str = "auto"
    provider: str = "auto"
    device: str = "auto"
    precision: str = "auto"
    tta: int | None = None
    layer: str = JOINT
    passes: int | None = None

    def __post_init__(self) -> None:
        for name in ("batch_size", "workers"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise ConfigError(
                    f"--{name.replace('_', '-')} is {value}; it must be at least 1.",
                    hint="Leave it out for the default.",
                )
        check_views(self.tta)
        if self.passes is not None and not 2 <= self.passes <= MOST_PASSES:
            raise ConfigError(
                f"--passes is {self.passes}; it must be from 2 to {MOST_PASSES}.", hint="Walmsley et al. 2022 use 5."
            )
        if self.passes and (self.tta or 1) > 1:
            raise ConfigError("--passes and --tta cannot be combined.", hint="Leave one of them out.")
        check_choice("layer", self.layer, LAYERS)
        if self.executor != "auto":
            get_registry().executors.find(self.executor.partition("://")[0])


def check_views(tta: int | None) -> None:
    """Raise `ConfigError` for a number of views that there is not."""
    if tta is not None and tta not in VIEWS:
        raise ConfigError(
            f"--tta is {tta}; it must be one of {', '.join(map(str, VIEWS))}.",
            hint="Give 8 for four turns times mirror images, or 1 for none.",
        )


def restore_engine(output: Path, compute: ComputeOptions) -> ComputeOptions:
    """Return options with the engine and precision of unfinished work, where these are not named.

    Parameters
    ----------
    output : Path
        Output of the job.
    compute : ComputeOptions
        Options as given. They are returned unchanged if the job has no unfinished work, or if they name another engine,
        precision or layer than that of the unfinished work.
    """
    folder = job_folder(output)
    if not (folder / FILE_NAME).exists() or not any(folder.glob(PARTS)):
        return compute
    stored = load_values(folder)
    engine = str(stored.get("engine", compute.engine))
    precision = str(stored.get("precision", compute.precision))
    if (stored.get("layer") or JOINT) != compute.layer:
        return compute
    if compute.engine not in ("auto", engine) or compute.precision not in ("auto", precision):
        return compute
    return replace(compute, engine=engine, precision=compute.precision if engine == "onnx" else precision)


def count_model_copies(weight_bytes: int) -> int:
    """Return how many processes can hold a model in a quarter of the memory of this machine."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 1 << 16
    # what a copy takes beside its weights: Python, its libraries, activations
    copy = 3 * weight_bytes + 300 * 2**20
    return max(1, memory // _MEMORY_SHARE // copy)
