"""Queries: an image, a text, a symbol or an object of the index, turned into a vector."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from galaxtool.containers.reading import read_ref
from galaxtool.errors import InputError, ModelError, UnknownName, UnreadableImage
from galaxtool.inference.reading import override_preprocess
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inference.views import run_views
from galaxtool.inference.worker import describe_not_finite
from galaxtool.search.options import QueryArgs
from galaxtool.search.reading import choose_reading, describe_options, locate_query
from galaxtool.search.sky import find_separations
from galaxtool.search.source import Source
from galaxtool.search.text import embed_query_text
from galaxtool.taxonomy.matching import match_label
from galaxtool.taxonomy.symbols import load_symbol
from galaxtool.types import BLANK, FLAGS, NO_SCALE, OFF_EDGE, UNLIKE_TRAINING, ImageRef, Progress, warn

_NOTED_FLAGS = (BLANK, NO_SCALE, OFF_EDGE)
"""Flags of a query that make its results doubtful."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """A query as a vector.

    Parameters
    ----------
    text : str
        Description of the query: the column ``query`` of the table of results.
    vector : ndarray of float32, shape (dim,)
        Embedding of unit length.
    path : Path or None
        Image or drawing of the query; None for a text.
    row : int or None
        Row of the query in the index, if it is an object of the index.
    is_symbol : bool
        Whether `path` is a drawing rather than an observed image.
    ref : ImageRef or None
        Where an observed image is stored.
    reading : ReadingOptions
        How an observed image is read.
    warning : str
        Why the results mean little, as a sentence; usually empty.
    """

    text: str
    vector: np.ndarray
    path: Path | None = None
    row: int | None = None
    is_symbol: bool = False
    ref: ImageRef | None = None
    reading: ReadingOptions = field(default_factory=ReadingOptions)
    warning: str = ""


def resolve_query(args: QueryArgs, source: Source, progress: Progress) -> Query:
    """Return the vector of a query.

    Raises
    ------
    UnreadableImage
        If the image cannot be read.
    UnknownName
        If the object or the class does not exist.
    InputError
        If no object is at the position.
    ModelError
        If the model cannot embed this kind of query.
    """
    if args.image is not None:
        return _embed_image(str(args.image), args.reading, source, progress)
    if not source.on_demand and (given := args.reading.list_changes()):
        progress.say(f"{describe_options(given)} has no effect: only the image file of a query is read with it.")
    if args.text is not None:
        embedded = embed_query_text(args.text, source.open_torch_engine("A text"))
        if embedded.note:
            progress.say(embedded.note)
        return Query(text=args.text, vector=embedded.vector, warning=embedded.warning)
    if args.symbol is not None:
        return _embed_symbol(args.symbol, source)
    if args.id is not None:
        row, text = source.index.row_of(args.id), args.id
    else:
        assert args.ra is not None and args.dec is not None
        ra, dec = float(args.ra), float(args.dec)
        row, text = _find_row_at(ra, dec, args.radius, source, progress), f"{ra} {dec:+}"
    item = source.index[row]
    return Query(
        text=text,
        vector=source.index.vector(row),
        path=Path(item.path),
        row=row,
        ref=item.ref,
        reading=source.reading,
    )


def _embed_image(text: str, given: ReadingOptions, source: Source, progress: Progress) -> Query:
    """Read an image as the index read its own, except for the options that were given, and embed it."""
    reading = choose_reading(source.reading, given)
    if reading.note:
        progress.say(reading.note)
    ref = locate_query(text, reading.options, source.index)
    preprocess = override_preprocess(source.engine.record.make_preprocess(), reading.options)
    try:
        cutout = read_ref(ref, preprocess.reading(reading.options.read_options, position=True))
    except UnreadableImage as error:
        raise type(error)(error.message, hint=error.hint or _suggest_options(reading.options)) from error
    for flag in preprocess.flags(cutout):
        if flag in _NOTED_FLAGS:
            warn(progress, f"The query is flagged {flag}: {FLAGS[flag]}.")
    pictures = preprocess.picture(cutout)[None]
    detector = getattr(source.engine, "detector", None)
    if detector is not None and detector.find_unlike(pictures)[0]:
        warn(progress, f"The query is flagged {UNLIKE_TRAINING}: {FLAGS[UNLIKE_TRAINING]}.")
    vector = run_views(source.engine, pictures, source.index.record.tta).embedding[0]
    if not np.isfinite(vector).all():
        raise UnreadableImage(describe_not_finite(ref, embeds=True))
    return Query(text=text, vector=vector, path=ref.path, ref=ref, reading=reading.options)


def _suggest_options(options: ReadingOptions) -> str:
    """Return the next step after a query that cannot be read."""
    if changes := options.list_changes():
        return f"It was read with {describe_options(changes)}, as the index; another value here replaces that."
    return "Ask with another image, or for an object of the index with --id."


def _embed_symbol(symbol: str, source: Source) -> Query:
    """Return the query for a class of the model, or else for a drawing in a file."""
    taxonomy = source.record.make_taxonomy()
    slug = match_label(symbol, taxonomy)
    if slug is not None:
        embeddings = source.engine.class_embeddings().get("symbol")
        if embeddings is None:
            raise ModelError(
                f"The model '{source.index.record.model}' has no symbols: it was trained without them.",
                hint=f'Ask with --text "{taxonomy.get(slug).prompt}", or with a drawing: --symbol FILE.',
            )
        vector = embeddings[taxonomy.slugs.index(slug)]
        return Query(text=slug, vector=vector, path=_find_drawing(slug, source), is_symbol=True)
    path = Path(symbol)
    if not path.is_file():
        if path.suffix or os.sep in symbol:
            raise InputError(
                f"There is no symbol '{symbol}'.", hint=f"Give a file, or one of {', '.join(taxonomy.slugs)}."
            )
        raise UnknownName("class of the model, and no file,", symbol, taxonomy.slugs)
    engine = source.open_torch_engine("A drawing")
    picture = load_symbol(path, engine.record.make_preprocess().size)
    return Query(text=symbol, vector=engine.embed_symbols(picture[None])[0], path=path, is_symbol=True)


def _find_drawing(slug: str, source: Source) -> Path | None:
    """Return the file of the symbol that the model stores for a class, or None where it has only the embedding."""
    entry = next(entry for entry in source.record.taxonomy["classes"] if entry["slug"] == slug)
    if source.files.folder is None or not entry.get("symbol"):
        return None
    # only the file name counts: a record from elsewhere must not reach out of its folder
    path = source.files.folder / "symbols" / Path(entry["symbol"]).name
    return path if path.is_file() else None


def _find_row_at(ra: float, dec: float, radius: float, source: Source, progress: Progress) -> int:
    """Return the row of the object nearest to a position, if it is within the radius in arcsec."""
    separations = find_separations(*source.index.positions(), ra, dec)
    if np.isnan(separations).all():
        raise InputError(
            "No object of the index has a position.",
            hint="Index FITS files with a WCS, or a catalogue with ra and dec (--ra-column and --dec-column name other "
            "columns), or ask with --id or an image.",
        )
    row = int(np.nanargmin(separations))
    item, distance = source.index[row], separations[row]
    if distance > radius:
        raise InputError(
            f"No object is within {radius:g} arcsec of ra {ra}, dec {dec}: the nearest, '{item.id}', is "
            f"{_format_distance(distance)} away.",
            hint="Widen the search with --radius, or ask with --id.",
        )
    progress.say(f"Found '{item.id}', {distance:.2f} arcsec from the position.")
    return row


def _format_distance(arcsec: float) -> str:
    """Return a distance in arcsec, from one degree up in degrees."""
    return f"{arcsec:.1f} arcsec" if arcsec < 3600 else f"{arcsec / 3600:.1f} degrees"
