"""Build a similarity index: embed images, index the embeddings and measure the recall."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq

from galaxtool import __version__
from galaxtool.errors import PluginError
from galaxtool.inference.compute_options import restore_engine
from galaxtool.inference.embed import make_embeddings_record
from galaxtool.inference.embedding import make_embedding_runner, report_unreadable
from galaxtool.inference.embedding_parts import fill_embedding_parts
from galaxtool.inference.notes import find_notes
from galaxtool.inference.pixel_scale import assume_pixel_scale
from galaxtool.inference.reading import find_images
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inference.runner import BatchRunner, open_batch_engine
from galaxtool.inputs.gather import Inputs
from galaxtool.inputs.items import InputItem
from galaxtool.jobs.job import Job, job_folder, list_part_paths
from galaxtool.jobs.options import JobOptions
from galaxtool.jobs.part_file import count_parts
from galaxtool.jobs.record import FILE_NAME as JOB_RECORD
from galaxtool.jobs.record import EmbeddingsRecord
from galaxtool.models.engines.protocol import Engine
from galaxtool.models.find import ModelFiles, find_model
from galaxtool.plugins.registration import Registration
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import IndexSpec
from galaxtool.search.index.folder import check_target
from galaxtool.search.index.objects import IndexedObject, make_items
from galaxtool.search.index.pairs import PairSample
from galaxtool.search.index.recall import ExactNeighbors, tune_probes
from galaxtool.search.index.record import BUNDLED, COPIED, ELSEWHERE, IndexRecord
from galaxtool.search.index.writing import write_index
from galaxtool.search.options import IndexOptions
from galaxtool.search.results import IndexResult
from galaxtool.types import FLAGS, Progress, warn
from galaxtool.utils.counts import format_count
from galaxtool.utils.local_path import to_local_path
from galaxtool.utils.run_directory import utc_now

MAX_EXACT = 100_000
"""Number of images up to which ``auto`` builds an exact index."""


class _Embedded(NamedTuple):
    """The vectors of the readable images, their rows among the inputs, their objects, and the unreadable images.

    `flags` has the number of images with each flag.
    """

    vectors: np.ndarray
    rows: list[int]
    objects: list[IndexedObject]
    unreadable: list[dict[str, str]]
    flags: dict[str, int]


def build_index(inputs: Sequence[str | Path], model: str, options: IndexOptions, progress: Progress) -> IndexResult:
    """Build an index of the images among inputs; see `galaxtool.commands.index.index`."""
    if options.kind != "auto":
        find_kind(options.kind)
    begun = options.resume and (job_folder(options.folder) / JOB_RECORD).exists()
    check_target(options.folder, overwrite=options.overwrite or begun)
    found = find_images(inputs, progress, options.reading)
    files = find_model(model)
    compute = options.compute if options.overwrite else restore_engine(options.folder, options.compute)
    engine = open_batch_engine(files, compute, len(found.items), progress)
    record = write_index_of(found, engine, files, options, progress)
    return IndexResult(str(options.folder), record)


def find_kind(name: str) -> Registration[IndexSpec]:
    """Return the kind of index of a name; raise `UnknownName` with the nearest name if there is none."""
    return get_registry().indexes.find(name)


def write_index_of(
    found: Inputs, engine: Engine, files: ModelFiles, options: IndexOptions, progress: Progress
) -> IndexRecord:
    """Embed images, index the embeddings, measure the recall and write the index directory.

    The embeddings are kept in parts beside the directory until it is written, so that an interrupted job can be
    resumed.

    Returns
    -------
    IndexRecord
        Content of ``index.json``.
    """
    notes = find_notes(engine.record, options.reading, found.items)
    options = replace(options, reading=assume_pixel_scale(engine.record, options.reading))
    runner = make_embedding_runner(engine, files.name, options.reading, options.compute)
    for note in notes:
        warn(progress, note)
    job_record = make_embeddings_record(runner, found, 1)
    job_record = replace(job_record, kind="index", inputs=options.source_digest or job_record.inputs)
    output = options.folder if options.folder.name else Path(os.path.abspath(options.folder))  # noqa: PTH100
    with Job(output, job_record, JobOptions(resume=options.resume, overwrite=options.overwrite)) as job:
        fill_embedding_parts(job, found.items, runner, progress)
        embedded = _read_parts(job, found.items)
        job.finished = not embedded.objects  # nothing is worth keeping
        report_unreadable([entry["error"] for entry in embedded.unreadable], len(found.items), progress)
        record = _write_vectors(embedded, found, runner, files, replace(options, notes=notes), progress)
        job.finished = True
    return record


def _write_vectors(
    embedded: _Embedded,
    found: Inputs,
    runner: BatchRunner,
    files: ModelFiles,
    options: IndexOptions,
    progress: Progress,
) -> IndexRecord:
    """Index the embeddings, measure the recall and write the index directory."""
    engine, vectors = runner.engine, embedded.vectors
    kind = ("flat" if len(vectors) <= MAX_EXACT else "ivf-sq8") if options.kind == "auto" else options.kind
    progress.start(f"Building the {kind} index of {format_count(len(vectors), 'image')}")
    faiss_index = make_faiss_index(find_kind(kind), vectors)
    exact = ExactNeighbors.find(vectors)
    recall = tune_probes(faiss_index, exact)
    record = IndexRecord(
        kind=kind,
        count=len(vectors),
        dim=engine.record.dim,
        model=files.name if files.bundled else engine.record.name,
        model_at=(BUNDLED if files.bundled else COPIED) if options.self_contained else ELSEWHERE,
        model_digest=engine.record.digest,
        preprocess_digest=runner.setup.preprocess_digest,
        tta=runner.setup.tta,
        layer=runner.setup.layer,
        recall_at_10=round(recall, 6),
        recall_queries=len(exact.rows),
        settings={name: getattr(faiss_index, name) for name in ("nlist", "nprobe") if hasattr(faiss_index, name)},
        hdu=options.reading.hdu,
        shown=_describe_reading(options.reading, found.items),
        engine=engine.name,
        skipped=dict(found.skipped),
        unreadable=embedded.unreadable,
        pairs=PairSample.draw(vectors).as_dict(),
        flags=embedded.flags,
        notes=list(options.notes),
        source_digest=options.source_digest,
        created=utc_now(),
        galaxtool=__version__,
    )
    write_index(
        options.folder,
        index=faiss_index,
        vectors=[vectors],
        items=make_items(
            embedded.objects,
            None if found.columns is None else found.columns[embedded.rows],
            with_bands=any(item.bands for item in embedded.objects),
        ),
        record=record,
        model=files,
        model_record=engine.record,
    )
    return record


def _describe_reading(options: ReadingOptions, items: Sequence[InputItem]) -> dict[str, Any]:
    """Return the options that a query needs to be read as these images were; the HDU has its own entry."""
    values = options.list_changes()
    values.pop("hdu", None)
    if bands := [band for band, _ in items[0].ref.bands]:
        values["bands"] = bands  # those that were found, where none were named
    return values


def _read_parts(job: Job[EmbeddingsRecord], items: Sequence[InputItem]) -> _Embedded:
    """Read the parts of a job."""
    dim = job.record.meta["dim"]
    # one allocation for all: a list of parts, joined at the end, would take twice the memory
    vectors = np.empty((len(items), dim), dtype=np.float32)
    objects: list[IndexedObject] = []
    kept: list[int] = []
    unreadable: list[dict[str, str]] = []
    start = 0
    for path in list_part_paths(job.folder, job.count):
        part = pq.ParquetFile(to_local_path(path)).read()
        errors = part["error"].to_pylist()
        values = part["embedding"].combine_chunks().flatten().to_numpy(zero_copy_only=False).reshape(-1, dim)
        good = values[[not error for error in errors]]
        vectors[len(objects) : len(objects) + len(good)] = good
        kept += [start + row for row, error in enumerate(errors) if not error]
        rows = zip(part["ra"].to_pylist(), part["dec"].to_pylist(), errors, strict=True)
        for item, (ra, dec, error) in zip(items[start : start + len(errors)], rows, strict=True):
            place = os.path.abspath(str(item.ref))  # noqa: PTH100  Path.resolve would follow links
            if error:
                unreadable.append({"id": item.id, "path": place, "error": error})
            else:
                bands = {band: os.path.abspath(file) for band, file in item.ref.bands}  # noqa: PTH100
                objects.append(IndexedObject(item.id, place, ra, dec, bands))
        start += len(errors)
    flags = count_parts(job.done).order_flags(FLAGS)
    return _Embedded(vectors[: len(objects)], kept, objects, unreadable, flags)


def make_faiss_index(kind: Registration[IndexSpec], vectors: np.ndarray) -> Any:
    """Return a FAISS index of a kind; raise `PluginError` if it does not hold all vectors."""
    index = kind.create(vectors)
    count = getattr(index, "ntotal", None)
    if count != len(vectors):
        raise PluginError(
            f"The index '{kind.spec.name}' of the plugin '{kind.plugin}' was given {len(vectors)} vectors and holds "
            f"{'none' if count is None else count}.",
            hint="Choose another --kind, such as flat.",
        )
    return index
