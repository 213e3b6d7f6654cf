"""Embed images in batches: what `embed`, `index` and `similar` have in common."""

from __future__ import annotations

from collections.abc import Sequence

from galaxtool.errors import InputError
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.reading import override_preprocess
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inference.runner import BatchRunner
from galaxtool.models.engines.protocol import Engine
from galaxtool.types import Progress

_MOST_NAMED = 10


def make_embedding_runner(engine: Engine, model: str, options: ReadingOptions, compute: ComputeOptions) -> BatchRunner:
    """Return a runner whose `ScoredBatch.values` are embeddings of unit length."""
    return BatchRunner(
        engine,
        model=model,
        reading=options.read_options,
        preprocess=override_preprocess(engine.record.make_preprocess(), options),
        compute=compute,
        embeds=True,
    )


def to_position(ra: float, dec: float) -> tuple[float | None, float | None]:
    """Return a position in degrees with None for an unknown one, which arrays hold as NaN."""
    return (None, None) if ra != ra or dec != dec else (float(ra), float(dec))


def report_unreadable(errors: Sequence[str], total: int, progress: Progress, *, number: int | None = None) -> None:
    """Report the images that cannot be read, naming the first ten.

    Parameters
    ----------
    errors : sequence of str
        Messages of all errors, or of the first ones.
    total : int
        Number of images.
    progress : Progress
        Receiver of the report.
    number : int, optional
        Number of errors, if `errors` contains only the first ones.

    Raises
    ------
    InputError
        If no image can be read.
    """
    number = len(errors) if number is None else number
    if errors and number == total:
        what = "The only image cannot be read" if total == 1 else f"None of the {total} images can be read; the first"
        raise InputError(f"{what}: {errors[0]}", hint="Check that these are FITS files or pictures.")
    if not errors:
        return
    progress.say(f"{number} of {total} images cannot be read:")
    for error in errors[:_MOST_NAMED]:
        progress.say(f"  {error}")
    if number > _MOST_NAMED:
        progress.say(f"  and {number - _MOST_NAMED} more")
