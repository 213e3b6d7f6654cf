"""Convert a cutout to the input of a backbone, with numpy and Pillow only: ONNX inference needs no PyTorch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from PIL import Image

from galaxtool.errors import ConfigError
from galaxtool.images.planes import missing_band_error
from galaxtool.images.read_options import ReadOptions
from galaxtool.types import NO_SCALE, OFF_EDGE, UPSAMPLED, Cutout
from galaxtool.utils.digests import hash_json
from galaxtool.vision.stretch import Stretch, to_planes

RGB = ("R", "G", "B")
GRAY = ("gray",)
_REACH = 2  # of Pillow's bicubic filter, in pixels of the result, or of the image where that is finer
_LUMA = np.array([19595, 38470, 7471], dtype=np.uint32)  # ITU-R BT.601 times 65536, as in Pillow's mode L


@dataclass(frozen=True, kw_only=True)
class Preprocess:
    """Stretch, central square, resize, normalize: the same for training, classification and search.

    Parameters
    ----------
    size : int
        Side of the result in pixels.
    crop : float
        Fraction of the shorter side that is kept around the centre; 1 keeps the largest central square.
    mean, std : tuple of float
        Mean and standard deviation of display values in [0, 1], in the order R, G, B; see `per_channel` for other
        numbers of channels.
    stretch : Stretch
        Stretch of measured data; a JPEG or PNG is used as it is.
    channels : tuple of str
        Channels of the model: ``("R", "G", "B")`` for a colour picture, which any cutout can give; ``("gray",)`` for
        this picture in gray; else names of bands, e.g. ``("g", "r", "i", "z", "y")``, each stretched separately.
    size_arcsec : float or None
        Side in arcsec of the central square that is kept, instead of `crop`. An image that is smaller keeps its
        largest square and is flagged ``OFF_EDGE``; so does an image without a pixel scale, flagged ``NO_SCALE``.

    Raises
    ------
    ConfigError
        If a channel has no name, occurs twice, or is gray among others; or `size_arcsec` is not positive.
    """

    size: int
    crop: float = 1.0
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.5, 0.5, 0.5)
    stretch: Stretch = field(default_factory=Stretch)
    channels: tuple[str, ...] = RGB
    size_arcsec: float | None = None

    def __post_init__(self) -> None:
        names = ", ".join(repr(name) for name in self.channels) or "none"
        if not self.channels or "" in self.channels or len(set(self.channels)) < len(self.channels):
            raise ConfigError(
                f"Channels must be one or more different names, not {names}.", hint="For example: g,r,i,z,y"
            )
        if "gray" in self.channels and self.channels != GRAY:
            raise ConfigError(f"Gray must be the only channel, not one of {names}.", hint="Name bands, or gray alone.")
        if self.size_arcsec is not None and not (math.isfinite(self.size_arcsec) and self.size_arcsec > 0):
            raise ConfigError(f"size_arcsec must be a positive number, not {self.size_arcsec}.")

    def picture(self, cutout: Cutout) -> np.ndarray:
        """Return the picture of a cutout that the model receives.

        Returns
        -------
        ndarray of uint8, shape (size, size, C)
            Display values in the order of `channels`; row 0 is the top row.

        Raises
        ------
        UnreadableImage
            If the cutout lacks one of the bands.
        """
        if self.channels in (RGB, GRAY):
            return to_channels(self.display(cutout), len(self.channels))
        # all channels of the picture of a single band are the same
        return np.stack([self._square(self._band(cutout, band)) for band in self.channels], axis=-1)

    def display(self, cutout: Cutout) -> np.ndarray:
        """Return the same square of a cutout as a colour picture for people: uint8 (size, size, 3)."""
        square = self._square(cutout)
        return square if square.ndim == 3 else np.repeat(square[..., None], 3, axis=-1)

    def _band(self, cutout: Cutout, band: str) -> Cutout:
        if band not in cutout.bands:
            hint = f"The model needs the bands {', '.join(self.channels)}."
            raise missing_band_error(cutout.source, band, cutout.bands, hint=hint)
        index = cutout.bands.index(band)
        return replace(cutout, data=cutout.data[index : index + 1], bands=(band,))

    def reading(self, options: ReadOptions, *, position: bool) -> ReadOptions:
        """Return reading options that read no more than is needed.

        Parameters
        ----------
        options : ReadOptions
            Options of the user.
        position : bool
            Whether the position on the sky is needed.

        Notes
        -----
        A JPEG may be decoded at a reduced size, as long as its square has at least 1.5 times `size` pixels.
        """
        if self.size_arcsec is not None:
            return replace(options, position=True, at_least=0)
        # a stretch depends on the noise, which is lower at a reduced size, so only unstretched pictures are reduced
        reduced = math.ceil(1.5 * self.size / self.crop) if self.stretch.name == "auto" else 0
        return replace(options, position=position, at_least=reduced)

    def flags(self, cutout: Cutout) -> tuple[str, ...]:
        """Return the quality flags of a cutout, including those of the square that is kept.

        An image with fewer pixels than `size` is flagged ``UPSAMPLED``, and so is a field of `size_arcsec` with fewer;
        `crop` alone does not count, because it is the same for all images. A square that cannot have `size_arcsec` is
        flagged ``NO_SCALE`` or ``OFF_EDGE``. A single missing pixel is ignored, because the sides of a cutout are
        whole pixels.
        """
        shorter = float(min(cutout.extent or cutout.data.shape[-2:]))
        side = shorter if self.size_arcsec is None else self._side(cutout)
        flags: tuple[str, ...] = (UPSAMPLED,) if side < self.size else ()
        if self.size_arcsec is not None:
            if cutout.pixel_scale is None:
                flags += (NO_SCALE,)
            elif self.size_arcsec / cutout.pixel_scale > min(cutout.data.shape[-2:]) + 1:
                flags += (OFF_EDGE,)
        return tuple(dict.fromkeys(cutout.flags + flags))

    def widen(self, margin: float, finer: float) -> tuple[Preprocess, float]:
        """Return a preprocessing that shows more of the surroundings, for augmentation.

        Parameters
        ----------
        margin : float
            Factor of the side of the field. It is lowered to what images have: their whole side, or nothing more if
            the field is fixed by `size_arcsec`, because cutouts often end there.
        finer : float
            Factor of the resolution.

        Returns
        -------
        Preprocess
        margin : float
            Factor of the side of the field that was kept to.
        """
        margin = 1.0 if self.size_arcsec is not None else max(1.0, min(margin, 1 / self.crop))
        return replace(self, size=round(self.size * margin * finer), crop=min(1.0, self.crop * margin)), margin

    def field_arcsec(self, cutout: Cutout) -> float | None:
        """Return the side of the square that is kept in arcsec; None if the pixel scale is unknown."""
        return None if cutout.pixel_scale is None else self._side(cutout) * cutout.pixel_scale

    def _side(self, cutout: Cutout) -> float:
        """Return the side of the square that is kept, in pixels of the cutout."""
        shorter = float(min(cutout.extent or cutout.data.shape[-2:]))
        if self.size_arcsec is None:
            return shorter * self.crop
        return shorter if cutout.pixel_scale is None else min(shorter, max(1.0, self.size_arcsec / cutout.pixel_scale))

    def _square(self, cutout: Cutout) -> np.ndarray:
        """Return the display values of the square, resized, uint8 (size, size, 3) or (size, size)."""
        side = self._side(cutout)
        ny, nx = cutout.extent or cutout.data.shape[-2:]
        left, top = (nx - side) / 2, (ny - side) / 2
        # only what the resizing sees is stretched: the square, and the reach of the filter around it
        margin = math.ceil(_REACH * max(1.0, side / self.size)) + 1
        x, y = max(0, math.floor(left) - margin), max(0, math.floor(top) - margin)
        window = (slice(y, math.ceil(top + side) + margin), slice(x, math.ceil(left + side) + margin))
        image = _make_image(to_planes(cutout, self.stretch, window))
        size = (cutout.data.shape[2], cutout.data.shape[1])
        if image.size != size:  # put where it was, as Pillow rounds differently in an image of another size
            canvas = Image.new(image.mode, size)
            canvas.paste(image, (x, y))
            image = canvas
        box = (left, top, left + side, top + side)
        return np.asarray(image.resize((self.size, self.size), Image.Resampling.BICUBIC, box=box))

    def normalize(self, pictures: np.ndarray) -> np.ndarray:
        """Convert pictures, uint8 (N, size, size, C), to the input of a backbone, float32 (N, C, size, size)."""
        mean, std = (np.asarray(per_channel(values, pictures.shape[-1])) for values in (self.mean, self.std))
        scale = (1.0 / (255.0 * std)).astype(np.float32)
        offset = (mean / std).astype(np.float32)
        images = pictures.transpose(0, 3, 1, 2).astype(np.float32, order="C")
        images *= scale[:, None, None]
        images -= offset[:, None, None]
        return images

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain values, for ``model.json``."""
        values = {**asdict(self), "mean": list(self.mean), "std": list(self.std), "stretch": self.stretch.as_dict()}
        # indexes store the digest, so it must not change when a newer setting has its default value
        later = {"channels": (list(self.channels), list(RGB)), "size_arcsec": (self.size_arcsec, None)}
        return {k: v for k, v in values.items() if k not in later} | {k: v for k, (v, was) in later.items() if v != was}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preprocess:
        """Rebuild the settings from the values of `as_dict`."""
        return cls(
            size=int(values["size"]),
            crop=float(values["crop"]),
            mean=tuple(values["mean"]),
            std=tuple(values["std"]),
            stretch=Stretch.from_dict(values["stretch"]),
            channels=tuple(values.get("channels", RGB)),
            size_arcsec=values.get("size_arcsec"),
        )

    @property
    def digest(self) -> str:
        """SHA-256 of the settings: embeddings can be compared only if their digests are equal."""
        return hash_json(self.as_dict())


