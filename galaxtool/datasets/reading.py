"""Let data sets read their images in the same way as `classify` reads its inputs."""

from __future__ import annotations

from typing import Any

from galaxtool.datasets.protocols import Dataset
from galaxtool.images.read_options import ReadOptions
from galaxtool.vision.preprocess import Preprocess


def read_as_classify(dataset: Dataset, preprocess: Preprocess) -> None:
    """Let a data set read images as `classify` will, which decodes large JPEGs at a reduced size.

    Otherwise the scores would be those of slightly different pictures.
    """
    layer: Any = dataset
    while layer is not None:
        if isinstance(getattr(layer, "reading", None), ReadOptions):
            layer.reading = preprocess.reading(layer.reading, position=True)
        layer = getattr(layer, "whole", None)
