"""Where an index finds less than was asked for, or takes long to find it."""

from __future__ import annotations

from galaxtool.search.index.record import IndexRecord

_TOLERANCE = 0.01  # recall; what was measured on a few hundred queries is not known better
_MOST_LISTS = 0.25  # share of the lists that a search may visit without remark
_LARGE = 100_000  # vectors; visiting every list of a smaller index takes no time


def find_shortfalls(record: IndexRecord) -> list[str]:
    """Return sentences on a recall below the target, and on a search that visits many of its lists.

    Parameters
    ----------
    record : IndexRecord
        Record of an index whose recall was measured.

    Examples
    --------
    >>> from dataclasses import replace
    >>> recalls = {"objects": {"value": 0.99, "queries": 1000}, "texts": {"value": 0.85, "queries": 40}}
    >>> record = IndexRecord(
    ...     kind="hnsw", count=10**6, dim=512, model="mini", model_at="bundled", model_digest="", preprocess_digest="",
    ...     recall_at_10=0.99, recall_queries=1000, recalls=recalls, target_recall=0.99,
    ... )
    >>> find_shortfalls(record)
    ['Of the ten images nearest to a text, the index finds 0.85, and --target-recall is 0.99; the kind flat finds all.']
    >>> find_shortfalls(replace(record, recalls={}, settings={"nlist": 4000, "nprobe": 2000}))[0].partition(", ")[0]
    'A search visits 2,000 of the 4,000 lists of the index'
    """
    found = []
    low = {
        name: float(measured["value"])
        for name, measured in record.recalls.items()
        if measured["value"] < record.target_recall - _TOLERANCE
    }
    if low:
        name = min(low, key=lambda one: low[one])
        found.append(
            f"Of the ten images nearest to {_name_query(name)}, the index finds {low[name]:.2f}, and --target-recall "
            f"is {record.target_recall:g}; the kind flat finds all."
        )
    lists, visited = record.settings.get("nlist", 0), record.settings.get("nprobe", 0)
    if record.count >= _LARGE and visited > _MOST_LISTS * lists:
        found.append(
            f"A search visits {visited:,} of the {lists:,} lists of the index, because images that are alike are in "
            "different ones. It is faster with a lower --target-recall."
        )
    return found


def _name_query(kind: str) -> str:
    return {"objects": "an object", "texts": "a text", "symbols": "a symbol"}.get(kind, kind)
