"""From what a user names as data to pictures, targets and splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxtool.errors import ConfigError, InputError, TrainingError, UnknownName, UnreadableImage
from galaxtool.registry import get_registry

if TYPE_CHECKING:
    import numpy as np

    from galaxtool.taxonomy.load import Taxonomy
    from galaxtool.training.task import PictureSet
    from galaxtool.types import Dataset, Item, Progress
    from galaxtool.vision.preprocess import Preprocess


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """Labelled items of all data sets together, N of them.

    Parameters
    ----------
    datasets : list of Dataset
    where : list of (int, int)
        For each item, its data set and its place there.
    items : list of Item
        With ids unique over the data sets.
    slugs : list of str
        Each one's class.
    splits : ndarray of str, shape (N,)
        ``train``, ``valid``, ``test``, or ``unused`` for what `fraction` left out.
    weights : ndarray of float64, shape (N,)
        How often each is seen in an epoch.
    taxonomy : Taxonomy
        The classes that are trained, in order.
    """

    datasets: list[Dataset]
    where: list[tuple[int, int]]
    items: list[Item]
    slugs: list[str]
    splits: np.ndarray
    weights: np.ndarray
    taxonomy: Taxonomy

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the number of items by split and class."""
        every = Counter(zip(self.splits.tolist(), self.slugs, strict=True))
        return {
            split: {slug: every[split, slug] for slug in self.taxonomy.slugs if every[split, slug]}
            for split in ("train", "valid", "test", "unused")
            if any(s == split for s, _ in every)
        }


def gather_labelled(
    names: Sequence[str],
    *,
    taxonomy: str | None,
    symbols: Path | None,
    where: str | None,
    weight: Sequence[str],
    image_column: str | None,
    label_column: str | None,
    all_classes: bool,
    fraction: float,
    valid_fraction: float,
    seed: int,
) -> Labelled:
    """Open the data sets, name the classes and split.

    Raises
    ------
    InputError
        If a data set is not there or empty, or its labels fit no class.
    TrainingError
        If there is one class only, or nothing to validate on.
    """
    import numpy as np

    from galaxtool.datasets.open import open_dataset
    from galaxtool.datasets.split import nested_subset, split_items

    datasets = [open_dataset(n, image_column=image_column, label_column=label_column, where=where) for n in names]
    places = [
        (d, i) for d, dataset in enumerate(datasets) for i, item in enumerate(dataset.items) if item.label is not None
    ]
    if not places:
        raise InputError(
            "None of the images has a label.", hint="Name the column with --label-column, or use class folders."
        )
    items = [_unique(datasets, d, i) for d, i in places]
    labels = [str(item.label) for item in items]
    chosen, slug_of = choose_classes(labels, taxonomy, symbols)
    slugs = [slug_of[label] for label in labels]
    splits = np.asarray(split_items(items, slugs, valid_fraction=valid_fraction, seed=seed)).astype("U6")
    if fraction < 1:
        training = np.flatnonzero(splits == "train")
        kept = training[nested_subset([slugs[i] for i in training], fraction, seed)]
        splits[np.setdiff1d(training, kept)] = "unused"
    present = {slug for slug, split in zip(slugs, splits, strict=True) if split in ("train", "valid")}
    if len(present) < 2:
        raise TrainingError(
            f"All {len(items)} images are of one class, '{next(iter(present), '')}'; a classifier needs two.",
            hint="Check --label-column, --where and the folder's sub-folders.",
        )
    if not (splits == "valid").any():
        raise TrainingError("Nothing is left to validate on.", hint="Add images, or raise --valid-fraction.")
    return Labelled(
        datasets=datasets,
        where=places,
        items=items,
        slugs=slugs,
        splits=splits,
        weights=_weights(datasets, places, weight),
        taxonomy=chosen if all_classes else chosen.subset([s for s in chosen.slugs if s in present]),
    )


