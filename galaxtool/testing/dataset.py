"""Check that a data set follows `galaxtool.datasets.protocols.Dataset`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from galaxtool.datasets.open import open_dataset
from galaxtool.datasets.protocols import Dataset
from galaxtool.errors import UnreadableImage
from galaxtool.plugins.registry import get_registry
from galaxtool.taxonomy.matching import find_unmatched
from galaxtool.testing.sending import check_sendable
from galaxtool.types import FLAGS, Cutout, ImageRef, Item
from galaxtool.vision.preprocess import Preprocess

_SPLITS = ("", "train", "valid", "test")


def check_dataset(name: str, *, limit: int = 16, **options: Any) -> None:
    """Check a data set.

    The checks are:

    - Identifiers are unique strings, and the same when the data set is opened again.
    - Splits, labels, positions and references follow `galaxtool.types.Item`, and the labels belong to the taxonomy of
      the spec.
    - Of `limit` items spread over the data set, at least one can be read. Each cutout follows
      `galaxtool.types.Cutout`, is reproducible, and can be preprocessed for a backbone.
    - The data set can be sent to another process, and reads the same cutouts there.

    Parameters
    ----------
    name : str
        Name, as on the command line: ``sample``, ``name:PATH``.
    limit : int
        Number of cutouts to read.
    **options
        Options of the factory of the data set.

    Raises
    ------
    AssertionError
        If a check fails.
    """
    dataset = open_dataset(name, **options)
    assert isinstance(dataset, Dataset), f"'{name}' has no name, items and cutout(index)."
    _check_items(dataset.items, name)
    again = [item.id for item in open_dataset(name, **options).items]
    assert again == [item.id for item in dataset.items], f"'{name}' has different ids when it is opened again."
    _check_labels(dataset.items, name)
    chosen = np.unique(np.linspace(0, len(dataset.items) - 1, limit).astype(int)).tolist()
    sent = check_sendable(dataset, f"The data set '{name}'")
    readable = [_check_readable(dataset, sent, index, name) for index in chosen]
    assert any(readable), f"None of the {len(chosen)} cutouts of '{name}' that were tried can be read."


def _check_items(items: Sequence[Item], name: str) -> None:
    seen: set[str] = set()
    for item in items:
        assert isinstance(item, Item), f"'{name}' has an item that is a {type(item).__name__}, not a galaxtool.Item."
        assert isinstance(item.id, str) and item.id, (
            f"'{name}' has an item whose id is {item.id!r}, not a non-empty str."
        )
        assert item.id not in seen, f"'{name}' has two items with the id '{item.id}'."
        seen.add(item.id)
        whose = f"The item '{item.id}' of '{name}'"
        assert item.label is None or isinstance(item.label, str), f"{whose} has the label {item.label!r}, not a str."
        assert item.split in _SPLITS, f"{whose} is in the split '{item.split}', not in one of train, valid, test."
        assert item.ref is None or isinstance(item.ref, ImageRef), (
            f"{whose} has a ref that is not a galaxtool.ImageRef."
        )
        _check_position(item.ra, item.dec, whose)


def _check_position(ra: float | None, dec: float | None, whose: str) -> None:
    assert (ra is None) == (dec is None), f"{whose} has only one of ra and dec."
    if ra is not None and dec is not None:
        assert math.isfinite(ra) and math.isfinite(dec), f"{whose} has a position that is not finite; use None."
        assert 0 <= ra < 360 and -90 <= dec <= 90, (
            f"{whose} is at ra {ra}, dec {dec}, which is not on the sky in degrees."
        )


def _check_labels(items: Sequence[Item], name: str) -> None:
    registry = get_registry()
    for registered in registry.datasets:
        spec = registered.spec
        is_this = any(name == known or name.startswith(f"{known}:") for known in (spec.name, registered.qualified))
        if is_this and spec.taxonomy:
            found = registry.taxonomies.find(spec.taxonomy)
            taxonomy = found.create(found.spec)
            unmatched = find_unmatched([item.label for item in items], taxonomy)
            assert not unmatched, (
                f"'{name}' has the label '{unmatched[0][0]}', which is not a class of '{spec.taxonomy}'."
            )


def _check_readable(dataset: Dataset, sent: Dataset, index: int, name: str) -> bool:
    whose = f"The cutout of '{dataset.items[index].id}' of '{name}'"
    try:
        cutout = dataset.cutout(index)
    except UnreadableImage:
        return False
    check_cutout(cutout, whose)
    for other, when in ((dataset, "the second time"), (sent, "in another process")):
        same = np.array_equal(cutout.data, other.cutout(index).data, equal_nan=cutout.data.dtype.kind == "f")
        assert same, f"{whose} is different {when}."
    Preprocess(size=32).picture(cutout)
    return True


def check_cutout(cutout: Cutout, whose: str) -> None:
    """Assert that a cutout follows `galaxtool.types.Cutout`; `whose` is the subject of the message."""
    assert isinstance(cutout, Cutout), f"{whose} is a {type(cutout).__name__}, not a galaxtool.Cutout."
    data, mask = cutout.data, cutout.mask
    assert isinstance(data, np.ndarray) and data.ndim == 3, f"{whose} is not an array (bands, ny, nx)."
    assert min(data.shape) > 0, f"{whose} has shape {data.shape}, so it has no pixels."
    wanted = np.uint8 if cutout.unit == "display" else np.float32
    assert data.dtype == wanted and data.dtype.isnative, (
        f"{whose} has the type {data.dtype.str} in unit '{cutout.unit}', not {np.dtype(wanted).str}."
    )
    assert len(cutout.bands) == len(data), f"{whose} has {len(data)} planes and {len(cutout.bands)} names of bands."
    assert bool(np.isfinite(data).any()), f"{whose} has no finite pixel."
    if mask is not None:
        assert mask.dtype == bool and mask.shape == data.shape[1:], f"{whose} has a mask that is not bool, (ny, nx)."
    scale = cutout.pixel_scale
    assert scale is None or (math.isfinite(scale) and scale > 0), f"{whose} has {scale} arcsec per pixel."
    unknown = [flag for flag in cutout.flags if flag not in FLAGS]
    assert not unknown, f"{whose} has the flag '{unknown[0] if unknown else ''}', which is not in galaxtool.FLAGS."
    _check_position(cutout.ra, cutout.dec, whose)
