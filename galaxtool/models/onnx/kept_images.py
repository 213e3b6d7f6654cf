"""A few images that a run keeps, on which `export` compares a file with its model and measures ranges.

They are pixels as they went into the network, beside the model directory and not in it: a model can be passed on where
its images may not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from galaxtool.containers.npz_files import BROKEN, read_arrays
from galaxtool.models.find import ModelFiles
from galaxtool.models.record import ModelRecord
from galaxtool.utils.files.atomic_write import atomic_write

MAX_IMAGES = 64
"""Number of validation images that are kept in any case, and compared in fp32 and fp16."""

MAX_SCORED = 512
"""Number of validation images that are kept at most: the accuracy of an int8 file is measured on all of them."""

MAX_CALIBRATION = 128
"""Number of training images that are kept, on which the ranges of an int8 file are measured."""

FILE_NAME = "check_images.npz"
"""File of a run directory with the images that it keeps, and the digest of the weights they belong to."""

_BYTES = 12 << 20  # more than MAX_IMAGES are kept only within this size
_NO_CLASS = -1


@dataclass(frozen=True, eq=False)
class KeptImages:
    """Images of a run.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (N, size, size, C)
        Validation images as `Preprocess.picture` returns them.
    targets : ndarray of int64, shape (N,), or None
        Class of each of them, -1 where it has none; None for a run of votes, or of an earlier version.
    training : ndarray of uint8, shape (M, size, size, C)
        Training images; M is 0 for a run of an earlier version.
    """

    pictures: np.ndarray
    targets: np.ndarray | None = None
    training: np.ndarray = field(default_factory=lambda: np.empty((0, 0, 0, 0), dtype=np.uint8))


def keep_check_images(run: Path, images: KeptImages, weights_sha256: str) -> None:
    """Write the images of a run.

    Parameters
    ----------
    run : Path
        Run directory.
    images : KeptImages
        Images as `choose_kept` chooses them.
    weights_sha256 : str
        Digest of the model's weights.
    """
    arrays = {"pictures": images.pictures, "training": images.training, "weights_sha256": np.array(weights_sha256)}
    if images.targets is not None:
        arrays["targets"] = images.targets
    with atomic_write(run / FILE_NAME) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)


def count_kept(picture_bytes: int) -> int:
    """Return how many validation images of a size in bytes are kept."""
    return int(np.clip(_BYTES // max(picture_bytes, 1), MAX_IMAGES, MAX_SCORED))


def choose_evenly(targets: np.ndarray, most: int = MAX_IMAGES) -> np.ndarray:
    """Return the numbers of up to `most` items, ascending, with about equally many of every class."""
    targets = targets if targets.ndim == 1 else np.zeros(len(targets), dtype=int)  # votes
    order = np.argsort(targets, kind="stable")
    ends = np.flatnonzero(np.diff(targets[order], prepend=targets[order][:1] - 1)) if len(targets) else order
    place = np.arange(len(targets)) - np.repeat(ends, np.diff(ends, append=len(targets)))
    return np.sort(order[np.argsort(place, kind="stable")][:most])


def get_classes(targets: np.ndarray, n_classes: int) -> np.ndarray | None:
    """Return the class of each image, -1 for one that has none of the classes; None for votes."""
    return None if targets.ndim > 1 else np.where((targets >= 0) & (targets < n_classes), targets, _NO_CLASS)


def load_kept(files: ModelFiles, record: ModelRecord) -> KeptImages | None:
    """Return the images that the run of a model kept; None if there is no run, or one of other weights."""
    path = files.folder.resolve().parent / FILE_NAME if files.folder is not None else None
    if path is None or path.is_symlink() or not path.is_file():
        return None
    try:
        content = read_arrays(path)
        pictures: np.ndarray = content["pictures"]
        belongs = str(content["weights_sha256"]) == record.weights_sha256
        targets = content.get("targets")
        training = content.get("training", pictures[:0])
    except BROKEN:  # a damaged file is as good as none
        return None
    preprocess = record.make_preprocess()
    shape = (preprocess.size, preprocess.size, len(preprocess.channels))
    fits = all(part.dtype == np.uint8 and part.shape[1:] == shape for part in (pictures, training))
    if targets is not None and (targets.shape != (len(pictures),) or targets.dtype.kind != "i"):
        targets = None
    return KeptImages(pictures, targets, training) if belongs and fits and len(pictures) else None
