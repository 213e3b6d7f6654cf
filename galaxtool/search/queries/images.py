"""Read and embed the images of queries, as the images of the index were."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from galaxtool.containers.reading import read_ref
from galaxtool.errors import GalaxtoolError, InputError, UnreadableImage
from galaxtool.inference.model import Image, MemoryItem, make_items
from galaxtool.inference.reading import override_preprocess
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inference.runner import describe_provider
from galaxtool.inference.views import run_views
from galaxtool.inference.worker import describe_not_finite
from galaxtool.search.reading import choose_reading, describe_options, locate_query
from galaxtool.search.source import Source
from galaxtool.types import BLANK, FLAGS, NO_SCALE, OFF_EDGE, UNLIKE_TRAINING, Cutout, ImageRef, Progress, warn
from galaxtool.vision.preprocess import Preprocess

_NOTED_FLAGS = (BLANK, NO_SCALE, OFF_EDGE)
"""Flags of a query that make its results doubtful."""

_BATCH = 32


@dataclass(frozen=True, kw_only=True, eq=False)
class QueryImage:
    """The image of a query as a vector.

    Parameters
    ----------
    vector : ndarray of float32, shape (dim,)
        Embedding of unit length.
    ref : ImageRef or None
        Where it is stored; None for one in memory.
    reading : ReadingOptions
        How it was read.
    ra, dec : float or None
        Position in degrees, ICRS; None if unknown.
    """

    vector: np.ndarray
    ref: ImageRef | None
    reading: ReadingOptions
    ra: float | None
    dec: float | None


class _Picture(NamedTuple):
    ref: ImageRef | None
    cutout: Cutout
    pixels: np.ndarray


def embed_images(
    images: Sequence[Image], given: ReadingOptions, source: Source, progress: Progress
) -> list[QueryImage | GalaxtoolError]:
    """Read images as the index read its own, except for the options that were given, and embed them.

    Returns
    -------
    list of QueryImage or GalaxtoolError
        For each image its embedding, or the error of one that cannot be read.
    """
    if not images:
        return []
    reading = choose_reading(source.reading, given)
    if reading.note:
        progress.say(reading.note)
    describe_provider(source.engine, source.compute, progress)
    embedder = _Embedder(source, reading.options)
    results: list[QueryImage | GalaxtoolError] = []
    for start in range(0, len(images), _BATCH):
        results += embedder.embed(images[start : start + _BATCH])
    for flag, number in embedder.flags.items():
        which = "The query is" if len(images) == 1 else f"{number} of {len(images)} images of the queries are"
        warn(progress, f"{which} flagged {flag}: {FLAGS[flag]}.")
    return results


class _Embedder:
    """Reads and embeds images in batches, and counts their flags."""

    def __init__(self, source: Source, options: ReadingOptions) -> None:
        self.source = source
        self.options = options
        self.flags: Counter[str] = Counter()
        self.preprocess: Preprocess = override_preprocess(source.engine.record.make_preprocess(), options)

    def embed(self, images: Sequence[Image]) -> list[QueryImage | GalaxtoolError]:
        """Embed images; the error of one that cannot be read takes its place."""
        read = [self._try_to_read(image) for image in images]
        pictures = [one for one in read if isinstance(one, _Picture)]
        if not pictures:
            return [one for one in read if isinstance(one, GalaxtoolError)]
        pixels = np.stack([one.pixels for one in pictures])
        engine = self.source.engine
        detector = getattr(engine, "detector", None)
        if detector is not None and (unlike := int(np.count_nonzero(detector.find_unlike(pixels)))):
            self.flags[UNLIKE_TRAINING] += unlike
        vectors = iter(run_views(engine, pixels, self.source.index.record.tta).embedding)
        return [self._finish(one, next(vectors)) if isinstance(one, _Picture) else one for one in read]

    def _finish(self, picture: _Picture, vector: np.ndarray) -> QueryImage | GalaxtoolError:
        cutout, ref = picture.cutout, picture.ref
        if not np.isfinite(vector).all():
            return UnreadableImage(describe_not_finite(ref or ImageRef(Path(cutout.source or "image")), embeds=True))
        return QueryImage(vector=vector, ref=ref, reading=self.options, ra=cutout.ra, dec=cutout.dec)

    def _try_to_read(self, image: Image) -> _Picture | GalaxtoolError:
        try:
            picture = self._read(image)
        except UnreadableImage as error:
            return type(error)(error.message, hint=error.hint or _suggest_options(self.options))
        except GalaxtoolError as error:
            return error
        self.flags.update(flag for flag in self.preprocess.flags(picture.cutout) if flag in _NOTED_FLAGS)
        return picture

    def _read(self, image: Image) -> _Picture:
        if isinstance(image, (Cutout, np.ndarray)):
            cutout = image if isinstance(image, Cutout) else _take_pixels(image, self.preprocess.channels)
            return _Picture(None, cutout, self.preprocess.picture(cutout))
        ref = image if isinstance(image, ImageRef) else self._locate(image)
        cutout = read_ref(ref, self.preprocess.reading(self.options.read_options, position=True))
        return _Picture(ref, cutout, self.preprocess.picture(cutout))

    def _locate(self, path: str | os.PathLike[str]) -> ImageRef:
        return locate_query(os.fspath(path), self.options, self.source.index)


def _take_pixels(array: np.ndarray, channels: tuple[str, ...]) -> Cutout:
    """Return the only image of an array."""
    items = make_items([array], channels)
    if len(items) != 1 or not isinstance(items[0], MemoryItem) or items[0].load is None:
        raise InputError(
            f"An array of shape {array.shape} holds {len(items)} images, and a query is a single one.",
            hint="Give a list of arrays.",
        )
    return items[0].load()


def _suggest_options(options: ReadingOptions) -> str:
    """Return the next step after a query that cannot be read."""
    if changes := options.list_changes():
        return f"It was read with {describe_options(changes)}, as the index; another value here replaces that."
    return "Ask with another image, or for an object of the index with --id."
