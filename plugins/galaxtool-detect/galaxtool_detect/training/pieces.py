"""Pieces of large maps, to train on some and to validate on others."""

from __future__ import annotations

from galaxtool import Progress
from galaxtool_detect.boxes import DetectionSet

_LARGEST = 1024
"""Longest side of a field in pixels."""

_SMALLER = (512, 256, 128)
"""Longest sides that are tried if the data are a single map."""

_ENOUGH = 5
"""Number of pieces that a single map is divided into, if it is large enough."""


def divide_large(fields: DetectionSet, progress: Progress) -> DetectionSet:
    """Divide large images into fields without a common pixel; a single one into several, so that some can validate.

    Parameters
    ----------
    fields : DetectionSet
        Images with boxes.
    progress : Progress
        Receives what was done.
    """
    divided = fields.divide(_LARGEST)
    for largest in _SMALLER if len(fields) == 1 else ():
        if len(divided) < _ENOUGH:
            divided = fields.divide(largest)
    if len(divided) > len(fields):
        images = "1 image is" if len(fields) == 1 else f"{len(fields)} images are"
        progress.say(f"{images} divided into {len(divided)} fields.")
    return divided
