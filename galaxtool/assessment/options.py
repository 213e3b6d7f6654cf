"""What ``galaxtool evaluate`` scores, and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from galaxtool.errors import ConfigError
from galaxtool.inference.reading_options import split_band_names

SPLITS = ("train", "valid", "test", "all")


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """What is scored, and how.

    Parameters
    ----------
    dataset : str
        Name, folder or catalogue, see `galaxtool.datasets.open.open_dataset`.
    model : str
        Registered name, model directory, run or ONNX file.
    output : Path
        Evaluation directory.
    split : str, optional
        ``train``, ``valid``, ``test`` or ``all``; by default test, else valid, else all.
    where : str, optional
        SQL condition that selects images.
    label_column : str, optional
        Column of the labels.
    by : sequence of str
        Columns by whose values the accuracy is tabulated.
    coarse : str, optional
        Coarser taxonomy in whose classes the model is scored.
    prior : str
        Class frequencies that the probabilities assume.
    gallery : str, optional
        Data set or index in which the images are looked up for the scores of retrieval.
    gallery_split : str, optional
        Split of the gallery; by default all.
    perturb : sequence of str
        Kinds of perturbation under which the accuracy is measured.
    figures : bool
        Whether figures are drawn.
    seed : int
        Random seed of the bootstrap.
    """

    dataset: str
    model: str
    output: Path
    split: str | None = None
    where: str | None = None
    label_column: str | None = None
    by: Sequence[str] = ()
    coarse: str | None = None
    prior: str = "training"
    gallery: str | None = None
    gallery_split: str | None = None
    perturb: Sequence[str] = ()
    figures: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        for flag, split in (("--split", self.split), ("--gallery-split", self.gallery_split)):
            if split is not None and split not in SPLITS:
                raise ConfigError(f"{flag} is '{split}'; it must be one of {', '.join(SPLITS)}.")

    @property
    def by_columns(self) -> tuple[str, ...]:
        """Columns of `by`, one by one."""
        return split_band_names(self.by)

    @property
    def perturbations(self) -> tuple[str, ...]:
        """Kinds of `perturb`, one by one."""
        return split_band_names(self.perturb)
