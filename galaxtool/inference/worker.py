"""Reading and scoring images in batches: what `classify`, `embed` and `index` have in common.

A worker reads and scores whole batches (`Scorer`), so that only paths go in and numbers come out. Where the model is
better run in one place, on a GPU or by PyTorch's own threads, workers only read (`PictureReader`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from galaxtool.errors import DependencyMissing, ModelError, UnreadableImage

if TYPE_CHECKING:
    import numpy as np

    from galaxtool.images.read_options import ReadOptions
    from galaxtool.inputs.items import InputItem
    from galaxtool.models.engines.protocol import Engine
    from galaxtool.models.record import ModelRecord
    from galaxtool.types import ImageRef
    from galaxtool.vision.preprocess import Preprocess


@dataclass(frozen=True, kw_only=True)
class WorkerSetup:
    """What a worker must know, wherever it is.

    Parameters
    ----------
    model : str
        Registered name, model directory, run or ONNX file.
    digest : str
        Of the model that it must be.
    engine, device, precision : str
        As on the command line.
    threads : int
        Of one engine; 0 for its own choice.
    preprocess : Preprocess
    reading : ReadOptions
    embeds : bool
        Whether embeddings are wanted, rather than probabilities.
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


@dataclass(frozen=True, slots=True)
class ScoredBatch:
    """A batch after reading and, where `values` is not None, scoring.

    Parameters
    ----------
    ra, dec : ndarray, shape (n,)
        Degrees, ICRS, the catalogue's or else the header's; NaN where unknown.
    flags, errors : list of str
        Keys of `galaxtool.types.FLAGS` joined by blanks; why an image could not be read, or empty.
    values : ndarray of float32, shape (n, K) or (n, dim), or None
        Probabilities or embeddings of unit length; NaN in rows with an error.
    pictures : ndarray of uint8, shape (readable, size, size, C), or None
        What was read, until it is scored.
    """

    ra: np.ndarray
    dec: np.ndarray
    flags: list[str]
    errors: list[str]
    values: np.ndarray | None = None
    pictures: np.ndarray | None = None


class PictureReader:
    """Reads batches: called with items, returns a `ScoredBatch` with pictures."""

    def __init__(self, plan: WorkerSetup) -> None:
        self.plan = plan
        self._with_position = plan.preprocess.reading(plan.reading, position=True)
        self._without = plan.preprocess.reading(plan.reading, position=False)

    def __call__(self, items: Sequence[InputItem]) -> ScoredBatch:
        """Read; what is wrong with an image is told in its row, never raised."""
        import numpy as np

        ra, dec = np.full((2, len(items)), np.nan)
        flags, errors, pictures = [""] * len(items), [""] * len(items), []
        for i, item in enumerate(items):
            known = item.ra is not None and item.dec is not None
            try:
                picture, position, flags[i] = self._read(item, self._without if known else self._with_position)
            except UnreadableImage as error:
                errors[i] = error.message
                position = (item.ra, item.dec)
            else:
                pictures.append(picture)
            if position[0] is not None and position[1] is not None:
                ra[i], dec[i] = position
        return ScoredBatch(ra, dec, flags, errors, pictures=np.stack(pictures) if pictures else None)

    def _read(self, item: InputItem, options: ReadOptions) -> tuple[np.ndarray, tuple[float | None, float | None], str]:
        from galaxtool.inputs.read_item import read_item

        cutout = read_item(item, options)
        picture = self.plan.preprocess.picture(cutout)
        return picture, (cutout.ra, cutout.dec), " ".join(self.plan.preprocess.flags(cutout))


class Scorer:
    """Reads and scores batches: called with items, returns a `ScoredBatch` with values.

    Parameters
    ----------
    plan : Plan
    engine : Engine, optional
        Open already; else it is opened.

    Raises
    ------
    ModelError
        If the model is not the one that was meant: another of its name on another machine.
    """

    def __init__(self, plan: WorkerSetup, engine: Engine | None = None) -> None:
        self.read = PictureReader(plan)
        self.embeds = plan.embeds
        self.engine = engine or self._opened(plan)

    @staticmethod
    def _opened(plan: WorkerSetup) -> Engine:
        from galaxtool.models.engines.open import open_engine
        from galaxtool.models.find import find_model

        try:
            engine = open_engine(find_model(plan.model), plan.engine, plan.device, plan.precision, threads=plan.threads)
        except DependencyMissing as error:
            raise DependencyMissing(
                f"A worker cannot run the model. {error.message}",
                hint=f"{error.hint}, on every machine; or use --engine onnx.",
            ) from error
        if engine.record.digest != plan.digest:
            raise ModelError(
                f"A worker found another model at '{plan.model}' (digest {engine.record.digest[:12]}, not "
                f"{plan.digest[:12]}).",
                hint="Put the same model, and the same galaxtool, on every machine.",
            )
        return engine

    def __call__(self, items: Sequence[InputItem]) -> ScoredBatch:
        """Read and score."""
        return self.score(self.read(items), items)

    def score(self, read: ScoredBatch, items: Sequence[InputItem]) -> ScoredBatch:
        """Score what was read."""
        import numpy as np

        record = self.engine.record
        values = np.full((len(items), record.dim if self.embeds else len(record.slugs)), np.nan, dtype=np.float32)
        if read.pictures is None:
            return replace(read, values=values)
        scores = self.engine.run(read.pictures)
        values[[not error for error in read.errors]] = scores.embedding if self.embeds else scores.probabilities
        finite = np.asarray(np.isfinite(values).all(axis=1))
        values[~finite] = np.nan
        errors = [
            error or ("" if ok else no_answer(item.ref, self.embeds))
            for error, ok, item in zip(read.errors, finite, items, strict=True)
        ]
        return replace(read, values=values, errors=errors, pictures=None)


def make_scorer(plan: WorkerSetup) -> Callable[[], Scorer]:
    """Return what makes a `Scorer`, to be sent to a worker."""
    return partial(Scorer, plan)


def make_reader(plan: WorkerSetup) -> Callable[[], PictureReader]:
    """Return what makes a `PictureReader`, to be sent to a worker."""
    return partial(PictureReader, plan)


def no_answer(ref: ImageRef, embeds: bool) -> str:
    """Say that a model computes nonsense of an image that was read."""
    return f"The model gives no finite {'embedding' if embeds else 'probabilities'} of '{ref}'."


def outcomes(record: ModelRecord, probabilities: np.ndarray) -> tuple[tuple[str, ...], np.ndarray, np.ndarray] | None:
    """Return what an object may be called, where that is not one of the model's classes.

    Parameters
    ----------
    record : ModelRecord
    probabilities : ndarray, shape (N, K)
        As its engine gives them; NaN throughout a row where there is no prediction.

    Returns
    -------
    tuple of L str, ndarray, shape (N, L), and ndarray of int, shape (N,); or None
        Slugs and probabilities of the ends of a decision tree, see
        `galaxtool.taxonomy.vote_schema.VoteSchema.endings`, and which of them each object is called, see
        `galaxtool.taxonomy.votes.leading_endings`; None for a model of classes.
    """
    if record.votes is None:
        return None
    from galaxtool.taxonomy.votes import ending_probabilities, leading_endings, schema_from_dict

    schema = schema_from_dict(record.votes, record.name)
    return *ending_probabilities(probabilities, schema), leading_endings(probabilities, schema)
