"""Features of pictures kept on disk, so that a second probe of the same images starts in seconds."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from galaxtool import __version__
from galaxtool.backbones.abilities import name_of
from galaxtool.config import cache_dir
from galaxtool.errors import GalaxtoolError
from galaxtool.files import replacing
from galaxtool.training.stage import embed_pictures
from galaxtool.training.task import PictureSet, Task


def kept_features(task: Task, pictures: PictureSet) -> torch.Tensor:
    """Return the backbone's features of pictures as they are, from the cache where they have been computed before.

    Parameters
    ----------
    task : Task
        Its image tower, preprocessing, device and precision decide the features.
    pictures : PictureSet

    Returns
    -------
    Tensor of float32, shape (N, dim)
        On the task's device. They are kept under the cache folder's ``features/``, named by `features_digest`; a file
        that cannot be read is computed again, and one that cannot be written is done without.
    """
    path = cache_dir() / "features" / f"{features_digest(task, pictures)}.safetensors"
    found = _read(path, (len(pictures), int(task.backbone.dim)))
    if found is None:
        found = embed_pictures(task, pictures).cpu().clone()
        with suppress(GalaxtoolError, SafetensorError), replacing(path) as temporary:
            save_file({"features": found}, temporary)
    return found.to(task.device)


def features_digest(task: Task, pictures: PictureSet) -> str:
    """Return the SHA-256 of all that decides the features: weights, preprocessing, pictures, precision."""
    backbone, preprocess = task.backbone, task.preprocess.digest
    digest = hashlib.sha256()
    about = (__version__, name_of(backbone), preprocess, task.device.type, task.options.precision)
    digest.update(repr((*about, pictures.pictures.shape)).encode())
    digest.update(np.ascontiguousarray(pictures.pictures).data)
    for key, value in sorted(backbone.image_tower.state_dict().items()):
        digest.update(repr((key, value.shape, value.dtype)).encode())
        digest.update(memoryview(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()))
    return digest.hexdigest()


def _read(path: Path, shape: tuple[int, int]) -> torch.Tensor | None:
    """Return kept features; None where there are none, or not whole ones."""
    try:
        found = load_file(path)["features"]
    except (OSError, SafetensorError, KeyError):
        return None
    return found if found.shape == shape and found.dtype == torch.float32 else None
