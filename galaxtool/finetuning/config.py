"""The settings of one training as a single object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.training.stopping import normalize_rule_name
from galaxtool.utils.config import FORMER_NAMES, invocation

_LISTS = ("dataset", "option", "target", "weight", "noisy", "bands", "data")
_PATHS = ("output", "symbols", "split")


@dataclass(frozen=True, kw_only=True)
class FinetuneConfig:
    """The parameters of `galaxtool.finetune`, with the same names and defaults; see there for what each one means.

    Parameters
    ----------
    sources : mapping of str to str
        Where a value came from that was not given by the caller: ``recipe mine.toml``. Not a setting itself.

    Notes
    -----
    Lists are stored as tuples, and the paths of `output`, `symbols` and `split` as `Path`.
    """

    dataset: Sequence[str | Path] = ()
    output: Path | None = None
    method: str = "auto"
    option: Sequence[str] = ()
    backbone: str = "mini"
    text_encoder: str | None = None
    channels: str = "rgb"
    head: str | None = None
    votes: str | Path | None = None
    target: Sequence[str] = ()
    taxonomy: str | None = None
    symbols: Path | None = None
    where: str | None = None
    weight: Sequence[str] = ()
    noisy: Sequence[str] = ()
    image_column: str | None = None
    label_column: str | None = None
    ra_column: str | None = None
    dec_column: str | None = None
    table: str | None = None
    hdu: str | None = None
    bands: Sequence[str] = ()
    pattern: str | None = None
    mask_hdu: str | None = None
    weight_hdu: str | None = None
    pixel_scale: float | None = None
    pixels: str = "auto"
    all_classes: bool = False
    recipe: str | Path | None = None
    data: Sequence[str] = ()
    fraction: float = 1.0
    split: Path | None = None
    valid_fraction: float = 0.15
    test_fraction: float = 0.0
    separation: float = 60.0
    epochs: int | None = None
    warmup_epochs: int | None = None
    batch_size: int = 32
    lr: float | None = None
    min_lr: float = 0.0
    weight_decay: float = 0.05
    layer_decay: float = 1.0
    patience: int = 10
    stopping: str = "best"
    select: str = "best"
    augment: str = "standard"
    contrast: str = "instance"
    score: str = "both"
    class_weights: str = "none"
    label_smoothing: float = 0.0
    calibrate: bool = True
    readouts: bool = False
    dropout: float = 0.0
    ema: float = 0.0
    image_size: int | None = None
    crop: float = 1.0
    size_arcsec: float | None = None
    stretch: str = "auto"
    seed: int = 0
    precision: str = "auto"
    accumulate: int = 1
    checkpointing: bool = False
    compile: bool = False
    device: str = "auto"
    tensorboard: bool = False
    sources: Mapping[str, str] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        for name in _LISTS:
            value = getattr(self, name)
            object.__setattr__(self, name, (value,) if isinstance(value, (str, Path)) else tuple(value or ()))
        for name in _PATHS:
            value = getattr(self, name)
            object.__setattr__(self, name, Path(value) if value else None)
        object.__setattr__(self, "stopping", normalize_rule_name(self.stopping))  # an older run may have another name

    @property
    def learns_numbers(self) -> bool:
        """Whether the model learns numbers rather than classes: votes, or the values of columns."""
        return self.votes is not None or bool(self.target)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of the settings, in the order of the command's parameters."""
        return tuple(f.name for f in fields(cls) if f.name != "sources")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FinetuneConfig:
        """Rebuild the settings that `to_dict` returned, perhaps in another version of galaxtool.

        A missing setting gets its default, and an unknown one is ignored.
        """
        values = {FORMER_NAMES["finetune"].get(name, name): value for name, value in values.items()}
        return cls(**{name: values[name] for name in cls.names() if name in values})

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON values, as ``manifest.json`` stores them."""
        return {name: _to_json(getattr(self, name)) for name in self.names()}

    def is_default(self, name: str) -> bool:
        """Tell whether a setting has its default value, whoever gave it."""
        return bool(getattr(self, name) == getattr(_DEFAULTS, name))

    def source_of(self, name: str) -> str:
        """Return where the value of a setting came from: ``flag``, ``file PATH``, ``recipe PATH`` ...

        Empty where nobody knows: `galaxtool.finetune` was called from Python.
        """
        return self.sources.get(name) or invocation.get().sources.get(name, "")

    def reading_options(self) -> ReadingOptions:
        """Return how images are read and shown.

        Raises
        ------
        ConfigError
            If a number is not above zero.
        """
        return ReadingOptions(
            hdu=self.hdu,
            bands=self.bands,
            pattern=self.pattern,
            mask_hdu=self.mask_hdu,
            weight_hdu=self.weight_hdu,
            pixel_scale=self.pixel_scale,
            pixels=self.pixels,
            size_arcsec=self.size_arcsec,
            stretch=self.stretch,
        )


_DEFAULTS = FinetuneConfig()


def _to_json(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_to_json(one) for one in value]
    return str(value) if isinstance(value, Path) else value
