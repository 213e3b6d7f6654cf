"""From annotations to a data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from galaxtool import InputError
from galaxtool_detect.boxes import DetectionSet
from galaxtool_detect.datasets.images import Annotation, read_annotated


def make_annotated_set(
    name: str, classes: tuple[str, ...], annotations: Sequence[tuple[str, Annotation]]
) -> DetectionSet:
    """Return the data set of some annotations, after a check of their boxes and images.

    Parameters
    ----------
    name : str
        Name of the data set.
    classes : tuple of str
        Names of the classes.
    annotations : sequence of (str, Annotation)
        The split of each image, or an empty text, and its boxes.

    Raises
    ------
    InputError
        If there are no images, or an image is missing, or a box is not within its image.
    """
    if not annotations:
        raise InputError(f"'{name}' has no images.")
    missing = [one.path for _, one in annotations if not one.path.exists()]
    if missing:
        raise InputError(
            f"The image '{missing[0]}' of '{name}' does not exist; {len(missing)} of {len(annotations)} are missing.",
            hint="Say with --images where they are.",
        )
    for _, one in annotations:
        one.check()
    names = make_names([one.path for _, one in annotations])
    listed = tuple(one for _, one in annotations)
    return DetectionSet(
        name=name,
        classes=classes,
        names=names,
        splits=tuple(split for split, _ in annotations),
        read=lambda index: read_annotated(names[index], listed[index]),
        divider=lambda largest: make_annotated_set(name, classes, divide_annotations(annotations, largest)),
    )


def divide_annotations(annotations: Sequence[tuple[str, Annotation]], largest: int) -> list[tuple[str, Annotation]]:
    """Divide large images into pieces of about the same size, without a common pixel.

    Parameters
    ----------
    annotations : sequence of (str, Annotation)
        The split of each image, and its boxes; an image whose size is not stated stays whole.
    largest : int
        Longest side of a piece in pixels.
    """
    found: list[tuple[str, Annotation]] = []
    for split, one in annotations:
        if one.size is None or max(one.size) <= largest:
            found.append((split, one))
            continue
        rows, columns = (
            np.linspace(0, side, -(-side // largest) + 1).round().astype(int).tolist() for side in one.size
        )
        for y0, y1 in pairwise(rows):
            found += [(split, replace(one, window=(y0, y1, x0, x1))) for x0, x1 in pairwise(columns)]
    return found


def find_stem(path: Path) -> str:
    """Return the name of an image without its suffix, or its suffixes as in ``map.fits.gz``."""
    return path.name.split(".fits")[0] if ".fits" in path.name else path.stem


def make_names(paths: Sequence[Path]) -> tuple[str, ...]:
    """Return identifiers of images: names without suffix, with their folders where these are needed, all different."""
    stems = [find_stem(path) for path in paths]
    if len(set(stems)) == len(stems):
        return tuple(stems)
    names = [f"{path.parent.name}/{stem}" for path, stem in zip(paths, stems, strict=True)]
    counts = np.unique(names, return_counts=True)[1]
    return tuple(names) if counts.max() == 1 else tuple(f"{name}-{i}" for i, name in enumerate(names))
