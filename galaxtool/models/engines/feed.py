"""The inputs of an ONNX file for pictures that are already cut and resized."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from galaxtool.models.onnx.metadata import CROP, INPUT_KEY, PICTURES, PIXEL_SCALE
from galaxtool.vision.preprocess import Preprocess

_TINY = 1e-6  # arcsec: a field of any side is larger than the picture, which is then kept whole


def takes_pictures(metadata: Mapping[str, str]) -> bool:
    """Tell whether the preprocessing is a part of an ONNX file, by its metadata."""
    return metadata.get(INPUT_KEY) == PICTURES


def make_feed(metadata: Mapping[str, str], preprocess: Preprocess, pictures: np.ndarray) -> dict[str, np.ndarray]:
    """Return the inputs of an ONNX file.

    Parameters
    ----------
    metadata : mapping of str
        Metadata of the file.
    preprocess : Preprocess
        Preprocessing of the model.
    pictures : ndarray of uint8, shape (N, size, size, C)
        Pictures as `Preprocess.picture` returns them. A file with preprocessing leaves them as they are.
    """
    if not takes_pictures(metadata):
        return {"image": preprocess.normalize(pictures)}
    feed = {"image": pictures if pictures.shape[-1] == 3 else np.repeat(pictures, 3, axis=-1)}
    if preprocess.size_arcsec is not None:
        feed[PIXEL_SCALE] = np.full(len(pictures), _TINY, dtype=np.float32)
    elif preprocess.crop != 1:
        feed[CROP] = np.ones(1, dtype=np.float32)
    return feed
