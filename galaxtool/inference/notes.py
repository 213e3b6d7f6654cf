"""Compare the reading options with those of a model's training."""

from __future__ import annotations

import shlex

from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.models.record import ModelRecord

_COMPARED = ("hdu", "bands", "mask_hdu", "weight_hdu")  # pattern and pixel scale belong to files, not to a model


def describe_missing_options(record: ModelRecord, options: ReadingOptions) -> str:
    """Return a note on reading options that were given in training and are not given now.

    Parameters
    ----------
    record : ModelRecord
        Record of the model.
    options : ReadingOptions
        Options that are given now.

    Returns
    -------
    str
        A line with the missing options as they can be typed; empty if there are none.
    """
    before = record.data.get("reading") or {}
    missing = [name for name in _COMPARED if before.get(name) not in (None, []) and not getattr(options, name)]
    if not missing:
        return ""
    words = []
    for name in missing:
        value = before[name]
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        words.append(f"--{name.replace('_', '-')} {shlex.quote(text)}")
    return f"The model was trained with {' '.join(words)}; give the same options if these images are alike."
