"""Features of pictures kept on disk, so that a second probe of the same images starts in seconds."""

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
from galaxtool.backbones.abilities import name_of
from galaxtool.errors import GalaxtoolError
from galaxtool.training.stage import embed_pictures
from galaxtool.training.task import PictureSet, Task
from galaxtool.utils.atomic_write import atomic_write
from galaxtool.utils.config import cache_dir

KEPT_BYTES = 2_000_000_000
"""Of all files together; those longest not used are removed first."""

_ABANDONED = 24 * 3600  # seconds after which an unfinished file belongs to nobody


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
        On the task's device. They are kept under the cache folder's ``features/``, named by `features_digest`, in no
        more than `KEPT_BYTES`; a file that cannot be read is computed again, and one that cannot be written, or is too
        large, is done without.
    """
    path = cache_dir() / "features" / f"{features_digest(task, pictures)}.safetensors"
    found = _read(path, (len(pictures), int(task.backbone.dim)))
    if found is None:
        found = embed_pictures(task, pictures).cpu().clone()
        if found.nbytes < KEPT_BYTES:
            with suppress(GalaxtoolError, SafetensorError), atomic_write(path) as temporary:
                save_file({"features": found}, temporary)
            remove_oldest(path.parent, KEPT_BYTES)
    return found.to(task.device)


def remove_oldest(folder: Path, most: int) -> None:
    """Remove files until those left have no more than so many bytes together, the longest unused first.

    Parameters
    ----------
    folder : Path
        Of kept features. Others may write, read and remove there at the same time: a file is only ever seen whole, one
        that is being read stays readable, and one that cannot be removed is left.
    most : int
        Bytes.
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
    """Return kept features, which count as used now; None where there are none, or not whole ones."""
    try:
        found = load_file(path)["features"]
    except (OSError, SafetensorError, KeyError):
        return None
    with suppress(OSError):  # the cache may be another's, only to be read
        os.utime(path)
    return found if found.shape == shape and found.dtype == torch.float32 else None
