"""Embed texts: with the text encoder that was exported beside a model, or else with PyTorch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

import numpy as np

from galaxtool.backbones.tokens import restore_tokenizer
from galaxtool.errors import ConfigError, ModelError
from galaxtool.models.engines.onnx import OnnxSession
from galaxtool.models.engines.open import open_engine
from galaxtool.models.find import RECORD, TEXT_ONNX, ModelFiles
from galaxtool.models.onnx.metadata import TEXT, TOKENIZER_KEY, WHAT_KEY, read_onnx_record
from galaxtool.models.record import ModelRecord
from galaxtool.utils.config import check_choice
from galaxtool.utils.error_text import describe_error
from galaxtool.utils.optional_imports import is_installed

_BATCH = 64


class TextEncoder(Protocol):
    """Embeds texts.

    Attributes
    ----------
    record : ModelRecord
        Record of the model.
    """

    record: ModelRecord

    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        """Return embeddings of unit length, float32 (N, dim)."""


class OnnxTextEncoder:
    """The text encoder in an ONNX file, run on the CPU; imports no PyTorch.

    Parameters
    ----------
    file : Path
        File, as ``galaxtool export --what text`` writes it.

    Raises
    ------
    ModelError
        If the file cannot be run, or is not a text encoder that galaxtool wrote.
    """

    name = "onnx"

    def __init__(self, file: Path) -> None:
        self._session = OnnxSession(file)
        metadata = self._session.metadata
        self.record = read_onnx_record(metadata, file)
        if metadata.get(WHAT_KEY) != TEXT:
            raise ModelError(f"'{file}' is not a text encoder.", hint="Write one with `galaxtool export --what text`.")
        try:
            values = json.loads(metadata.get(TOKENIZER_KEY, ""))
        except ValueError as error:
            raise ModelError(
                f"The tokenizer in '{file}' is damaged: {error}.", hint="Write it again with `galaxtool export`."
            ) from error
        self._tokenizer = restore_tokenizer(values, str(file))
        self._file = file

    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        """Return the unit embeddings of texts, float32 (N, dim).

        Raises
        ------
        ModelError
            If the file does not give what its record says.
        """
        tokens = self._tokenizer(texts)
        parts = [np.empty((0, self.record.dim), dtype=np.float32)]
        try:
            for first in range(0, len(tokens), _BATCH):
                feed = {"tokens": tokens[first : first + _BATCH]}
                parts += self._session.run(["embedding"], feed, {"tokens": tokens[:1]})
            embeddings: np.ndarray = np.concatenate(parts)
        except (TypeError, ValueError) as error:
            raise ModelError(
                f"The text encoder '{self._file}' does not give embeddings: {describe_error(error, 120)}.",
                hint="Write it again with `galaxtool export --what text`.",
            ) from error
        if embeddings.shape != (len(texts), self.record.dim) or not np.isfinite(embeddings).all():
            raise ModelError(
                f"The text encoder '{self._file}' does not give {len(texts)} x {self.record.dim} numbers.",
                hint="Write it again with `galaxtool export --what text`.",
            )
        return embeddings


def open_text_encoder(
    files: ModelFiles, engine: str = "auto", device: str = "auto", *, what: str = "A text"
) -> TextEncoder:
    """Open the text encoder of a model: its file ``text.onnx`` where there is one, else PyTorch.

    Parameters
    ----------
    files : ModelFiles
        The model.
    engine, device : str
        As on the command line. ``onnx`` and ``openvino`` need the file, ``torch`` does not use it.
    what : str
        What is embedded, as the subject of a sentence.

    Raises
    ------
    ConfigError
        If the model has neither the file nor weights for PyTorch, or only what the engine does not use.
    ModelError
        If the model has no text encoder, or the file is damaged or of other weights.
    """
    check_choice("engine", engine, ("auto", "onnx", "openvino", "torch"))
    file = files.text_onnx
    if file is not None and engine != "torch":
        encoder = OnnxTextEncoder(file)
        if files.folder is not None and ModelRecord.read(files.folder / RECORD).digest != encoder.record.digest:
            raise ModelError(
                f"In '{files.folder}', {TEXT_ONNX} was exported from another model than the one there.",
                hint=f"Export again: galaxtool export --what text --model {files.name} -o {file}",
            )
        return encoder
    place = files.folder if files.folder is not None else "MODEL"
    export = f"galaxtool export --what text --model {files.name} -o {place}/{TEXT_ONNX}"
    if engine in ("onnx", "openvino"):
        raise ConfigError(
            f"{what} cannot be embedded by --engine {engine}: the model '{files.name}' has no {TEXT_ONNX}.",
            hint=f"Leave --engine out, or write the file: {export}",
        )
    if not files.has_weights or not is_installed("torch"):
        lack = "has only an ONNX file" if not files.has_weights else f"has no {TEXT_ONNX}, and PyTorch is not installed"
        raise ConfigError(
            f"{what} cannot be embedded: the model '{files.name}' {lack}.",
            hint=f"Where it was trained, write {TEXT_ONNX} into the model directory: {export}",
        )
    return cast(TextEncoder, open_engine(files, "torch", device))
