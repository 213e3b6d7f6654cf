"""The features that `anomalies` works on: those of an index, of a file of embeddings, or of images embedded first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from galaxtool.backbones.layers import JOINT
from galaxtool.containers.find import locate_image
from galaxtool.containers.reading import read_ref
from galaxtool.errors import ConfigError, GalaxtoolError, IndexMismatch, InputError, UnreadableImage
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.embeddings.stored import is_embedding_file, read_embeddings
from galaxtool.inference.reading import override_preprocess
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inputs.names import make_unique
from galaxtool.models.find import find_model
from galaxtool.search.index.record import RECORD
from galaxtool.search.open_source import open_source
from galaxtool.search.options import SourceArgs
from galaxtool.search.source import Source, read_record
from galaxtool.types import ImageRef, Progress, warn
from galaxtool.vision.preprocess import Preprocess

_PICTURE_SIDE = 192


@dataclass(frozen=True, kw_only=True)
class FeatureArgs:
    """Where features come from, as the user gave it.

    Parameters
    ----------
    inputs : sequence of str or Path
        One index directory, one file of embeddings, or images.
    model : str, optional
        Model that embeds images, by default mini; that of an index or a file must be the same.
    reading : ReadingOptions
        How images are found, read and shown.
    compute : ComputeOptions
        Engine and device.
    overwrite : bool
        Whether images are embedded again, even if their embeddings are in the cache.
    """

    inputs: Sequence[str | Path]
    model: str | None = None
    reading: ReadingOptions
    compute: ComputeOptions
    overwrite: bool = False


@dataclass(frozen=True, eq=False)
class Features:
    """The features of N images, and what is needed to show these.

    Parameters
    ----------
    name : str
        Where they come from, for messages.
    items : pyarrow.Table
        N rows with the columns id, path, ra and dec; positions in degrees, null or NaN where unknown.
    vectors : ndarray of float32, shape (N, dim)
        Features, all finite.
    model : str
        Name of the model; empty if unknown.
    digest : str
        Digest of the model; empty if unknown.
    preprocess : Preprocess
        How pictures are made: as the model sees the images, where the model is known.
    reading : ReadingOptions
        How images are read.
    unreadable : int
        Number of images without features, which are left out.
    source : Source or None
        The index that they are from.
    layer : str
        Layer of the model that they are from, see `galaxtool.backbones.layers`.
    preprocess_digest : str
        Digest of the preprocessing and the views; empty if unknown.
    """

    name: str
    items: pa.Table
    vectors: np.ndarray
    model: str
    digest: str
    preprocess: Preprocess
    reading: ReadingOptions
    unreadable: int = 0
    source: Source | None = None
    layer: str = JOINT
    preprocess_digest: str = ""

    def __len__(self) -> int:
        return len(self.vectors)

    def ref(self, row: int) -> ImageRef | None:
        """Return where an image is stored; None if the features do not say."""
        if self.source is not None:
            return self.source.index[row].ref
        path = self.items["path"][row].as_py()
        return locate_image(path) if path else None

    def make_picture(self, row: int) -> np.ndarray | None:
        """Return an image as the model sees it, but with more pixels: uint8 (ny, nx, 3); None if it cannot be read."""
        ref = self.ref(row)
        if ref is None:
            return None
        preprocess = replace(override_preprocess(self.preprocess, self.reading), size=_PICTURE_SIDE)
        try:
            return preprocess.display(read_ref(ref, self.reading.read_options))
        except (UnreadableImage, InputError):
            return None


def open_features(args: FeatureArgs, progress: Progress) -> Features:
    """Read the features of an index or a file of embeddings, or embed images.

    Raises
    ------
    ConfigError
        If an index or a file of embeddings is given together with other inputs.
    IndexMismatch
        If a model is given, and the index or the file was made with another one.
    InputError
        If an input does not exist or cannot be used, or no row has features.

    Notes
    -----
    The embeddings of images are kept in the cache, as those of ``similar --among`` are; an interrupted run is resumed.
    """
    paths = [Path(text).expanduser() for text in args.inputs]
    stored = [path for path in paths if (path / RECORD).is_file() or is_embedding_file(path)]
    if stored and len(paths) > 1:
        raise ConfigError(
            f"'{stored[0]}' is {'an index' if stored[0].is_dir() else 'a file of embeddings'}, and other inputs are "
            "given too.",
            hint="Give one index, one file of embeddings, or images.",
        )
    if stored and stored[0].is_file():
        return _open_file(stored[0], args, progress)
    if stored:
        source = open_source(SourceArgs(index=stored[0], model=args.model, compute=args.compute), progress)
        return _open_index(source, args.reading)
    source_args = SourceArgs(
        among=args.inputs, model=args.model, reading=args.reading, compute=args.compute, overwrite=args.overwrite
    )
    return _open_index(open_source(source_args, progress), args.reading)


def _open_index(source: Source, reading: ReadingOptions) -> Features:
    record = source.index.record
    return Features(
        name=source.name,
        items=source.index.items.select(["id", "path", "ra", "dec"]),
        vectors=source.index.all_vectors(),
        model=record.model,
        digest=record.model_digest,
        preprocess=source.record.make_preprocess(),
        reading=replace(source.reading, **reading.list_changes()),
        unreadable=len(record.unreadable),
        source=source,
        layer=record.layer,
        preprocess_digest=record.preprocess_digest,
    )


def _open_file(path: Path, args: FeatureArgs, progress: Progress) -> Features:
    stored = read_embeddings(path)
    model, digest = str(stored.meta.get("model", "")), str(stored.meta.get("model_digest", ""))
    preprocess = _find_preprocess(args.model or model, digest)
    if args.model is not None and preprocess is None:
        raise IndexMismatch(
            f"The embeddings in '{path}' were made with {_describe_model(model, digest)}, not with '{args.model}'.",
            hint="Leave --model out.",
        )
    good = np.isfinite(stored.vectors).all(axis=1)
    if not good.any():
        raise InputError(
            f"None of the {len(good)} rows of '{path}' has an embedding.", hint="Write it again with `galaxtool embed`."
        )
    is_whole = bool(good.all())
    items = _make_ids_unique(stored.items.drop_columns(["error"]), path, progress)
    return Features(
        name=str(path),
        items=items if is_whole else items.filter(good),
        vectors=stored.vectors if is_whole else stored.vectors[good],
        model=model,
        digest=digest,
        preprocess=preprocess or Preprocess(size=_PICTURE_SIDE),
        reading=args.reading,
        unreadable=int((~good).sum()),
        layer=str(stored.meta.get("layer", JOINT)),
        preprocess_digest=str(stored.meta.get("preprocess_digest", "")),
    )


def _make_ids_unique(items: pa.Table, path: Path, progress: Progress) -> pa.Table:
    """Return objects with identifiers that are all different, as those of a catalogue are made."""
    given = items["id"].to_pylist()
    names = make_unique([name or "" for name in given])
    if not (repeats := sum(new != (old or "") for new, old in zip(names, given, strict=True))):
        return items
    warn(progress, f"Identifiers in '{path}' repeat an earlier one, {repeats:,} in all: a second 'a' becomes 'a-2'.")
    return items.set_column(items.column_names.index("id"), "id", pa.array(names, pa.string()))


def _find_preprocess(model: str, digest: str) -> Preprocess | None:
    """Return the preprocessing of a model, or None if it cannot be found or has another digest."""
    try:
        record = read_record(find_model(model)) if model else None
    except GalaxtoolError:
        return None
    return record.make_preprocess() if record is not None and record.digest == digest else None


def _describe_model(model: str, digest: str) -> str:
    return f"the model '{model}' (digest {digest[:12]})" if model else "a model that it does not name"
