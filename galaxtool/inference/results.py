"""What `classify`, `embed` and `merge` return."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxtool.utils.optional_imports import import_attribute

if TYPE_CHECKING:
    from astropy.table import Table


@dataclass(frozen=True)
class ClassifyResult:
    """What `classify` wrote.

    Parameters
    ----------
    output : Path
        Table; for a shard, the name to give to `merge`.
    n : int
        Number of rows.
    labels : dict of int
        Number of images of each class.
    errors : int
        Number of rows with an error.
    skipped : dict of int
        Number of skipped files by reason.
    engine, model : str
        Name of the engine, and the model as it was given.
    provider : str
        What ran an ONNX file: ``cpu``, ``cuda``, ``tensorrt`` or ``openvino``; empty for PyTorch.
    model_digest : str
        Digest of the model.
    shard : str
        ``2/8`` if only one shard was done, without writing the table; else empty.
    sorted_into : dict of int
        Number of files sorted into each folder.
    flags : dict of int
        Number of images with each flag, see `galaxtool.FLAGS`.
    notes : tuple of str
        What to beware of with this model and these images.
    prior : str
        Class frequencies that the probabilities assume; empty if they are left as the model computes them.
    terms : str
        Coarser taxonomy of the table; empty for the classes of the model.
    dropped : float or None
        Mean probability of the classes without a counterpart in `terms`.
    """

    output: Path
    n: int
    labels: dict[str, int]
    errors: int
    skipped: dict[str, int]
    engine: str
    model: str
    model_digest: str
    shard: str = ""
    sorted_into: dict[str, int] = field(default_factory=dict)
    flags: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    prior: str = ""
    terms: str = ""
    provider: str = ""
    dropped: float | None = None

    @cached_property
    def table(self) -> Table:
        """The table in `output`, read as an `astropy.table.Table`."""
        return import_attribute("galaxtool.tables.read:read_table")(self.output)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "output": str(self.output),
            "n": self.n,
            "labels": self.labels,
            "errors": self.errors,
            "skipped": self.skipped,
            "engine": self.engine,
            "provider": self.provider,
            "model": self.model,
            "model_digest": self.model_digest,
            "flags": self.flags,
            "notes": list(self.notes),
            **({"prior": self.prior} if self.prior else {}),
            **({"terms": self.terms, "dropped": self.dropped} if self.terms else {}),
            **({"shard": self.shard} if self.shard else {}),
            **({"sorted_into": self.sorted_into} if self.sorted_into else {}),
        }


@dataclass(frozen=True)
class EmbedResult:
    """What `embed` wrote.

    Parameters
    ----------
    output : str
        File of embeddings; for a shard, the name to give to `merge`.
    count, unreadable, skipped : int
        Numbers of rows, of rows without an embedding, and of skipped files.
    dim : int
        Length of an embedding.
    model, model_digest, preprocess_digest : str
        Model and digests; embeddings can be compared only if both digests are the same.
    shard : str
        ``2/8`` if only one shard was done, without writing the file; else empty.
    flags : dict of int
        Number of images with each flag, see `galaxtool.FLAGS`.
    notes : tuple of str
        What to beware of with this model and these images.
    layer : str
        Layer whose features were taken, see `galaxtool.backbones.layers`.
    """

    output: str
    count: int
    unreadable: int
    skipped: int
    dim: int
    model: str
    model_digest: str
    preprocess_digest: str
    shard: str = ""
    flags: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    layer: str = "joint"

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        values = {**asdict(self), "notes": list(self.notes)}
        return values if self.shard else {key: value for key, value in values.items() if key != "shard"}


@dataclass(frozen=True)
class MergeResult:
    """What `merge` wrote.

    Parameters
    ----------
    output : str
        Table, or file of embeddings.
    n : int
        Number of rows.
    errors : int
        Number of rows with an error.
    parts, shards : int
        Numbers of parts and shards that were joined.
    sorted_into : dict of int
        Number of files sorted into each folder.
    flags : dict of int
        Number of images with each flag, see `galaxtool.FLAGS`.
    notes : tuple of str
        What to beware of with this model and these images.
    """

    output: str
    n: int
    errors: int
    parts: int
    shards: int
    sorted_into: dict[str, int] = field(default_factory=dict)
    flags: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "notes": list(self.notes)}
