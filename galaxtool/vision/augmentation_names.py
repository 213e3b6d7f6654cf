"""The augmentations that ``--augment`` names."""

from __future__ import annotations

from galaxtool.vision.augment import Augmentation
from galaxtool.vision.survey import SurveyAugmentation


def make_augmentation(name: str) -> Augmentation:
    """Make an augmentation.

    Parameters
    ----------
    name : {"none", "flips", "standard", "survey"}
        ``none`` leaves images as they are; ``flips`` mirrors them and turns them by multiples of 90 degrees, so that
        every pixel keeps its value; ``standard`` rotates them by any angle, and zooms, shifts and brightens them a
        little; ``survey`` changes what differs between surveys, see `SurveyAugmentation`.
    """
    if name == "survey":
        return SurveyAugmentation(margin=1.5)
    if name == "standard":
        return Augmentation()
    return Augmentation(rotate=name == "flips", quarter_turns=name == "flips", zoom=1.0, shift=0.0, gain=0.0)
