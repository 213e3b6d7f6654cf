"""Compare the field of view of images with the one that a model was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from galaxtool.inference.reading import override_preprocess
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inference.training_domain import FIELD, find_field
from galaxtool.models.record import ModelRecord
from galaxtool.types import Cutout

_FACTOR = 2.0
_NEARLY_ALL = 0.9


def summarize_fields(fields: np.ndarray | None) -> dict[str, Any]:
    """Return the entry in a model's record for the field of view of its training images.

    Parameters
    ----------
    fields : ndarray, shape (N,), or None
        Side of the field of each training image in arcsec; NaN if unknown.

    Returns
    -------
    dict
        The median as `FIELD`; empty if too few images state their scale, or their fields differ too much.
    """
    if fields is None or not len(fields):
        return {}
    known = fields[np.isfinite(fields)]
    if len(known) < _NEARLY_ALL * len(fields):
        return {}
    median = float(np.median(known))
    alike = (known <= _FACTOR * median) & (known * _FACTOR >= median)
    return {FIELD: float(f"{median:.6g}")} if alike.mean() >= _NEARLY_ALL else {}


def describe_field_difference(record: ModelRecord, options: ReadingOptions, cutouts: Sequence[Cutout]) -> str:
    """Return a note on images that show much more or much less of the sky than the training images did.

    Parameters
    ----------
    record : ModelRecord
        Record of the model.
    options : ReadingOptions
        How the images are read and shown.
    cutouts : sequence of Cutout
        Some of the images; their pixels are not needed.

    Returns
    -------
    str
        One line; empty if the fields differ by less than a factor of two, are unknown, or are cut to the same size.
    """
    trained = find_field(record)
    preprocess = override_preprocess(record.make_preprocess(), options)
    if not trained or preprocess.size_arcsec is not None:
        return ""
    fields = [field for cutout in cutouts if (field := preprocess.field_arcsec(cutout)) is not None]
    median = float(np.median(fields)) if fields else trained
    if trained / _FACTOR <= median <= trained * _FACTOR:
        return ""
    shown = f"{median:.3g}" if median < 1000 else f"{median:,.0f}"
    cure = f"--size-arcsec {trained:.3g} cuts" if median > trained else "larger cutouts would show"
    return f"The model was trained on {trained:.3g} arcsec; these images show {shown} arcsec: {cure} the same field."
