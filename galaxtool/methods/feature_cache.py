"""A disk cache of features, so that a second probe of the same images starts within seconds."""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from galaxtool import __version__
from galaxtool.backbones.abilities import get_name
from galaxtool.errors import GalaxtoolError
from galaxtool.training.stage import embed_pictures
from galaxtool.training.task import PictureSet, Task
from galaxtool.utils.config import cache_dir
from galaxtool.utils.files.atomic_write import atomic_write

MAX_CACHE_BYTES = 2_000_000_000
"""Maximum size of all files together; the least recently used ones are removed first."""

_ABANDONED = 24 * 3600  # seconds after which an unfinished file counts as abandoned


def load_or_compute_features(task: Task, pictures: PictureSet) -> torch.Tensor:
    """Return the backbone's features of unaugmented pictures, from the cache if they were computed before.

    Parameters
    ----------
    task : Task
        Task, whose image tower, preprocessing and device determine the features.
    pictures : PictureSet
        Pictures to embed.

    Returns
    -------
    Tensor of float32, shape (N, dim)
        The features, on the task's device. They are stored in ``features/`` of the cache folder under the name that
        `compute_digest` gives, in at most `MAX_CACHE_BYTES`. The features of an unreadable file are computed again, and
        those that cannot be written, or are too large, are not stored.
    """
    path = cache_dir() / "features" / f"{compute_digest(task, pictures)}.safetensors"
    features = _read_features(path, (len(pictures), int(task.backbone.dim)))
    if features is None:
        features = embed_pictures(task, pictures).cpu().clone()
        if features.nbytes < MAX_CACHE_BYTES:
            with suppress(GalaxtoolError, SafetensorError), atomic_write(path) as temporary:
                save_file({"features": features}, temporary)
            remove_oldest(path.parent, MAX_CACHE_BYTES)
    return features.to(task.device)


def remove_oldest(folder: Path, most: int) -> None:
    """Remove the least recently used files until the others have at most the given total size.

    Parameters
    ----------
    folder : Path
        Folder with stored features. Other processes may write, read and remove files there at the same time: files
        appear only when complete, an open file stays readable, and a file that cannot be removed is left.
    most : int
        Maximum total size in bytes.
    """
    files = []
    for path in folder.glob("*.safetensors"):
        with suppress(OSError):  # another process has removed it
            status = path.stat()
            files.append((status.st_mtime_ns, path.name, status.st_size))
    now, total = time.time_ns(), sum(size for _, _, size in files)
    for used, name, size in sorted(files):
        is_unfinished = name.startswith(".")
        if is_unfinished and now - used < _ABANDONED * 1_000_000_000:
            continue  # it is being written
        if is_unfinished or total > most:
            with suppress(OSError):
                (folder / name).unlink(missing_ok=True)
                total -= size


def compute_digest(task: Task, pictures: PictureSet) -> str:
    """Return the SHA-256 of everything that determines the features: weights, preprocessing, pictures, device."""
    backbone, preprocess = task.backbone, task.preprocess.digest
    digest = hashlib.sha256()
    about = (__version__, get_name(backbone), preprocess, task.device.type, "fp32")
    digest.update(repr((*about, pictures.pictures.shape)).encode())
    digest.update(np.ascontiguousarray(pictures.pictures).data)
    for key, value in sorted(backbone.image_tower.state_dict().items()):
        digest.update(repr((key, value.shape, value.dtype)).encode())
        digest.update(memoryview(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()))
    return digest.hexdigest()


def _read_features(path: Path, shape: tuple[int, int]) -> torch.Tensor | None:
    """Return stored features and mark them as used now; None if there are none, or they are damaged."""
    try:
        features = load_file(path)["features"]
    except (OSError, SafetensorError, KeyError):
        return None
    with suppress(OSError):  # the cache may be read-only
        os.utime(path)
    return features if features.shape == shape and features.dtype == torch.float32 else None
