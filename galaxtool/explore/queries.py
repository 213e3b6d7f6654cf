"""Queries of a page: words, classes, objects, dropped images and sketches, together and with signs."""

from __future__ import annotations

import secrets
import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from galaxtool.errors import ConfigError, ModelError
from galaxtool.explore.objects import Objects
from galaxtool.explore.web.answers import encode_picture
from galaxtool.explore.web.requests import Fields, NotThere
from galaxtool.images.image_file import ImageFile
from galaxtool.images.reading import read_file
from galaxtool.inference.reading import override_preprocess
from galaxtool.inference.views import run_views
from galaxtool.search.source import Source, TextEngine
from galaxtool.search.text import EmbeddedText, embed_query_text
from galaxtool.taxonomy.symbols import load_symbol

_MOST_UPLOADS = 200
_MOST_TEXTS = 500
_PICTURE_SIDE = 160
_SHORTEST = 1e-6


@dataclass(frozen=True)
class Upload:
    """An image that was dropped on the page, or a sketch, as a vector.

    Parameters
    ----------
    vector : ndarray of float32, shape (dim,)
        Embedding of unit length.
    picture : bytes
        JPEG of it, as the model sees it.
    """

    vector: np.ndarray
    picture: bytes


@dataclass(frozen=True)
class CombinedQuery:
    """All parts of a query as one vector.

    Parameters
    ----------
    vector : ndarray of float32, shape (dim,), or None
        Unit vector; None if there is no part.
    notes : list of str
        What to know about the words.
    """

    vector: np.ndarray | None
    notes: list[str] = field(default_factory=list)


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
        self._torch: TextEngine | None = None

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

    def combine(self, parts: list[Fields]) -> CombinedQuery:
        """Return the weighted sum of the parts of a query, negative ones subtracted, as a unit vector.

        Raises
        ------
        ConfigError
            If a part is not valid, or all are negative, or they cancel each other.
        """
        if not parts:
            return CombinedQuery(None)
        total, notes, is_positive = np.zeros(self._objects.dim, dtype=np.float64), [], False
        for part in parts:
            vector, note = self._find_vector(part)
            weight = part.number("weight", 1.0, -10, 10)
            total += weight * vector
            is_positive |= weight > 0
            notes += [note] if note else []
        if not is_positive:
            raise ConfigError("All parts of the query are to be unlike.", hint="Add one that is to be like.")
        length = float(np.linalg.norm(total))
        if length < _SHORTEST:
            raise ConfigError("The parts of the query cancel each other.", hint="Remove one of them.")
        return CombinedQuery((total / length).astype(np.float32), notes)

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
        engine = self.open_text_engine("A sketch")
        with tempfile.TemporaryDirectory(prefix="galaxtool-") as folder:
            file = Path(folder) / "sketch.png"
            file.write_bytes(content)
            drawing = load_symbol(file, self.source.record.make_preprocess().size)
            picture = encode_picture(load_symbol(file, _PICTURE_SIDE))
        if np.ptp(drawing) == 0:
            raise ConfigError("The sketch is empty.", hint="Draw bright lines on the dark canvas.")
        with self._lock:
            vector = engine.embed_symbols(drawing[None])[0]
        return self._keep(Upload(vector, picture))

    def get_upload(self, key: str) -> Upload:
        """Return an image or a sketch that was sent before."""
        with self._lock:
            if key not in self._uploads:
                raise NotThere("The image is no longer kept.", hint="Drop it again.")
            self._uploads.move_to_end(key)
            return self._uploads[key]

    def open_text_engine(self, what: str = "A text") -> TextEngine:
        """Open the model in PyTorch, which takes seconds the first time."""
        with self._lock:
            if self._torch is None:
                self._torch = self.source.open_torch_engine(what)
            return self._torch

    def _find_vector(self, part: Fields) -> tuple[np.ndarray, str]:
        kind = part.choice("kind", ("text", "row", "upload", "symbol"))
        if kind == "text":
            embedded = self._embed_text(part.text("text", longest=1000))
            return embedded.vector, embedded.warning or embedded.note
        if kind == "row":
            row = part.integer("row", -1, 0, len(self._objects) - 1)
            return self._objects.vectors(np.array([row]))[0], ""
        if kind == "symbol":
            return self._find_symbol(part.text("symbol", longest=200)), ""
        return self.get_upload(part.text("key", longest=100)).vector, ""

    def _embed_text(self, text: str) -> EmbeddedText:
        if not text.strip():
            raise ConfigError("The text is empty.", hint="Describe what to find, such as: barred spiral")
        engine = self.open_text_engine()
        with self._lock:
            if text not in self._texts:
                self._texts[text] = embed_query_text(text, engine)
                while len(self._texts) > _MOST_TEXTS:
                    self._texts.popitem(last=False)
            return self._texts[text]

    def _find_symbol(self, slug: str) -> np.ndarray:
        taxonomy = self.source.record.make_taxonomy()
        if slug not in taxonomy.slugs:
            raise NotThere(f"The model has no class '{slug}'.")
        embeddings = self.source.engine.class_embeddings().get("symbol")
        if embeddings is None:
            raise ModelError("The model was trained without symbols.", hint="Search with words or an image.")
        vector: np.ndarray = embeddings[taxonomy.slugs.index(slug)]
        return vector

    def _keep(self, upload: Upload) -> str:
        key = secrets.token_hex(8)
        with self._lock:
            self._uploads[key] = upload
            while len(self._uploads) > _MOST_UPLOADS:
                self._uploads.popitem(last=False)
        return key
