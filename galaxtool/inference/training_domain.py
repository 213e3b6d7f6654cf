"""What kind of images a model was trained on: real or simulated, optical or radio, in colour, at which pixel scale."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

import numpy as np

from galaxtool.models.record import ModelRecord
from galaxtool.taxonomy.load import Taxonomy
from galaxtool.types import Cutout, Item

DOMAIN = "domain"
"""Key in `ModelRecord.data`."""

RADIO, OPTICAL = "radio", "optical"

FIELD = "field_arcsec"
"""Key in `ModelRecord.data` of the field of view, see `galaxtool.inference.field_of_view`."""

SIMULATED_DATASET = "sample"
"""Name of the built-in data set of simulated galaxies."""

SIMULATED_FIELD = 67.072
"""Side of its images in arcsec."""

_SIMULATED_ID = re.compile(r"(?:\d+:)?(?:.*/)?sim-(?:train|valid|test)-\d{6}(?:\.\w+)?")
_NEARLY_ALL = 0.9
_FACTOR = 2.0


@dataclass(frozen=True, kw_only=True)
class TrainingDomain:
    """The kind of images that a model was trained on; each value may be unknown.

    Parameters
    ----------
    simulated : bool or None
        Whether all training images are galaxtool's own simulations.
    regime : str
        ``"radio"``, ``"optical"``, or empty if the images and the taxonomy do not say.
    color : bool or None
        Whether the training images were in colour; None if some were and some were not.
    bands : tuple of str
        Bands of the training images, if nearly all have the same.
    pixel_scale : float or None
        Median pixel scale in arcsec, if nearly all are within a factor of two of it.
    """

    simulated: bool | None = None
    regime: str = ""
    color: bool | None = None
    bands: tuple[str, ...] = ()
    pixel_scale: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for ``model.json``."""
        return {**asdict(self), "bands": list(self.bands)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make a domain from the values of `as_dict`; unknown keys of later versions are ignored."""
        known = {one.name for one in fields(cls)}
        found = cls(**{key: value for key, value in values.items() if key in known})
        return replace(found, bands=tuple(found.bands))


def find_domain(record: ModelRecord) -> TrainingDomain:
    """Return the kind of images that a model was trained on; of a model of an earlier version, only what is certain."""
    stored = record.data.get(DOMAIN)
    if isinstance(stored, Mapping):
        return TrainingDomain.from_dict(stored)
    if _knows_only_sample(record):
        return TrainingDomain(simulated=True, regime=OPTICAL, color=True, bands=("g", "r", "z"))
    return TrainingDomain()


def find_field(record: ModelRecord) -> float | None:
    """Return the side of the field of view that a model was trained on, in arcsec; None if it is unknown."""
    stored: float | None = record.data.get(FIELD)
    if stored is None and _knows_only_sample(record):
        preprocess = record.make_preprocess()
        return preprocess.size_arcsec or SIMULATED_FIELD * preprocess.crop
    return stored


def _knows_only_sample(record: ModelRecord) -> bool:
    """Tell whether a model was trained on the built-in data set alone."""
    names = record.data.get("names") or []
    return bool(names) and all(map(_is_sample, names))


def _is_sample(name: str) -> bool:
    """Tell whether a data set is the built-in one, which may have its options in its name."""
    return name.partition(":")[0] == SIMULATED_DATASET


def summarize_domain(
    cutouts: Sequence[Cutout],
    pictures: np.ndarray,
    *,
    items: Sequence[Item],
    names: Sequence[str],
    taxonomy: Taxonomy,
) -> TrainingDomain:
    """Return the kind of the images of a training.

    Parameters
    ----------
    cutouts : sequence of Cutout
        Some of the training images, as read.
    pictures : ndarray of uint8, shape (N, size, size, C)
        Some of the training images, as the model sees them.
    items : sequence of Item
        All images of the training.
    names : sequence of str
        Names of the data sets.
    taxonomy : Taxonomy
        Classes of the model.
    """
    simulated = all(map(_is_sample, names)) or all(_SIMULATED_ID.fullmatch(item.id) is not None for item in items)
    return TrainingDomain(
        simulated=simulated,
        regime=_find_regime(cutouts, taxonomy),
        color=_find_color(pictures),
        bands=_find_bands(cutouts),
        pixel_scale=_find_scale(cutouts),
    )


def is_colored(picture: np.ndarray) -> bool:
    """Tell whether the channels of a picture, uint8 (ny, nx, C), differ."""
    return picture.shape[-1] > 1 and bool((picture != picture[..., :1]).any())


def _find_regime(cutouts: Sequence[Cutout], taxonomy: Taxonomy) -> str:
    radio = sum(cutout.is_radio for cutout in cutouts)
    if cutouts and radio >= len(cutouts) / 2:
        return RADIO
    text = f"{taxonomy.name} {taxonomy.title} {taxonomy.summary}".lower()
    if "radio" in text:
        return RADIO
    has_bands = any(band for cutout in cutouts for band in cutout.bands if cutout.unit != "display")
    return OPTICAL if has_bands or "optical" in text or "galaxy zoo" in text else ""


def _find_color(pictures: np.ndarray) -> bool | None:
    if not len(pictures):
        return None
    share = np.mean([is_colored(picture) for picture in pictures])
    return True if share >= _NEARLY_ALL else False if share <= 1 - _NEARLY_ALL else None


def _find_bands(cutouts: Sequence[Cutout]) -> tuple[str, ...]:
    if not cutouts:
        return ()
    bands, n = Counter(cutout.bands for cutout in cutouts).most_common(1)[0]
    return bands if all(bands) and n >= _NEARLY_ALL * len(cutouts) else ()


def _find_scale(cutouts: Sequence[Cutout]) -> float | None:
    scales = np.array([cutout.pixel_scale for cutout in cutouts if cutout.pixel_scale is not None])
    if not len(scales) or len(scales) < _NEARLY_ALL * len(cutouts):
        return None
    median = float(np.median(scales))
    alike = (scales <= _FACTOR * median) & (scales * _FACTOR >= median)
    return float(f"{median:.6g}") if alike.mean() >= _NEARLY_ALL else None
