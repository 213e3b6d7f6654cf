"""Whether images are read as those were that a model was trained on."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from galaxtool.inference.input_options import InputOptions
    from galaxtool.models.record import ModelRecord

_SAID = ("hdu", "bands", "mask_hdu", "weight_hdu")  # a pattern and a pixel scale are those of files, not of a model


def reading_note(record: ModelRecord, options: InputOptions) -> str:
    """Return what a user should know of options of reading that were given in training and are not given now.

    Parameters
    ----------
    record : ModelRecord
    options : InputOptions

    Returns
    -------
    str
        A line with these options, as they may be typed; empty where there are none.
    """
    before = record.data.get("reading") or {}
    lacking = [name for name in _SAID if before.get(name) not in (None, []) and not getattr(options, name)]
    if not lacking:
        return ""
    typed = []
    for name in lacking:
        value = before[name]
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        typed.append(f"--{name.replace('_', '-')} {shlex.quote(text)}")
    return f"The model was trained with {' '.join(typed)}; if these images are alike, say so again."
