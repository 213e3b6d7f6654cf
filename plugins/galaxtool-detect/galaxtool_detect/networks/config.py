"""The settings that decide the architecture of a detector, as its model file stores them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from galaxtool import ConfigError, ModelError

STRIDES = (4, 8, 16, 32)
"""Strides of the maps of a pyramid, in pixels of the image."""

HEADS = {"standard": (256, 1024), "small": (64, 256)}
"""Size of the part on the backbone -> channels of the pyramid's maps, and features of a box."""


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """The settings that decide the architecture of a detector.

    Parameters
    ----------
    backbone : str
        Name of the backbone without its weights, as ``galaxtool backbones`` lists it.
    classes : tuple of str
        Names of the classes, without the background.
    image_size : int
        Side in pixels of the images that the network gets, a multiple of 32.
    head : {"standard", "small"}
        Size of the pyramid and of what classifies boxes, see `HEADS`; ``standard`` is that of torchvision.
    anchor_scales : tuple of float
        Sides of the anchors of a map, in units of its stride.
    anchor_ratios : tuple of float
        Ratios of height and width of the anchors.
    mean, std : tuple of 3 float
        Normalization of display values in [0, 1].
    """

    backbone: str
    classes: tuple[str, ...]
    image_size: int
    head: str = "standard"
    anchor_scales: tuple[float, ...] = (2.0, 4.0, 8.0)
    anchor_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.5, 0.5, 0.5)

    def __post_init__(self) -> None:
        if self.image_size < 32 or self.image_size % 32:
            raise ConfigError(
                f"Images of {self.image_size} pixels do not divide into the coarsest map of the pyramid, stride 32.",
                hint=f"Take --image-size {max(round(self.image_size / 32), 1) * 32}.",
            )
        if self.head not in HEADS:
            raise ConfigError(f"--head is '{self.head}'; it must be one of {', '.join(HEADS)}.")
        if not self.classes:
            raise ConfigError("A detector needs at least one class.", hint="Give the data set a class.")

    @property
    def channels(self) -> int:
        """Channels of the pyramid's maps."""
        return HEADS[self.head][0]

    @property
    def representation(self) -> int:
        """Number of features of a box."""
        return HEADS[self.head][1]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> NetworkConfig:
        """Rebuild the settings from the values of `as_dict`.

        Raises
        ------
        ModelError
            If they are damaged.
        """
        try:
            plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
            return cls(**plain)
        except TypeError as error:
            raise ModelError(
                f"The settings of the detector are damaged: {error}.",
                hint="Train it again, or update galaxtool-detect.",
            ) from error
