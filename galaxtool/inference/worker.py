"""Read and score images in batches: the work of `classify`, `embed` and `index`, in any process.

A worker usually reads and scores whole batches (`Scorer`), so that only paths go in and only numbers come out. If the
model runs better in one place, on a GPU or in PyTorch's own threads, workers only read (`PictureReader`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from galaxtool.backbones.layers import JOINT
from galaxtool.errors import DependencyMissing, ModelError, UnreadableImage
from galaxtool.images.read_options import ReadOptions
from galaxtool.inference.class_prior import correct_probabilities
from galaxtool.inference.views import ViewedScores, hash_with_layer, hash_with_passes, hash_with_views, run_views
from galaxtool.inputs.items import InputItem
from galaxtool.inputs.read_item import read_item
from galaxtool.models.engines.layers import open_layer_engine
from galaxtool.models.engines.passes import open_passes_engine
from galaxtool.models.engines.protocol import Engine
from galaxtool.models.find import find_model
from galaxtool.models.unlike_training import UnlikeDetector
from galaxtool.types import UNLIKE_TRAINING, ImageRef
from galaxtool.utils.freed_memory import keep_freed_memory
from galaxtool.vision.preprocess import Preprocess


@dataclass(frozen=True, kw_only=True)
class WorkerSetup:
    """Everything that a worker needs to know, in any process and on any machine.

    Parameters
    ----------
    model : str
        Registered name, model directory, run or ONNX file.
    digest : str
        Digest that the model must have.
    engine, device, precision : str
        As on the command line.
    threads : int
        Number of threads of one engine; 0 for the engine's own choice.
    preprocess : Preprocess
        Preprocessing of the images.
    reading : ReadOptions
        Options for reading images.
    embeds : bool
        Whether to compute embeddings rather than probabilities.
    tta : int
        Number of views of each image whose results are averaged.
    provider : str
        Provider of an engine for ONNX files, as on the command line.
    layer : str
        Layer whose features are the embeddings.
    factors : tuple of float
        Factor for the probability of each class; empty for none.
    passes : int
        Number of passes with dropout of a model of votes, 0 for none. The values of a batch are then the mean shares,
        followed by their standard deviations.
    """

    model: str
    digest: str
    engine: str
    device: str
    precision: str
    preprocess: Preprocess
    reading: ReadOptions
    threads: int = 0
    embeds: bool = False
    tta: int = 1
    layer: str = JOINT
    provider: str = "auto"
    factors: tuple[float, ...] = ()
    passes: int = 0

    @property
    def preprocess_digest(self) -> str:
        """Digest of preprocessing, views, passes and layer: results can be compared only if theirs are equal."""
        viewed = hash_with_passes(hash_with_views(self.preprocess.digest, self.tta), self.passes)
        return hash_with_layer(viewed, self.layer)


@dataclass(frozen=True, slots=True)
class ScoredBatch:
    """A batch that was read and, if `values` is not None, scored.

    Parameters
    ----------
    ra, dec : ndarray, shape (n,)
        Degrees, ICRS, from the catalogue or else from the header; NaN where unknown.
    flags : list of str
        Keys of `galaxtool.types.FLAGS`, joined by blanks.
    errors : list of str
        Why an image could not be read or scored; empty if it could.
    values : ndarray of float32, shape (n, K) or (n, dim), or None
        Probabilities, or embeddings of unit length; NaN in rows with an error.
    pictures : ndarray of uint8, shape (readable, size, size, C), or None
        The images that could be read, until they are scored.
    """

    ra: np.ndarray
    dec: np.ndarray
    flags: list[str]
    errors: list[str]
    values: np.ndarray | None = None
    pictures: np.ndarray | None = None


class PictureReader:
    """Reads batches: a call with items returns a `ScoredBatch` with pictures.

    Parameters
    ----------
    setup : WorkerSetup
        How images are read and preprocessed.
    """

    def __init__(self, setup: WorkerSetup) -> None:
        keep_freed_memory()
        self.setup = setup
        self._with_position = setup.preprocess.reading(setup.reading, position=True)
        self._without_position = setup.preprocess.reading(setup.reading, position=False)

    def __call__(self, items: Sequence[InputItem]) -> ScoredBatch:
        """Read a batch; an image that cannot be read is reported in its row, never raised."""
        ra, dec = np.full((2, len(items)), np.nan)
        flags, errors, pictures = [""] * len(items), [""] * len(items), []
        for i, item in enumerate(items):
            has_position = item.ra is not None and item.dec is not None
            options = self._without_position if has_position else self._with_position
            try:
                picture, position, flags[i] = self._read(item, options)
            except UnreadableImage as error:
                errors[i] = error.message
                position = (item.ra, item.dec)
            else:
                pictures.append(picture)
            if position[0] is not None and position[1] is not None:
                ra[i], dec[i] = position
        return ScoredBatch(ra, dec, flags, errors, pictures=np.stack(pictures) if pictures else None)

    def _read(self, item: InputItem, options: ReadOptions) -> tuple[np.ndarray, tuple[float | None, float | None], str]:
        preprocess = self.setup.preprocess
        cutout = read_item(item, options)
        return preprocess.picture(cutout), (cutout.ra, cutout.dec), " ".join(preprocess.flags(cutout))


class Scorer:
    """Reads and scores batches: a call with items returns a `ScoredBatch` with values.

    Parameters
    ----------
    setup : WorkerSetup
        What to read and to compute.
    engine : Engine, optional
        Open engine; by default the engine of the setup is opened.
    read : PictureReader, optional
        What reads the batches; by default the inputs are read from their files.

    Raises
    ------
    ModelError
        If the model has another digest, as another model of the same name on another machine would.
    """

    def __init__(self, setup: WorkerSetup, engine: Engine | None = None, read: PictureReader | None = None) -> None:
        self.read = read or PictureReader(setup)
        self.setup, self.embeds = setup, setup.embeds
        self.engine = engine or _open_engine(setup)
        self._detector: UnlikeDetector | None = getattr(self.engine, "detector", None)

    def __call__(self, items: Sequence[InputItem]) -> ScoredBatch:
        """Read and score a batch."""
        return self.score(self.read(items), items)

    @property
    def width(self) -> int:
        """Number of columns of `ScoredBatch.values`."""
        if self.embeds:
            return self.engine.record.dim
        return len(self.engine.record.slugs) * (2 if self.setup.passes else 1)

    def select(self, scores: ViewedScores) -> np.ndarray:
        """Return the columns of `ScoredBatch.values` from the output of the model."""
        return scores.embedding if self.embeds else correct_probabilities(scores.probabilities, self.setup.factors)

    def score(self, batch: ScoredBatch, items: Sequence[InputItem]) -> ScoredBatch:
        """Score a batch that was read."""
        values = np.full((len(items), self.width), np.nan, dtype=np.float32)
        if batch.pictures is None:
            return replace(batch, values=values)
        scores = run_views(self.engine, batch.pictures, self.setup.tta)
        values[[not error for error in batch.errors]] = self.select(scores)
        batch = replace(batch, flags=self._flag_unlike(batch, batch.pictures))
        finite = np.asarray(np.isfinite(values).all(axis=1))
        values[~finite] = np.nan
        errors = [
            error or ("" if ok else describe_not_finite(item.ref, self.embeds))
            for error, ok, item in zip(batch.errors, finite, items, strict=True)
        ]
        return replace(batch, values=values, errors=errors, pictures=None)

    def _flag_unlike(self, batch: ScoredBatch, pictures: np.ndarray) -> list[str]:
        """Return the flags of a batch with `UNLIKE_TRAINING` where a picture looks unlike those of the training."""
        if self._detector is None:
            return batch.flags
        unlike = np.zeros(len(batch.errors), dtype=bool)
        unlike[[not error for error in batch.errors]] = self._detector.find_unlike(pictures)
        rows = zip(batch.flags, unlike.tolist(), strict=True)
        return [f"{flags} {UNLIKE_TRAINING}".strip() if odd else flags for flags, odd in rows]


def make_scorer(setup: WorkerSetup) -> Callable[[], Scorer]:
    """Return a factory of `Scorer` that can be sent to workers."""
    return partial(Scorer, setup)


def make_reader(setup: WorkerSetup) -> Callable[[], PictureReader]:
    """Return a factory of `PictureReader` that can be sent to workers."""
    return partial(PictureReader, setup)


def describe_not_finite(ref: ImageRef, embeds: bool) -> str:
    """Return the error message for an image whose scores are not finite."""
    return f"The {'embedding' if embeds else 'probabilities'} of '{ref}' are not finite."


def _open_engine(setup: WorkerSetup) -> Engine:
    """Open the engine of a worker, and check that it runs the same model as everywhere else."""
    try:
        files = find_model(setup.model)
        engine = (
            open_passes_engine(
                files, setup.engine, setup.device, setup.precision, passes=setup.passes, threads=setup.threads
            )
            if setup.passes
            else open_layer_engine(
                files, setup.engine, setup.device, setup.precision,
                layer=setup.layer, provider=setup.provider, threads=setup.threads,
            )
        )  # fmt: skip
    except DependencyMissing as error:
        raise DependencyMissing(
            f"A worker cannot run the model. {error.message}",
            hint=f"{error.hint}, on every machine; or use --engine onnx.",
        ) from error
    if engine.record.digest != setup.digest:
        raise ModelError(
            f"A worker found a different model at '{setup.model}' (digest {engine.record.digest[:12]}, not "
            f"{setup.digest[:12]}).",
            hint="Install the same model and the same galaxtool on every machine.",
        )
    return engine
