"""Reading the pictures of a split."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galaxtool.errors import InputError, UnreadableImage

if TYPE_CHECKING:
    import numpy as np

    from galaxtool.finetuning.data import LabeledImages
    from galaxtool.training.task import PictureSet
    from galaxtool.types import Progress
    from galaxtool.vision.preprocess import Preprocess


def read_pictures(
    labelled: LabeledImages, split: str, preprocess: Preprocess, progress: Progress
) -> tuple[PictureSet, list[str]]:
    """Read the pictures of a split.

    Returns
    -------
    pictures : PictureSet
        Of those that could be read.
    problems : list of str
        One sentence for each that could not.

    Raises
    ------
    InputError
        If none can be read; or with a `Preprocess.size_arcsec`, if none says its pixel scale.
    """
    import os
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np

    from galaxtool.training.task import PictureSet

    rows = np.flatnonzero(labelled.splits == split)
    progress.start(f"Reading {split}", len(rows))

    def read(row: int) -> tuple[np.ndarray, float | None] | str:
        d, i = labelled.where[row]
        try:
            cutout = labelled.datasets[d].cutout(i)
            return preprocess.picture(cutout), preprocess.field_arcsec(cutout)
        except UnreadableImage as error:
            return error.message
        finally:
            progress.advance()

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(read, rows.tolist()))
    good = [k for k, result in enumerate(results) if not isinstance(result, str)]
    known = [result for result in results if not isinstance(result, str)]
    problems = [result for result in results if isinstance(result, str)]
    if not good:
        raise InputError(
            f"None of the {len(rows)} {split} images can be read; the first: {problems[0] if problems else ''}",
            hint="Look at one of them, and at what --hdu, --bands and the like ask for.",
        )
    fields = np.array([np.nan if field is None else field for _, field in known])
    if preprocess.size_arcsec is not None:
        _check_scales(fields, split, progress)
    return PictureSet(
        pictures=np.stack([picture for picture, _ in known]),
        targets=labelled.targets()[rows[good]],
        weights=labelled.weights[rows[good]],
        fields=fields,
    ), problems


def _check_scales(fields: np.ndarray, split: str, progress: Progress) -> None:
    """Say how many pictures are not cut to their size on the sky, as their pixel scale is not known."""
    import numpy as np

    lacking = int(np.isnan(fields).sum())
    if lacking == len(fields):
        raise InputError(
            f"None of the {len(fields)} {split} images says its pixel scale, so --size-arcsec cuts nothing.",
            hint="Say it with --pixel-scale, or leave --size-arcsec out and cut with --crop.",
        )
    if lacking:
        progress.say(
            f"Warning: {lacking} of the {len(fields)} {split} images do not say their pixel scale and are shown whole; "
            "--pixel-scale says it for them."
        )