def _make_image(planes: np.ndarray) -> Image.Image:
    """Return planes, uint8 (3 or 1, ny, nx), as an image of Pillow."""
    if len(planes) == 1:
        return Image.fromarray(planes[0])
    if planes.strides[0] == 1:  # a decoded picture, whose memory has the colours of a pixel together
        return Image.fromarray(np.ascontiguousarray(planes.transpose(1, 2, 0)))
    return Image.merge("RGB", [Image.fromarray(plane) for plane in planes])


def resize(picture: np.ndarray, size: int, box: tuple[float, float, float, float]) -> np.ndarray:
    """Resize a box (left, top, right, bottom) of a picture, uint8 (ny, nx, C), to (size, size, C)."""
    if picture.shape[-1] == 3:
        return np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.BICUBIC, box=box))
    planes = [Image.fromarray(np.ascontiguousarray(picture[..., i])) for i in range(picture.shape[-1])]
    return np.stack([np.asarray(p.resize((size, size), Image.Resampling.BICUBIC, box=box)) for p in planes], axis=-1)


def per_channel(values: Sequence[float], n: int) -> tuple[float, ...]:
    """Return one value for each of `n` channels: the values themselves if there are `n`, else their mean.

    Examples
    --------
    >>> per_channel((0.25, 0.5, 0.75), 2)
    (0.5, 0.5)
    """
    return tuple(values) if len(values) == n else (sum(values) / len(values),) * n


def to_channels(rgb: np.ndarray, n: int) -> np.ndarray:
    """Convert a colour picture to `n` channels, e.g. a symbol for a model with other bands.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (..., 3)
        R, G, B. An array that already has `n` channels is returned as it is.
    n : int
        Number of channels.

    Returns
    -------
    ndarray of uint8, shape (..., n)
        The same gray (ITU-R BT.601) in each channel, unless `n` is 3.
    """
    if rgb.shape[-1] == n:
        return rgb
    gray = ((rgb @ _LUMA + np.uint32(0x8000)) >> np.uint32(16)).astype(np.uint8)
    return np.repeat(gray[..., None], n, axis=-1)
