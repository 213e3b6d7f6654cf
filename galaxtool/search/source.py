"""The place to search: an open index with the model that made its vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, cast

import numpy as np
from astropy.table import Table

from galaxtool.backbones.layers import JOINT
from galaxtool.errors import ConfigError, IndexMismatch, InputError
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.models.engines.layers import open_layer_engine
from galaxtool.models.engines.onnx import OnnxEngine
from galaxtool.models.engines.open import open_engine
from galaxtool.models.engines.protocol import Engine
from galaxtool.models.engines.text import TextEncoder, open_text_encoder
from galaxtool.models.find import RECORD as MODEL_RECORD
from galaxtool.models.find import ModelFiles
from galaxtool.models.record import ModelRecord
from galaxtool.search.index.objects import BANDS, OWN_COLUMNS
from galaxtool.search.index.pairs import PairSample
from galaxtool.search.index.store import Index
from galaxtool.search.reading import restore_reading
from galaxtool.tables.formats.arrow_arrays import to_floats
from galaxtool.tables.formats.parquet import to_astropy_column

_MAX_COMPARED, _SAMPLED = 20_000, 5000
_ROUNDING = 1e-6  # of a similarity


class TextEngine(Engine, Protocol):
    """An engine that also embeds texts and drawings."""

    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        """Return embeddings of unit length, float32 (N, dim)."""

    def embed_symbols(self, symbols: np.ndarray) -> np.ndarray:
        """Return embeddings of unit length, float32 (N, dim), of drawings, uint8 (N, size, size, 3)."""


@dataclass
class Source:
    """An open index and its model, which is opened when it is first needed.

    Parameters
    ----------
    name : str
        Name for messages: the folder of the index, or the inputs that were indexed on demand.
    index : Index
        The index.
    files : ModelFiles
        Files of its model.
    compute : ComputeOptions
        Engine and device of the model.
    on_demand : bool
        Whether the index was built for this search.
    """

    name: str
    index: Index
    files: ModelFiles
    compute: ComputeOptions
    on_demand: bool = False

    @cached_property
    def engine(self) -> Engine:
        """The model of the index.

        Raises
        ------
        IndexMismatch
            If the files are those of another model.
        """
        layer = self.index.record.layer
        engine = open_layer_engine(
            self.files, self.compute.engine, self.compute.device, layer=layer, provider=self.compute.provider
        )
        self._check_engine(engine)
        return engine

    def open_text_encoder(self, what: str = "A text") -> TextEncoder:
        """Open the text encoder of the model: its exported file where it has one, else PyTorch.

        Parameters
        ----------
        what : str
            What needs it, as the subject of a sentence.

        Raises
        ------
        ConfigError
            If the vectors of the index cannot be compared with texts, or the model has neither the file nor weights.
        """
        self._require_joint(what)
        if self.files.text_onnx is None and self.files.has_weights and self.compute.engine in ("auto", "torch"):
            return self._torch_engine
        return self._text_encoder

    @cached_property
    def _text_encoder(self) -> TextEncoder:
        encoder = open_text_encoder(self.files, self.compute.engine, self.compute.device)
        self._check_engine(encoder)
        return encoder

    def open_torch_engine(self, what: str) -> TextEngine:
        """Open the model in PyTorch, the only engine that embeds drawings.

        Parameters
        ----------
        what : str
            What needs it, as the subject of a sentence.

        Raises
        ------
        ConfigError
            If an engine for ONNX files was chosen, or the model has only such a file.
        """
        self._require_joint(what)
        name = self.compute.engine
        if name in ("onnx", "openvino"):
            raise ConfigError(f"{what} cannot be embedded through ONNX.", hint=f"Leave --engine {name} out.")
        if not self.files.has_weights:
            raise ConfigError(
                f"{what} cannot be embedded: the model '{self.index.record.model}' has only an ONNX file.",
                hint="Build the index with the model directory that was exported, or ask with an image.",
            )
        return self._torch_engine

    @cached_property
    def _torch_engine(self) -> TextEngine:
        opened: Engine | None = self.__dict__.get("engine")  # the same one serves images, if it is open
        is_torch = opened is not None and opened.name == "torch"
        engine = opened if opened and is_torch else open_engine(self.files, "torch", self.compute.device)
        self._check_engine(engine)
        return cast(TextEngine, engine)

    @cached_property
    def sample(self) -> np.ndarray:
        """Unit vectors of indexed objects, float32 (n, dim): of all, or of some drawn at random if there are many."""
        count = len(self.index)
        if count <= _MAX_COMPARED:
            return self.index.all_vectors()
        rows = np.sort(np.random.default_rng(0).choice(count, _SAMPLED, replace=False))
        return self.index.vectors(rows)

    @cached_property
    def positions(self) -> tuple[np.ndarray, np.ndarray]:
        """Right ascensions and declinations of the objects in degrees, float64 (N,), NaN where unknown."""
        return self.index.positions()

    @cached_property
    def pairs(self) -> PairSample | None:
        """Similarities of random pairs of indexed images; None in an index of an earlier version."""
        return PairSample.from_dict(self.index.record.pairs) if self.index.record.pairs else None

    @cached_property
    def masks(self) -> dict[str, np.ndarray]:
        """Which objects pass a filter, bool (N,), for each filter that was asked for."""
        return {}

    @cached_property
    def columns(self) -> list[str]:
        """Names of the columns that came with the catalogue of the images."""
        return [name for name in self.index.column_names if name not in (*OWN_COLUMNS, BANDS)]

    def make_table(self, names: Sequence[str], rows: np.ndarray | None = None) -> Table:
        """Return columns of the objects; positions that are unknown are NaN, other unknown values are masked.

        Parameters
        ----------
        names : sequence of str
            Names of columns: ``id``, ``path``, ``ra``, ``dec`` and `columns`.
        rows : ndarray of int, optional
            Rows to return; by default all.
        """
        items = (self.index.items if rows is None else self.index.take_items(rows)).select(list(names))
        table = Table()
        for field in items.schema:
            is_position = field.name in ("ra", "dec")
            values = items[field.name]
            table[field.name] = to_floats(values) if is_position else to_astropy_column(field, values)
        return table

    def measure_spread(self, vector: np.ndarray) -> float:
        """Return the standard deviation of the similarities of indexed objects to a unit vector."""
        return float(np.std(self.sample @ vector))

    def find_places(self, vector: np.ndarray, similarities: Sequence[float]) -> list[float]:
        """Return for each similarity to a unit vector the percentage of the indexed objects that are less similar."""
        known = np.sort(self.sample @ vector)
        below = np.searchsorted(known, np.asarray(similarities) - _ROUNDING)
        return [round(100 * float(number) / len(known), 3) for number in below]

    @cached_property
    def record(self) -> ModelRecord:
        """The record of the model, read without opening the model if possible."""
        return read_record(self.files)

    @cached_property
    def reading(self) -> ReadingOptions:
        """How the images of the index were read."""
        return restore_reading(self.index.record)

    def _require_joint(self, what: str) -> None:
        if (layer := self.index.record.layer) != JOINT:
            raise ConfigError(
                f"{what} cannot be compared with this index, whose vectors are features of the layer '{layer}'.",
                hint="Ask with an image, or build an index of the layer joint, the default.",
            )

    def _check_engine(self, engine: Engine | TextEncoder) -> None:
        check_model(self.index, engine.record, self.files.name, hint="Build the index again with `galaxtool index`.")


def check_model(index: Index, record: ModelRecord, name: str, *, hint: str) -> None:
    """Raise `IndexMismatch` if an index was built with another model than the given one."""
    built = index.record
    if record.digest != built.model_digest:
        raise IndexMismatch(
            f"The index '{index.folder}' was built with the model '{built.model}' (digest {built.model_digest[:12]}), "
            f"not with '{name}' (digest {record.digest[:12]}).",
            hint=hint,
        )


def read_record(files: ModelFiles) -> ModelRecord:
    """Return the record of a model."""
    if files.folder is not None:
        return ModelRecord.read(files.folder / MODEL_RECORD)
    if files.onnx is None:
        raise InputError(f"The model '{files.name}' has no files.", hint="Give a model directory or an .onnx file.")
    return OnnxEngine(files, "cpu").record
