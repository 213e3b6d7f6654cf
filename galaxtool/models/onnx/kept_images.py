"""A few validation images that a run keeps, on which `export` compares a file with its model.

They are pixels as they went into the network, beside the model directory and not in it: a model can be passed on where
its images may not.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from galaxtool.models.find import ModelFiles
from galaxtool.models.record import ModelRecord
from galaxtool.utils.atomic_write import atomic_write

MAX_IMAGES = 64
"""Number of images that are kept and compared."""

FILE_NAME = "check_images.npz"
"""File of a run directory with the images that it keeps, and the digest of the weights they belong to."""


def keep_check_images(run: Path, pictures: np.ndarray, targets: np.ndarray, weights_sha256: str) -> None:
    """Keep up to 64 validation images of a run for the check of `export`.

    Parameters
    ----------
    run : Path
        Run directory.
    pictures : ndarray of uint8, shape (N, size, size, C)
        Validation images as `Preprocess.picture` returns them.
    targets : ndarray, shape (N,) or (N, A)
        Class of each image, of which each gets an equal share; or votes.
    weights_sha256 : str
        Digest of the model's weights.
    """
    chosen = choose_evenly(targets if targets.ndim == 1 else np.zeros(len(targets), dtype=int))
    with atomic_write(run / FILE_NAME) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, pictures=pictures[chosen], weights_sha256=np.array(weights_sha256))


def choose_evenly(targets: np.ndarray) -> np.ndarray:
    """Return the numbers of up to 64 items, ascending, with about equally many of every class."""
    order = np.argsort(targets, kind="stable")
    ends = np.flatnonzero(np.diff(targets[order], prepend=targets[order][:1] - 1)) if len(targets) else order
    place = np.arange(len(targets)) - np.repeat(ends, np.diff(ends, append=len(targets)))
    return np.sort(order[np.argsort(place, kind="stable")][:MAX_IMAGES])


def load_kept(files: ModelFiles, record: ModelRecord) -> np.ndarray | None:
    """Return the images that the run of a model kept; None if there is no run, or one of other weights."""
    path = files.folder.resolve().parent / FILE_NAME if files.folder is not None else None
    if path is None or not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as content:
            pictures: np.ndarray = content["pictures"]
            belongs = str(content["weights_sha256"]) == record.weights_sha256
    except (OSError, ValueError, KeyError):  # a damaged file is as good as none
        return None
    preprocess = record.make_preprocess()
    shape = (preprocess.size, preprocess.size, len(preprocess.channels))
    fits = pictures.dtype == np.uint8 and pictures.shape[1:] == shape and len(pictures) > 0
    return pictures if belongs and fits else None
