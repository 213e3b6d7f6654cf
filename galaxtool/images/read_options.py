"""What to take from a file, and how much of it is wanted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How images are to be read; a reader takes no notice of what its format does not have.

    Parameters
    ----------
    hdu : int or str, optional
        Number or EXTNAME of the FITS HDU to take.
    bands : tuple of str
        Bands to take, in this order, from the planes of a cube or from several HDUs; empty for all.
    mask_hdu : int or str, optional
        HDU whose pixels other than zero are not to be used: they become NaN, and True in `Cutout.mask`.
    weight_hdu : int or str, optional
        HDU of weights, or inverse variances: pixels with a weight that is not above zero are not to be used.
    pixel_scale : float, optional
        arcsec per pixel, where the file does not say.
    at_least : int
        Pixels that the shorter side must keep where a reader can save work by reading at a reduced size; 0: full size.
    position : bool
        Whether position and pixel scale are wanted from the header; without, they may be None.
    header_only : bool
        Do not read pixels: `data` is then of the right shape and type without meaning.
    """

    hdu: int | str | None = None
    bands: tuple[str, ...] = ()
    mask_hdu: int | str | None = None
    weight_hdu: int | str | None = None
    pixel_scale: float | None = None
    at_least: int = 0
    position: bool = True
    header_only: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return plain values: what decides the pixels, for the record of a job."""
        return {**asdict(self), "bands": list(self.bands)}


PLAIN = ReadOptions()
"""The whole of the first image."""
