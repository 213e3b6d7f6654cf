"""Early stopping of the last training stage."""

from __future__ import annotations

from collections.abc import Sequence

RULES = ("best", "loss-margin")
_FORMER_NAMES = {"paper-002": "loss-margin"}
_MARGIN, _MAX_EXCEEDED = 0.03, 3


def normalize_rule_name(name: str) -> str:
    """Return the current name of a stopping rule, given that name or the one in older settings files and runs.

    Other names are returned unchanged.
    """
    return _FORMER_NAMES.get(name, name)


def find_stop_reason(rule: str, losses: Sequence[float], scores: Sequence[tuple[float, ...]], patience: int) -> str:
    """Return the reason to stop training after the epochs so far, or an empty string to continue.

    Parameters
    ----------
    rule : {"best", "loss-margin"}
        ``best`` stops when the score has not risen above its best for `patience` epochs. ``loss-margin`` is the rule
        of Kumar, Sarker & Islam 2023: a counter goes up whenever the validation loss exceeds the lowest so far by more
        than 0.03, and training stops when it reaches 3. The counter is never reset, and an epoch that is merely not
        better does not count, unlike with the ``min_delta`` of Keras.
    losses, scores : sequence
        Validation loss and score of each epoch so far.
    patience : int
        Number of epochs that ``best`` waits for; 0 to never stop.

    Returns
    -------
    str
        A sentence without its full stop, or the empty string.
    """
    if normalize_rule_name(rule) == "loss-margin":
        exceeded = sum(loss > min(losses[:i], default=loss) + _MARGIN for i, loss in enumerate(losses))
        if exceeded < _MAX_EXCEEDED:
            return ""
        return f"The validation loss exceeded its minimum by more than {_MARGIN} in {_MAX_EXCEEDED} epochs"
    stale = count_epochs_since_best(scores)
    return f"No better for {stale} epochs" if 0 < patience <= stale else ""


def count_epochs_since_best(scores: Sequence[tuple[float, ...]]) -> int:
    """Return the number of epochs since the first best one."""
    return len(scores) - 1 - scores.index(max(scores)) if scores else 0
