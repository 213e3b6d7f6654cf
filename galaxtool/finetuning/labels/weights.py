"""How often the images of each data set and label are seen, from ``--weight``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from galaxtool.datasets.protocols import Dataset
from galaxtool.errors import ConfigError, UnknownName


def use_names(given: Sequence[str], texts: Sequence[str | Path], names: Sequence[str]) -> tuple[str, ...]:
    """Return settings such as ``NAME=2`` and ``NAME/LABEL=2`` in which a data set may be named as it was given.

    Parameters
    ----------
    given : sequence of str
        The settings.
    texts : sequence of str or Path
        The data sets, as the user gave them.
    names : sequence of str
        Their names.
    """
    name_of = {
        form: name for text, name in zip(map(str, texts), names, strict=False) for form in (text.rstrip("/"), text)
    }
    longest = sorted(name_of, key=len, reverse=True)

    def translate(setting: str) -> str:
        for text in longest:
            rest = setting.removeprefix(text)
            if setting.startswith(text) and (not rest or rest[0] in "=/"):
                return f"{name_of[text]}{rest}"
        return setting

    return tuple(map(translate, given))


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
