"""Read the metadata that galaxtool stores in its ONNX files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from galaxtool.errors import ModelError
from galaxtool.models.record import ModelRecord, refuse_constant

METADATA_KEY = "galaxtool"
CLASS_EMBEDDINGS_KEY = "galaxtool.class_embeddings"
COMPACT_KEY = "galaxtool.compact"
"""Set if weights are only stored in eight bits, and computed with in float32."""

WHAT_KEY = "galaxtool.what"
"""What the file computes, `TEXT`; images if it is not set."""

TEXT = "text"

TOKENIZER_KEY = "galaxtool.tokenizer"
"""The tokenizer of a text encoder, as JSON."""

REPORT_KEY = "galaxtool.export"
"""How close the file was to its model when it was written, as JSON."""

INPUT_KEY = "galaxtool.input"
"""What the input ``image`` is, `PICTURES`; preprocessed images if it is not set."""

PICTURES = "pictures"
CROP, PIXEL_SCALE = "crop", "pixel_scale"
"""Further inputs of a file with preprocessing."""


def read_onnx_record(metadata: Mapping[str, str], file: Path) -> ModelRecord:
    """Return the model record in the metadata of an ONNX file; `file` is named in errors.

    Raises
    ------
    ModelError
        If galaxtool did not write the file, or its metadata are damaged.
    """
    if METADATA_KEY not in metadata:
        raise ModelError(
            f"'{file}' was not written by galaxtool: its metadata do not name its classes.",
            hint="Write one with `galaxtool export`.",
        )
    try:
        values = json.loads(metadata[METADATA_KEY], parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ModelError(
            f"The metadata of '{file}' are damaged: {error}.", hint="Write it again with `galaxtool export`."
        ) from error
    return ModelRecord.from_dict(values, str(file))


def check_scores_images(metadata: Mapping[str, str], file: Path) -> None:
    """Raise `ModelError` if a file is a text encoder."""
    if metadata.get(WHAT_KEY) == TEXT:
        raise ModelError(
            f"'{file}' is a text encoder, which scores no images.",
            hint="Put it into the model directory as text.onnx, and give the directory.",
        )


def read_class_embeddings(metadata: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Return the class embeddings in the metadata of an ONNX file, as `Engine.class_embeddings` does."""
    try:
        stored = json.loads(metadata.get(CLASS_EMBEDDINGS_KEY, "{}"), parse_constant=refuse_constant)
        with np.errstate(over="ignore"):  # what is too large for float32 is not finite, and refused below
            arrays = {kind: np.asarray(rows, dtype=np.float32) for kind, rows in stored.items()}
        if any(rows.ndim != 2 or not np.isfinite(rows).all() for rows in arrays.values()):
            raise ValueError("they are not rows of numbers")
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ModelError(
            f"The embeddings of classes in an ONNX file are damaged: {error}.",
            hint="Write it again with `galaxtool export`.",
        ) from error
    return arrays
