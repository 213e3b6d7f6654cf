"""The settings of a training, as its manifest stores them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from galaxtool import ConfigError


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """The settings of a training; see `galaxtool_detect.commands.train.train`."""

    dataset: str
    images: str | None = None
    start: str | None = None
    backbone: str = "mini-radio"
    mode: str = "finetuned"
    batchnorm: str = "auto"
    head: str = "standard"
    image_size: int | None = None
    upscale: float | None = None
    epochs: int = 100
    batch_size: int = 16
    lr: float | None = None
    weight_decay: float = 0.05
    patience: int = 0
    ema: float = 0.0
    blur: float = 0.5
    contrast: float = 0.3
    jitter: float = 0.1
    flips: bool = False
    valid: float = 0.2
    accumulate: int = 1
    precision: str = "auto"
    device: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        whole = {"--epochs": self.epochs, "--batch-size": self.batch_size, "--accumulate": self.accumulate}
        for flag, value in whole.items():
            if value < 1:
                raise ConfigError(f"{flag} must be at least 1, not {value}.")
        if self.start is not None and self.mode == "scratch":
            raise ConfigError("--mode scratch has random weights, and --start has those of a detector.")
        shares: dict[str, float] = {"--contrast": self.contrast, "--jitter": self.jitter, "--ema": self.ema}
        if not 0 <= self.blur <= 1:
            raise ConfigError(f"--blur must be from 0 to 1, not {self.blur:g}.")
        for flag, share in shares.items():
            if not 0 <= share < 1:
                raise ConfigError(f"{flag} must be at least 0 and below 1, not {share:g}.")
        if not 0 < self.valid < 1:
            raise ConfigError(f"--valid must be between 0 and 1, not {self.valid:g}.")
        if self.lr is not None and not self.lr > 0:
            raise ConfigError(f"--lr must be above 0, not {self.lr:g}.", hint="Leave it out for a short sweep.")
        if self.upscale is not None and not 0.1 <= self.upscale <= 16:
            raise ConfigError(f"--upscale must be between 0.1 and 16, not {self.upscale:g}.")

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainConfig:
        """Rebuild the settings; values of a newer version that this one lacks are left out."""
        known = {one.name for one in fields(cls)}
        return cls(**{key: value for key, value in values.items() if key in known})


def describe_source(dataset: str) -> str:
    """Return a data set as the manifest stores it, with an absolute path, so that a run can be resumed elsewhere."""
    kind, colon, rest = dataset.rpartition(":")
    for prefix, text in (("", dataset), (kind + colon, rest)):
        path = Path(text).expanduser()
        if path.exists():
            return f"{prefix}{path.resolve()}"
    return dataset
