"""The kind ``retrieval``."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from galaxtool.errors import ConfigError, InputError, UnknownName
from galaxtool.plotting.charts.picture_grid import cell_pixels
from galaxtool.plotting.charts.projection import UNKNOWN
from galaxtool.plotting.charts.retrieval import RetrievalQuery, ShownNeighbor, draw_retrieval
from galaxtool.plotting.class_names import name_classes
from galaxtool.plotting.embedded import EmbeddedImages, find_files, open_embedded, open_gallery
from galaxtool.plotting.images import TRUTH, check_whole, index_classes, to_texts
from galaxtool.plotting.labels import name_class
from galaxtool.plotting.pictures import make_pictures
from galaxtool.plotting.request import PlotRequest
from galaxtool.utils.counts import format_count

_WRAP = 12  # characters of a line of a caption
_LONGEST = 14  # characters of an identifier
_MAX_QUERIES = 20


def plot_retrieval(request: PlotRequest) -> Figure:
    """Draw queries with their nearest neighbours, among the same images or in a gallery of its own."""
    model = request.model
    asked = open_embedded(str(request.single_input()), request.log, model=model, table=str(request.options["table"]))
    named = str(request.options["gallery"])
    gallery = open_gallery(named, request.log, asked, model=model) if named else asked
    k = check_whole(request.options["k"], "k", 1)
    _check_count(gallery, k, is_own=not named)
    classes, targets, among = _read_classes(asked, gallery, request.truth)
    rows = _choose_queries(asked, request, targets)
    own_rows = find_files(gallery.images.paths, [asked.images.paths[row] for row in rows]) if named else rows
    found, similarities = find_nearest(asked.vectors[rows], gallery.vectors, own_rows, k)
    layout = str(request.options["layout"])
    pixels = cell_pixels(k + 1 if layout == "rows" else len(rows), request.width)
    pictures = make_pictures(asked.images, rows.tolist(), pixels, asked.preprocess, request.log)
    others = make_pictures(gallery.images, found.ravel().tolist(), pixels, gallery.preprocess, request.log)
    names = name_classes(classes)
    queries = []
    for number, row in enumerate(rows):
        neighbors = [
            ShownNeighbor(
                picture=others[number * k + rank],
                similarity=float(similarities[number, rank]),
                is_right=None if UNKNOWN in (targets[row], among[other]) else bool(targets[row] == among[other]),
            )
            for rank, other in enumerate(found[number])
        ]
        is_known = targets[row] != UNKNOWN
        caption = name_class(names[targets[row]], width=_WRAP) if is_known else _shorten(asked.images.ids[row])
        queries.append(RetrievalQuery(picture=pictures[number], caption=caption, neighbors=tuple(neighbors)))
    return draw_retrieval(queries, layout=layout, columns=request.columns)


def find_nearest(
    queries: np.ndarray, gallery: np.ndarray, own_rows: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest vectors of a gallery, by the cosine.

    Parameters
    ----------
    queries : ndarray of float, shape (Q, D)
        Vectors of any length.
    gallery : ndarray of float, shape (N, D)
        Vectors of any length.
    own_rows : ndarray of int, shape (Q,)
        Row of each query in the gallery, which is never its own neighbour; -1 if it is not there.
    k : int
        Number of neighbours, below N.

    Returns
    -------
    found : ndarray of int, shape (Q, k)
        Rows of the neighbours, the nearest first.
    similarities : ndarray of float64, shape (Q, k)
        Their cosines.
    """
    lengths = [np.maximum(np.linalg.norm(vectors, axis=1), 1e-12) for vectors in (queries, gallery)]
    cosines = (queries @ gallery.T).astype(np.float64) / (lengths[0][:, None] * lengths[1])
    is_there = own_rows >= 0
    cosines[is_there, own_rows[is_there]] = -np.inf
    found = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    return found, np.take_along_axis(cosines, found, axis=1)


def _check_count(gallery: EmbeddedImages, k: int, *, is_own: bool) -> None:
    """Raise `InputError` if a gallery, of which a query may be one, has fewer than k neighbours for it."""
    if len(gallery.images) > k:
        return
    count, most = format_count(len(gallery.images), "image"), len(gallery.images) - 1
    raise InputError(
        f"'{gallery.images.name}' has {count} with an embedding, and a query needs {k} others.",
        hint=f"Give more images{'' if is_own else ' as the gallery'}{f', or --option k={most}' if most > 0 else ''}.",
    )


def _read_classes(
    asked: EmbeddedImages, gallery: EmbeddedImages, truth: str
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Return the classes of queries and gallery, and the class of each of either; `UNKNOWN` where there is none."""
    texts = [_read_texts(asked, truth)]
    if gallery is not asked:
        texts.append(_read_texts(gallery, truth))
    classes, indices = index_classes([text for some in texts for text in some])
    targets = indices[: len(texts[0])]
    return classes, targets, targets if gallery is asked else indices[len(texts[0]) :]


def _read_texts(embedded: EmbeddedImages, truth: str) -> list[str]:
    if truth == TRUTH and TRUTH not in embedded.images.columns:
        return [""] * len(embedded.images)
    return [str(text) for text in to_texts(embedded.images.column(truth))]


def _choose_queries(embedded: EmbeddedImages, request: PlotRequest, targets: np.ndarray) -> np.ndarray:
    """Return the rows of the queries: the named ones, or one of each class, or some at random."""
    names = [name.strip() for name in str(request.options["queries"]).split(",") if name.strip()]
    if names:
        row_of = {name: row for row, name in enumerate(embedded.images.ids)}
        for name in names:
            if name not in row_of:
                raise UnknownName(f"image of '{embedded.images.name}'", name, embedded.images.ids[:5000])
        return np.array([row_of[name] for name in names])
    order = np.random.default_rng(int(request.options["seed"])).permutation(len(embedded.images))
    n = check_whole(request.options["n"], "n", 0)
    if n > _MAX_QUERIES:
        raise ConfigError(f"n is {n}, and a sheet has at most {_MAX_QUERIES} queries.", hint="Draw several sheets.")
    classes = np.unique(targets[targets != UNKNOWN])
    if not len(classes):
        return order[: min(n or 4, len(order))]
    each = -(-n // len(classes)) if n else 1
    return np.concatenate([order[targets[order] == c][:each] for c in classes])[: n or None]


def _shorten(name: str) -> str:
    """Return the last part of an identifier, shortened in the middle, because identifiers differ at their ends."""
    last = name.rpartition("/")[2]
    return last if len(last) <= _LONGEST else f"{last[: _LONGEST // 2 - 1]}…{last[-_LONGEST // 2 :]}"
