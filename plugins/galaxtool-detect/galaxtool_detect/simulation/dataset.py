"""Simulated fields as a data set that simulates each field when it is asked for."""

from __future__ import annotations

from galaxtool_detect.boxes import DetectionSet
from galaxtool_detect.simulation.field import FieldOptions, simulate_field
from galaxtool_detect.simulation.sources import CLASSES


def make_simulated_set(
    n: int = 100, seed: int = 0, *, valid: float = 0.2, options: FieldOptions | None = None
) -> DetectionSet:
    """Return a data set of simulated fields; nothing is simulated yet.

    Parameters
    ----------
    n : int
        Number of fields.
    seed : int
        Random seed.
    valid : float
        Share of the fields for validation: the last ones.
    options : FieldOptions, optional
        What fields are like.
    """
    chosen = options or FieldOptions()
    first_valid = n - round(valid * n)
    return DetectionSet(
        name="simulated",
        classes=CLASSES,
        names=tuple(f"field-{i:05d}" for i in range(n)),
        splits=tuple("valid" if i >= first_valid else "train" for i in range(n)),
        read=lambda index: simulate_field(seed, index, chosen),
    )
