"""The results of `index` and `similar`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
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
        sample of pairs. For a query of anything else than images to find, such as a text, the percentage of the indexed
        objects that are less similar to it.
    columns : dict
        Values of the columns of the catalogue, None where unknown.
    """

    query: str
    rank: int
    id: str
    path: str
    similarity: float
    ra: float | None
    dec: float | None
    percentile: float | None = None
    columns: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SimilarResult:
    """The result of `similar`.

    Parameters
    ----------
    query : str
        Description of the query; of several, their number.
    index : str
        Index, or folders and files, that were searched.
    output, sheet, html : str
        Paths of the table, the contact sheet and the page; empty for a page that was not asked for.
    neighbors : list of Neighbor
        Results, query by query, the most similar first.
    note : str
        A sentence about results that mean little, as where nothing is close to the query; usually empty.
    queries : list of str
        Descriptions of the queries that have results, in order.
    errors : dict of str
        Message of each query that cannot be used, by its description.
    """

    query: str
    index: str
    output: str
    sheet: str
    neighbors: list[Neighbor]
    note: str = ""
    html: str = ""
    queries: list[str] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "query": self.query,
            "queries": self.queries,
            "index": self.index,
            "output": self.output,
            "sheet": self.sheet,
            "html": self.html,
            "note": self.note,
            "errors": self.errors,
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
