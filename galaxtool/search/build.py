"""The work of building an index, whether it was asked for or is made on the way to an answer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxtool import __version__
from galaxtool.errors import PluginError
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.embedding import embed_batches, make_embedding_runner, report_unreadable, to_position
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.plugins.registration import Registration
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import IndexSpec
from galaxtool.types import Progress
from galaxtool.utils.run_directory import utc_now

if TYPE_CHECKING:
    import numpy as np

    from galaxtool.inference.runner import BatchRunner
    from galaxtool.inputs.items import InputItem
    from galaxtool.models.engines.protocol import Engine
    from galaxtool.models.find import ModelFiles
    from galaxtool.search.index.record import IndexRecord
    from galaxtool.search.index.store import Indexed

EXACT_UP_TO = 100_000


@dataclass(frozen=True, kw_only=True)
class IndexOptions:
    """What index to build.

    Parameters
    ----------
    folder : Path
        Where.
    kind : str
        Registered name, or ``auto``.
    options : ReadingOptions
    where : Where
    skipped : dict
        Files that were passed over, by reason; only noted.
    self_contained : bool
        Whether the model goes with the index.
    source_digest : str
        Noted, so that a cached index can tell whether it is still true.
    """

    folder: Path
    kind: str = "auto"
    options: ReadingOptions = field(default_factory=ReadingOptions)
    where: ComputeOptions = field(default_factory=ComputeOptions)
    skipped: dict[str, int] = field(default_factory=dict)
    self_contained: bool = True
    source_digest: str = ""


def find_kind(name: str) -> Registration[IndexSpec]:
    """Look a kind of index up; raise `UnknownName` with the nearest."""
    return get_registry().indexes.find(name)


def build_index(
    items: Sequence[InputItem], engine: Engine, files: ModelFiles, wanted: IndexOptions, progress: Progress
) -> IndexRecord:
    """Embed images, index the embeddings, measure the recall and write the index directory.

    Returns
    -------
    IndexRecord
        As written.
    """
    from galaxtool.search.index.recall import Exact, tune
    from galaxtool.search.index.record import BUNDLED, COPIED, ELSEWHERE, IndexRecord
    from galaxtool.search.index.store import write_index

    stream = make_embedding_runner(engine, files.name, wanted.options, wanted.where)
    vectors, indexed, unreadable = _embed(items, stream, progress)
    report_unreadable([entry["error"] for entry in unreadable], len(items), progress)
    kind = ("flat" if len(vectors) <= EXACT_UP_TO else "ivf-sq8") if wanted.kind == "auto" else wanted.kind
    progress.start(f"Building the {kind} index of {len(vectors)} images")
    built = _build(find_kind(kind), vectors)
    exact = Exact.of(vectors)
    recall = tune(built, exact)
    record = IndexRecord(
        kind=kind,
        count=len(vectors),
        dim=engine.record.dim,
        model=files.name if files.bundled else engine.record.name,
        model_at=(BUNDLED if files.bundled else COPIED) if wanted.self_contained else ELSEWHERE,
        model_digest=engine.record.digest,
        preprocess_digest=stream.setup.preprocess.digest,
        recall_at_10=round(recall, 6),
        recall_queries=len(exact.rows),
        settings={name: getattr(built, name) for name in ("nlist", "nprobe") if hasattr(built, name)},
        hdu=wanted.options.hdu,
        shown=wanted.options.to_index_record(),
        engine=engine.name,
        skipped=wanted.skipped,
        unreadable=unreadable,
        source_digest=wanted.source_digest,
        created=utc_now(),
        galaxtool=__version__,
    )
    write_index(wanted.folder, vectors=built, items=indexed, record=record, model=files, model_record=engine.record)
    return record


def _embed(
    items: Sequence[InputItem], stream: BatchRunner, progress: Progress
) -> tuple[np.ndarray, list[Indexed], list[dict[str, str]]]:
    """Return the vectors of the readable images, what they are of, and what could not be read."""
    import numpy as np

    from galaxtool.search.index.store import Indexed

    # one allocation for all: a list of batches, joined at the end, would take twice the memory
    vectors = np.empty((len(items), stream.engine.record.dim), dtype=np.float32)
    indexed: list[Indexed] = []
    unreadable: list[dict[str, str]] = []
    for batch, scored in embed_batches(items, stream, progress):
        assert scored.values is not None
        good = scored.values[[not error for error in scored.errors]]
        vectors[len(indexed) : len(indexed) + len(good)] = good
        for item, ra, dec, error in zip(batch, scored.ra, scored.dec, scored.errors, strict=True):
            path = os.path.abspath(str(item.ref))  # noqa: PTH100  Path.resolve would follow links
            if error:
                unreadable.append({"id": item.id, "path": path, "error": error})
            else:
                indexed.append(Indexed(item.id, path, *to_position(ra, dec)))
    return vectors[: len(indexed)], indexed, unreadable


def _build(registered: Registration[IndexSpec], vectors: np.ndarray) -> Any:
    built = registered.create(vectors)
    if getattr(built, "ntotal", None) != len(vectors):
        raise PluginError(
            f"The index '{registered.spec.name}' of the plugin '{registered.plugin}' was given {len(vectors)} vectors "
            f"and holds {getattr(built, 'ntotal', 'none')}.",
            hint="Choose another --kind, such as flat.",
        )
    return built
