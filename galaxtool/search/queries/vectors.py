"""Queries as vectors: one example, or several that are combined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from galaxtool.errors import ConfigError, GalaxtoolError, InputError, UnknownName
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.search.queries.examples import ANY, ID, IMAGE, POSITION, SYMBOL, TEXT, Example, QueryArgs, Request
from galaxtool.search.queries.images import QueryImage, embed_images
from galaxtool.search.queries.symbol import embed_symbol
from galaxtool.search.queries.text import embed_query_text
from galaxtool.search.reading import describe_options
from galaxtool.search.sky import find_row_at
from galaxtool.search.source import Source
from galaxtool.types import ImageRef, Progress

_NOTHING = 1e-4  # length of a sum of unit vectors that cancel each other out


@dataclass(frozen=True, kw_only=True, eq=False)
class QueryExample:
    """One example of a query as a vector.

    Parameters
    ----------
    label : str
        The example in words.
    vector : ndarray of float32, shape (dim,)
        Embedding of unit length.
    weight : float
        Its share in the query; below zero for an example of what not to find.
    path : Path or None
        Image or drawing; None for a text, and for pixels or a vector from memory.
    row : int or None
        Row in the index, if it is an object of the index.
    is_observed : bool
        Whether it is an image rather than a text or a symbol, whose similarities have a scale of their own.
    is_symbol : bool
        Whether it is a symbol.
    ref : ImageRef or None
        Where an observed image is stored.
    reading : ReadingOptions
        How an observed image is read.
    ra, dec : float or None
        Position in degrees, ICRS; None if unknown.
    warning : str
        Why results mean little, as a sentence; usually empty.
    """

    label: str
    vector: np.ndarray
    weight: float = 1.0
    path: Path | None = None
    row: int | None = None
    is_observed: bool = True
    is_symbol: bool = False
    ref: ImageRef | None = None
    reading: ReadingOptions = field(default_factory=ReadingOptions)
    ra: float | None = None
    dec: float | None = None
    warning: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Query:
    """A query as a vector.

    Parameters
    ----------
    text : str
        Description of the query: the column ``query`` of the table of results.
    vector : ndarray of float32, shape (dim,)
        Vector of unit length.
    examples : tuple of QueryExample
        What it is made of.
    """

    text: str
    vector: np.ndarray
    examples: tuple[QueryExample, ...]

    @property
    def is_observed(self) -> bool:
        """Whether similarities to it can be compared with those between images: it is made of images to find."""
        return all(one.is_observed and one.weight > 0 for one in self.examples)

    @property
    def warning(self) -> str:
        """Why the results mean little; usually empty."""
        return " ".join(dict.fromkeys(one.warning for one in self.examples if one.warning))


def resolve_queries(
    queries: Sequence[QueryArgs], request: Request, source: Source, progress: Progress
) -> list[Query | GalaxtoolError]:
    """Return the vector of each query, or the error of one that cannot be used.

    Parameters
    ----------
    queries : sequence of QueryArgs
        The queries.
    request : Request
        How images are read, and the radius about positions.
    source : Source
        The index and its model.
    progress : Progress
        Receiver of notes.
    """
    embedded = _embed_all_images(queries, request.reading, source, progress)
    if not embedded and not source.on_demand and (given := request.reading.list_changes()):
        progress.say(f"{describe_options(given)} has no effect: only the image file of a query is read with it.")
    found: list[Query | GalaxtoolError] = []
    for query in queries:
        try:
            examples = [
                _embed_example(one, embedded.get(id(one)), request.radius, source, progress) for one in query.examples
            ]
            vector = combine_examples(examples, source.measure_spread)
            # a class of the model is named by its slug
            is_own = query.text == query.examples[0].label
            text = examples[0].label if is_own else query.text
            found.append(Query(text=text, vector=vector, examples=tuple(examples)))
        except GalaxtoolError as error:
            found.append(error)
    return found


def combine_examples(examples: Sequence[QueryExample], measure_spread: Callable[[np.ndarray], float]) -> np.ndarray:
    """Return the vector of unit length of a query, float32 (dim,).

    Parameters
    ----------
    examples : sequence of QueryExample
        Their vectors are added up with their weights; a single one is returned as it is.
    measure_spread : callable
        Takes a unit vector; returns the standard deviation of the similarities of indexed objects to it.

    Raises
    ------
    ConfigError
        If the examples cancel each other out.

    Notes
    -----
    The similarities of images to a text or a symbol differ less than those to another image. Where a query has both,
    each vector is first divided by the spread of the similarities to it, so that examples of equal weight decide
    equally.
    """
    if len(examples) == 1:
        return examples[0].vector
    weights = np.array([one.weight for one in examples])
    if len({one.is_observed for one in examples}) > 1:
        spreads = np.array([measure_spread(one.vector) for one in examples])
        if (spreads > 0).all():
            weights = weights / spreads
    weights = weights / np.abs(weights).max()
    total = weights @ np.stack([one.vector for one in examples]).astype(np.float64)
    length = float(np.linalg.norm(total))
    if length < _NOTHING:
        raise ConfigError(
            "The examples of the query cancel each other out.",
            hint="Give --not another image than the query, or another --weight.",
        )
    vector: np.ndarray = (total / length).astype(np.float32)
    return vector


def _embed_all_images(
    queries: Sequence[QueryArgs], reading: ReadingOptions, source: Source, progress: Progress
) -> dict[int, QueryImage | GalaxtoolError]:
    """Embed the images among the examples of all queries; the keys are the identities of the examples."""
    wanted = {id(one): one.value for query in queries for one in query.examples if _is_image(one, source)}
    results = embed_images(list(wanted.values()), reading, source, progress)
    return dict(zip(wanted, results, strict=True))


def _is_image(example: Example, source: Source) -> bool:
    """Tell whether an example is an image rather than an object of the index or something else."""
    if example.kind != ANY or not isinstance(example.value, str):
        return example.kind in (IMAGE, ANY)
    return Path(example.value).exists() or _find_row(example.value, source) is None


def _embed_example(
    example: Example, image: QueryImage | GalaxtoolError | None, radius: float, source: Source, progress: Progress
) -> QueryExample:
    """Return an example as a vector; raise the error of one that cannot be used."""
    label, weight = example.label, example.weight
    if isinstance(image, GalaxtoolError):
        raise _explain_neither(image, example, source)
    if image is not None:
        return QueryExample(
            label=label, vector=image.vector, weight=weight, path=None if image.ref is None else image.ref.path,
            ref=image.ref, reading=image.reading, ra=image.ra, dec=image.dec,
        )  # fmt: skip
    if example.kind == TEXT:
        embedded = embed_query_text(example.value, source.open_text_encoder())
        if embedded.note:
            progress.say(embedded.note)
        return QueryExample(
            label=label, vector=embedded.vector, weight=weight, is_observed=False, warning=embedded.warning
        )
    if example.kind == SYMBOL:
        symbol = embed_symbol(str(example.value), source)
        return QueryExample(
            label=symbol.label, vector=symbol.vector, weight=weight, path=symbol.path, is_observed=False, is_symbol=True
        )
    if example.kind in (ID, ANY):
        return _take_object(source.index.row_of(str(example.value)), label, weight, source)
    if example.kind == POSITION:
        ra, dec = example.value
        return _take_object(find_row_at(ra, dec, radius, source.index, progress), label, weight, source)
    return QueryExample(label=label, vector=_check_vector(example.value, source), weight=weight)


def _take_object(row: int, label: str, weight: float, source: Source) -> QueryExample:
    """Return an object of the index as an example."""
    item = source.index[row]
    return QueryExample(
        label=label, vector=source.index.vector(row), weight=weight, path=Path(item.path), row=row,
        ref=item.ref, reading=source.reading, ra=item.ra, dec=item.dec,
    )  # fmt: skip


def _check_vector(vector: np.ndarray, source: Source) -> np.ndarray:
    """Return a vector from memory with unit length."""
    values = np.asarray(vector, dtype=np.float32)
    length = float(np.linalg.norm(values)) if values.shape == (source.index.record.dim,) else 0.0
    if not (np.isfinite(length) and length > 0):
        raise ConfigError(
            f"A vector of shape {values.shape} cannot be compared with this index, whose vectors have "
            f"{source.index.record.dim} finite numbers, not all 0.",
            hint="Embed the query with the model and the layer of the index.",
        )
    unit: np.ndarray = values / length
    return unit


def _find_row(name: str, source: Source) -> int | None:
    """Return the row of an object of the index, or None if there is no object of this name."""
    try:
        return source.index.row_of(name)
    except UnknownName:
        return None


def _explain_neither(error: GalaxtoolError, example: Example, source: Source) -> GalaxtoolError:
    """Return the error about an example that may be a file or an object, and is neither."""
    if example.kind != ANY or not isinstance(example.value, str) or Path(example.value).exists():
        return error
    try:
        source.index.row_of(example.value)
    except UnknownName as unknown:
        near = f"Did you mean '{unknown.suggestion}'? " if unknown.suggestion else ""
        return InputError(
            f"'{example.value}' is neither an image file nor an object of the index.",
            hint=f"{near}--not takes an image or an identifier, and --not-text a description.",
        )
    return error
