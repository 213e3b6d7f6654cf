"""The options for finding, reading and showing images, which all commands that read images share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from galaxtool.errors import ConfigError
from galaxtool.images.read_options import AUTO, ReadOptions, check_pixel_kind


@dataclass(frozen=True, kw_only=True)
class ReadingOptions:
    """How images are found, read and shown to a model.

    Parameters
    ----------
    hdu : str, optional
        Number or EXTNAME of the HDU to take from FITS files; by default the first with an image.
    each_hdu : bool
        Whether every image HDU of a FITS file is an object of its own.
    bands : sequence of str
        Bands to take, in this order: separate names, or a single text with commas.
    pattern : str, optional
        Names of the files of each object's bands, relative to a folder: ``{id}_{band}.fits``.
    mask_hdu : str, optional
        HDU of FITS files in which pixels that must not be used are not zero.
    weight_hdu : str, optional
        HDU of FITS files with weights: pixels whose weight is not above zero are not used.
    pixel_scale : float, optional
        arcsec per pixel of images that do not state it themselves.
    size_arcsec : float, optional
        Side of the square about the centre that the model sees, in arcsec; by default that of the model's training.
    stretch : str, optional
        Stretch that replaces the model's own: ``name``, or ``name:option=value,option=value``.
    pixels : str
        What the pixels of arrays and of pictures with more than 8 bits are: ``picture``, ``data``, or ``auto``.
    image_column, id_column : str, optional
        Columns of a catalogue that hold paths and identifiers, if they do not have one of the usual names.
    ra_column, dec_column : str, optional
        Columns of a catalogue that hold positions, perhaps with a unit in brackets: ``coord_ra[rad]``.
    table : str, optional
        Name or number of the table to read from a catalogue with several.

    Raises
    ------
    ConfigError
        If a size or a scale is not above zero.
    """

    hdu: str | None = None
    each_hdu: bool = False
    bands: Sequence[str] = ()
    pattern: str | None = None
    mask_hdu: str | None = None
    weight_hdu: str | None = None
    pixel_scale: float | None = None
    size_arcsec: float | None = None
    stretch: str | None = None
    pixels: str = AUTO
    image_column: str | None = None
    id_column: str | None = None
    ra_column: str | None = None
    dec_column: str | None = None
    table: str | None = None

    def __post_init__(self) -> None:
        check_pixel_kind(self.pixels)
        for name in ("pixel_scale", "size_arcsec"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(
                    f"--{name.replace('_', '-')} is {value}; it must be above 0.",
                    hint="Give it in arcsec, or leave it out.",
                )

    @property
    def band_names(self) -> tuple[str, ...]:
        """Names of the bands, one by one."""
        return split_band_names(self.bands)

    @property
    def read_options(self) -> ReadOptions:
        """Options for the readers of image formats."""
        return ReadOptions(
            hdu=self.hdu,
            bands=self.band_names,
            mask_hdu=self.mask_hdu,
            weight_hdu=self.weight_hdu,
            pixel_scale=self.pixel_scale,
            pixels=self.pixels,
        )

    def list_changes(self) -> dict[str, Any]:
        """Return the options that do not have their default, as plain values by name."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        defaults = {one.name: one.default for one in fields(self)}
        values["bands"] = list(self.band_names)
        return {name: value for name, value in values.items() if value not in (defaults[name], [])}


def split_band_names(bands: Sequence[str]) -> tuple[str, ...]:
    """Return the names in ``("g,r,z",)`` or ``("g", "r", "z")``."""
    texts = [bands] if isinstance(bands, str) else bands
    return tuple(name.strip() for text in texts for name in text.split(",") if name.strip())
