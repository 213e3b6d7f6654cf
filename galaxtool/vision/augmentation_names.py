"""The augmentations that ``--augment`` names."""

from __future__ import annotations

from galaxtool.vision.augment import Augmentation
from galaxtool.vision.survey import SurveyAugmentation


def make_augmentation(name: str) -> Augmentation:
    """Make an augmentation.

    Parameters
    ----------
    name : {"none", "flips", "standard", "survey-mild", "survey"}
        ``none`` leaves images as they are; ``flips`` mirrors them and turns them by multiples of 90 degrees, so that
        every pixel keeps its value; ``standard`` rotates them by any angle, and zooms, shifts and brightens them a
        little; ``survey`` changes what differs between surveys, see `SurveyAugmentation`, and ``survey-mild`` does so
        by about half as much.
    """
    if name == "survey":
        return SurveyAugmentation(margin=1.5)
    if name == "survey-mild":
        return SurveyAugmentation(
            margin=1.5, zoom=1.4, shift=0.04, gray=0.1, saturation=(0.6, 1.3), gain=0.2, balance=0.08, black=0.03,
            gamma=1.25, blur=0.006, noise=0.03,
        )  # fmt: skip
    if name == "standard":
        return Augmentation()
    return Augmentation(rotate=name == "flips", quarter_turns=name == "flips", zoom=1.0, shift=0.0, gain=0.0)
