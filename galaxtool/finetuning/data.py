"""From what a user names as data to pictures, targets and splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxtool.errors import ConfigError, InputError, TrainingError, UnknownName
from galaxtool.finetuning.settings import READING, input_options
from galaxtool.plugins.registry import get_registry

if TYPE_CHECKING:
    import numpy as np

    from galaxtool.datasets.protocols import Dataset
    from galaxtool.images.read_options import ReadOptions
    from galaxtool.taxonomy.load import Taxonomy
    from galaxtool.types import Item

UNLABELLED = "unlabelled"
"""The only class of a model that has learned without any label."""


@dataclass(frozen=True, kw_only=True)
class LabeledImages:
    """Labelled items of all data sets together, N of them.

    Parameters
    ----------
    datasets : list of Dataset
    where : list of (int, int)
        For each item, its data set and its place there.
    items : list of Item
        With ids unique over the data sets.
    slugs : list of str
        Each one's class, empty where it has no label.
    splits : ndarray of str, shape (N,)
        ``train``, ``valid``, ``test``, or ``unused`` for what `fraction` left out.
    weights : ndarray of float64, shape (N,)
        How often each is seen in an epoch.
    taxonomy : Taxonomy
        The classes that are trained, in order; of votes, the answers.
    votes : ndarray of float32, shape (N, A), or None
        Votes for each answer, where those are learned.
    warnings : tuple of str
        What the user should know before the training.
    """

    datasets: list[Dataset]
    where: list[tuple[int, int]]
    items: list[Item]
    slugs: list[str]
    splits: np.ndarray
    weights: np.ndarray
    taxonomy: Taxonomy
    votes: np.ndarray | None = None
    warnings: tuple[str, ...] = ()

    def targets(self) -> np.ndarray:
        """Return what is known of each item, as `PictureSet` has it."""
        import numpy as np

        if self.votes is not None:
            return self.votes
        place = {slug: k for k, slug in enumerate(self.taxonomy.slugs)}
        return np.array([place.get(slug, -1) for slug in self.slugs], dtype=np.int64)

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the number of items by split and class."""
        every = Counter(zip(self.splits.tolist(), self.slugs, strict=True))
        return {
            split: {slug: every[split, slug] for slug in (*self.taxonomy.slugs, "") if every[split, slug]}
            for split in ("train", "valid", "test", "unused")
            if any(s == split for s, _ in every)
        }


def gather_labelled(
    names: Sequence[str],
    *,
    taxonomy: str | None = None,
    symbols: Path | None = None,
    votes: str | None = None,
    needs_labels: bool = True,
    where: str | None = None,
    weight: Sequence[str] = (),
    image_column: str | None = None,
    label_column: str | None = None,
    reading: ReadOptions | None = None,
    pattern: str | None = None,
    all_classes: bool = False,
    fraction: float = 1.0,
    split: Path | None = None,
    valid_fraction: float = 0.15,
    separation: float = 60.0,
    seed: int = 0,
) -> LabeledImages:
    """Open the data sets, name the classes and split.

    Without `needs_labels`, or with `votes`, items without a class are kept. `separation` is in arcseconds; `reading`
    and `pattern` are as of `galaxtool.datasets.open.open_dataset`.

    Raises
    ------
    InputError
        If a data set is not there or empty, or its labels fit no class.
    TrainingError
        If there is one class only, or nothing to validate on.
    """
    import numpy as np

    from galaxtool.datasets.open import open_datasets
    from galaxtool.datasets.splits.by_position import nested_subset, never_validated, split_items
    from galaxtool.datasets.splits.positions import with_header_positions
    from galaxtool.images.read_options import PLAIN
    from galaxtool.taxonomy.load import own_taxonomy

    keeps_all = votes is not None or not needs_labels
    datasets = open_datasets(
        names,
        image_column=image_column,
        label_column=label_column,
        where=where,
        needs_labels=not keeps_all,
        reading=reading or PLAIN,
        pattern=pattern,
    )
    places = [
        (d, i)
        for d, dataset in enumerate(datasets)
        for i, item in enumerate(dataset.items)
        if keeps_all or item.label is not None
    ]
    if not places:
        raise InputError(
            "None of the images has a label.", hint="Name the column with --label-column, or use class folders."
        )
    items = [_unique(datasets, d, i) for d, i in places]
    if split is not None:
        from galaxtool.datasets.splits.given import apply_given_split, read_given_split

        items = apply_given_split(items, read_given_split(split))
    chosen, slugs, counted = _known(items, taxonomy, symbols, votes)
    placed = items if reading is None or reading.hdu is None else with_header_positions(items, hdu=reading.hdu)
    drawn = split_items(placed, slugs, valid_fraction=valid_fraction, seed=seed, separation_arcsec=separation)
    splits = drawn.astype("U6")
    scored = {part for slug, part in zip(slugs, splits, strict=True) if slug}
    if keeps_all and counted is None and any(slugs) and not {"train", "valid"} <= scored:
        # too few to score anything by
        chosen, slugs = own_taxonomy([UNLABELLED]), [""] * len(items)
    if fraction < 1:
        training = np.flatnonzero(splits == "train")
        kept = training[nested_subset([slugs[i] for i in training], fraction, seed)]
        splits[np.setdiff1d(training, kept)] = "unused"
    used = [slug for slug, part in zip(slugs, splits, strict=True) if slug and part in ("train", "valid")]
    present = set(used)
    if not keeps_all and len(present) < 2:
        raise TrainingError(
            f"All {len(items)} images are of one class, '{next(iter(present), '')}'; a classifier needs two.",
            hint="Check --label-column, --where and the folder's sub-folders.",
        )
    if not (splits == "valid").any():
        raise _nothing_to_validate(placed, separation)
    if counted is None and not all_classes and present:
        chosen = chosen.subset([s for s in chosen.slugs if s in present])
    unseen = never_validated(slugs, splits)
    return LabeledImages(
        datasets=datasets,
        where=places,
        items=items,
        slugs=slugs,
        splits=splits,
        weights=_weights(datasets, places, weight),
        taxonomy=chosen,
        votes=counted,
        warnings=tuple(f"No image of '{slug}' is left to validate on, so its score is not known." for slug in unseen),
    )


