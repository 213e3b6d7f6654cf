"""Recognize images unlike those that a model was trained on, by image statistics and their nearest training images.

The embedding of a network does not tell empty sky or noise from a faint round galaxy: it keeps what separates the
classes and drops the rest. Statistics of the picture keep it (see `galaxtool.vision.image_statistics`), and the
distance to the nearest training images (Sun et al. 2022, arXiv:2204.06507) assumes no shape of their distribution.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from galaxtool.errors import ModelError
from galaxtool.models.record import ModelRecord
from galaxtool.utils.files.atomic_write import atomic_write
from galaxtool.vision.image_statistics import N_STATISTICS, measure_statistics

FILE_NAME = "domain.safetensors"
"""File of a model directory with the arrays of a `UnlikeDetector`."""

DOMAIN_KEY = "galaxtool.domain"
"""Key of the metadata of an ONNX file with the same bytes in base64."""

NEIGHBOR = 3
"""Rank of the training image whose distance is compared; a single odd one does not vouch for others."""

MAX_STORED = 2000
"""Most training images whose statistics are stored, 29 half floats for each."""

FALSE_ALARMS = 0.01
"""Share of images like those of the training that may be flagged."""

MIN_IMAGES = 99
"""Images with which that share can be kept: fewer have no such quantile."""

_LEAST_SPREAD, _MANY = 0.02, 400
_NAMES = ("center", "scale", "stored")


@dataclass(frozen=True, eq=False)
class UnlikeDetector:
    """The statistics of training images, and the distance from them at which an image is unlike them.

    Parameters
    ----------
    center, scale : ndarray of float32, shape (S,)
        Mean and spread of each statistic.
    stored : ndarray of float16, shape (M, S)
        Statistics of training images, less the mean and divided by the spread.
    threshold : float
        Distance to the third nearest of them above which an image is unlike them.
    """

    center: np.ndarray
    scale: np.ndarray
    stored: np.ndarray
    threshold: float = np.inf

    def __post_init__(self) -> None:
        object.__setattr__(self, "_points", self.stored.astype(np.float32))

    def measure(self, pictures: np.ndarray) -> np.ndarray:
        """Return the distances, float32 (N,), of pictures, uint8 (N, size, size, C), from the training images."""
        return self.measure_rows(measure_statistics(pictures))

    def measure_rows(self, statistics: np.ndarray, *, own: bool = False) -> np.ndarray:
        """Return the distances of rows of statistics; with `own`, the nearest image, which is the same, is skipped."""
        points: np.ndarray = getattr(self, "_points")  # noqa: B009  not a field
        rows = (statistics - self.center) / self.scale
        squares = (rows**2).sum(axis=1)[:, None] + (points**2).sum(axis=1) - 2 * rows @ points.T
        rank = min(NEIGHBOR - 1 + own, len(points) - 1)
        nearest = np.partition(squares, rank, axis=1)[:, rank]
        distances: np.ndarray = np.sqrt(np.maximum(nearest, 0)).astype(np.float32)
        return distances

    def find_unlike(self, pictures: np.ndarray) -> np.ndarray:
        """Return whether each picture is unlike the training images, bool (N,)."""
        unlike: np.ndarray = self.measure(pictures) > self.threshold
        return unlike

    def to_bytes(self) -> bytes:
        """Return the arrays as the content of a safetensors file."""
        return save({name: np.ascontiguousarray(getattr(self, name)) for name in _NAMES})

    @classmethod
    def from_bytes(cls, content: bytes, threshold: float) -> UnlikeDetector:
        """Make a detector from the content of a safetensors file and its threshold."""
        arrays = load(content)
        n, shapes = N_STATISTICS, [arrays[name].shape for name in _NAMES]
        if shapes[:2] != [(n,), (n,)] or len(shapes[2]) != 2 or shapes[2][1] != n or not len(arrays["stored"]):
            raise ValueError(f"its arrays have the shapes {shapes}")
        return cls(arrays["center"], arrays["scale"], arrays["stored"], threshold)


def fit_detector(
    take_train: Callable[[np.ndarray], np.ndarray],
    n_train: int,
    valid: np.ndarray,
    *,
    test: np.ndarray | None = None,
    varied: bool = False,
    seed: int = 0,
) -> tuple[UnlikeDetector, dict[str, Any]] | None:
    """Learn what the images of a training look like.

    Parameters
    ----------
    take_train : callable
        Returns pictures of the training split, uint8 (n, size, size, C), by their numbers; all need not be in memory.
    n_train : int
        Number of training pictures.
    valid : ndarray of uint8, shape (N, size, size, C)
        Pictures of the validation split.
    test : ndarray of uint8, shape (N, size, size, C), optional
        Pictures of the test split, on which the false alarms are counted.
    varied : bool
        Whether the training pictures are more varied than those of the other splits, so that the threshold must be
        chosen on both.
    seed : int
        Random seed of the choice of training images, where there are more than can be stored.

    Returns
    -------
    detector : UnlikeDetector
    description : dict
        The entry ``unlike_training`` of the model record.

        Both are None together where there are too few images to keep the share of false alarms.

    Notes
    -----
    The threshold is the conformal quantile of the distances of the validation images: another image of the same kind
    is beyond it with a probability of at most 1 %. If these are few, training images are added, each compared with the
    others; as no parameter is trained, they are almost as good as new ones.
    """
    if n_train < MIN_IMAGES // 2 or n_train + len(valid) < MIN_IMAGES:
        return None
    chosen = np.sort(np.random.default_rng(seed).permutation(n_train)[:MAX_STORED])
    statistics = measure_statistics(take_train(chosen))
    center, scale = statistics.mean(axis=0), np.maximum(statistics.std(axis=0), _LEAST_SPREAD)
    detector = UnlikeDetector(center, scale, ((statistics - center) / scale).astype(np.float16))
    distances = [detector.measure(valid)] if len(valid) else []
    if varied or len(valid) < _MANY:
        distances.append(detector.measure_rows(statistics, own=True))
    known = np.sort(np.concatenate(distances))
    rank = int(np.ceil((len(known) + 1) * (1 - FALSE_ALARMS)))
    threshold = float(known[min(rank, len(known)) - 1])
    detector = UnlikeDetector(center, scale, detector.stored, threshold)
    description: dict[str, Any] = {
        "score": f"distance to training image number {NEIGHBOR} in image statistics",
        "threshold": threshold,
        "false_alarms": FALSE_ALARMS,
        "calibrated_on": len(known),
        "stored": len(chosen),
    }
    if test is not None and len(test):
        description["test"] = {"n": len(test), "flagged": int(detector.find_unlike(test).sum())}
    return detector, description


def write_detector(folder: Path, detector: UnlikeDetector) -> None:
    """Write the arrays of a detector into a model directory."""
    with atomic_write(folder / FILE_NAME) as temporary:
        temporary.write_bytes(detector.to_bytes())


def read_detector(folder: Path, record: ModelRecord) -> UnlikeDetector | None:
    """Return the detector of a model directory, or None if it has none.

    Raises
    ------
    ModelError
        If its file is damaged.
    """
    path = folder / FILE_NAME
    if not record.unlike_training or not path.is_file():
        return None
    return _parse(path.read_bytes(), record, str(path))


def read_onnx_detector(metadata: Mapping[str, str], record: ModelRecord) -> UnlikeDetector | None:
    """Return the detector in the metadata of an ONNX file, or None if it has none."""
    if not record.unlike_training or DOMAIN_KEY not in metadata:
        return None
    where = f"the ONNX file of '{record.name}'"
    try:
        content = b64decode(metadata[DOMAIN_KEY])
    except ValueError as error:
        raise _make_damage_error(where, error) from error
    return _parse(content, record, where)


def make_metadata(detector: UnlikeDetector | None) -> dict[str, str]:
    """Return the metadata of an ONNX file with a detector; empty without one."""
    return {} if detector is None else {DOMAIN_KEY: b64encode(detector.to_bytes()).decode("ascii")}


def describe_false_alarms(record: ModelRecord) -> str:
    """Describe how often an image like those of the training is flagged; empty for a model that flags none."""
    stored = record.unlike_training
    if not stored:
        return ""
    share = stored.get("false_alarms", FALSE_ALARMS)
    text = f"UNLIKE_TRAINING is set for about {share:.2g} of images like those of the training"
    test = stored.get("test") or {}
    return f"{text} ({test['flagged']} of {test['n']} test images)" if {"flagged", "n"} <= set(test) else text


def _parse(content: bytes, record: ModelRecord, where: str) -> UnlikeDetector:
    try:
        return UnlikeDetector.from_bytes(content, float(record.unlike_training["threshold"]))
    except Exception as error:  # safetensors has an exception of its own, in Rust
        raise _make_damage_error(where, error) from error


def _make_damage_error(where: str, error: Exception) -> ModelError:
    return ModelError(
        f"The statistics of the training images in {where} are damaged: {error}.",
        hint="Copy the whole model again from where it was trained.",
    )
