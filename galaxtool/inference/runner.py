"""Run a model over many images in batches, in order, with all processors busy."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from galaxtool.executors.cores import resolve_workers
from galaxtool.executors.ordered_map import AHEAD
from galaxtool.executors.protocols import Executor
from galaxtool.executors.threads import ThreadExecutor
from galaxtool.images.read_options import ReadOptions
from galaxtool.inference.batch_content import encode_batch, load_batches
from galaxtool.inference.batch_rescue import BatchRescue
from galaxtool.inference.class_prior import ClassPrior
from galaxtool.inference.compute_options import ComputeOptions, count_model_copies
from galaxtool.inference.worker import ScoredBatch, Scorer, WorkerSetup, make_reader, make_scorer
from galaxtool.inputs.items import InputItem
from galaxtool.jobs.job import Job
from galaxtool.models.engines.layers import open_layer_engine
from galaxtool.models.engines.passes import open_passes_engine
from galaxtool.models.engines.protocol import Engine
from galaxtool.models.engines.selection import suggest_precision
from galaxtool.models.find import ModelFiles
from galaxtool.plugins.registry import get_registry
from galaxtool.types import Progress, warn
from galaxtool.utils.cores import count_cores
from galaxtool.vision.preprocess import Preprocess

_MANY = 4000  # images that are worth the second of each processor in which processes start; on two cores, 3,000 are not

Batch = tuple[Sequence[InputItem], ScoredBatch]
"""Images of a batch, and their scores."""


def open_batch_engine(files: ModelFiles, compute: ComputeOptions, images: int, progress: Progress) -> Engine:
    """Open the engine of a job, and tell the user where another precision would be faster.

    Parameters
    ----------
    files : ModelFiles
        Files of the model.
    compute : ComputeOptions
        Engine, device, precision and executor.
    images : int
        Number of images of the job.
    progress : Progress
        Receiver of the note.
    """
    lazy = compute.executor != "threads"
    if compute.passes:
        engine = open_passes_engine(
            files, compute.engine, compute.device, compute.precision, passes=compute.passes, provider=compute.provider,
            lazy=lazy,
        )  # fmt: skip
    else:
        engine = open_layer_engine(
            files, compute.engine, compute.device, compute.precision, layer=compute.layer, provider=compute.provider,
            lazy=lazy,
        )  # fmt: skip
    describe_provider(engine, compute, progress)
    if note := suggest_precision(engine, images, engine=compute.engine, precision=compute.precision):
        progress.say(note)
    return engine


def describe_provider(engine: Engine, compute: ComputeOptions, progress: Progress) -> None:
    """Tell the user which provider runs an ONNX file, where it was asked for or is a GPU, and what is to know of it."""
    if engine.note:
        warn(progress, engine.note)
    if engine.provider and (compute.provider != "auto" or engine.device != "cpu"):
        progress.say(f"Provider: {engine.provider} on {engine.device}.")


class BatchRunner:
    """Scores images in batches, in order.

    Parameters
    ----------
    engine : Engine
        Model, open in this process.
    model : str
        Name or path by which workers find the model.
    reading : ReadOptions
        Options for reading images.
    preprocess : Preprocess
        Preprocessing of the images.
    compute : ComputeOptions
        Executor, workers and batch size.
    embeds : bool
        Whether to compute embeddings rather than probabilities.
    prior : ClassPrior, optional
        Class frequencies that the probabilities assume; by default they are left as the model computes them.

    Attributes
    ----------
    setup : WorkerSetup
        Everything that a worker needs to know.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        model: str,
        reading: ReadOptions,
        preprocess: Preprocess,
        compute: ComputeOptions,
        embeds: bool,
        prior: ClassPrior | None = None,
    ) -> None:
        self.engine, self.compute = engine, compute
        path = os.path.abspath(model)  # noqa: PTH100  Path.resolve would follow links
        is_path = model not in get_registry().models and os.path.exists(path)  # noqa: PTH110  as `find_model` looks
        self.setup = WorkerSetup(
            model=path if is_path else model,
            digest=engine.record.digest,
            engine=engine.name,
            provider="auto" if engine.name == "torch" else engine.provider,
            device=engine.device,
            precision=engine.precision,
            preprocess=preprocess,
            reading=reading,
            embeds=embeds,
            tta=1 if compute.passes else engine.record.tta if compute.tta is None else compute.tta,
            layer=compute.layer,
            passes=compute.passes or 0,
            factors=prior.factors if prior else (),
        )

    def run(
        self, items: Sequence[InputItem], ranges: Sequence[range] | None = None, *, isolated: bool = False
    ) -> Generator[tuple[range, Sequence[InputItem], ScoredBatch], None, None]:
        """Yield scored batches in order.

        Parameters
        ----------
        items : sequence of InputItem
            Images to score.
        ranges : sequence of range, optional
            Ranges of `items` to score, each cut into batches of its own; by default all items in one range.
        isolated : bool
            Whether to read in other processes even if threads were chosen: an image may kill the process.

        Yields
        ------
        rows : range
            Range of the batch in `items`.
        batch : sequence of InputItem
            Images of the batch.
        scored : ScoredBatch
        """
        ranges = [range(len(items))] if ranges is None else ranges
        tasks = [task for rows in ranges for task in self._split_into_batches(rows)]
        if not tasks:
            return
        executor, in_workers = self._choose_executor(sum(map(len, tasks)), len(tasks), isolated=isolated)
        make_work: Callable[[], Callable[[Any], Any]]
        share = max(1, count_cores() // executor.workers)
        if in_workers and executor.workers == 1 and isinstance(executor, ThreadExecutor):
            make_work = self._make_thread_scorer  # the open engine has all cores already
        else:
            make_work = self.make_scorer(replace(self.setup, threads=share)) if in_workers else self.make_reader()
        scorer = None if in_workers else self.make_local_scorer()
        under_way: deque[Sequence[InputItem]] = deque()

        def batches() -> Iterator[Sequence[InputItem]]:
            for task in tasks:
                under_way.append(items[task.start : task.stop])
                yield under_way[-1]

        with closing(executor):
            if hasattr(executor, "map_rescuing"):
                rescue = BatchRescue(self.make_local_scorer().width if in_workers else None)
                results = executor.map_rescuing(make_work, batches(), rescue)
            else:
                results = executor.map(make_work, batches())
            for task, scored in zip(tasks, results, strict=True):
                batch = under_way.popleft()
                yield task, batch, scored if scorer is None else scorer.score(scored, batch)

    def run_parts(
        self, job: Job[Any], items: Sequence[InputItem], rows_per_part: int, title: str, progress: Progress
    ) -> Iterator[tuple[int, list[Batch]]]:
        """Yield the parts that a job lacks.

        Parameters
        ----------
        job : Job
            Job whose missing parts are computed.
        items : sequence of InputItem
            All images of the job, also those of other shards.
        rows_per_part : int
            Images in a part; a multiple of the batch size.
        title : str
            Title of the progress.
        progress : Progress
            Receiver of the progress.

        Yields
        ------
        number : int
            Number of the part.
        batches : list of (sequence of InputItem, ScoredBatch)
            All batches of the part, in order.
        """
        count = len(items)
        parts = {n: range(n * rows_per_part, min((n + 1) * rows_per_part, count)) for n in range(job.count)}
        missing = job.missing
        total = sum(len(rows) for n, rows in parts.items() if job.shard.has(n))
        progress.start(title, total)
        progress.advance(total - sum(len(parts[n]) for n in missing))
        if job.kills and missing:
            progress.say(
                "The last run was killed while it read images, so the next are read in processes of their own."
            )
        job.mark_reading()
        tasks = {n: self._split_into_batches(parts[n]) for n in missing}
        known = load_batches(job.journal, [task for some in tasks.values() for task in some])
        unknown = [task for some in tasks.values() for task in some if task.start not in known]
        with closing(self._run_after_kills(items, unknown, job.kills)) as results:
            for number, some in tasks.items():
                waiting: list[Batch] = []
                for task in some:
                    scored = known.pop(task.start, None)
                    if scored is None:
                        _, batch, scored = next(results)
                        job.journal.add(task.start, encode_batch(scored))
                    else:
                        batch = items[task.start : task.stop]
                    waiting.append((batch, scored))
                    progress.advance(len(task))
                yield number, waiting
                job.journal.clear()

    def _run_after_kills(
        self, items: Sequence[InputItem], tasks: Sequence[range], kills: int
    ) -> Generator[tuple[range, Sequence[InputItem], ScoredBatch], None, None]:
        """Yield scored batches as `run` does, isolating what may have killed earlier processes.

        After one kill, these are the batches that were under way then. After several, all are isolated.
        """
        under_way = AHEAD * resolve_workers(self.compute.workers)
        suspects = 0 if not kills else under_way if kills == 1 else len(tasks)
        with closing(self.run(items, tasks[:suspects], isolated=True)) as results:
            yield from results
        with closing(self.run(items, tasks[suspects:])) as results:
            yield from results

    def _split_into_batches(self, rows: range) -> list[range]:
        """Return the batches of some rows."""
        size = self.compute.batch_size
        return [range(at, min(at + size, rows.stop)) for at in range(rows.start, rows.stop, size)]

    def _choose_executor(self, images: int, tasks: int, *, isolated: bool) -> tuple[Executor, bool]:
        """Return an executor, and whether its workers run the model too."""
        on_cpu = self.setup.device == "cpu"
        name, _, address = self.compute.executor.partition("://")
        if name == "auto":
            name = "processes" if images >= _MANY else "threads"
        shares_engine = name == "threads"
        # PyTorch and OpenVINO have threads of their own, and a GPU is not shared among workers
        in_workers = on_cpu and (not shares_engine or self.engine.name == "onnx")
        if isolated and name == "threads":
            name = "processes"
        factory = get_registry().executors.find(name).load()
        workers = self.compute.workers
        if name in ("threads", "processes"):
            workers = min(resolve_workers(workers), max(1, tasks))
            if in_workers and name == "processes":
                workers = min(workers, count_model_copies(self.engine.weight_bytes))
        executor: Executor = factory(workers=workers, address=address)
        return executor, in_workers

    def make_scorer(self, setup: WorkerSetup) -> Callable[[], Callable[[Any], Any]]:
        """Return a factory of workers that read and run the model, each in its share of the available cores."""
        return make_scorer(setup)

    def make_reader(self) -> Callable[[], Callable[[Any], Any]]:
        """Return a factory of workers that only read."""
        return make_reader(self.setup)

    def make_local_scorer(self) -> Scorer:
        """Return what scores the batches that workers only read."""
        return Scorer(self.setup, self.engine)

    def _make_thread_scorer(self) -> Callable[[Any], ScoredBatch]:
        """Return what reads batches and scores them with the engine of this process."""
        read, scorer = self.make_reader()(), self.make_local_scorer()
        return lambda batch: scorer.score(read(batch), batch)
