"""The kinds ``tsne`` and ``umap``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from galaxtool.errors import ConfigError, InputError
from galaxtool.plotting.charts.projection import UNKNOWN, Panel, draw_projection
from galaxtool.plotting.class_names import name_classes
from galaxtool.plotting.embedded import EmbeddedImages, open_embedded, sample_images
from galaxtool.plotting.images import TRUTH, check_whole, index_classes, to_texts
from galaxtool.plotting.labels import name_class
from galaxtool.plotting.projections import find_most_perplexity, project_pca, project_tsne, project_umap
from galaxtool.plotting.request import PlotRequest
from galaxtool.plotting.umap_layout import require_umap
from galaxtool.taxonomy.sentinels import blank_sentinels

_MAX_CLASSES = 20  # a column with more distinct values is not one of classes

Projection = Callable[[np.ndarray], np.ndarray]


def plot_tsne(request: PlotRequest) -> Figure:
    """Draw embeddings in the plane of a t-SNE."""
    perplexity, seed = float(request.options["perplexity"]), int(request.options["seed"])
    if not perplexity > 1:
        raise ConfigError(f"perplexity is {perplexity:g}.", hint="Give a number above 1; 30 is usual.")

    def project(vectors: np.ndarray) -> np.ndarray:
        if perplexity > (most := find_most_perplexity(len(vectors))):
            request.log.say(f"perplexity {perplexity:g} was lowered to {most:.3g}, a third of {len(vectors)} images.")
        return project_tsne(vectors, perplexity=perplexity, seed=seed)

    return _plot(request, "t-SNE", project)


def plot_umap(request: PlotRequest) -> Figure:
    """Draw embeddings in the plane of a UMAP."""
    require_umap()  # before images are embedded
    neighbors = check_whole(request.options["neighbors"], "neighbors", 2)
    min_dist, seed = float(request.options["min_dist"]), int(request.options["seed"])
    if not 0 <= min_dist < 1:
        raise ConfigError(f"min_dist is {min_dist:g}.", hint="Give a number from 0 to below 1; 0.1 is usual.")

    def project(vectors: np.ndarray) -> np.ndarray:
        if neighbors > len(vectors):
            request.log.say(f"neighbors {neighbors} was lowered to the number of images, {len(vectors)}.")
        return project_umap(vectors, neighbors=neighbors, min_dist=min_dist, seed=seed)

    return _plot(request, "UMAP", project)


@dataclass(frozen=True, slots=True, eq=False)
class _Coloring:
    """What the points of all panels are coloured by."""

    values: list[np.ndarray]
    classes: tuple[str, ...] = ()
    quantity: str = ""


def _plot(request: PlotRequest, axis: str, project: Projection) -> Figure:
    components = check_whole(request.options["pca"], "pca", 0)
    embedded = read_inputs(request)
    panels = []
    coloring = _choose_coloring(embedded, request)
    names = request.name_inputs() if len(embedded) > 1 or request.label else [""]
    for one, values, name in zip(embedded, coloring.values, names, strict=True):
        if len(one.vectors) > 1 and np.ptp(one.vectors, axis=0).max() == 0:
            raise InputError(
                f"All {len(one.vectors):,} images of '{one.images.name}' have the same features, so that a {axis} "
                "of them says nothing.",
                hint="Check the images: blank ones look all alike to a model.",
            )
        vectors = project_pca(one.vectors, components)[0] if components else one.vectors
        request.log.start(f"Computing the {axis}")
        panels.append(Panel(points=project(vectors), values=values, name=name))
    if components:
        axis = f"{axis} of PCA-{components},"
    return draw_projection(
        panels, axis, classes=name_classes(coloring.classes), quantity=coloring.quantity, columns=request.columns
    )


def read_inputs(request: PlotRequest) -> list[EmbeddedImages]:
    """Read the embeddings of each input, or of what was drawn from it.

    Raises
    ------
    ConfigError
        If there are no inputs.
    """
    if not request.inputs:
        raise ConfigError(
            f"'{request.kind}' draws embeddings, and no input was given.",
            hint=f"Write: galaxtool plot {request.kind} INPUT -o FILE, where INPUT is a file of embeddings, an index, "
            "an evaluation directory, or images.",
        )
    most = check_whole(request.options["most"], "most", 0)
    seed, balanced = int(request.options["seed"]), bool(request.options["balanced"])
    table = str(request.options["table"])
    opened = [open_embedded(text, request.log, model=request.model, table=table) for text in request.inputs]
    return [sample_images(one, most, request.log, seed=seed, truth=request.truth, balanced=balanced) for one in opened]


def _choose_coloring(embedded: list[EmbeddedImages], request: PlotRequest) -> _Coloring:
    """Return the classes or the values of a column; nothing where images have no class and no column is named."""
    if request.by is None and request.truth == TRUTH and not any(TRUTH in one.images.columns for one in embedded):
        request.log.say("The images have no classes; --by COLUMN colours them by a column of a catalogue.")
        return _Coloring([np.full(len(one.images), UNKNOWN) for one in embedded])
    name = request.by or request.truth
    found = [one.images.column(name) for one in embedded]
    distinct = {value for values in found for value in np.unique(values).tolist()}
    if all(values.dtype.kind == "f" for values in found) and (len(distinct) > _MAX_CLASSES or request.by):
        numbers = blank_sentinels(np.concatenate(found).astype(float))
        if not np.isfinite(numbers).any():
            raise InputError(f"No image has a value of '{name}'.", hint="Name another column with --by.")
        return _Coloring(np.split(numbers, np.cumsum([len(one) for one in found])[:-1]), quantity=name_class(name))
    texts = [to_texts(values) for values in found]
    joined = np.concatenate(texts)
    classes, indices = index_classes(joined.tolist())
    if len(classes) > _MAX_CLASSES:
        raise ConfigError(
            f"The column '{name}' has {len(classes)} different texts; a figure can show at most {_MAX_CLASSES}.",
            hint="Name a column of classes or of numbers with --by.",
        )
    return _Coloring(np.split(indices, np.cumsum([len(one) for one in texts])[:-1]), classes)
