"""Images with their embeddings, classes and columns: of an evaluation, an index, a file, or embedded on demand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from galaxtool.backbones.layers import JOINT
from galaxtool.containers.reading import read_ref
from galaxtool.errors import IndexMismatch, InputError, UnreadableImage
from galaxtool.images.read_options import ReadOptions
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.embeddings.stored import is_embedding_file
from galaxtool.inference.model import load_model
from galaxtool.inference.reading import override_preprocess
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inference.views import hash_with_views
from galaxtool.plotting.images import (
    TRUTH,
    PlotImages,
    add_catalogue,
    fill_column,
    index_classes,
    open_images,
    to_texts,
)
from galaxtool.plotting.index_columns import read_index_columns
from galaxtool.plotting.pictures import DEFAULT_MODEL, find_preprocess
from galaxtool.plotting.scored import PREDICTIONS
from galaxtool.search.features import FeatureArgs, Features, open_features
from galaxtool.search.index.record import RECORD
from galaxtool.tables.read import read_table
from galaxtool.types import Cutout, Progress, warn
from galaxtool.utils.counts import format_count
from galaxtool.vision.preprocess import Preprocess

EMBEDDINGS = "embeddings.parquet"
"""File of an evaluation directory."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The model and its layer that gave embeddings; embeddings of different origins cannot be compared.

    Parameters
    ----------
    model : str
        Name of the model; empty if unknown.
    digest : str
        Digest of the model; empty if unknown.
    layer : str
        Layer of the model, see `galaxtool.backbones.layers`.
    preprocess_digest : str
        Digest of the preprocessing and the views of the images; empty if unknown.
    """

    model: str = ""
    digest: str = ""
    layer: str = JOINT
    preprocess_digest: str = ""

    def __str__(self) -> str:
        name = f"the model '{self.model}' (digest {self.digest[:12]})" if self.model else "a model without a name"
        return name if self.layer == JOINT else f"the layer {self.layer} of {name}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EmbeddedImages:
    """Images with their embeddings.

    Parameters
    ----------
    images : PlotImages
        The N images.
    vectors : ndarray of float32, shape (N, D)
        Their embeddings, all finite.
    preprocess : Preprocess
        How pictures of the images are made.
    origin : Origin
        The model that gave the embeddings.
    """

    images: PlotImages
    vectors: np.ndarray
    preprocess: Preprocess
    origin: Origin

    def take(self, rows: np.ndarray) -> EmbeddedImages:
        """Return only some of the images."""
        return replace(self, images=self.images.take(rows), vectors=self.vectors[rows])


def open_embedded(text: str, log: Progress, *, model: str | None = None, table: str = "") -> EmbeddedImages:
    """Read the embeddings of an input, or embed its images.

    Parameters
    ----------
    text : str
        A file of ``galaxtool embed``, an index directory, an evaluation directory, a data set or images. The embeddings
        of images are kept in the cache folder.
    log : Progress
        Receives progress and messages.
    model : str, optional
        Model that embeds images, by default the bundled one; that of stored embeddings must be the same.
    table : str
        Path of a catalogue with further columns; see `galaxtool.plotting.images.add_catalogue`.

    Raises
    ------
    InputError
        If there are no embeddings and no images.
    IndexMismatch
        If a model is given, and stored embeddings were made with another one.
    """
    path = Path(text).expanduser()
    if not _is_stored(path):
        embedded = _embed(text, model or DEFAULT_MODEL, log)
    elif (path / EMBEDDINGS).is_file():
        embedded = _add_predictions(_open_stored(path / EMBEDDINGS, model, log), path)
    else:
        embedded = _open_stored(path, model, log)
    return replace(embedded, images=add_catalogue(embedded.images, table, log)) if table else embedded


def open_gallery(text: str, log: Progress, queries: EmbeddedImages, *, model: str | None = None) -> EmbeddedImages:
    """Read the embeddings of the images among which queries are looked up.

    Parameters
    ----------
    text : str
        As in `open_embedded`.
    log : Progress
        Receives progress and messages.
    queries : EmbeddedImages
        The queries, whose model embeds the gallery if it has no embeddings yet.
    model : str, optional
        Model that the user named.

    Raises
    ------
    InputError
        If there are no embeddings and no images.
    IndexMismatch
        If the embeddings of the gallery were made with another model, or are of another layer.
    """
    is_stored = _is_stored(Path(text).expanduser())
    gallery = open_embedded(text, log, model=model if is_stored else model or queries.origin.model or None)
    ours, theirs = queries.origin, gallery.origin
    same = (ours.digest, ours.layer) == (theirs.digest, theirs.layer)
    if not same or queries.vectors.shape[1] != gallery.vectors.shape[1]:
        raise IndexMismatch(
            f"The embeddings of '{queries.images.name}' are of {ours}, those of the gallery '{gallery.images.name}' of "
            f"{theirs}.",
            hint="Embed both with the same model and layer, or give images as the gallery.",
        )
    both = {ours.preprocess_digest, theirs.preprocess_digest}
    if len(both) > 1 and "" not in both:
        warn(
            log,
            f"The images of the gallery '{gallery.images.name}' were preprocessed with other options, or another "
            f"number of views, than those of '{queries.images.name}'.",
        )
    return gallery


def sample_images(
    embedded: EmbeddedImages, most: int, log: Progress, *, seed: int = 0, truth: str = TRUTH, balanced: bool = False
) -> EmbeddedImages:
    """Return at most `most` of the images, drawn at random; 0 stands for all.

    Parameters
    ----------
    embedded : EmbeddedImages
        The images.
    most : int
        Number of images to keep.
    log : Progress
        Receives the number that was drawn.
    seed : int
        Random seed.
    truth : str
        Column of the class.
    balanced : bool
        Whether to draw the same number of each class: that of the rarest one, or fewer if `most` says so.

    Raises
    ------
    InputError
        If a balanced sample of images without classes is wanted.
    """
    n = len(embedded.images)
    rows = np.random.default_rng(seed).permutation(n)
    if balanced:
        classes, indices = index_classes(to_texts(embedded.images.column(truth)).tolist())
        if not classes:
            raise InputError(f"The images of '{embedded.images.name}' have no classes.", hint="Leave balanced out.")
        fewest = min(int((indices == k).sum()) for k in range(len(classes)))
        each = min(fewest, max(1, most // len(classes))) if most else fewest
        rows = np.concatenate([rows[indices[rows] == k][:each] for k in range(len(classes))])
        log.say(f"{format_count(each, 'image')} of each of {len(classes)} classes drawn at random.")
    elif most and n > most:
        rows = rows[:most]
        log.say(f"{most} of {n} images drawn at random; --option most=0 takes all.")
    return embedded if len(rows) == n else embedded.take(np.sort(rows))


def find_files(paths: Sequence[str], wanted: Sequence[str]) -> np.ndarray:
    """Return the row of each wanted file among N paths, -1 for one that is not there; an empty path is not a file."""
    row_of = {str(Path(path).absolute()): row for row, path in enumerate(paths) if path}
    return np.array([row_of.get(str(Path(path).absolute()), -1) if path else -1 for path in wanted])


def _is_stored(path: Path) -> bool:
    """Tell whether a path is an evaluation directory with embeddings, an index or a file of embeddings."""
    return (path / EMBEDDINGS).is_file() or (path / RECORD).is_file() or is_embedding_file(path)


def _open_stored(path: Path, model: str | None, log: Progress) -> EmbeddedImages:
    """Read the embeddings of an index or a file."""
    args = FeatureArgs(inputs=[path], model=model, reading=ReadingOptions(), compute=ComputeOptions())
    features = open_features(args, log)
    if features.unreadable and features.source is None:
        log.say(f"{format_count(features.unreadable, 'image')} of '{path}' without an embedding left out.")
    return _from_features(features, path.parent)


def _from_features(features: Features, folder: Path) -> EmbeddedImages:
    items = features.items
    base = features.reading.read_options

    def read(row: int, options: ReadOptions) -> Cutout:
        ref = features.ref(row)
        if ref is None:
            raise UnreadableImage(f"The file of '{items['id'][row].as_py()}' is not known.")
        if not ref.path.is_absolute() and not ref.path.exists():
            ref = replace(ref, path=folder / ref.path)
        return read_ref(ref, replace(base, at_least=options.at_least, position=options.position))

    positions = {name: items[name].to_numpy().astype(float) for name in ("ra", "dec")}
    images = PlotImages(
        name=features.name,
        ids=tuple(items["id"].to_pylist()),
        paths=tuple(path or "" for path in items["path"].to_pylist()),
        columns={name: values for name, values in positions.items() if np.isfinite(values).any()}
        | read_index_columns(features),
        read=read,
    )
    preprocess = override_preprocess(features.preprocess, features.reading)
    origin = Origin(features.model, features.digest, features.layer, features.preprocess_digest)
    return EmbeddedImages(images=images, vectors=features.vectors, preprocess=preprocess, origin=origin)


def _add_predictions(embedded: EmbeddedImages, folder: Path) -> EmbeddedImages:
    """Add the columns of the predictions of an evaluation: true classes, labels, and those of its data set."""
    images = replace(embedded.images, name=str(folder))
    if (folder / PREDICTIONS).is_file():
        table = read_table(folder / PREDICTIONS)
        rows = _find_rows([str(name) for name in table["id"]], images.ids)
        if (rows < 0).any():
            raise InputError(
                f"In '{folder}', {EMBEDDINGS} and {PREDICTIONS} are of different images.",
                hint="Run `galaxtool evaluate` again.",
            )
        images = replace(images, columns={name: fill_column(table[name][rows]) for name in table.colnames})
    return replace(embedded, images=images)


def _embed(text: str, model: str, log: Progress) -> EmbeddedImages:
    """Embed the images of a data set or of inputs; the embeddings of those in files are kept in the cache."""
    images = open_images(text, log)
    if not any(images.paths):
        log.start("Embedding images", len(images))
        loaded = load_model(model)
        vectors = loaded.embed([images.read(row, ReadOptions()) for row in range(len(images))])
        log.advance(len(images))
        preprocess = find_preprocess(model)
        digest = hash_with_views(preprocess.digest, loaded.record.tta)
        origin = Origin(model, loaded.record.digest, preprocess_digest=digest)
        return EmbeddedImages(images=images, vectors=vectors, preprocess=preprocess, origin=origin)
    inputs = [text] if Path(text).exists() or ":" not in text else [text.partition(":")[2]]
    args = FeatureArgs(inputs=inputs, model=model, reading=ReadingOptions(), compute=ComputeOptions())
    found = _from_features(open_features(args, log), Path())
    rows = find_files(found.images.paths, images.paths)
    if (rows < 0).all():
        raise InputError(f"The images of '{text}' cannot be read.", hint="`galaxtool embed` says why.")
    if lacking := int((rows < 0).sum()):
        log.say(f"{format_count(lacking, 'image')} of '{text}' left out, because they cannot be read.")
    kept = np.flatnonzero(rows >= 0)
    return replace(found, images=images.take(kept), vectors=found.vectors[rows[kept]])


def _find_rows(names: Sequence[str], wanted: Sequence[str]) -> np.ndarray:
    """Return the row of each wanted name, -1 where there is none."""
    row_of = {name: row for row, name in enumerate(names)}
    return np.array([row_of.get(name, -1) for name in wanted])
