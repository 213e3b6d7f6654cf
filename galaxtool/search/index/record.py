"""``index.json``: the kind of an index, the model it was built with, and its recall."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from galaxtool.errors import InputError
from galaxtool.search.index.record_checks import check_index_record
from galaxtool.utils.error_text import describe_error
from galaxtool.utils.files.regular_files import read_regular_text

SCHEMA = 1
RECORD = "index.json"
_MOST_BYTES = 2**30  # the unreadable images of a large index are listed

COPIED, BUNDLED, ELSEWHERE = "model/", "bundled", "elsewhere"
"""Where the model of an index is: in the index, in an installed package, or elsewhere (cached indexes only)."""


@dataclass(frozen=True, kw_only=True)
class IndexRecord:
    """Content of ``index.json``.

    Parameters
    ----------
    kind : str
        Registered name of the kind of index.
    metric : str
        Measure of similarity: ``cosine``.
    count, dim : int
        Number of vectors and their length.
    model : str
        Name of the model; for a bundled model enough to find it again.
    model_at : {"model/", "bundled", "elsewhere"}
        Where the model is.
    model_digest, preprocess_digest : str
        Digests of the model and the preprocessing, which those of a query must equal.
    recall_at_10 : float
        Fraction of the 10 nearest neighbours of an exact search that the index finds.
    recall_queries : int
        Number of indexed vectors that the recall was measured on.
    recalls : dict
        The same for each kind of query: ``objects``, and ``texts`` and ``symbols`` where the model has them, which lie
        apart from the images. Each has its ``value`` and its number of ``queries``.
    target_recall : float
        Recall that the effort of a search was raised to, if that was possible.
    kind_reason : str
        Why this kind was chosen, as the end of a sentence; empty if the user named it.
    trained_count : int
        Number of vectors when the index was trained; those above it were added later. 0 in an index of an earlier
        version.
    tta : int
        Number of views of each image whose embeddings are averaged, also for the image of a query.
    layer : str
        Layer of the model whose features are the vectors, also for the image of a query.
    settings : dict
        Settings of the search: ``nlist`` and ``nprobe`` of an inverted-file index, ``efSearch`` of a graph, and
        ``refine``, the number of candidates for each result that are ranked again by their vectors.
    hdu : str or None
        HDU of FITS files, as given.
    shown : dict
        Other reading options that differ from their defaults, and the bands of objects with one file per band.
    engine : str
        Engine that computed the embeddings.
    skipped : dict
        Number of skipped files by reason.
    unreadable : list of dict
        ``id``, ``path`` and ``error`` of each unreadable image.
    pairs : dict
        Similarities of random pairs of objects, see `galaxtool.search.index.pairs.PairSample`; empty in an index of
        an earlier version.
    flags : dict
        Number of images with each flag, see `galaxtool.FLAGS`.
    notes : list of str
        What to beware of with this model and these images.
    source_digest : str
        Digest of the indexed files, for cached indexes.
    created, galaxtool : str
        Time of creation, and version that created the index.
    schema : int
        Version of the format.
    """

    kind: str
    count: int
    dim: int
    model: str
    model_at: str
    model_digest: str
    preprocess_digest: str
    recall_at_10: float
    recall_queries: int
    recalls: dict[str, dict[str, float]] = field(default_factory=dict)
    target_recall: float = 0.0
    kind_reason: str = ""
    trained_count: int = 0
    metric: str = "cosine"
    tta: int = 1
    layer: str = "joint"
    settings: dict[str, int] = field(default_factory=dict)
    hdu: str | None = None
    shown: dict[str, Any] = field(default_factory=dict)
    engine: str = ""
    skipped: dict[str, int] = field(default_factory=dict)
    unreadable: list[dict[str, str]] = field(default_factory=list)
    pairs: dict[str, Any] = field(default_factory=dict)
    flags: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    source_digest: str = ""
    created: str = ""
    galaxtool: str = ""
    schema: int = SCHEMA

    def as_dict(self) -> dict[str, Any]:
        """Return the content of ``index.json``; the long lists come last."""
        values = asdict(self)
        unreadable, pairs = values.pop("unreadable"), values.pop("pairs")
        return {
            "schema": values.pop("schema"),
            **values,
            "skipped_count": sum(self.skipped.values()),
            "unreadable_count": len(unreadable),
            "unreadable": unreadable,
            "pairs": pairs,
        }

    @classmethod
    def read(cls, file: Path) -> IndexRecord:
        """Read an ``index.json``.

        Raises
        ------
        InputError
            If it is not JSON, lacks an entry, or was written by a newer galaxtool.
        """
        try:
            values = json.loads(read_regular_text(file, _MOST_BYTES))
            schema = int(values.get("schema", 0))
        except (OSError, ValueError, AttributeError, TypeError, RecursionError, OverflowError) as error:
            raise InputError(f"'{file}' is damaged: {describe_error(error)}.", hint="Build the index again.") from error
        if schema <= SCHEMA:
            check_index_record(values, str(file))
        if schema > SCHEMA:
            raise InputError(f"'{file}' was written by a newer galaxtool.", hint="Run: pip install --upgrade galaxtool")
        known = {f.name for f in fields(cls)}
        try:
            return cls(**{key: value for key, value in values.items() if key in known})
        except TypeError as error:
            raise InputError(f"'{file}' is incomplete: {error}.", hint="Build the index again.") from error
