"""How much of the sky a model saw in its training, and whether other images show as much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from galaxtool.inference.input_options import InputOptions
    from galaxtool.inputs.items import InputItem
    from galaxtool.models.record import ModelRecord

FIELD = "field_arcsec"
"""Key in `ModelRecord.data`."""

_FACTOR = 2.0
_NEARLY_ALL = 0.9
_LOOKED_AT = 5


def field_record(fields: np.ndarray | None) -> dict[str, Any]:
    """Return what a model's record says of the field of view.

    Parameters
    ----------
    fields : ndarray, shape (N,), or None
        Side in arcsec of what each training image shows; NaN where it is not known.

    Returns
    -------
    dict
        The median as `FIELD`; empty where there is no such field, as too many images do not say their scale or each
        has a field of its own.
    """
    import numpy as np

    if fields is None or not len(fields):
        return {}
    known = fields[np.isfinite(fields)]
    if len(known) < _NEARLY_ALL * len(fields):
        return {}
    median = float(np.median(known))
    alike = (known <= _FACTOR * median) & (known * _FACTOR >= median)
    return {FIELD: float(f"{median:.6g}")} if alike.mean() >= _NEARLY_ALL else {}


def field_note(record: ModelRecord, options: InputOptions, items: Sequence[InputItem]) -> str:
    """Return what a user should know of images that show much more or less of the sky than the model saw.

    Parameters
    ----------
    record : ModelRecord
    options : InputOptions
        How the images are read and shown.
    items : sequence of InputItem
        Of which the headers of the first few are read.

    Returns
    -------
    str
        A line; empty where the fields differ by no more than a factor of two, are not known, or are cut to the same.
    """
    import numpy as np

    from galaxtool.errors import UnreadableImage
    from galaxtool.inputs.read_item import read_item

    seen = record.data.get(FIELD)
    preprocess = options.shown(record.make_preprocess())
    if not seen or preprocess.size_arcsec is not None:
        return ""
    header = replace(options.reading, header_only=True)
    shown: list[float] = []
    for item in items[:_LOOKED_AT]:
        try:
            field = preprocess.field_arcsec(read_item(item, header))
        except UnreadableImage:  # which is said in its row
            continue
        if field is not None:
            shown.append(field)
    median = float(np.median(shown)) if shown else seen
    if seen / _FACTOR <= median <= seen * _FACTOR:
        return ""
    wanted = f"--size-arcsec {seen:.3g} cuts" if median > seen else "larger cutouts would show"
    return f"The model saw {seen:.3g} arcsec; these images show {median:.3g} arcsec: {wanted} the same field."
