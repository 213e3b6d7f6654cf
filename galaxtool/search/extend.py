"""Add images to an index, and merge indexes that were built apart, without embedding any image again."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import faiss
import numpy as np
import pyarrow as pa

from galaxtool import __version__
from galaxtool.errors import ConfigError, OutputExists
from galaxtool.inference.compute_options import restore_engine
from galaxtool.inference.embed import make_embeddings_record
from galaxtool.inference.embeddings.compute import make_embedding_runner, report_unreadable
from galaxtool.inference.embeddings.parts import fill_embedding_parts
from galaxtool.inference.reading import find_images
from galaxtool.inference.runner import open_batch_engine
from galaxtool.inputs.gather import Inputs
from galaxtool.jobs.job import Job, job_folder
from galaxtool.jobs.job_files import LOCK
from galaxtool.jobs.options import JobOptions
from galaxtool.models.engines.layers import open_layer_engine
from galaxtool.search.build import make_plan
from galaxtool.search.index.assemble import assemble_index
from galaxtool.search.index.folder import VECTORS, check_target
from galaxtool.search.index.kinds import choose_kind, find_kind
from galaxtool.search.index.record import BUNDLED, COPIED, RECORD, IndexRecord
from galaxtool.search.index.store import Index
from galaxtool.search.index.vector_source import IndexSource
from galaxtool.search.open_source import find_index_model
from galaxtool.search.options import TARGET_RECALL, IndexOptions
from galaxtool.search.parts_source import PartsSource
from galaxtool.search.results import IndexResult
from galaxtool.search.same_vectors import (
    check_alike,
    check_given_model,
    check_same,
    check_views_and_layer,
    choose_reading,
)
from galaxtool.types import Progress
from galaxtool.utils.counts import format_count
from galaxtool.utils.files.locks import lock_file, lock_owner
from galaxtool.utils.run_manifest import utc_now

PRESENT = "already in the index"
"""Reason for which images are skipped."""

_GROWTH = 4  # times its trained size that an index may grow before its clusters fit badly


def add_to_index(
    inputs: Sequence[str | Path], model: str | None, options: IndexOptions, progress: Progress
) -> IndexResult:
    """Embed the images among inputs that an index does not have yet, and add them; see `galaxtool.commands.index`."""
    folder = options.folder
    index = Index.open(folder)
    check_target(folder, overwrite=True)
    record = index.record
    if options.kind not in ("auto", record.kind):
        raise ConfigError(
            f"The index '{folder}' is of the kind {record.kind}, which --kind {options.kind} --add cannot change.",
            hint=f"Leave --kind out, or run: galaxtool index {folder} --merge --kind {options.kind} -o NEW",
        )
    files = find_index_model(index)
    check_given_model(index, model)
    reading = choose_reading(index, options.reading)
    check_views_and_layer(index, options.compute)
    compute = replace(options.compute, tta=record.tta, layer=record.layer)
    found = _leave_out_present(find_images(inputs, progress, reading), index)
    if not len(found.items):
        progress.say(f"Nothing was added: {format_count(found.skipped[PRESENT], 'image')} are {PRESENT}.")
        return IndexResult(str(folder), record)
    chosen = compute if options.overwrite else restore_engine(folder, compute)
    engine = open_batch_engine(files, chosen, len(found.items), progress)
    runner = make_embedding_runner(engine, files.name, reading, compute)
    check_same("preprocessing", index, {"preprocess_digest": runner.setup.preprocess_digest}, "these options")
    job_record = replace(make_embeddings_record(runner, found, 1), kind="index --add")
    with Job(folder, job_record, JobOptions(resume=options.resume, overwrite=options.overwrite)) as job:
        now_there = IndexRecord.read(folder / RECORD)
        if (now_there.created, now_there.count) != (record.created, record.count):
            job.finished = not job.done
            raise OutputExists(
                f"Another galaxtool process has changed the index '{folder}' meanwhile.",
                hint="Run it again: images that are in the index by now are skipped.",
            )
        fill_embedding_parts(job, found.items, runner, progress)
        taken = set(index.items["id"].to_pylist())
        source = PartsSource(job, found, rename_ids([item.id for item in found.items], taken))
        job.finished = not source.count
        report_unreadable([entry["error"] for entry in source.unreadable], len(found.items), progress)
        now = replace(
            record,
            unreadable=_join_unreadable([record.unreadable, source.unreadable], _list_readable(found, source)),
            skipped=_add_counts(record.skipped, found.skipped),
            flags=_add_counts(record.flags, source.flags),
            trained_count=record.trained_count or record.count,
            target_recall=_choose_target(record, options),
            created=utc_now(),
            galaxtool=__version__,
        )
        plan = make_plan(folder, [IndexSource(index), source], now, engine, files)
        assembled = assemble_index(replace(plan, base=faiss.read_index(str(folder / VECTORS))), progress)
        job.finished = True
    present = found.skipped[PRESENT]
    progress.say(
        f"Added {format_count(source.count, 'image')} to {record.count:,}"
        f"{f'; {present:,} more were in the index already' if present else ''}."
    )
    if assembled.count > _GROWTH * assembled.trained_count and "nlist" in assembled.settings:
        progress.say(
            f"Its clusters were found among {assembled.trained_count:,} images; for as many as there are now, "
            f"`galaxtool index {folder} --merge -o NEW` makes a faster index of the same vectors."
        )
    return IndexResult(str(folder), assembled)


def merge_indexes(
    folders: Sequence[str | Path], model: str | None, options: IndexOptions, progress: Progress
) -> IndexResult:
    """Build one index of the vectors of several; see `galaxtool.commands.index`.

    Raises
    ------
    IndexMismatch
        If they were not all built with the same model, preprocessing, layer, number of views and reading options, or
        with another model than the given one.
    ConfigError
        If an option is given that they were not built with.
    """
    if options.kind != "auto":
        find_kind(options.kind)
    check_target(options.folder, overwrite=options.overwrite)
    indexes = [Index.open(Path(folder)) for folder in folders]
    first = indexes[0]
    for other in indexes[1:]:
        check_alike(first, other)
    check_given_model(first, model)
    choose_reading(first, options.reading)
    check_views_and_layer(first, options.compute)
    sources, dropped = _select_objects(indexes)
    count = sum(one.count for one in sources)
    kind = choose_kind(options.kind, count, first.record.dim)
    if kind.reason:
        progress.say(f"The index is of the kind {kind.name}: {kind.reason}.")
    files = find_index_model(first)
    compute = options.compute
    engine = open_layer_engine(
        files, compute.engine, compute.device, layer=first.record.layer, provider=compute.provider
    )
    records = [index.record for index in indexes]
    record = replace(
        first.record,
        kind=kind.name,
        kind_reason=kind.reason,
        model_at=BUNDLED if files.bundled else COPIED,
        target_recall=_choose_target(first.record, options),
        unreadable=_join_unreadable(
            [one.unreadable for one in records], {path for index in indexes for path in index.items["path"].to_pylist()}
        ),
        skipped=_add_counts(*(one.skipped for one in records)),
        flags=_add_counts(*(one.flags for one in records)),
        notes=list(dict.fromkeys(note for one in records for note in one.notes)),
        source_digest="",
        created=utc_now(),
        galaxtool=__version__,
    )
    with _lock_output(options.folder):
        merged = assemble_index(make_plan(options.folder, sources, record, engine, files), progress)
    if dropped:
        progress.say(f"{format_count(dropped, 'image')} in more than one of the indexes were taken once.")
    return IndexResult(str(options.folder), merged)


def rename_ids(names: Sequence[str], taken: set[str]) -> dict[str, str]:
    """Return the identifiers that an index has already, and what they are called instead; add all to those taken.

    Examples
    --------
    >>> rename_ids(["a", "b", "c"], {"a", "a-2", "b"})
    {'a': 'a-3', 'b': 'b-2'}
    """
    renamed, taken_before = {}, set(taken)
    taken.update(names)
    for name in names:
        if name in taken_before:
            number = 2
            while f"{name}-{number}" in taken:
                number += 1
            renamed[name] = f"{name}-{number}"
            taken.add(renamed[name])
    return renamed


def _leave_out_present(found: Inputs, index: Index) -> Inputs:
    """Return the images that are not in an index yet, by the path of each."""
    known = set(index.items["path"].to_pylist())
    places = (os.path.abspath(str(item.ref)) for item in found.items)  # noqa: PTH100  links are not followed
    rows = [row for row, place in enumerate(places) if place not in known]
    if len(rows) == len(found.items):
        return found
    return replace(
        found,
        items=[found.items[row] for row in rows],
        columns=None if found.columns is None else found.columns[rows],
        skipped=found.skipped + Counter({PRESENT: len(found.items) - len(rows)}),
    )


def _select_objects(indexes: Sequence[Index]) -> tuple[list[IndexSource], int]:
    """Return the objects of all indexes, each image once with its own identifier, and how many are left out."""
    sources, dropped = [], 0
    paths: set[str] = set()
    names: set[str] = set()
    for index in indexes:
        own = index.items["path"].to_pylist()
        rows = np.array([row for row, path in enumerate(own) if path not in paths], dtype=np.int64)
        paths.update(own)
        dropped += len(own) - len(rows)
        items = index.items if len(rows) == len(own) else index.items.take(rows)
        ids = items["id"].to_pylist()
        if renamed := rename_ids(ids, names):
            column = pa.array([renamed.get(name, name) for name in ids], pa.string())
            items = items.set_column(items.column_names.index("id"), "id", column)
        sources.append(IndexSource(index, rows, items))
    return sources, dropped


def _choose_target(record: IndexRecord, options: IndexOptions) -> float:
    return options.target_recall if options.target_recall != TARGET_RECALL else record.target_recall or TARGET_RECALL


def _join_unreadable(lists: Sequence[list[dict[str, str]]], readable: set[str]) -> list[dict[str, str]]:
    """Return all unreadable images, each path once, without those that could be read another time."""
    return list({entry["path"]: entry for one in lists for entry in one if entry["path"] not in readable}.values())


def _list_readable(found: Inputs, source: PartsSource) -> set[str]:
    """Return the paths of the images that a job could read."""
    places = {os.path.abspath(str(item.ref)) for item in found.items}  # noqa: PTH100  links are not followed
    return places - {entry["path"] for entry in source.unreadable}


def _add_counts(*counts: dict[str, int]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(total)


@contextlib.contextmanager
def _lock_output(folder: Path) -> Iterator[None]:
    """Keep other processes from writing an index to the same folder."""
    place = job_folder(folder)
    place.mkdir(parents=True, exist_ok=True)
    lock = lock_file(place / LOCK)
    if lock is None:
        owner = lock_owner(place / LOCK)
        raise OutputExists(
            f"Another galaxtool process is writing '{folder}'{f': {owner}' if owner else ''}.",
            hint="Wait for it, or choose another --output.",
        )
    try:
        yield
    finally:
        lock.close()
        if {entry.name for entry in place.iterdir()} <= {LOCK}:
            (place / LOCK).unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                place.rmdir()
