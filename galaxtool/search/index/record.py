"""``index.json``: what an index is, what it was built with, and how well it searches."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from galaxtool.errors import InputError

SCHEMA = 1
RECORD = "index.json"

COPIED, BUNDLED, ELSEWHERE = "model/", "bundled", "elsewhere"
"""Where an index's model is: in the index, in an installed package, or where the user said (cached indexes only)."""


@dataclass(frozen=True, kw_only=True)
class IndexRecord:
    """What ``index.json`` says.

    Parameters
    ----------
    kind : str
        Registered name.
    metric : str
        ``cosine``.
    count, dim : int
        Number of vectors and their length.
    model : str
        Name: for a bundled model enough to find it again.
    model_at : {"model/", "bundled", "elsewhere"}
        Where the model is.
    model_digest, preprocess_digest : str
        A query must come from a model and a preprocessing with the same ones.
    recall_at_10 : float
        Fraction of the 10 nearest neighbours that are found, against exact search.
    recall_queries : int
        Number of indexed vectors it was measured on.
    settings : dict
        Of the search: ``nlist`` and ``nprobe`` of an inverted file.
    hdu : str or None
        Of FITS files, as it was given.
    shown : dict
        Other options of how the images were read and shown, as they were given.
    engine : str
        What computed the embeddings.
    skipped : dict
        Number of files that were passed over, by reason.
    unreadable : list of dict
        ``id``, ``path`` and ``error`` of each image that was left out.
    source_digest : str
        Of the files, for cached indexes.
    created, galaxtool : str
        When, and by which version.
    schema : int
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
    metric: str = "cosine"
    settings: dict[str, int] = field(default_factory=dict)
    hdu: str | None = None
    shown: dict[str, Any] = field(default_factory=dict)
    engine: str = ""
    skipped: dict[str, int] = field(default_factory=dict)
    unreadable: list[dict[str, str]] = field(default_factory=list)
    source_digest: str = ""
    created: str = ""
    galaxtool: str = ""
    schema: int = SCHEMA

    def as_dict(self) -> dict[str, Any]:
        """Return what ``index.json`` holds; the long list of what was left out comes last, after its count."""
        values = asdict(self)
        left_out = values.pop("unreadable")
        return {
            "schema": values.pop("schema"),
            **values,
            "skipped_count": sum(self.skipped.values()),
            "unreadable_count": len(left_out),
            "unreadable": left_out,
        }

    @classmethod
    def read(cls, file: Path) -> IndexRecord:
        """Read an ``index.json``.

        Raises
        ------
        InputError
            If it is not JSON, lacks something, or was written by a newer galaxtool.
        """
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
            schema = int(values.get("schema", 0))
        except (OSError, ValueError, AttributeError, TypeError) as error:
            raise InputError(f"'{file}' is damaged: {error}.", hint="Build the index again.") from error
        if schema > SCHEMA:
            raise InputError(f"'{file}' was written by a newer galaxtool.", hint="Run: pip install --upgrade galaxtool")
        known = {f.name for f in fields(cls)}
        try:
            return cls(**{key: value for key, value in values.items() if key in known})
        except TypeError as error:
            raise InputError(f"'{file}' is not whole: {error}.", hint="Build the index again.") from error
