"""Where look-alikes are looked for: an index, or files indexed on the spot; and the model that belongs to it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from galaxtool.errors import ConfigError, IndexMismatch, InputError
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.search.defaults import DEFAULT_INDEX
from galaxtool.types import Progress
from galaxtool.utils.config import cache_dir
from galaxtool.utils.digests import hash_json

if TYPE_CHECKING:
    from galaxtool.inputs.items import InputItem
    from galaxtool.models.engines.protocol import Engine
    from galaxtool.models.engines.torch import TorchEngine
    from galaxtool.models.find import ModelFiles
    from galaxtool.models.record import ModelRecord
    from galaxtool.search.index.store import Index

VARIABLE = "GALAXTOOL_INDEX"


@dataclass
class Source:
    """An open index and its model, which is opened when it is first needed.

    Parameters
    ----------
    name : str
        As the user knows it: the index's folder, or what was indexed on the spot.
    index : Index
    files : ModelFiles
    engine_name, device : str
        As on the command line.
    """

    name: str
    index: Index
    files: ModelFiles
    engine_name: str
    device: str

    @cached_property
    def engine(self) -> Engine:
        """The model, as the index's record says it is.

        Raises
        ------
        IndexMismatch
            If the files are of another model.
        """
        from galaxtool.models.engines.open import open_engine

        return self._checked(open_engine(self.files, self.engine_name, self.device))

    def torch_engine(self, what: str) -> TorchEngine:
        """Return the model in PyTorch, which alone embeds texts and drawings.

        Parameters
        ----------
        what : str
            What needs it, as the subject of a sentence.

        Raises
        ------
        ConfigError
            If an engine of ONNX files was asked for, or such a file is all there is.
        """
        from galaxtool.models.engines.torch import TorchEngine
        from galaxtool.models.find import WEIGHTS

        if self.engine_name in ("onnx", "openvino"):
            raise ConfigError(
                f"{what} cannot be embedded through ONNX.", hint=f"Leave --engine {self.engine_name} out."
            )
        if self.files.folder is None or not (self.files.folder / WEIGHTS).is_file():
            raise ConfigError(
                f"{what} cannot be embedded: of the model '{self.index.record.model}' there is only an ONNX file.",
                hint="Build the index with the model directory that was exported, or ask with an image.",
            )
        engine = TorchEngine(self.files, self.device)
        self._checked(engine)
        return engine

    @cached_property
    def record(self) -> ModelRecord:
        """The model's record, read without opening the model where that can be."""
        return read_record(self.files)

    def options(self, hdu: str | None) -> ReadingOptions:
        """Return how an image is read and shown, so that it compares with those of the index."""
        return ReadingOptions(hdu=hdu, **self.index.record.shown)

    def _checked(self, engine: Engine) -> Engine:
        check_model(self.index, engine.record, self.files.name, hint="Build the index again with `galaxtool index`.")
        return engine


def open_source(
    *,
    index: Path | None,
    among: Sequence[str | Path],
    model: str | None,
    hdu: str | None,
    engine: str,
    device: str,
    progress: Progress,
) -> Source:
    """Open what is to be searched.

    Raises
    ------
    ConfigError
        If both an index and files are given.
    InputError
        If there is no index, or it is not whole.
    IndexMismatch
        If `model` is given, and the index was built with another.
    """
    from galaxtool.models.find import find_model
    from galaxtool.search.index.folder import MODEL
    from galaxtool.search.index.record import BUNDLED
    from galaxtool.search.index.store import Index

    from_environment = os.environ.get(VARIABLE)
    if among:
        if index is not None and str(index) != from_environment:
            raise ConfigError("Both --index and --among are given.", hint="Give one of them.")
        return _among(among, model or "mini", hdu, engine, device, progress)
    folder = Path(index or from_environment or DEFAULT_INDEX)
    if index is None and not from_environment and not folder.exists():
        raise InputError(
            f"There is no index: none was named, and there is no '{folder}' here.",
            hint="Build one with: galaxtool index CUTOUTS, or name one with --index, or images with --among.",
        )
    opened = Index.open(folder)
    files = find_model(opened.record.model if opened.record.model_at == BUNDLED else folder / MODEL)
    source = Source(str(folder), opened, files, engine, device)
    if model is not None:
        check_model(opened, read_record(find_model(model)), model, hint="Leave --model out to use the index's own.")
    return source


def check_model(index: Index, record: ModelRecord, name: str, *, hint: str) -> None:
    """Raise `IndexMismatch` where an index was built with another model than the one that is here."""
    built = index.record
    if record.digest != built.model_digest:
        raise IndexMismatch(
            f"The index '{index.folder}' was built with the model '{built.model}' (digest {built.model_digest[:12]}), "
            f"not with '{name}' (digest {record.digest[:12]}).",
            hint=hint,
        )


def read_record(files: ModelFiles) -> ModelRecord:
    """Return a model's record."""
    from galaxtool.models.engines.onnx import OnnxEngine
    from galaxtool.models.find import RECORD
    from galaxtool.models.record import ModelRecord

    if files.folder is not None:
        return ModelRecord.read(files.folder / RECORD)
    if files.onnx is None:
        raise InputError(f"The model '{files.name}' has no files.")
    return OnnxEngine(files, "cpu").record


def _among(
    among: Sequence[str | Path], model: str, hdu: str | None, engine: str, device: str, progress: Progress
) -> Source:
    """Open the cached index of some inputs, built now where it is not there or no longer true."""
    from galaxtool.inference.reading import find_images
    from galaxtool.models.engines.open import open_engine
    from galaxtool.models.find import find_model
    from galaxtool.search.build import IndexOptions, build_index
    from galaxtool.search.index.record import RECORD, IndexRecord
    from galaxtool.search.index.store import Index

    files = find_model(model)
    found = find_images(among, progress)
    digest = read_record(files).digest
    name = ", ".join(str(text) for text in among)
    # one folder for each set of inputs, so that the cache does not grow when their files change
    key = hash_json([[os.path.abspath(text) for text in among], digest, hdu])  # noqa: PTH100  patterns are no paths
    folder = cache_dir() / "among" / key[:24]
    source_digest = hash_json([_state(item) for item in found.items])
    built = None
    try:
        if (folder / RECORD).is_file() and IndexRecord.read(folder / RECORD).source_digest == source_digest:
            built = Index.open(folder)
    except InputError as error:
        progress.say(f"The cached index is built again: {error.message}")
    if built is not None:
        return Source(name, built, files, engine, device)
    opened = open_engine(files, engine, device)
    wanted = IndexOptions(
        folder=folder,
        options=ReadingOptions(hdu=hdu),
        skipped=dict(found.skipped),
        self_contained=False,
        source_digest=source_digest,
    )
    build_index(found.items, opened, files, wanted, progress)
    source = Source(name, Index.open(folder), files, engine, device)
    source.engine = opened
    return source


def _state(item: InputItem) -> list[object]:
    """Return what decides an item's row in an index."""
    path = os.path.abspath(item.ref.path)  # noqa: PTH100  Path.resolve would follow links
    try:
        status = item.ref.path.stat()
    except OSError:
        return [item.id, path, item.ra, item.dec, None, None]
    return [item.id, path, item.ra, item.dec, status.st_size, status.st_mtime_ns]
