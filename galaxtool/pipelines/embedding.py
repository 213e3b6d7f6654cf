"""Images to vectors in batches, and what was passed over on the way: what `embed`, `index` and `similar` share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from galaxtool.errors import ConfigError, InputError
from galaxtool.pipelines.scoring import Read, score_batches
from galaxtool.types import Progress

if TYPE_CHECKING:
    import numpy as np

    from galaxtool.io.inputs import Inputs
    from galaxtool.io.items import InputItem
    from galaxtool.models.engines import Engine

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class EmbeddedBatch:
    """A batch after embedding.

    Parameters
    ----------
    reads : list of Read
        In input order; `error` is filled where there is no embedding.
    vectors : ndarray of float32, shape (len(reads), dim)
        Unit length, NaN where there is none.
    """

    reads: list[Read]
    vectors: np.ndarray

    @property
    def good(self) -> np.ndarray:
        """Which rows have an embedding, bool (N,)."""
        import numpy as np

        return np.array([not read.error for read in self.reads], dtype=bool)


def embed_batches(
    items: Sequence[InputItem], engine: Engine, *, batch_size: int, hdu: str | None, progress: Progress
) -> Iterator[EmbeddedBatch]:
    """Embed images in input order, telling the progress.

    Raises
    ------
    ConfigError
        If the batch size is not positive.
    """
    import numpy as np

    if batch_size < 1:
        raise ConfigError(f"The batch size is {batch_size}, and must be at least 1.")
    progress.start("Embedding images", len(items))
    for batch in score_batches(items, engine, batch_size=batch_size, hdu=hdu):
        vectors = np.full((len(batch.reads), engine.record.dim), np.nan, dtype=np.float32)
        vectors[[read.picture is not None for read in batch.reads]] = batch.scores.embedding
        finite = np.asarray(np.isfinite(vectors).all(axis=1))
        vectors[~finite] = np.nan
        reads = [
            read if ok or read.error else replace(read, error=no_embedding(read.item.path))
            for read, ok in zip(batch.reads, finite, strict=True)
        ]
        progress.advance(len(reads))
        yield EmbeddedBatch(reads, vectors)


def no_embedding(path: str | Path) -> str:
    """Say that a model computes nonsense of an image that was read."""
    return f"The model gives no finite embedding of '{path}'."


def gather_images(
    inputs: Sequence[str | Path], progress: Progress, *, image_column: str | None = None, id_column: str | None = None
) -> Inputs:
    """Find the images that inputs stand for, and say what was passed over.

    Raises
    ------
    InputError
        If an input does not exist, or there is no image.
    """
    from galaxtool.io.inputs import gather

    found = gather(inputs, image_column=image_column, id_column=id_column)
    if not found.items:
        raise InputError(f"'{inputs[0]}' names no image.", hint="Give a catalogue with rows, or a folder of images.")
    if found.skipped:
        why = "; ".join(f"{number} {reason}" for reason, number in found.skipped.most_common())
        progress.say(f"Skipped {found.skipped.total()} files: {why}.")
    return found


def say_unreadable(errors: Sequence[str], total: int, progress: Progress) -> None:
    """Name the images that could not be read, the first ten of them.

    Raises
    ------
    InputError
        If none could.
    """
    if errors and len(errors) == total:
        what = "The only image cannot be read" if total == 1 else f"None of the {total} images can be read; the first"
        raise InputError(f"{what}: {errors[0]}", hint="Check that these are FITS files or pictures.")
    if not errors:
        return
    progress.say(f"{len(errors)} of {total} images cannot be read:")
    for error in errors[:_SHOWN]:
        progress.say(f"  {error}")
    if len(errors) > _SHOWN:
        progress.say(f"  and {len(errors) - _SHOWN} more")
