"""Images to vectors in batches, and what was passed over on the way: what `embed`, `index` and `similar` share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from galaxtool.errors import InputError
from galaxtool.inference.input_options import InputOptions
from galaxtool.inference.runner import BatchRunner, ComputeOptions
from galaxtool.inference.worker import ScoredBatch
from galaxtool.types import Progress

if TYPE_CHECKING:
    from galaxtool.inputs.gather import Inputs
    from galaxtool.inputs.items import InputItem
    from galaxtool.models.engines.protocol import Engine

_SHOWN = 10


def embedding_stream(engine: Engine, model: str, options: InputOptions, where: ComputeOptions) -> BatchRunner:
    """Return a stream of embeddings: `Scored.values` are vectors of unit length."""
    return BatchRunner(
        engine,
        model=model,
        reading=options.reading,
        preprocess=options.shown(engine.record.make_preprocess()),
        where=where,
        embeds=True,
    )


def embed_batches(
    items: Sequence[InputItem], stream: BatchRunner, progress: Progress
) -> Iterator[tuple[Sequence[InputItem], ScoredBatch]]:
    """Embed images in input order, telling the progress.

    Yields
    ------
    items, Scored
        A batch; `Scored.values` is float32 (n, dim) of unit length, NaN where there is an error.
    """
    progress.start("Embedding images", len(items))
    for _, batch, scored in stream.run(items):
        progress.advance(len(batch))
        yield batch, scored


def position(ra: float, dec: float) -> tuple[float | None, float | None]:
    """Return a position in degrees, None for what is not known."""
    return (None, None) if ra != ra or dec != dec else (float(ra), float(dec))


def gather_images(inputs: Sequence[str | Path], progress: Progress, options: InputOptions | None = None) -> Inputs:
    """Find the images that inputs stand for, and say what was passed over.

    Raises
    ------
    InputError
        If an input does not exist, or there is no image.
    """
    found = (options or InputOptions()).gather(inputs)
    if not len(found.items):
        raise InputError(f"'{inputs[0]}' names no image.", hint="Give a catalogue with rows, or a folder of images.")
    if found.skipped:
        why = "; ".join(f"{number} {reason}" for reason, number in found.skipped.most_common())
        progress.say(f"Skipped {found.skipped.total()} files: {why}.")
    return found


def say_unreadable(errors: Sequence[str], total: int, progress: Progress, *, number: int | None = None) -> None:
    """Name the images that could not be read, the first ten of them.

    Parameters
    ----------
    errors : sequence of str
        All of them, or the first.
    total : int
        Of images.
    progress : Progress
    number : int, optional
        How many could not be read, where `errors` has only the first of them.

    Raises
    ------
    InputError
        If none could.
    """
    number = len(errors) if number is None else number
    if errors and number == total:
        what = "The only image cannot be read" if total == 1 else f"None of the {total} images can be read; the first"
        raise InputError(f"{what}: {errors[0]}", hint="Check that these are FITS files or pictures.")
    if not errors:
        return
    progress.say(f"{number} of {total} images cannot be read:")
    for error in errors[:_SHOWN]:
        progress.say(f"  {error}")
    if number > _SHOWN:
        progress.say(f"  and {number - _SHOWN} more")
