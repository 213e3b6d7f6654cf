"""Build a similarity index: embed images, index the embeddings and measure the recall."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool import __version__
from galaxtool.errors import PluginError
from galaxtool.inference.embedding import embed_batches, make_embedding_runner, report_unreadable, to_position
from galaxtool.inference.notes import find_notes
from galaxtool.inference.reading import find_images
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inference.runner import BatchRunner, open_batch_engine
from galaxtool.inputs.items import InputItem
from galaxtool.models.engines.protocol import Engine
from galaxtool.models.find import ModelFiles, find_model
from galaxtool.plugins.registration import Registration
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import IndexSpec
from galaxtool.search.index.folder import check_target
from galaxtool.search.index.pairs import PairSample
from galaxtool.search.index.recall import ExactNeighbors, tune_probes
from galaxtool.search.index.record import BUNDLED, COPIED, ELSEWHERE, IndexRecord
from galaxtool.search.index.store import IndexedObject, write_index
from galaxtool.search.options import IndexOptions
from galaxtool.search.results import IndexResult
from galaxtool.types import FLAGS, Progress, warn
from galaxtool.utils.run_directory import utc_now

MAX_EXACT = 100_000
"""Number of images up to which ``auto`` builds an exact index."""


def build_index(inputs: Sequence[str | Path], model: str, options: IndexOptions, progress: Progress) -> IndexResult:
    """Build an index of the images among inputs; see `galaxtool.commands.index.index`."""
    if options.kind != "auto":
        find_kind(options.kind)
    check_target(options.folder, overwrite=options.overwrite)
    found = find_images(inputs, progress, options.reading)
    files = find_model(model)
    engine = open_batch_engine(files, options.compute, len(found.items), progress)
    record = write_index_of(found.items, engine, files, replace(options, skipped=dict(found.skipped)), progress)
    return IndexResult(str(options.folder), record)


def find_kind(name: str) -> Registration[IndexSpec]:
    """Return the kind of index of a name; raise `UnknownName` with the nearest name if there is none."""
    return get_registry().indexes.find(name)


def write_index_of(
    items: Sequence[InputItem], engine: Engine, files: ModelFiles, options: IndexOptions, progress: Progress
) -> IndexRecord:
    """Embed images, index the embeddings, measure the recall and write the index directory.

    Returns
    -------
    IndexRecord
        Content of ``index.json``.
    """
    runner = make_embedding_runner(engine, files.name, options.reading, options.compute)
    notes = find_notes(engine.record, options.reading, items)
    for note in notes:
        warn(progress, note)
    flags: Counter[str] = Counter()
    vectors, objects, unreadable = _embed(items, runner, flags, progress)
    report_unreadable([entry["error"] for entry in unreadable], len(items), progress)
    kind = ("flat" if len(vectors) <= MAX_EXACT else "ivf-sq8") if options.kind == "auto" else options.kind
    progress.start(f"Building the {kind} index of {len(vectors)} images")
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
        preprocess_digest=runner.setup.preprocess.digest,
        recall_at_10=round(recall, 6),
        recall_queries=len(exact.rows),
        settings={name: getattr(faiss_index, name) for name in ("nlist", "nprobe") if hasattr(faiss_index, name)},
        hdu=options.reading.hdu,
        shown=_describe_reading(options.reading, items),
        engine=engine.name,
        skipped=options.skipped,
        unreadable=unreadable,
        pairs=PairSample.draw(vectors).as_dict(),
        flags={flag: flags[flag] for flag in FLAGS if flag in flags},
        notes=notes,
        source_digest=options.source_digest,
        created=utc_now(),
        galaxtool=__version__,
    )
    write_index(
        options.folder, vectors=faiss_index, items=objects, record=record, model=files, model_record=engine.record
    )
    return record


def _describe_reading(options: ReadingOptions, items: Sequence[InputItem]) -> dict[str, Any]:
    """Return the options that a query needs to be read as these images were; the HDU has its own entry."""
    values = options.list_changes()
    values.pop("hdu", None)
    if bands := [band for band, _ in items[0].ref.bands]:
        values["bands"] = bands  # those that were found, where none were named
    return values


def _embed(
    items: Sequence[InputItem], runner: BatchRunner, flags: Counter[str], progress: Progress
) -> tuple[np.ndarray, list[IndexedObject], list[dict[str, str]]]:
    """Return the vectors of the readable images, the objects that they belong to, and the unreadable images.

    The flags of the images are added to `flags`.
    """
    # one allocation for all: a list of batches, joined at the end, would take twice the memory
    vectors = np.empty((len(items), runner.engine.record.dim), dtype=np.float32)
    objects: list[IndexedObject] = []
    unreadable: list[dict[str, str]] = []
    for batch, scored in embed_batches(items, runner, progress):
        assert scored.values is not None
        flags.update(flag for joined in scored.flags for flag in joined.split())
        good = scored.values[[not error for error in scored.errors]]
        vectors[len(objects) : len(objects) + len(good)] = good
        for item, ra, dec, error in zip(batch, scored.ra, scored.dec, scored.errors, strict=True):
            path = os.path.abspath(str(item.ref))  # noqa: PTH100  Path.resolve would follow links
            if error:
                unreadable.append({"id": item.id, "path": path, "error": error})
            else:
                bands = {band: os.path.abspath(file) for band, file in item.ref.bands}  # noqa: PTH100
                objects.append(IndexedObject(item.id, path, *to_position(ra, dec), bands))
    return vectors[: len(objects)], objects, unreadable


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
