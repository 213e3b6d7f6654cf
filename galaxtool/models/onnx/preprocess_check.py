"""Compare the preprocessing in an ONNX file with galaxtool's own, on pictures of several sizes and shapes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper

from galaxtool.models.network import GalaxyModel
from galaxtool.models.onnx.comparison import lower, open_session
from galaxtool.models.onnx.metadata import PIXEL_SCALE
from galaxtool.models.onnx.preprocess_graph import PREPARED
from galaxtool.types import Cutout
from galaxtool.vision.preprocess import RGB, Preprocess, per_channel, resize

_SHAPES = ((1.0, 1.0), (2.3, 1.7), (0.4, 0.6), (4.4, 4.4), (1.0, 3.1))  # height and width in sizes of the model


def compare_preprocessing(
    path: Path, network: GalaxyModel, preprocess: Preprocess, cutouts: Sequence[Cutout]
) -> tuple[int, float, float]:
    """Run a file on pictures of any size, and galaxtool's preprocessing and the model on the same.

    Parameters
    ----------
    path : Path
        ONNX file with preprocessing.
    network : GalaxyModel
        Model that it was exported from.
    preprocess : Preprocess
        Preprocessing of the model.
    cutouts : sequence of Cutout
        Images of the user; those that are colour pictures are used, besides pictures of noise.

    Returns
    -------
    level : int
        Largest difference of a preprocessed pixel, in levels of 255.
    share : float
        Share of pixels that differ by more than two levels.
    cosine : float
        Least cosine between embeddings.

    Notes
    -----
    Pillow resizes along x and then along y, or the other way round, by the shape of the picture and by its own version.
    Both round and clip in between, so beside the edges of saturated stars a few pixels differ by more than rounding.
    """
    proto = onnx.load(path)
    proto.graph.output.append(helper.make_tensor_value_info(PREPARED, TensorProto.FLOAT, None))
    session = open_session(proto.SerializeToString())
    std = np.array(per_channel(preprocess.std, len(preprocess.channels)))[:, None, None]
    cosine = 1.0
    levels: list[np.ndarray] = []
    for cutout in (*_make_noise(preprocess), *filter(_is_picture, cutouts)):
        image = np.ascontiguousarray(cutout.data[:, ::-1].transpose(1, 2, 0))
        feed = {"image": image[None]}
        if preprocess.size_arcsec is not None:
            feed[PIXEL_SCALE] = np.array([cutout.pixel_scale or np.nan], dtype=np.float32)
        embedding, prepared = session.run(["embedding", PREPARED], feed)
        wanted = preprocess.normalize(preprocess.picture(cutout)[None])
        levels.append(np.abs((prepared - wanted) * std * 255).ravel())
        with torch.inference_mode():
            exact = network(torch.from_numpy(wanted))[0].numpy()
        cosine = lower(cosine, embedding, exact)
    every = np.concatenate(levels).round()
    return int(every.max()), float((every > 2).mean()), cosine


def _is_picture(cutout: Cutout) -> bool:
    return cutout.unit == "display" and cutout.bands == RGB and cutout.extent is None


def _make_noise(preprocess: Preprocess) -> Iterator[Cutout]:
    """Yield pictures of coloured patches, of several sizes."""
    rng = np.random.default_rng(0)
    for factors in _SHAPES:
        ny, nx = (max(1, round(factor * preprocess.size)) for factor in factors)
        patches = rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)
        side = max(ny, nx)
        picture = resize(patches, side, (0.0, 0.0, 9.0, 9.0))[:ny, :nx]
        scale = None if preprocess.size_arcsec is None else preprocess.size_arcsec / (0.7 * min(ny, nx))
        yield Cutout(data=picture.transpose(2, 0, 1)[:, ::-1], bands=RGB, unit="display", pixel_scale=scale)
