"""What ``model.json`` says of the data of a training."""

from __future__ import annotations

from typing import Any

from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.finetuning.data import LabeledImages

_READING = ("hdu", "bands", "mask_hdu", "weight_hdu", "pixel_scale", "pixels", "pattern")


def describe_data(labeled: LabeledImages, config: FinetuneConfig) -> dict[str, Any]:
    """Return the entry ``data`` of ``model.json``: the data sets, their counts and the reading options given."""
    options = config.reading_options()
    values = {**options.read_options.as_dict(), "pattern": options.pattern}
    reading = {name: values[name] for name in _READING if values.get(name) not in (None, [])}
    optional = {
        "coarse_labels": {name: list(classes) for name, classes in labeled.coarse.items()},
        "noisy": {own.dataset: own.rate for own in labeled.noisy},
        "reading": reading,
    }
    return {
        "names": [dataset.name for dataset in labeled.datasets],
        "where": config.where,
        "counts": labeled.counts(),
        **{name: value for name, value in optional.items() if value},
    }
