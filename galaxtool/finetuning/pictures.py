"""The pictures of a split, read and preprocessed."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from galaxtool.datasets.reading import read_as_classify
from galaxtool.errors import InputError, UnreadableImage
from galaxtool.finetuning.data import LabeledImages
from galaxtool.training.task import PictureSet
from galaxtool.types import AS_PICTURE, COUNTS, FEW_LEVELS, FIRST_FRAME, FLAGS, Progress
from galaxtool.vision.preprocess import Preprocess

_ASSUMED = (COUNTS, AS_PICTURE, FEW_LEVELS, FIRST_FRAME)
"""Flags of what was assumed about a file, which are said before the training."""

_FINER = 1.25
"""Factor of the resolution of pictures that show more than the field of the model."""

MAX_LISTED = 10
"""Number of unreadable images that are listed one by one."""


CaptionCollector = Callable[[Sequence[int]], list[tuple[str, ...]] | None]
"""Returns the captions of items, see `galaxtool.finetuning.captions.collect_captions`."""


def read_pictures(
    labeled: LabeledImages,
    split: str,
    preprocess: Preprocess,
    progress: Progress,
    *,
    margin: float = 1.0,
    collect_captions: CaptionCollector | None = None,
) -> tuple[PictureSet, list[str]]:
    """Read the pictures of a split, and their captions if they are collected.

    Parameters
    ----------
    labeled : LabeledImages
        The images.
    split : str
        Name of the split.
    preprocess : Preprocess
        Preprocessing of the model.
    progress : Progress
        Receiver of messages.
    margin : float
        Side of the field that pictures show for augmentation, in units of that of the model. Above 1, they are also
        finer, so that a narrower field has details.
    collect_captions : callable, optional
        Returns the captions of items, see `galaxtool.finetuning.captions.collect_captions`; by default there are none.

    Returns
    -------
    pictures : PictureSet
        The readable ones, in the order of the items.
    problems : list of str
        One sentence for each image that cannot be read.

    Raises
    ------
    InputError
        If no image can be read; or if `Preprocess.size_arcsec` is set and no image gives its pixel scale.
    """
    shown, margin = (preprocess, 1.0) if margin == 1.0 else preprocess.widen(margin, _FINER)
    for dataset in labeled.datasets:
        read_as_classify(dataset, shown)
    rows = np.flatnonzero(labeled.splits == split)
    progress.start(f"Reading {split}", len(rows))
    flags: Counter[str] = Counter()

    def read(row: int) -> tuple[np.ndarray, float | None] | str:
        d, i = labeled.locations[row]
        try:
            cutout = labeled.datasets[d].cutout(i)
            flags.update(flag for flag in cutout.flags if flag in _ASSUMED)
            return shown.picture(cutout), preprocess.field_arcsec(cutout)
        except UnreadableImage as error:
            return error.message
        finally:
            progress.advance()

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(read, rows.tolist()))
    good = [k for k, result in enumerate(results) if not isinstance(result, str)]
    readable = [result for result in results if not isinstance(result, str)]
    problems = [result for result in results if isinstance(result, str)]
    if not good:
        raise InputError(
            f"None of the {len(rows)} {split} images can be read; the first: {problems[0] if problems else ''}",
            hint="Look at one of the files, and check --hdu, --bands and the other reading options.",
        )
    for flag, n in sorted(flags.items()):
        progress.say(
            f"{n} of the {len(rows)} {split} images {'is' if n == 1 else 'are'} flagged {flag}: {FLAGS[flag]}."
        )
    fields = np.array([np.nan if field is None else field for _, field in readable])
    if preprocess.size_arcsec is not None:
        _check_scales(fields, split, progress)
    return PictureSet(
        pictures=np.stack([picture for picture, _ in readable]),
        targets=labeled.targets()[rows[good]],
        weights=labeled.weights[rows[good]],
        fields=fields,
        sources=np.array([labeled.locations[row][0] for row in rows[good]], dtype=np.int64),
        margin=margin,
        captions=collect_captions(rows[good].tolist()) if collect_captions else None,
    ), problems


def _check_scales(fields: np.ndarray, split: str, progress: Progress) -> None:
    """Warn of pictures that are not cut to their size on the sky because their pixel scale is unknown."""
    lacking = int(np.isnan(fields).sum())
    if lacking == len(fields):
        raise InputError(
            f"None of the {len(fields)} {split} images gives its pixel scale, so --size-arcsec has no effect.",
            hint="Give it with --pixel-scale, or leave --size-arcsec out and cut with --crop.",
        )
    if lacking:
        progress.say(
            f"Warning: {lacking} of the {len(fields)} {split} images do not give their pixel scale and are shown "
            "whole; --pixel-scale supplies it."
        )


def report_problems(problems: list[str], log: Progress) -> None:
    """List the images that cannot be read, the first ten one by one."""
    for problem in problems[:MAX_LISTED]:
        log.say(f"Left out: {problem}")
    if len(problems) > MAX_LISTED:
        log.say(f"Left out: {len(problems) - MAX_LISTED} more images that cannot be read.")
