"""From what a user asks for to a vector: an image, a text, a symbol, or an object of the index."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from galaxtool.errors import ConfigError, InputError, ModelError, UnknownName, UnreadableImage
from galaxtool.inference.reading import override_preprocess
from galaxtool.inference.worker import not_finite_message
from galaxtool.types import Progress

if TYPE_CHECKING:
    import numpy as np

    from galaxtool.search.source import Source


@dataclass(frozen=True, kw_only=True)
class QueryArgs:
    """A query as it was given; see `galaxtool.commands.similar.similar`."""

    query: str | Path | None
    text: str | None
    symbol: str | None
    id: str | None
    ra: float | None
    dec: float | None
    radius: float
    hdu: str | None

    def check(self) -> None:
        """Raise `ConfigError` unless exactly one kind of query is given, and whole."""
        if (self.ra is None) != (self.dec is None):
            missing = "--dec" if self.dec is None else "--ra"
            raise ConfigError(f"A position needs both --ra and --dec; {missing} is missing.")
        if self.ra is not None and self.dec is not None:
            if not (-360 <= self.ra <= 360 and -90 <= self.dec <= 90):
                raise ConfigError(
                    f"There is no position with ra {self.ra} and dec {self.dec}.", hint="Both are in degrees."
                )
            if not self.radius > 0:
                raise ConfigError(f"The radius is {self.radius}, and must be above 0 arcsec.")
        kinds = {
            "QUERY": self.query,
            "--text": self.text,
            "--symbol": self.symbol,
            "--id": self.id,
            "--ra with --dec": self.ra,
        }
        given = [name for name, value in kinds.items() if value is not None]
        if len(given) != 1:
            what = "Nothing was asked for." if not given else f"Several things were asked for: {' and '.join(given)}."
            raise ConfigError(what, hint="Give one of an image, --text, --symbol, --id, or --ra with --dec.")
        if self.text is not None and not self.text.strip():
            raise ConfigError("The text is empty.", hint='Describe what to find: --text "a barred spiral galaxy"')


@dataclass(frozen=True, kw_only=True)
class Query:
    """A query that can be searched for.

    Parameters
    ----------
    text : str
        What stands in the table's column ``query``.
    vector : ndarray of float32, shape (dim,)
        Unit length.
    path : Path or None
        The image or drawing to show; None for a text.
    row : int or None
        In the index, where the query is one of its objects.
    is_symbol : bool
        Whether `path` is a drawing rather than an observed image.
    hdu : str or None
        Which HDU of `path` was taken.
    """

    text: str
    vector: np.ndarray
    path: Path | None = None
    row: int | None = None
    is_symbol: bool = False
    hdu: str | None = None


def resolve(asked: QueryArgs, source: Source, progress: Progress) -> Query:
    """Return the query's vector.

    Raises
    ------
    UnreadableImage
        If the image cannot be read.
    UnknownName
        If there is no such object or class.
    InputError
        If no object is at the position.
    ModelError
        If the model cannot embed what was asked for.
    """
    if asked.query is not None:
        return _image(Path(asked.query), asked.hdu, source)
    if asked.text is not None:
        return Query(text=asked.text, vector=source.torch_engine("A text").embed_text([asked.text])[0])
    if asked.symbol is not None:
        return _symbol(asked.symbol, source)
    row = source.index.row_of(asked.id) if asked.id is not None else _row_at(asked, source, progress)
    item = source.index[row]
    return Query(
        text=item.id if asked.id is not None else f"{asked.ra} {asked.dec:+}",
        vector=source.index.vector(row),
        path=Path(item.path),
        row=row,
        hdu=source.index.record.hdu,
    )


def _image(path: Path, hdu: str | None, source: Source) -> Query:
    import numpy as np

    from galaxtool.containers.find import locate_image
    from galaxtool.containers.reading import read_ref

    ref = locate_image(str(path))
    options = source.options(hdu)
    cutout = read_ref(ref, options.read_options)
    picture = override_preprocess(source.engine.record.make_preprocess(), options).picture(cutout)
    vector = source.engine.run(picture[None]).embedding[0]
    if not np.isfinite(vector).all():
        raise UnreadableImage(not_finite_message(ref, embeds=True))
    return Query(text=str(path), vector=vector, path=path, hdu=hdu)


def _symbol(symbol: str, source: Source) -> Query:
    """Return the query for a class of the model, else for a drawing in a file."""
    from galaxtool.taxonomy.matching import match_label
    from galaxtool.taxonomy.symbols import load_symbol

    taxonomy = source.record.make_taxonomy()
    slug = match_label(symbol, taxonomy)
    if slug is not None:
        held = source.engine.class_embeddings().get("symbol")
        if held is None:
            raise ModelError(
                f"The model '{source.index.record.model}' knows no symbols: it was trained without them.",
                hint=f'Ask with --text "{taxonomy.get(slug).prompt}", or with a drawing: --symbol FILE.',
            )
        vector = held[taxonomy.slugs.index(slug)]
        return Query(text=slug, vector=vector, path=_drawing(slug, source), is_symbol=True)
    path = Path(symbol)
    if not path.is_file():
        if path.suffix or os.sep in symbol:
            raise InputError(f"There is no symbol '{symbol}'.", hint=f"A file, or one of {', '.join(taxonomy.slugs)}.")
        raise UnknownName("class of the model, and no file,", symbol, taxonomy.slugs)
    engine = source.torch_engine("A drawing")
    picture = load_symbol(path, engine.record.make_preprocess().size)
    return Query(text=symbol, vector=engine.embed_symbols(picture[None])[0], path=path, is_symbol=True)


def _drawing(slug: str, source: Source) -> Path | None:
    """Return the symbol that the model keeps of a class, or None where it has only the embedding."""
    entry = next(entry for entry in source.record.taxonomy["classes"] if entry["slug"] == slug)
    if source.files.folder is None or not entry.get("symbol"):
        return None
    # only the last part counts: a record from elsewhere must not reach out of its folder
    path = source.files.folder / "symbols" / Path(entry["symbol"]).name
    return path if path.is_file() else None


def _row_at(asked: QueryArgs, source: Source, progress: Progress) -> int:
    """Return the row of the object nearest to a position, if it is within the radius."""
    import numpy as np
    from astropy.coordinates import angular_separation

    ra, dec = source.index.positions()
    known = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
    if not len(known):
        raise InputError(
            "No object of the index has a position.",
            hint="Index FITS files with a WCS or a catalogue with ra and dec, or ask with --id or an image.",
        )
    here = np.radians(np.array([asked.ra, asked.dec], dtype=float))
    separations = 3600 * np.degrees(angular_separation(*here, np.radians(ra[known]), np.radians(dec[known])))
    best = int(separations.argmin())
    item = source.index[int(known[best])]
    if separations[best] > asked.radius:
        raise InputError(
            f"No object lies within {asked.radius:g} arcsec of ra {asked.ra}, dec {asked.dec}: the nearest, "
            f"'{item.id}', is {separations[best]:.1f} arcsec away.",
            hint="Widen the search with --radius, or ask with --id.",
        )
    progress.say(f"Found '{item.id}', {separations[best]:.2f} arcsec from the position.")
    return int(known[best])
