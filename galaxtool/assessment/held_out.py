"""Find out whether the temperature of a model was fitted to the images that are scored."""

from __future__ import annotations

from collections.abc import Sequence

from galaxtool.evaluation.cross_fit import CrossFit
from galaxtool.models.record import ModelRecord

_LEAST_IMAGES = 10


def find_cross_fit(
    record: ModelRecord, splits: Sequence[str] | None, *, factors: tuple[float, ...], is_coarse: bool, tta: int
) -> tuple[CrossFit | None, str]:
    """Return how to cross-fit, if the temperature of a model was fitted to most of the images that are scored.

    Parameters
    ----------
    record : ModelRecord
        Record of the model.
    splits : sequence of str or None
        Split of each scored image in the training of the model; None if the training had none of them.
    factors : tuple of float
        Factors of the probabilities.
    is_coarse : bool
        Whether the probabilities are summed to coarser classes.
    tta : int
        Number of views.

    Returns
    -------
    cross_fit : CrossFit or None
        None if the temperature was fitted to other images, or is 1.
    note : str
        What to know; empty if there is nothing.
    """
    is_number = record.regression is not None
    if not (record.has_classes or is_number):  # votes have no temperature
        return None, ""
    if not splits or record.temperature == 1.0 or len(splits) < _LEAST_IMAGES:
        return None, ""
    if 2 * sum(split == "valid" for split in splits) <= len(splits):
        return None, ""
    if is_number:
        return CrossFit(1.0, record.list_temperatures()), (
            "The lengths of the error bars of the model were fitted to these images: the coverage is that of lengths "
            "that were fitted to other folds."
        )
    if is_coarse or tta != 1:
        return None, (
            "The temperature of the model was fitted to these images, so its calibration looks better than it is; it "
            "is cross-fitted only for the model's own classes and one view."
        )
    (temperature,) = record.list_temperatures()
    return CrossFit(temperature, factors), (
        "The temperature of the model was fitted to these images: the calibration error, Brier score, log loss and "
        "reliability are those of temperatures that were fitted to other folds."
    )
