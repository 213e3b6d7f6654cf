"""Queries of a page: words, classes, objects, dropped images and sketches, together and with signs."""

from __future__ import annotations

import secrets
import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from galaxtool.errors import ConfigError, ModelError
from galaxtool.explorer.objects import Objects
from galaxtool.images.image_file import ImageFile
from galaxtool.images.reading import read_file
from galaxtool.inference.reading import override_preprocess
from galaxtool.inference.views import run_views
from galaxtool.models.engines.text import TextEncoder
from galaxtool.search.queries.symbol import embed_symbol
from galaxtool.search.queries.text import EmbeddedText, embed_query_text
from galaxtool.search.queries.vectors import Query, QueryExample, combine_examples
from galaxtool.search.source import Source
from galaxtool.taxonomy.symbols import load_symbol
from galaxtool.webserver.answers import encode_picture
from galaxtool.webserver.requests import Fields, NotThere

_MOST_UPLOADS = 200
_MOST_TEXTS = 500
_PICTURE_SIDE = 160


@dataclass(frozen=True)
class Upload:
    """An image that was dropped on the page, or a sketch, as a vector.

    Parameters
    ----------
    vector : ndarray of float32, shape (dim,)
        Embedding of unit length.
    picture : bytes
        JPEG of it, as the model sees it.
    is_sketch : bool
        Whether it is a sketch.
    """

    vector: np.ndarray
    picture: bytes
    is_sketch: bool = False


class QueryMaker:
    """Turns what a page asks into vectors.

    Parameters
    ----------
    objects : Objects
        The objects to search.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._uploads: OrderedDict[str, Upload] = OrderedDict()
        self._texts: OrderedDict[str, EmbeddedText] = OrderedDict()
        self._lock = threading.RLock()

    @property
    def source(self) -> Source:
        """The index, whose model makes vectors.

        Raises
        ------
        ConfigError
            If the objects are from a file of embeddings, which has no model.
        """
        if self._objects.source is None:
            raise ConfigError(
                "A file of embeddings can only be searched with its own objects.",
                hint="Make an index for words, images and sketches: galaxtool index CUTOUTS -o survey_index",
            )
        return self._objects.source

    def combine(self, parts: list[Fields]) -> Query | None:
        """Return the parts of a query as one, combined as `galaxtool.search` does; None if there are none.

        Raises
        ------
        ConfigError
            If a part is not valid, or all are negative, or they cancel each other out.
        """
        if not parts:
            return None
        examples = [self._make_example(part) for part in parts]
        if all(one.weight <= 0 for one in examples):
            raise ConfigError("The query has only negative examples.", hint="Add a positive example.")
        vector = combine_examples(examples, self._measure_spread)
        return Query(text=" + ".join(one.label for one in examples), vector=vector, examples=tuple(examples))

    def add_image(self, content: bytes) -> str:
        """Embed an image that was dropped on the page, read as the index read its own, and return its key.

        Raises
        ------
        UnreadableImage
            If it is not an image.
        """
        source = self.source
        options = replace(source.reading, pattern=None)
        preprocess = override_preprocess(source.record.make_preprocess(), options)
        file = ImageFile("the dropped file", content=content)
        cutout = read_file(file, preprocess.reading(options.read_options, position=True))
        with self._lock:
            vector = run_views(source.engine, preprocess.picture(cutout)[None], source.index.record.tta).embedding[0]
        if not np.isfinite(vector).all():
            raise ModelError("The model returned no embedding of this image.", hint="Try another image.")
        picture = encode_picture(replace(preprocess, size=_PICTURE_SIDE).display(cutout))
        return self._keep(Upload(vector, picture))

    def add_sketch(self, content: bytes) -> str:
        """Embed a sketch in a picture file as a symbol, and return its key."""
        with self._lock:
            engine = self.source.open_torch_engine("A sketch")
        with tempfile.TemporaryDirectory(prefix="galaxtool-") as folder:
            file = Path(folder) / "sketch.png"
            file.write_bytes(content)
            drawing = load_symbol(file, self.source.record.make_preprocess().size)
            picture = encode_picture(load_symbol(file, _PICTURE_SIDE))
        if np.ptp(drawing) == 0:
            raise ConfigError("The sketch is empty.", hint="Draw bright lines on the dark canvas.")
        with self._lock:
            vector = engine.embed_symbols(drawing[None])[0]
        return self._keep(Upload(vector, picture, is_sketch=True))

    def get_upload(self, key: str) -> Upload:
        """Return an image or a sketch that was sent before."""
        with self._lock:
            if key not in self._uploads:
                raise NotThere("The image is no longer kept.", hint="Drag the image onto the page again.")
            self._uploads.move_to_end(key)
            return self._uploads[key]

    def open_text_encoder(self) -> TextEncoder:
        """Open the text encoder, which takes seconds the first time where it is PyTorch's."""
        with self._lock:
            return self.source.open_text_encoder()

    def _make_example(self, part: Fields) -> QueryExample:
        kind, weight = part.choice("kind", ("text", "row", "upload", "symbol")), part.number("weight", 1.0, -10, 10)
        if kind == "text":
            text = part.text("text", longest=1000)
            found = self._embed_text(text)
            return QueryExample(
                label=text, vector=found.vector, weight=weight, is_observed=False, warning=found.warning or found.note
            )
        if kind == "row":
            row = part.integer("row", -1, 0, len(self._objects) - 1)
            return QueryExample(
                label=str(row), vector=self._objects.vectors(np.array([row]))[0], weight=weight, row=row
            )
        if kind == "symbol":
            slug = part.text("symbol", longest=200)
            if slug not in self.source.record.slugs:  # else it could be the path of a drawing
                raise NotThere(f"The model has no class '{slug}'.")
            vector = embed_symbol(slug, self.source).vector
            return QueryExample(label=slug, vector=vector, weight=weight, is_observed=False, is_symbol=True)
        upload = self.get_upload(part.text("key", longest=100))
        return QueryExample(
            label="image", vector=upload.vector, weight=weight, is_observed=not upload.is_sketch,
            is_symbol=upload.is_sketch,
        )  # fmt: skip

    def _measure_spread(self, vector: np.ndarray) -> float:
        return self.source.measure_spread(vector)

    def _embed_text(self, text: str) -> EmbeddedText:
        if not text.strip():
            raise ConfigError("The text is empty.", hint="Describe what to find, such as: barred spiral")
        engine = self.open_text_encoder()
        with self._lock:
            if text not in self._texts:
                self._texts[text] = embed_query_text(text, engine)
                while len(self._texts) > _MOST_TEXTS:
                    self._texts.popitem(last=False)
            return self._texts[text]

    def _keep(self, upload: Upload) -> str:
        key = secrets.token_hex(8)
        with self._lock:
            self._uploads[key] = upload
            while len(self._uploads) > _MOST_UPLOADS:
                self._uploads.popitem(last=False)
        return key
