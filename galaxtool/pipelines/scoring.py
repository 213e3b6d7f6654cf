"""Reading and scoring images in batches: what `classify`, `embed` and `index` have in common."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from galaxtool.errors import UnreadableImage
from galaxtool.types import batches

if TYPE_CHECKING:
    import numpy as np

    from galaxtool.io.items import InputItem
    from galaxtool.models.engines import Engine, Scores
    from galaxtool.models.record import ModelRecord
    from galaxtool.vision.preprocess import Preprocess

BATCH = 64
_AHEAD = 3  # batches read while one is scored


@dataclass(frozen=True, slots=True)
class Read:
    """One input after reading.

    Parameters
    ----------
    item : InputItem
    picture : ndarray of uint8, shape (size, size, 3), or None
        None where it could not be read.
    ra, dec : float or None
        Degrees, ICRS: the catalogue's, else the header's.
    flags : tuple of str
        Keys of `galaxtool.types.FLAGS`.
    error : str
        Why it could not be read.
    """

    item: InputItem
    picture: np.ndarray | None
    ra: float | None = None
    dec: float | None = None
    flags: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class ScoredBatch:
    """A batch after reading and scoring.

    Parameters
    ----------
    reads : list of Read
        In input order.
    scores : Scores
        Of the readable ones, in order.
    """

    reads: list[Read]
    scores: Scores


def read_one(item: InputItem, preprocess: Preprocess, hdu: int | str | None = None) -> Read:
    """Read one input; what is wrong with it is told in `Read.error`, never raised."""
    from galaxtool.io.options import ReadOptions
    from galaxtool.io.readers import read_image

    try:
        cutout = read_image(item.path, ReadOptions(hdu=hdu))
        picture = preprocess.picture(cutout)
    except UnreadableImage as error:
        return Read(item, None, item.ra, item.dec, error=error.message)
    ra, dec = (cutout.ra, cutout.dec) if item.ra is None or item.dec is None else (item.ra, item.dec)
    return Read(item, picture, ra, dec, preprocess.flags(cutout))


def read_batches(
    items: Sequence[InputItem], preprocess: Preprocess, *, batch_size: int = BATCH, hdu: int | str | None = None
) -> Iterator[list[Read]]:
    """Read inputs by threads, a few batches ahead of who takes them.

    Parameters
    ----------
    items : sequence of InputItem
    preprocess : Preprocess
    batch_size : int
    hdu : int or str, optional
        Of FITS files.

    Yields
    ------
    list of Read
        Consecutive batches in input order.
    """
    chunks = iter(batches(items, batch_size))
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        waiting: deque[list[Future[Read]]] = deque()
        try:
            while True:
                for chunk in islice(chunks, _AHEAD - len(waiting)):
                    waiting.append([pool.submit(read_one, item, preprocess, hdu) for item in chunk])
                if not waiting:
                    return
                yield [future.result() for future in waiting.popleft()]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def score_batches(
    items: Sequence[InputItem], engine: Engine, *, batch_size: int = BATCH, hdu: int | str | None = None
) -> Iterator[ScoredBatch]:
    """Read and score inputs in batches, in input order."""
    import numpy as np

    from galaxtool.models.engines import Scores

    preprocess = engine.record.make_preprocess()
    k, dim = len(engine.record.slugs), engine.record.dim
    nothing = Scores(*(np.empty((0, n), dtype=np.float32) for n in (dim, k, k)))
    for reads in read_batches(items, preprocess, batch_size=batch_size, hdu=hdu):
        pictures = [read.picture for read in reads if read.picture is not None]
        yield ScoredBatch(reads, engine.run(np.stack(pictures)) if pictures else nothing)


def outcomes(record: ModelRecord, probabilities: np.ndarray) -> tuple[tuple[str, ...], np.ndarray] | None:
    """Return what an object may be called, where that is not one of the model's classes.

    Parameters
    ----------
    record : ModelRecord
    probabilities : ndarray, shape (N, K)
        As its engine gives them; NaN throughout a row where there is no prediction.

    Returns
    -------
    tuple of L str and ndarray, shape (N, L); or None
        Slugs and probabilities of the ends of a decision tree, see
        `galaxtool.taxonomy.vote_schema.VoteSchema.endings`; None for a model of classes.
    """
    if record.votes is None:
        return None
    from galaxtool.taxonomy.votes import ending_probabilities, schema_from_dict

    return ending_probabilities(probabilities, schema_from_dict(record.votes, record.name))
