"""What an ONNX file of galaxtool's says of its model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from galaxtool.errors import ModelError
from galaxtool.models.record import ModelRecord

METADATA_KEY = "galaxtool"
CLASS_EMBEDDINGS_KEY = "galaxtool.class_embeddings"


def record_in(metadata: Mapping[str, str], file: Path) -> ModelRecord:
    """Return what the metadata of an ONNX file say of the model.

    Raises
    ------
    ModelError
        If galaxtool has not written them, or they are damaged.
    """
    if METADATA_KEY not in metadata:
        raise ModelError(
            f"'{file}' was not written by galaxtool: its metadata name no classes.",
            hint="Write one with `galaxtool export`.",
        )
    try:
        about = json.loads(metadata[METADATA_KEY])
    except ValueError as error:
        raise ModelError(
            f"The metadata of '{file}' are damaged: {error}.", hint="Write it again with `galaxtool export`."
        ) from error
    return ModelRecord.from_dict(about, str(file))


def class_embeddings_in(metadata: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Return the embeddings of its classes that an ONNX file carries, as `Engine.class_embeddings` does."""
    held = json.loads(metadata.get(CLASS_EMBEDDINGS_KEY, "{}"))
    return {kind: np.asarray(rows, dtype=np.float32) for kind, rows in held.items()}
