"""An index and its model kept open, so that further queries are answered in milliseconds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
from astropy.table import Table

from galaxtool.errors import GalaxtoolError
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.model import ONE_IMAGE, Image
from galaxtool.models.record import ModelRecord
from galaxtool.search.answer import answer_queries, require_answers, tabulate_answers
from galaxtool.search.index.record import IndexRecord
from galaxtool.search.open_source import open_source
from galaxtool.search.options import SearchOptions, SourceArgs, name_filters
from galaxtool.search.queries.examples import Request
from galaxtool.search.queries.request import list_queries
from galaxtool.search.source import Source
from galaxtool.types import Progress, Silent

T = TypeVar("T")


def load_index(
    folder: str | os.PathLike[str] | None = None,
    *,
    engine: str = "auto",
    device: str = "auto",
    progress: Progress | None = None,
) -> SearchSession:
    """Open an index, for many searches from a notebook or a script.

    Parameters
    ----------
    folder : str or path, optional
        Index directory, as ``galaxtool index`` writes it; by default the one in GALAXTOOL_INDEX, otherwise
        ``galaxtool_index``.
    engine : {"auto", "onnx", "openvino", "torch"}
        What runs the model of the index on images; texts and drawings need PyTorch.
    device : str
        ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
    progress : Progress, optional
        Receives notes about queries; by default they are dropped.

    Returns
    -------
    SearchSession

    Raises
    ------
    InputError
        If the folder is not an index, or one of its files is missing or damaged.

    Examples
    --------
    >>> import galaxtool
    >>> _ = galaxtool.simulate(output="galaxies", n=12)
    >>> _ = galaxtool.index(["galaxies"], output="sky")
    >>> index = galaxtool.load_index("sky")
    >>> len(index)
    12
    >>> table = index.search(id=index.items["id"][0].as_py(), k=3)
    >>> table.colnames[:5]
    ['query', 'rank', 'id', 'path', 'similarity']
    >>> print(table["rank"][0], round(table["similarity"][0], 2))
    1 1.0
    """
    source = open_source(
        SourceArgs(
            index=None if folder is None else Path(folder), compute=ComputeOptions(engine=engine, device=device)
        ),
        progress or Silent(),
    )
    return SearchSession(source, progress or Silent())


class SearchSession:
    """An open index with its model; `load_index` makes one.

    The model is opened by the first query that needs it. Results of filters are remembered.

    Parameters
    ----------
    source : Source
        The open index and its model.
    progress : Progress
        Receiver of notes.
    """

    def __init__(self, source: Source, progress: Progress) -> None:
        self.source = source
        self._progress = progress

    def __len__(self) -> int:
        return len(self.source.index)

    @property
    def record(self) -> IndexRecord:
        """The content of ``index.json``."""
        return self.source.index.record

    @property
    def model(self) -> ModelRecord:
        """The record of the model of the index."""
        return self.source.record

    @property
    def items(self) -> pa.Table:
        """The N indexed objects: the columns id, path, ra and dec, and those of their catalogue."""
        return self.source.index.items

    def vectors(self, rows: Sequence[int] | np.ndarray | None = None) -> np.ndarray:
        """Return the unit vectors of some objects, float32 (n, dim); by default of all, in the order of `items`."""
        return self.source.index.vectors(np.arange(len(self)) if rows is None else rows)

    def search(
        self,
        image: Image | Sequence[Image] | None = None,
        *,
        text: str | Sequence[str] | None = None,
        symbol: str | Sequence[str] | None = None,
        id: str | Sequence[str] | None = None,
        position: tuple[float | str, float | str] | None = None,
        vectors: np.ndarray | None = None,
        unlike: Image | Sequence[Image] | None = None,
        unlike_text: str | Sequence[str] | None = None,
        weight: float | Sequence[float] = (),
        each: bool = False,
        k: int = 10,
        cone: str | tuple[float, float, float] | None = None,
        where: str | None = None,
        filter: str | Sequence[str] = (),
        radius: float = 5.0,
        exclude_query: bool = False,
        exclude_duplicates: bool = False,
    ) -> Table:
        """Find the indexed objects that are most similar to a query.

        Several examples together form one query, unless `each` is set.

        Parameters
        ----------
        image : image or sequence of images, optional
            Images to find similar ones for: paths, `ImageRef`, `Cutout` or arrays, as in `galaxtool.load_model`. Files
            are read as the images of the index were.
        text : str or sequence of str, optional
            Descriptions; they need a model with a text encoder.
        symbol : str or sequence of str, optional
            Classes of the model, or image files with drawings.
        id : str or sequence of str, optional
            Identifiers of indexed objects.
        position : (ra, dec), optional
            Position of an indexed object, ICRS, in degrees or sexagesimal with right ascension in hours.
        vectors : ndarray of shape (dim,) or (n, dim), optional
            Features of the model and layer of the index, of any length but 0.
        unlike : image or sequence of images, optional
            Images, or identifiers of indexed objects, that results should not resemble.
        unlike_text : str or sequence of str, optional
            Descriptions of what results should not resemble.
        weight : float or sequence of float
            Weights of the examples, in the order of these parameters, or of those after the images, which then count 1.
            By default 1, and 0.5 for `unlike` and `unlike_text`.
        each : bool
            Whether each example is a query of its own; `unlike` and `unlike_text` then belong to all of them.
        k : int
            Number of results for each query; all objects that pass the filters, if there are fewer.
        cone : str or (float, float, float), optional
            Right ascension and declination in degrees (ICRS) and a radius in arcsec that results must lie in.
        where : str, optional
            SQL condition on the columns of `items` that results must meet: ``"z < 0.1 and g - r > 0.7"``.
        filter : str or sequence of str
            Further filters, as ``NAME:ARGUMENT``.
        radius : float
            Maximum distance of an object from `position`, in arcsec.
        exclude_query : bool
            Whether to leave out the query itself.
        exclude_duplicates : bool
            Whether to leave out objects that are a better result over again: within 1 arcsec of it, or with nearly the
            same picture.

        Returns
        -------
        Table
            One row per result, query by query, the most similar first: query, rank (from 1), id, path, similarity
            (cosine), ra and dec (degrees, masked where unknown), percentile (percentage of random pairs of indexed
            objects that are less similar; for other queries than images to find, of the indexed objects that are less
            similar to it), and all columns of the catalogue. With several queries, ``table.meta["errors"]`` has the
            message of each that cannot be used, by its name.

        Raises
        ------
        ConfigError
            If nothing is asked for, or a value or the number of weights is not valid.
        UnreadableImage, UnknownName, InputError, ModelError
            If the query cannot be used, or none of several; or no object passes the filters.
        """
        ra, dec = position if position is not None else (None, None)
        request = Request(
            images=_as_sequence(image),
            texts=_as_sequence(text),
            symbols=_as_sequence(symbol),
            ids=_as_sequence(id),
            ra=ra,
            dec=dec,
            vectors=() if vectors is None else list(np.atleast_2d(vectors)),
            unlike=_as_sequence(unlike),
            unlike_texts=_as_sequence(unlike_text),
            weights=(weight,) if isinstance(weight, (int, float)) else tuple(weight),
            each=each,
            radius=radius,
        )
        if cone is not None and not isinstance(cone, str):
            cone = ",".join(str(value) for value in cone)
        options = SearchOptions(
            k=k, filters=name_filters(cone, where, (filter,) if isinstance(filter, str) else filter),
            exclude_query=exclude_query, exclude_duplicates=exclude_duplicates,
        )  # fmt: skip
        queries = list_queries(request, self.source)
        answers = answer_queries(queries, request, options, self.source, self._progress)
        table = tabulate_answers(require_answers(answers), self.source)
        errors = zip(queries, answers, strict=True)
        table.meta["errors"] = {one.text: str(error) for one, error in errors if isinstance(error, GalaxtoolError)}
        return table


def _as_sequence(values: T | Sequence[T] | None) -> Sequence[T]:
    """Return one value or several as a sequence."""
    if values is None:
        return ()
    return [values] if isinstance(values, ONE_IMAGE) else list(values)  # type: ignore[arg-type]
