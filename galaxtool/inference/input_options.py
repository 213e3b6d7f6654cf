"""How inputs are read and shown: what `classify`, `embed` and `index` take in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from galaxtool.errors import ConfigError

if TYPE_CHECKING:
    from galaxtool.images.read_options import ReadOptions
    from galaxtool.inputs.gather import Inputs
    from galaxtool.vision.preprocess import Preprocess


@dataclass(frozen=True, kw_only=True)
class InputOptions:
    """The options of those names.

    Parameters
    ----------
    hdu, mask_hdu, weight_hdu : str, optional
    bands : sequence of str
        Names, or a single one with commas.
    pattern : str, optional
    each_hdu : bool
    pixel_scale, size_arcsec : float, optional
    stretch : str, optional
        ``name``, or ``name:option=value,option=value``.
    image_column, id_column : str, optional
    """

    hdu: str | None = None
    bands: Sequence[str] = ()
    pattern: str | None = None
    each_hdu: bool = False
    mask_hdu: str | None = None
    weight_hdu: str | None = None
    pixel_scale: float | None = None
    size_arcsec: float | None = None
    stretch: str | None = None
    image_column: str | None = None
    id_column: str | None = None

    def __post_init__(self) -> None:
        for name in ("pixel_scale", "size_arcsec"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"--{name.replace('_', '-')} is {value}, and must be above zero.")

    @property
    def reading(self) -> ReadOptions:
        """What readers are told."""
        from galaxtool.images.read_options import ReadOptions

        return ReadOptions(
            hdu=self.hdu,
            bands=band_names(self.bands),
            mask_hdu=self.mask_hdu,
            weight_hdu=self.weight_hdu,
            pixel_scale=self.pixel_scale,
        )

    def shown_record(self) -> dict[str, Any]:
        """Return what an index must remember to read and show a query as it did its images, less `hdu`."""
        kept = ("mask_hdu", "weight_hdu", "pixel_scale", "size_arcsec", "stretch")
        values = {name: value for name in kept if (value := getattr(self, name)) is not None}
        return {**values, **({"bands": list(band_names(self.bands))} if self.bands else {})}

    def gather(self, inputs: Sequence[Any]) -> Inputs:
        """Find the images that inputs stand for."""
        from galaxtool.inputs.gather import gather

        return gather(
            inputs,
            image_column=self.image_column,
            id_column=self.id_column,
            bands=band_names(self.bands),
            pattern=self.pattern,
            each_hdu=self.each_hdu,
        )

    def shown(self, preprocess: Preprocess) -> Preprocess:
        """Return a model's preprocessing with what was asked for in its place."""
        changes: dict[str, Any] = {}
        if self.size_arcsec is not None:
            changes["size_arcsec"] = self.size_arcsec
        if self.stretch:
            changes["stretch"] = stretch_of(self.stretch)
        return replace(preprocess, **changes) if changes else preprocess


def band_names(bands: Sequence[str]) -> tuple[str, ...]:
    """Return the names in ``("g,r,z",)`` or ``("g", "r", "z")``."""
    given = [bands] if isinstance(bands, str) else bands
    return tuple(name.strip() for text in given for name in text.split(",") if name.strip())


def stretch_of(text: str) -> Any:
    """Read ``asinh`` or ``asinh:softening=3,white=99.9``.

    Raises
    ------
    ConfigError
        If there is no such stretch, or it has no such option.
    """
    from dataclasses import fields

    from galaxtool.errors import suggest_name
    from galaxtool.vision.stretch import Stretch

    name, _, rest = text.partition(":")
    numbers = [f.name for f in fields(Stretch) if f.name not in ("name", "scales")]
    options: dict[str, Any] = {}
    for part in filter(None, (p.strip() for p in rest.split(","))):
        key, _, value = part.partition("=")
        if key not in numbers:
            near = suggest_name(key, numbers)
            raise ConfigError(
                f"A stretch has no option '{key}'." + (f" Did you mean '{near}'?" if near else ""),
                hint=f"Options: {', '.join(numbers)}, as in asinh:softening=3",
            )
        try:
            options[key] = float(value)
        except ValueError:
            raise ConfigError(f"The option {key} of a stretch is a number, not '{value}'.") from None
    return Stretch(name=name, **options)
