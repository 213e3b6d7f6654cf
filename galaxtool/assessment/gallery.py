"""Other images than the evaluated ones as a gallery for retrieval: labelled images, or an index of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

import numpy as np

from galaxtool.assessment.index_labels import read_index_labels
from galaxtool.assessment.labeled_items import DatasetItem, list_dataset_items, open_labeled, select_split
from galaxtool.assessment.options import EvaluateOptions
from galaxtool.assessment.run_split import list_given_splits, read_run_split
from galaxtool.assessment.scores_job import DatasetScores
from galaxtool.backbones.layers import JOINT
from galaxtool.datasets.protocols import Dataset
from galaxtool.datasets.reading import read_as_classify
from galaxtool.errors import ConfigError, IndexMismatch, InputError
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inference.views import hash_with_views
from galaxtool.models.find import ModelFiles
from galaxtool.models.record import ModelRecord
from galaxtool.search.index.record import RECORD
from galaxtool.search.index.store import Index
from galaxtool.search.source import check_model
from galaxtool.utils.counts import format_count
from galaxtool.vision.preprocess import Preprocess


@dataclass(frozen=True, eq=False)
class GallerySource:
    """The M images of a gallery before their embeddings are known.

    Parameters
    ----------
    name : str
        What the user named, for messages and the report.
    labels : tuple of str or None
        Label of each image as it is written.
    places : tuple of str
        Where each image is stored, with absolute paths, or what else identifies it.
    index : Index or None
        The index that they are from, whose rows they are.
    dataset : Dataset or None
        Otherwise, the data set that they are from.
    items : tuple of DatasetItem
        The images of the data set.
    split : str
        Split of the data set that they are; ``all`` for all of it.
    notes : tuple of str
        What to beware of.
    """

    name: str
    labels: tuple[str | None, ...]
    places: tuple[str, ...]
    index: Index | None = None
    dataset: Dataset | None = None
    items: tuple[DatasetItem, ...] = ()
    split: str = "all"
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Gallery:
    """M images that queries are looked up in.

    Parameters
    ----------
    name : str
        What the user named.
    description : str
        What it is, as the report says it.
    vectors : ndarray of float32, shape (M, D)
        Embeddings of unit length.
    norms : ndarray of float32, shape (M,), or None
        Lengths before they were scaled; None if they are not known.
    targets : ndarray of int, shape (M,)
        True class of each image.
    own_rows : ndarray of int, shape (N,)
        Row of each of the N queries among them; -1 for a query that is not there.
    """

    name: str
    description: str
    vectors: np.ndarray
    norms: np.ndarray | None
    targets: np.ndarray
    own_rows: np.ndarray

    def as_dict(self) -> dict[str, object]:
        """Return what ``metrics.json`` says of it."""
        return {
            "name": self.name,
            "images": len(self.targets),
            "queries_among_them": int((self.own_rows >= 0).sum()),
        }

    def take_queries(self, rows: np.ndarray) -> Gallery:
        """Return the same gallery for some of the queries: those of a mask, or of row numbers."""
        return replace(self, own_rows=self.own_rows[rows])


def open_gallery(
    options: EvaluateOptions,
    reading: ReadingOptions,
    files: ModelFiles,
    record: ModelRecord,
    preprocess: Preprocess,
    *,
    tta: int = 1,
) -> GallerySource | None:
    """Open the gallery that the user named, if there is one.

    Parameters
    ----------
    options : EvaluateOptions
        The gallery, its split and its column of labels.
    reading : ReadingOptions
        How images are read.
    files, record : ModelFiles, ModelRecord
        The model.
    preprocess : Preprocess
        Preprocessing of the images that are scored.
    tta : int
        Number of views of each of these.

    Raises
    ------
    ConfigError
        If a split of an index is asked for, or a column of labels that it does not have.
    IndexMismatch
        If an index was built with another model or another layer.
    InputError
        If it does not exist, or has no labels.
    """
    if options.gallery is None:
        if options.gallery_split is not None:
            raise ConfigError(
                "--gallery-split cannot be used without --gallery.", hint="Give the data set with --gallery."
            )
        return None
    if (Path(options.gallery).expanduser() / RECORD).is_file():
        return _open_index(options, record, preprocess, tta)
    dataset = open_labeled(options.gallery, reading, label_column=options.label_column)
    read_as_classify(dataset, preprocess)
    of_run = read_run_split(files, dataset, options.gallery)
    splits = of_run.splits if of_run else list_given_splits(dataset)
    rows, split = select_split(dataset, splits, options.gallery_split or "all")
    items = list_dataset_items(dataset, rows)
    return GallerySource(
        name=options.gallery,
        labels=tuple(dataset.items[row].label for row in rows),
        places=tuple(name_place(dataset, item) for item in items),
        dataset=dataset,
        items=tuple(items),
        split=split,
    )


def _open_index(options: EvaluateOptions, record: ModelRecord, preprocess: Preprocess, tta: int) -> GallerySource:
    name = str(options.gallery)
    if options.gallery_split is not None:
        raise ConfigError(
            f"--gallery-split cannot be used with the index '{name}'.", hint="Leave it out, or give the data set."
        )
    index = Index.open(Path(name).expanduser())
    built = index.record
    check_model(index, record, options.model, hint="Build an index with the model that is evaluated, or give images.")
    if built.layer != JOINT:
        raise IndexMismatch(
            f"The index '{name}' has features of the layer '{built.layer}', and evaluate compares those of '{JOINT}'.",
            hint="Give the images as --gallery, or an index of the layer joint.",
        )
    notes = []
    if built.tta != tta:
        notes.append(
            f"The embeddings of the gallery '{name}' are of {format_count(built.tta, 'view')} of each image, and those "
            f"of the images that are evaluated of {tta}; --tta {built.tta} makes them alike."
        )
    if built.preprocess_digest != hash_with_views(preprocess.digest, built.tta):
        notes.append(
            f"The images of the gallery '{name}' were preprocessed with other options than those that are evaluated."
        )
    paths = index.items["path"].to_pylist()
    return GallerySource(
        name=name,
        labels=_read_index_labels(index, options.label_column, name),
        places=tuple(paths),
        index=index,
        notes=tuple(notes),
    )


def _read_index_labels(index: Index, label_column: str | None, name: str) -> tuple[str | None, ...]:
    """Return the labels of an index: those of a column of its catalogue, else the names of the images' folders."""
    labels = read_index_labels(index, label_column)
    if labels is not None:
        return tuple(labels)
    folders = [PurePath(path).parent.name for path in index.items["path"].to_pylist()]
    if len(set(folders)) > 1:
        return tuple(folders)
    raise InputError(
        f"The index '{name}' has no column of labels, and its images are in one folder.",
        hint="Give the labelled images as --gallery, or build the index from a catalogue with a column label.",
    )