def _nothing_to_validate(items: Sequence[Item], separation: float) -> TrainingError:
    """Say whether that is for want of images, or because those there are belong together."""
    from galaxtool.datasets.splits.by_position import largest_group

    together = largest_group(items, separation_arcsec=separation)
    if together == largest_group(items, separation_arcsec=0):
        return TrainingError("Nothing is left to validate on.", hint="Add images, or raise --valid-fraction.")
    return TrainingError(
        f'Nothing is left to validate on: {together} of the {len(items)} images lie within {separation:g}" of one '
        "another, directly or through others, and so stay in one split.",
        hint=f"Lower --separation, e.g. to {separation / 10:g}, if the cutouts are that small; or raise "
        "--valid-fraction, or give a --split.",
    )


def _known(
    items: Sequence[Item], taxonomy: str | None, symbols: Path | None, votes: str | None
) -> tuple[Taxonomy, list[str], np.ndarray | None]:
    """Return the classes, each item's class (empty where it has none), and its votes where those are learned."""
    if votes is not None:
        from galaxtool.taxonomy.votes import load_schema, read_votes, with_votes_in

        rows = [item.columns for item in items]
        schema = with_votes_in(load_schema(votes), rows)
        return schema.taxonomy(), [""] * len(items), read_votes(rows, schema)
    labels = [str(item.label) for item in items if item.label is not None]
    if not labels:
        from galaxtool.taxonomy.load import own_taxonomy

        return own_taxonomy([UNLABELLED]), [""] * len(items), None
    chosen, slug_of = choose_classes(labels, taxonomy, symbols)
    return chosen, ["" if item.label is None else slug_of[str(item.label)] for item in items], None


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
        registered = registry.taxonomies.find(name)
        chosen = registered.create(registered.spec)
        return chosen, match_labels(labels, chosen, indices=True)
    if symbols is None:
        known = [r.create(r.spec) for r in registry.taxonomies]
        fitting = choose_taxonomy(distinct, known)
        if fitting is not None:
            return fitting, match_labels(distinct, fitting)
    ordered = sorted(distinct)
    return own_taxonomy(ordered, symbols), {label: slugify(label) for label in ordered}


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


def data_record(labelled: LabeledImages, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``model.json`` says of the data, and of how they were read where that was said."""
    options = input_options(settings)
    said = {**options.reading.as_dict(), "pattern": options.pattern}
    reading = {name: said[name] for name in (*READING, "pattern") if said[name] not in (None, [])}
    return {
        "names": [d.name for d in labelled.datasets],
        "where": settings["where"],
        "counts": labelled.counts(),
        **({"reading": reading} if reading else {}),
    }
