"""Options for reading an image."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from galaxtool.errors import ConfigError

AUTO, PICTURE, DATA = PIXEL_KINDS = ("auto", "picture", "data")
"""What the option ``--pixels`` says of the pixels; ``auto`` decides by their values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """Options for reading an image; a reader ignores those that its format does not have.

    Parameters
    ----------
    hdu : int or str, optional
        Number or EXTNAME of the FITS HDU to read.
    bands : tuple of str
        Bands to read, in this order, from the planes of a cube or from several HDUs; empty for all.
    mask_hdu : int or str, optional
        HDU whose non-zero pixels must not be used: they become NaN in `Cutout.data` and True in `Cutout.mask`.
    weight_hdu : int or str, optional
        HDU of weights or inverse variances: pixels whose weight is not above zero must not be used.
    pixel_scale : float, optional
        Pixel scale in arcsec, for a file that does not state it.
    pixels : str
        What the pixels of an array or of a picture with more than 8 bits are: ``picture``, ``data``, or ``auto`` to
        decide by their values (`galaxtool.images.pixel_kind`).
    at_least : int
        Number of pixels that the shorter side must keep if a reader saves work by reading at a reduced size; 0 for
        full size.
    position : bool
        Whether to read position and pixel scale from the header; otherwise they may be None.
    header_only : bool
        Whether to skip the pixels: `Cutout.data` then has the right shape and type, and meaningless values.
    """

    hdu: int | str | None = None
    bands: tuple[str, ...] = ()
    mask_hdu: int | str | None = None
    weight_hdu: int | str | None = None
    pixel_scale: float | None = None
    pixels: str = AUTO
    at_least: int = 0
    position: bool = True
    header_only: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the options as plain values, for the record of a job."""
        values = {**asdict(self), "bands": list(self.bands)}
        if self.pixels == AUTO:  # as before there was this option
            del values["pixels"]
        return values


def check_pixel_kind(wanted: str) -> None:
    """Raise `ConfigError` if there is no such kind of pixels."""
    if wanted not in PIXEL_KINDS:
        raise ConfigError(f"--pixels is '{wanted}'; it must be one of {', '.join(PIXEL_KINDS)}.")


PLAIN = ReadOptions()
"""Options that read the whole first image."""
