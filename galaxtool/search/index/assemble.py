"""Write an index directory from vectors that come in blocks, so that they are never in memory at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from galaxtool.models.find import ModelFiles
from galaxtool.models.record import ModelRecord
from galaxtool.plugins.registry import get_registry
from galaxtool.search.index.common_schema import unify_schemas
from galaxtool.search.index.faiss_check import remember_faiss_file
from galaxtool.search.index.folder import ITEMS, MODEL, VECTORS, replace_folder
from galaxtool.search.index.half_vectors import NAME as HALF_VECTORS
from galaxtool.search.index.half_vectors import open_half_vectors, open_half_writer
from galaxtool.search.index.items_writer import open_items_writer
from galaxtool.search.index.kinds import choose_sample_size, find_kind, make_faiss_index
from galaxtool.search.index.model_copy import copy_model
from galaxtool.search.index.pairs import PairSample, choose_pair_rows
from galaxtool.search.index.recall import QUERIES, ExactSearch, QuerySet
from galaxtool.search.index.record import COPIED, RECORD, IndexRecord
from galaxtool.search.index.search import make_searcher
from galaxtool.search.index.shortfalls import find_shortfalls
from galaxtool.search.index.tuning import tune_search
from galaxtool.search.index.vector_source import VectorSource
from galaxtool.types import Progress, warn
from galaxtool.utils.counts import format_count
from galaxtool.utils.files.atomic_write import write_json

_TUNED_ON = 500  # objects that the search is tuned on
_HELD_OUT_FROM = 10_000  # objects from which on the recall is measured on some that the index was not trained on


@dataclass(frozen=True, kw_only=True)
class IndexPlan:
    """What an index is made of.

    Parameters
    ----------
    folder : Path
        Folder to write. Its content is replaced without a check; see `galaxtool.search.index.folder.check_target`.
    sources : sequence of VectorSource
        The vectors and their objects.
    record : IndexRecord
        Content of ``index.json``; its count, recalls, settings and pairs are filled in. Its `model_at` says whether the
        model is copied.
    model : ModelFiles
        Files of the model that made the vectors.
    model_record : ModelRecord
        Record of that model.
    tuned_on, measured_on : mapping of ndarray
        Name of a kind of query -> vectors, float32 (Q, dim): those that the search is tuned on, and others that its
        recall is measured on, beside indexed objects.
    base : faiss.Index, optional
        Trained index that has the vectors of the first source already.
    """

    folder: Path
    sources: Sequence[VectorSource]
    record: IndexRecord
    model: ModelFiles
    model_record: ModelRecord
    tuned_on: Mapping[str, np.ndarray] = field(default_factory=dict)
    measured_on: Mapping[str, np.ndarray] = field(default_factory=dict)
    base: Any = None


class _Pick:
    """The vectors of some rows, collected while all pass by."""

    def __init__(self, rows: np.ndarray, dim: int) -> None:
        self.rows = rows
        self.vectors = np.empty((len(rows), dim), np.float32)
        self._order = np.argsort(rows, kind="stable")
        self._sorted = rows[self._order]

    def add(self, start: int, vectors: np.ndarray) -> None:
        """Take the vectors wanted from those of the rows from `start` on."""
        low, high = np.searchsorted(self._sorted, [start, start + len(vectors)])
        self.vectors[self._order[low:high]] = vectors[self._sorted[low:high] - start]


@dataclass(frozen=True, eq=False)
class _Picks:
    """Vectors that serve a purpose of their own."""

    measured: _Pick
    tuned: _Pick
    pairs: _Pick
    sample: _Pick

    @classmethod
    def choose(cls, record: IndexRecord, *, is_trained: bool) -> _Picks:
        """Choose rows; in a large index, the recall is measured on some that are neither trained nor tuned on."""
        count, dim = record.count, record.dim
        drawn = np.random.default_rng(0).permutation(count)
        held_out = QUERIES + _TUNED_ON if count >= _HELD_OUT_FROM else 0
        measured = np.sort(drawn[:QUERIES])
        size = 0 if is_trained else 1 if record.kind == "flat" else choose_sample_size(count, dim)
        return cls(
            measured=_Pick(measured, dim),
            tuned=_Pick(np.sort(drawn[QUERIES:held_out]) if held_out else measured, dim),
            pairs=_Pick(choose_pair_rows(count), dim),
            sample=_Pick(np.sort(drawn[held_out : held_out + size]), dim),
        )

    def add(self, start: int, vectors: np.ndarray) -> None:
        for one in (self.measured, self.tuned, self.pairs, self.sample):
            one.add(start, vectors)


def assemble_index(plan: IndexPlan, progress: Progress) -> IndexRecord:
    """Write an index directory, and return its record; if that fails, the former one is unchanged."""
    with replace_folder(plan.folder) as temporary:
        record = _write_vectors(plan, temporary, progress)
        if record.model_at == COPIED:
            copy_model(plan.model, plan.model_record, temporary / MODEL)
        write_json(temporary / RECORD, record.as_dict())
    for note in find_shortfalls(record):
        warn(progress, note)
    return record


def _write_vectors(plan: IndexPlan, folder: Path, progress: Progress) -> IndexRecord:
    record = replace(plan.record, count=sum(one.count for one in plan.sources))
    picks = _Picks.choose(record, is_trained=plan.base is not None)
    _write_items(plan.sources, record, folder, picks, progress)
    progress.start(f"Building the {record.kind} index of {format_count(record.count, 'image')}")
    index = _make_index(record, picks.sample.vectors, plan.sources) if plan.base is None else plan.base
    picks.sample.vectors = np.empty((0, record.dim), np.float32)  # may be 1 GiB
    measured, tuning = _make_query_sets(plan, picks)
    search = ExactSearch([*measured.values(), *tuning])
    present = index.ntotal
    for vectors in _read_vectors(plan.sources):
        new = vectors[max(0, present - search.count) :]
        if len(new):
            index.add(np.ascontiguousarray(new))
        search.add(vectors)
    exact = search.finish()
    half_vectors = open_half_vectors(folder / HALF_VECTORS, record.count, record.dim)
    searcher = make_searcher(index, half_vectors, refine=get_registry().indexes.find(record.kind).spec.refine)
    tune_search(searcher, exact[len(measured) :], record.target_recall)
    recalls = {
        name: {"value": round(one.recall(searcher.search, searcher.read_vectors), 6), "queries": len(one.neighbors)}
        for name, one in zip(measured, exact, strict=False)
    }
    faiss.write_index(index, str(folder / VECTORS))
    remember_faiss_file(folder / VECTORS)
    return replace(
        record,
        recalls=recalls,
        recall_at_10=recalls["objects"]["value"],
        recall_queries=int(recalls["objects"]["queries"]),
        settings=dict(searcher.settings),
        trained_count=record.count if plan.base is None else record.trained_count,
        pairs=PairSample.measure(picks.pairs.vectors, record.count).as_dict(),
    )


def _write_items(
    sources: Sequence[VectorSource], record: IndexRecord, folder: Path, picks: _Picks, progress: Progress
) -> None:
    """Write the objects and the half-precision vectors of all sources, and collect the vectors wanted."""
    schema = unify_schemas(
        [one.schema for one in sources],
        lambda name: any(one.has_large_integers(name) for one in sources),
        progress.say,
    )
    start = 0
    with (
        open_items_writer(folder / ITEMS, schema) as items_writer,
        open_half_writer(folder / HALF_VECTORS, record.count, record.dim) as half_writer,
    ):
        for source in sources:
            for vectors, items in source.read():
                items_writer.write(items)
                half_writer.write(vectors)
                picks.add(start, vectors)
                start += len(vectors)


def _make_index(record: IndexRecord, sample: np.ndarray, sources: Sequence[VectorSource]) -> Any:
    """Return a trained index without vectors, or with all of them if its kind can only be built at once."""
    kind = find_kind(record.kind)
    if kind.spec.prepare:
        return kind.load(kind.spec.prepare)(sample, record.count)
    return make_faiss_index(kind, np.concatenate(list(_read_vectors(sources))))


def _make_query_sets(plan: IndexPlan, picks: _Picks) -> tuple[dict[str, QuerySet], list[QuerySet]]:
    """Return the queries that the recall is measured on, by their kind, and those that the search is tuned on."""
    measured = {"objects": QuerySet(picks.measured.vectors, picks.measured.rows)}
    measured |= {name: QuerySet(vectors) for name, vectors in plan.measured_on.items()}
    tuned = [QuerySet(picks.tuned.vectors, picks.tuned.rows)]
    return measured, [*tuned, *(QuerySet(vectors) for vectors in plan.tuned_on.values())]


def _read_vectors(sources: Sequence[VectorSource]) -> Iterator[np.ndarray]:
    for source in sources:
        yield from source.read_vectors()
