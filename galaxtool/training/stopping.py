"""When the last stage of a training ends before its time."""

from __future__ import annotations

from collections.abc import Sequence

RULES = ("best", "paper-002")
_DELTA, _STRIKES = 0.03, 3


def stops(rule: str, losses: Sequence[float], scores: Sequence[tuple[float, ...]], patience: int) -> str:
    """Say why a training is to stop after the epochs it has had, or nothing.

    Parameters
    ----------
    rule : {"best", "paper-002"}
        ``best``: when the score has not risen above its best for `patience` epochs.
        ``paper-002`` (as that paper prints it): a counter goes up when the validation loss exceeds the lowest so far by
        more than 0.03, and at 3 the training ends. The counter is never set back, nor does an epoch that is merely no
        better count: this is not the ``min_delta`` of Keras.
    losses, scores : sequence
        Validation loss and score of each epoch so far.
    patience : int
        Of ``best``; 0 for never.

    Returns
    -------
    str
        A sentence, or the empty string.
    """
    if rule == "paper-002":
        strikes = sum(loss > min(losses[:i], default=loss) + _DELTA for i, loss in enumerate(losses))
        return f"The validation loss was {_STRIKES} times well above its lowest" if strikes >= _STRIKES else ""
    stale = epochs_since_best(scores)
    return f"No better for {stale} epochs" if 0 < patience <= stale else ""


def epochs_since_best(scores: Sequence[tuple[float, ...]]) -> int:
    """Return how many epochs have gone by since the (first) best one."""
    return len(scores) - 1 - scores.index(max(scores)) if scores else 0
