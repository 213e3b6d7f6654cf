"""The kind ``retrieval``."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from galaxtool.errors import InputError, UnknownName
from galaxtool.plotting.charts.picture_grid import cell_pixels
from galaxtool.plotting.charts.projection import UNKNOWN
from galaxtool.plotting.charts.retrieval import Neighbor, RetrievalQuery, draw_retrieval
from galaxtool.plotting.class_names import name_classes
from galaxtool.plotting.embedded import EmbeddedImages, open_embedded
from galaxtool.plotting.images import TRUTH, check_whole, index_classes
from galaxtool.plotting.labels import name_class
from galaxtool.plotting.pictures import make_pictures
from galaxtool.plotting.request import PlotRequest

_WRAP = 12  # characters of a line of a caption
_LONGEST = 14  # characters of an identifier
_MAX_QUERIES = 20


def plot_retrieval(request: PlotRequest) -> Figure:
    """Draw queries with their nearest neighbours."""
    embedded = open_embedded(
        str(request.single_input()),
        request.log,
        model=request.model,
        table=str(request.options["table"]),
    )
    k = check_whole(request.options["k"], "k", 1)
    if len(embedded.images) <= k:
        raise InputError(
            f"'{embedded.images.name}' has {len(embedded.images)} images with an embedding, and a query needs {k} "
            "others.",
            hint=f"Give more images, or --option k={max(1, len(embedded.images) - 1)}.",
        )
    classes, targets = _read_classes(embedded, request.truth)
    rows = _choose_queries(embedded, request, len(classes), targets)
    found, similarities = find_nearest(embedded.vectors, rows, k)
    shown = np.concatenate([rows[:, None], found], axis=1)
    layout = str(request.options["layout"])
    pixels = cell_pixels(k + 1 if layout == "rows" else len(rows), request.width)
    pictures = make_pictures(embedded.images, shown.ravel().tolist(), pixels, embedded.preprocess, request.log)
    names = name_classes(classes)
    queries = []
    for number, row in enumerate(rows):
        own = pictures[number * (k + 1) : (number + 1) * (k + 1)]
        neighbors = [
            Neighbor(
                picture=picture,
                similarity=float(similarity),
                is_right=None if UNKNOWN in (targets[row], targets[other]) else bool(targets[row] == targets[other]),
            )
            for picture, similarity, other in zip(own[1:], similarities[number], found[number], strict=True)
        ]
        is_known = targets[row] != UNKNOWN
        caption = name_class(names[targets[row]], width=_WRAP) if is_known else _shorten(embedded.images.ids[row])
        queries.append(RetrievalQuery(picture=own[0], caption=caption, neighbors=tuple(neighbors)))
    return draw_retrieval(queries, layout=layout, columns=request.columns)


def find_nearest(vectors: np.ndarray, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest other vectors of some vectors, by the cosine.

    Parameters
    ----------
    vectors : ndarray of float, shape (N, D)
        Vectors of any length.
    rows : ndarray of int, shape (Q,)
        Rows of the queries, which are never their own neighbours.
    k : int
        Number of neighbours, below N.

    Returns
    -------
    found : ndarray of int, shape (Q, k)
        Rows of the neighbours, the nearest first.
    similarities : ndarray of float64, shape (Q, k)
        Their cosines.
    """
    lengths = np.maximum(np.linalg.norm(vectors, axis=1), 1e-12)
    cosines = (vectors[rows] @ vectors.T).astype(np.float64) / (lengths[rows, None] * lengths)
    cosines[np.arange(len(rows)), rows] = -np.inf
    found = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    return found, np.take_along_axis(cosines, found, axis=1)


def _read_classes(embedded: EmbeddedImages, truth: str) -> tuple[tuple[str, ...], np.ndarray]:
    if truth == TRUTH and TRUTH not in embedded.images.columns:
        return (), np.full(len(embedded.images), UNKNOWN)
    return index_classes(embedded.images.column(truth).astype(str).tolist())


def _choose_queries(embedded: EmbeddedImages, request: PlotRequest, n_classes: int, targets: np.ndarray) -> np.ndarray:
    """Return the rows of the queries: the named ones, or one of each class, or some at random."""
    names = [name.strip() for name in str(request.options["queries"]).split(",") if name.strip()]
    if names:
        row_of = {name: row for row, name in enumerate(embedded.images.ids)}
        for name in names:
            if name not in row_of:
                raise UnknownName(f"image of '{embedded.images.name}'", name, embedded.images.ids[:5000])
        return np.array([row_of[name] for name in names])
    order = np.random.default_rng(int(request.options["seed"])).permutation(len(embedded.images))
    n = min(check_whole(request.options["n"], "n", 0), _MAX_QUERIES)
    if not n_classes:
        return order[: min(n or 4, len(order))]
    each = -(-n // n_classes) if n else 1
    return np.concatenate([order[targets[order] == c][:each] for c in range(n_classes)])[: n or None]


def _shorten(name: str) -> str:
    """Return the last part of an identifier, shortened in the middle, because identifiers differ at their ends."""
    last = name.rpartition("/")[2]
    return last if len(last) <= _LONGEST else f"{last[: _LONGEST // 2 - 1]}…{last[-_LONGEST // 2 :]}"
