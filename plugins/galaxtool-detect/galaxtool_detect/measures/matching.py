"""Which detection is which true source, by position, as catalogues are matched."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from galaxtool_detect.boxes import Detections, FieldImage

NONE, IGNORED = -1, -2

_SHARE_OF_BOX = 0.25
_BEAMS = 0.5
_USUAL_BEAM = 4.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Match:
    """The match of the detections in one image.

    Parameters
    ----------
    source : ndarray of int, shape (D,)
        Row of the true source of each detection, labelled ones first and then the ignored ones; -1 for none.
    found : ndarray of bool, shape (N + M,)
        Whether each labelled and each ignored source was found.
    """

    source: np.ndarray
    found: np.ndarray


def match_positions(truth: FieldImage, found: Detections, beam_width: float | None = None) -> Match:
    """Match detections with true sources by the distance between the middles of their boxes.

    Parameters
    ----------
    truth : FieldImage
        Image with true boxes.
    found : Detections
        What was found in it.
    beam_width : float, optional
        Width of the beam in pixels; 4 by default.

    Returns
    -------
    Match
        The detection with the highest score takes the nearest source that is free, no farther away than half the width
        of the beam or a quarter of the diagonal of the source's box. Labelled sources are taken before ignored ones.
    """
    boxes = np.concatenate([truth.boxes, truth.ignored]).astype(float)
    n = len(truth.boxes)
    free = np.ones(len(boxes), bool)
    source = np.full(len(found), NONE)
    if len(boxes) and len(found):
        centers = (boxes[:, :2] + boxes[:, 2:]) / 2
        diagonal = np.hypot(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
        reach = np.maximum(_BEAMS * (beam_width or _USUAL_BEAM), _SHARE_OF_BOX * diagonal)
        places = (found.boxes[:, :2].astype(float) + found.boxes[:, 2:]) / 2
        for row in np.argsort(-found.scores, kind="stable"):
            distance = np.hypot(*(centers - places[row]).T)
            near = (distance <= reach) & free
            labelled = near & (np.arange(len(boxes)) < n)
            choice = labelled if labelled.any() else near
            if choice.any():
                best = int(np.argmin(np.where(choice, distance, np.inf)))
                source[row] = best
                free[best] = False
    return Match(source=source, found=~free)
