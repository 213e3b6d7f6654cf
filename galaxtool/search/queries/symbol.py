"""Embed a symbol: a class of the model, or a drawing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from galaxtool.errors import InputError, ModelError, UnknownName
from galaxtool.search.source import Source
from galaxtool.taxonomy.matching import match_label
from galaxtool.taxonomy.symbols import load_symbol


class EmbeddedSymbol(NamedTuple):
    """A symbol as a vector of unit length, float32 (dim,), with its name and the file of its drawing, if any."""

    label: str
    vector: np.ndarray
    path: Path | None


def embed_symbol(symbol: str, source: Source) -> EmbeddedSymbol:
    """Embed the symbol of a class of the model, or else a drawing in a file.

    Raises
    ------
    ModelError
        If the model has no symbols.
    InputError
        If the file does not exist or is not an image.
    UnknownName
        If it is neither a file nor a class.
    """
    taxonomy = source.record.make_taxonomy()
    slug = match_label(symbol, taxonomy)
    if slug is not None:
        embeddings = source.engine.class_embeddings().get("symbol")
        if embeddings is None:
            raise ModelError(
                f"The model '{source.index.record.model}' has no symbols: it was trained without them.",
                hint=f'Ask with --text "{taxonomy.get(slug).prompt}", or with a drawing: --symbol FILE.',
            )
        return EmbeddedSymbol(slug, embeddings[taxonomy.slugs.index(slug)], _find_drawing(slug, source))
    path = Path(symbol)
    if not path.is_file():
        if path.suffix or os.sep in symbol:
            raise InputError(
                f"There is no symbol '{symbol}'.", hint=f"Give a file, or one of {', '.join(taxonomy.slugs)}."
            )
        raise UnknownName("class of the model, and no file,", symbol, taxonomy.slugs)
    engine = source.open_torch_engine("A drawing")
    picture = load_symbol(path, engine.record.make_preprocess().size)
    return EmbeddedSymbol(symbol, engine.embed_symbols(picture[None])[0], path)


def _find_drawing(slug: str, source: Source) -> Path | None:
    """Return the file of the symbol that the model stores for a class, or None where it has only the embedding."""
    entry = next(entry for entry in source.record.taxonomy["classes"] if entry["slug"] == slug)
    if source.files.folder is None or not entry.get("symbol"):
        return None
    # only the file name counts: a record from elsewhere must not reach out of its folder
    path = source.files.folder / "symbols" / Path(entry["symbol"]).name
    return path if path.is_file() else None
