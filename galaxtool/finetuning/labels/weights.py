"""How often the images of each data set and label are seen, from ``--weight``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from galaxtool.datasets.protocols import Dataset
from galaxtool.errors import ConfigError, UnknownName


def parse_item_weights(
    datasets: Sequence[Dataset], locations: Sequence[tuple[int, int]], given: Sequence[str]
) -> np.ndarray:
    """Return the weight of each item: the product of the ``NAME=WEIGHT`` of its data set and ``NAME/LABEL=WEIGHT``."""
    labels = [(datasets[d].name, str(datasets[d].items[i].label)) for d, i in locations]
    known = dict.fromkeys([*(dataset.name for dataset in datasets), *(f"{name}/{label}" for name, label in labels)])
    weights: dict[str, float] = {}
    for text in given:
        name, equals, value = text.rpartition("=")
        if not equals or name not in known:
            raise UnknownName(
                "data set in --weight", name or text, known, note="Write --weight NAME=2 or NAME/LABEL=2."
            )
        try:
            weights[name] = float(value)
        except ValueError:
            raise ConfigError(f"--weight {text}: '{value}' is not a number.") from None
        if not 0 < weights[name] < np.inf:
            raise ConfigError(f"--weight {text}: the weight must be a number above 0.")
    return np.array([weights.get(name, 1.0) * weights.get(f"{name}/{label}", 1.0) for name, label in labels])
