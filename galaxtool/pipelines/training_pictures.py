"""Reading the pictures of a split."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galaxtool.errors import InputError, UnreadableImage

if TYPE_CHECKING:
    import numpy as np

    from galaxtool.pipelines.training_data import Labelled
    from galaxtool.training.task import PictureSet
    from galaxtool.types import Progress
    from galaxtool.vision.preprocess import Preprocess


def read_pictures(
    labelled: Labelled, split: str, preprocess: Preprocess, progress: Progress
) -> tuple[PictureSet, list[str]]:
    """Read the pictures of a split.

    Returns
    -------
    pictures : PictureSet
        Of those that could be read.
    problems : list of str
        One sentence for each that could not.
    """
    import os
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np

    from galaxtool.training.task import PictureSet

    rows = np.flatnonzero(labelled.splits == split)
    progress.start(f"Reading {split}", len(rows))

    def read(row: int) -> np.ndarray | str:
        d, i = labelled.where[row]
        try:
            return preprocess.picture(labelled.datasets[d].cutout(i))
        except UnreadableImage as error:
            return error.message
        finally:
            progress.advance()

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(read, rows.tolist()))
    good = [k for k, result in enumerate(results) if not isinstance(result, str)]
    problems = [result for result in results if isinstance(result, str)]
    if not good:
        raise InputError(
            f"None of the {len(rows)} {split} images can be read; the first: {problems[0] if problems else ''}"
        )
    return PictureSet(
        pictures=np.stack([results[k] for k in good]),
        targets=labelled.targets()[rows[good]],
        weights=labelled.weights[rows[good]],
    ), problems
