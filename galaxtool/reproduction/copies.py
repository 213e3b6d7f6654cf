"""The data set ``copies``: another data set with a turned and mirrored copy of each image.

It shows what it is worth to augment before splitting, which is a mistake: a copy of a test image may then be among the
training images.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from galaxtool.datasets.open import open_dataset
from galaxtool.datasets.protocols import Dataset
from galaxtool.types import Cutout, Item


class CopiedDataset:
    """The images of a data set and a turned, mirrored copy of each; a `galaxtool.datasets.protocols.Dataset`.

    Parameters
    ----------
    whole : Dataset
        The data set.

    Attributes
    ----------
    items : list of Item
        Each image and then its copy, whose id ends in ``-turned``. They have no position, so that nothing keeps the two
        in one split.
    """

    name = "copies"

    def __init__(self, whole: Dataset) -> None:
        self._whole = whole
        self.items: list[Item] = []
        for item in whole.items:
            bare = replace(item, ra=None, dec=None, split="", ref=None)
            self.items += [bare, replace(bare, id=f"{item.id}-turned")]

    def cutout(self, index: int) -> Cutout:
        """Read an image; that of a copy is turned by a quarter and mirrored."""
        cutout = self._whole.cutout(index // 2)
        if index % 2 == 0:
            return cutout
        turned = np.ascontiguousarray(np.rot90(cutout.data, axes=(1, 2))[:, :, ::-1])
        return replace(cutout, data=turned)


def open_copies(*, path: str | Path, image_column: str | None = None, label_column: str | None = None) -> CopiedDataset:
    """Open a data set with copies.

    Parameters
    ----------
    path : str or Path
        What `galaxtool.datasets.open.open_dataset` opens: ``copies:galaxy10:Galaxy10_DECals.h5``.
    image_column, label_column : str, optional
        Columns, as there.
    """
    return CopiedDataset(open_dataset(str(path), image_column=image_column, label_column=label_column))
