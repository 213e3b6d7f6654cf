"""Check what an ONNX file returns, because the file may come from anyone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from galaxtool.errors import ModelError
from galaxtool.models.engines.protocol import Scores
from galaxtool.models.record import ModelRecord

OUTPUTS = ("embedding", "logits", "probabilities")
"""Names of the outputs, in the order of `Scores`."""

_TOLERANCE = 0.05
_EXPORT_AGAIN = "Write the file again with `galaxtool export`."


def make_scores(outputs: Sequence[Any], count: int, record: ModelRecord, name: str) -> Scores:
    """Return the outputs of an ONNX file as scores.

    Parameters
    ----------
    outputs : sequence
        The values of `OUTPUTS`.
    count : int
        Number N of pictures.
    record : ModelRecord
        Record of the model.
    name : str
        Name of the model for messages.

    Raises
    ------
    ModelError
        If an output has another shape than N x dim or N x classes, or is out of range. NaN is left as it is.
    """
    classes = len(record.slugs)
    for output, values, columns in zip(OUTPUTS, outputs, (record.dim, classes, classes), strict=True):
        if not isinstance(values, np.ndarray) or values.dtype.kind != "f" or values.shape != (count, columns):
            shape = " x ".join(map(str, getattr(values, "shape", ()))) or "another shape"
            raise ModelError(
                f"The ONNX file of '{name}' returns {shape} numbers as '{output}' for {count} pictures, not {count} x "
                f"{columns}.",
                hint=_EXPORT_AGAIN,
            )
    embedding, logits, probabilities = (np.asarray(values, dtype=np.float32) for values in outputs)
    with np.errstate(invalid="ignore", over="ignore"):
        is_wrong = (probabilities < -_TOLERANCE) | (probabilities > 1 + _TOLERANCE)
        is_wrong &= record.regression is None  # numbers have any size
        if is_wrong.any() or (np.linalg.norm(embedding, axis=1) > 1 + _TOLERANCE).any():
            what = (
                "probabilities that are not from 0 to 1" if is_wrong.any() else "embeddings that are not unit vectors"
            )
            raise ModelError(f"The ONNX file of '{name}' returns {what}.", hint=_EXPORT_AGAIN)
    return Scores(embedding, logits, probabilities)
