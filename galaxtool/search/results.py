"""The results of `index` and `similar`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from galaxtool.search.index.record import IndexRecord


@dataclass(frozen=True, slots=True)
class Neighbor:
    """One object that is similar to the query: a row of the table of results.

    Parameters
    ----------
    query : str
        Description of the query.
    rank : int
        Rank of the object, 1 for the most similar one.
    id, path : str
        Identifier and path of the object in the index.
    similarity : float
        Cosine similarity.
    ra, dec : float or None
        Position in degrees, ICRS; None if it is unknown.
    percentile : float or None
        For an image, the percentage of random pairs of indexed objects that are less similar; None if the index has no
        sample of pairs. For a text or a symbol, the percentage of the indexed objects that are less similar to it.
    """

    query: str
    rank: int
    id: str
    path: str
    similarity: float
    ra: float | None
    dec: float | None
    percentile: float | None = None


@dataclass(frozen=True)
class SimilarResult:
    """The result of `similar`.

    Parameters
    ----------
    query : str
        Description of the query.
    index : str
        Index, or folders and files, that were searched.
    output, sheet : str
        Paths of the table and of the contact sheet.
    neighbors : list of Neighbor
        Results, the most similar first.
    note : str
        A sentence about results that mean little, as where nothing is close to the query; usually empty.
    """

    query: str
    index: str
    output: str
    sheet: str
    neighbors: list[Neighbor]
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "query": self.query,
            "index": self.index,
            "output": self.output,
            "sheet": self.sheet,
            "note": self.note,
            "neighbours": [asdict(neighbor) for neighbor in self.neighbors],
        }


@dataclass(frozen=True)
class IndexResult:
    """The result of `index`.

    Parameters
    ----------
    output : str
        Path of the index directory.
    record : IndexRecord
        Content of its ``index.json``.
    """

    output: str
    record: IndexRecord

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {"output": self.output, **self.record.as_dict()}