def name_place(dataset: Dataset, item: DatasetItem) -> str:
    """Return where an image is stored, with absolute paths; for a generated image, its data set and identifier."""
    generated = item.ref.path.name == item.id and not item.ref.path.is_absolute()
    return f"{dataset.name}: {item.id}" if generated else str(item.ref)


def fill_gallery(
    source: GallerySource,
    targets: np.ndarray,
    queries: Sequence[str],
    embed: Callable[[Dataset, Sequence[DatasetItem]], DatasetScores],
) -> Gallery:
    """Return the embeddings and classes of the images of a gallery that have both.

    Parameters
    ----------
    source : GallerySource
        The images.
    targets : ndarray of int, shape (M,)
        Their classes; -1 for an image without a label, which is left out.
    queries : sequence of str
        Places of the N queries, see `name_place`.
    embed : callable
        Runs the model on images of a data set.

    Raises
    ------
    InputError
        If no image is left.
    """
    norms: np.ndarray | None = None
    if source.index is not None:
        vectors = source.index.all_vectors()
    else:
        assert source.dataset is not None
        scores = embed(source.dataset, source.items)
        vectors, norms = scores.embeddings, scores.norms
    good = (targets >= 0) & np.isfinite(vectors).all(axis=1)
    kept = np.flatnonzero(good)
    if not len(kept):
        raise InputError(
            f"No image of the gallery '{source.name}' has both a label and an embedding.",
            hint="Check that its images can be read: galaxtool classify names the errors.",
        )
    rows = {_normalize(source.places[row]): number for number, row in enumerate(kept.tolist())}
    own_rows = np.array([rows.get(_normalize(place), -1) for place in queries], dtype=np.int64)
    return Gallery(
        name=source.name,
        description=_describe(source, len(kept), int((own_rows >= 0).sum())),
        vectors=vectors if good.all() else vectors[kept],
        norms=None if norms is None else norms[kept],
        targets=targets[kept],
        own_rows=own_rows,
    )


def _normalize(place: str) -> str:
    # Path.resolve would follow links
    return os.path.abspath(place)  # noqa: PTH100


def _describe(source: GallerySource, count: int, shared: int) -> str:
    kind = "the index" if source.index is not None else f"the split {source.split} of" if source.split != "all" else ""
    text = f"{format_count(count, 'image')} of {kind} '{source.name}'".replace("  ", " ")
    if left := len(source) - count:
        text += f" ({left:,} without a label or an embedding left out)"
    return f"{text}; each query that is among them is not compared with itself ({shared:,} are)" if shared else text