def choose_classes(labels: Sequence[str], name: str | None, symbols: Path | None) -> tuple[Taxonomy, dict[str, str]]:
    """Find the taxonomy of labels and each label's class.

    Parameters
    ----------
    labels : sequence of str
    name : str or None
        Of ``--taxonomy``.
    symbols : Path or None
        Of ``--symbols``: then the classes are the user's own, unless a taxonomy is named.

    Returns
    -------
    taxonomy : Taxonomy
    slug_of : dict
        Label -> slug.
    """
    from galaxtool.taxonomy.load import own_taxonomy
    from galaxtool.taxonomy.matching import choose_taxonomy, match_labels
    from galaxtool.taxonomy.names import slugify

    registry = get_registry()
    distinct = list(dict.fromkeys(labels))
    if name is not None:
        registered = registry.find("taxonomy", name)
        chosen = registry.factory(registered)(registered.spec)
        return chosen, match_labels(distinct, chosen, indices=True)
    if symbols is None:
        known = [registry.factory(r)(r.spec) for r in registry.specs("taxonomy")]
        fitting = choose_taxonomy(distinct, known)
        if fitting is not None:
            return fitting, match_labels(distinct, fitting)
    ordered = sorted(distinct)
    return own_taxonomy(ordered, symbols), {label: slugify(label) for label in ordered}


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
    place = {slug: k for k, slug in enumerate(labelled.taxonomy.slugs)}
    return PictureSet(
        pictures=np.stack([results[k] for k in good]),
        targets=np.array([place[labelled.slugs[rows[k]]] for k in good], dtype=np.int64),
        weights=labelled.weights[rows[good]],
    ), problems


def write_split(path: Path, labelled: Labelled) -> None:
    """Write ``split.csv``: id, path, label, split, weight, a row for each item."""
    from astropy.table import Table

    from galaxtool.io.tables import write_table

    table = Table(
        {
            "id": [item.id for item in labelled.items],
            "path": [str(item.path or "") for item in labelled.items],
            "label": labelled.slugs,
            "split": labelled.splits.tolist(),
            "weight": labelled.weights,
        }
    )
    write_table(table, path)


def read_split(path: Path, labelled: Labelled) -> Labelled:
    """Return the items with the splits of an earlier run's ``split.csv``.

    Raises
    ------
    TrainingError
        If the data are not those of that run.
    """
    import numpy as np

    from galaxtool.io.tables import read_table

    table = read_table(path)
    if [str(i) for i in table["id"]] != [item.id for item in labelled.items]:
        raise TrainingError(
            f"The data are no longer those of the run: '{path}' lists other images.",
            hint="Put them back, or start a new run.",
        )
    return replace(labelled, splits=np.array([str(s) for s in table["split"]]))


def _unique(datasets: Sequence[Dataset], d: int, i: int) -> Item:
    item = datasets[d].items[i]
    return item if len(datasets) == 1 else replace(item, id=f"{d}:{item.id}")


def _weights(datasets: Sequence[Dataset], places: Sequence[tuple[int, int]], given: Sequence[str]) -> np.ndarray:
    import numpy as np

    factors: dict[str, float] = {dataset.name: 1.0 for dataset in datasets}
    for text in given:
        name, equals, value = text.rpartition("=")
        if not equals or name not in factors:
            raise UnknownName("data set in --weight", name or text, factors, note="Write --weight NAME=2.")
        try:
            factors[name] = float(value)
        except ValueError:
            raise ConfigError(f"--weight {text}: '{value}' is no number.") from None
        if not 0 < factors[name] < np.inf:
            raise ConfigError(f"--weight {text}: the weight must be a number above 0.")
    return np.array([factors[datasets[d].name] for d, _ in places])


def data_record(labelled: Labelled, where: str | None) -> dict[str, Any]:
    """Return what ``model.json`` says of the data."""
    return {"names": [d.name for d in labelled.datasets], "where": where, "counts": labelled.counts()}
