"""From a cutout to the pixels a backbone looks at; numpy and Pillow only, so that ONNX inference needs no PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from galaxtool.files import digest_of
from galaxtool.io.stretch import Stretch, to_display
from galaxtool.types import UPSAMPLED, Cutout


@dataclass(frozen=True, kw_only=True)
class Preprocess:
    """Stretch, central square, resize, normalise: the same for training, classification and search.

    Parameters
    ----------
    size : int
        Side of the result, in pixels.
    crop : float
        Fraction of the shorter side that is kept, about the centre; 1 keeps the largest central square.
    mean, std : tuple of 3 float
        Of display values in [0, 1], in the order R, G, B.
    stretch : Stretch
        How measured data are shown; a JPEG or PNG passes as it is.
    """

    size: int
    crop: float = 1.0
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    stretch: Stretch = field(default_factory=Stretch)

    def picture(self, cutout: Cutout) -> np.ndarray:
        """Show a cutout as the model will see it.

        Returns
        -------
        ndarray of uint8, shape (size, size, 3)
            R, G, B; row 0 is the top row.
        """
        shown = to_display(cutout, self.stretch)
        ny, nx = shown.shape[:2]
        side = min(ny, nx) * self.crop
        left, top = (nx - side) / 2, (ny - side) / 2
        resized = Image.fromarray(shown).resize(
            (self.size, self.size),
            Image.Resampling.BICUBIC,
            box=(left, top, left + side, top + side),
            reducing_gap=None,
        )
        return np.asarray(resized)

    def flags(self, cutout: Cutout) -> tuple[str, ...]:
        """Return the cutout's quality flags, with ``UPSAMPLED`` where it is smaller than `size`."""
        shorter = min(cutout.data.shape[-2:]) * self.crop
        return cutout.flags + ((UPSAMPLED,) if shorter < self.size else ())

    def normalise(self, pictures: np.ndarray) -> np.ndarray:
        """Turn pictures, uint8 (N, size, size, 3), into the float32 (N, 3, size, size) that a backbone takes."""
        scale = (1.0 / (255.0 * np.asarray(self.std))).astype(np.float32)
        offset = (np.asarray(self.mean) / np.asarray(self.std)).astype(np.float32)
        return np.ascontiguousarray((pictures * scale - offset).transpose(0, 3, 1, 2))

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain values, for ``model.json``."""
        return {**asdict(self), "mean": list(self.mean), "std": list(self.std), "stretch": self.stretch.as_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preprocess:
        """Rebuild from `as_dict`."""
        return cls(
            size=int(values["size"]),
            crop=float(values["crop"]),
            mean=tuple(values["mean"]),
            std=tuple(values["std"]),
            stretch=Stretch.from_dict(values["stretch"]),
        )

    @property
    def digest(self) -> str:
        """SHA-256 of the settings: two embeddings compare only where it is the same."""
        return digest_of(self.as_dict())
