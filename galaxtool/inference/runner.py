"""A stream of scored batches, with every processor busy: where the work is done, and by how many."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from galaxtool.errors import ConfigError
from galaxtool.executors.protocols import Executor
from galaxtool.inference.worker import ScoredBatch, Scorer, WorkerSetup, make_reader, make_scorer
from galaxtool.plugins.registry import get_registry
from galaxtool.types import Progress

if TYPE_CHECKING:
    from galaxtool.images.read_options import ReadOptions
    from galaxtool.inputs.gather import Inputs
    from galaxtool.inputs.items import InputItem
    from galaxtool.jobs.job import Job
    from galaxtool.models.engines.protocol import Engine
    from galaxtool.vision.preprocess import Preprocess

BATCH = 64
_MANY = 4000  # images that are worth the second or two in which processes start
_SHARE = 4  # of the memory, one part may hold copies of a model


@dataclass(frozen=True, kw_only=True)
class ComputeOptions:
    """Where batches are worked on.

    Parameters
    ----------
    executor : str
        ``auto``, a registered name, or one with an address behind it: ``ray://head:10001``.
    workers : int, optional
        How many; one for each processor where it is not said.
    batch_size : int
        Images a batch.

    Raises
    ------
    ConfigError
        If a number is not positive.
    UnknownName
        If there is no such executor.
    """

    executor: str = "auto"
    workers: int | None = None
    batch_size: int = BATCH

    def __post_init__(self) -> None:
        for name in ("batch_size", "workers"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise ConfigError(f"--{name.replace('_', '-')} is {value}, and must be at least 1.")
        if self.executor != "auto":
            get_registry().executors.find(self.executor.partition("://")[0])


class BatchRunner:
    """Scores images in batches, in order.

    Parameters
    ----------
    engine : Engine
        The model, open in this process.
    model : str
        By what workers find it.
    reading : ReadOptions
    preprocess : Preprocess
    where : Where
    embeds : bool
        Whether embeddings are wanted, rather than probabilities.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        model: str,
        reading: ReadOptions,
        preprocess: Preprocess,
        where: ComputeOptions,
        embeds: bool,
    ) -> None:
        self.engine, self.where = engine, where
        path = os.path.abspath(model)  # noqa: PTH100  Path.resolve would follow links
        self.plan = WorkerSetup(
            model=path if os.path.exists(path) else model,  # noqa: PTH110
            digest=engine.record.digest,
            engine=engine.name,
            device=str(getattr(engine, "device", "cpu")),
            precision=str(getattr(engine, "precision", "fp32")),
            preprocess=preprocess,
            reading=reading,
            embeds=embeds,
        )

    def run(
        self, items: Sequence[InputItem], chosen: Sequence[range] | None = None
    ) -> Iterator[tuple[range, Sequence[InputItem], ScoredBatch]]:
        """Yield consecutive batches.

        Parameters
        ----------
        items : sequence of InputItem
        chosen : sequence of range, optional
            Runs of `items` to score, each cut into batches of its own; all of them by default.

        Yields
        ------
        range, sequence of InputItem, Scored
            Which items these are, and themselves.
        """
        size = self.where.batch_size
        runs = [range(len(items))] if chosen is None else chosen
        tasks = [range(at, min(at + size, run.stop)) for run in runs for at in range(run.start, run.stop, size)]
        if not tasks:
            return
        number = sum(len(task) for task in tasks)
        executor, whole = self._choose(number, len(tasks))
        work: Callable[[], Callable[[Any], Any]] = self._whole(executor) if whole else make_reader(self.plan)
        finish = None if whole else Scorer(self.plan, self.engine)
        under_way: deque[Sequence[InputItem]] = deque()

        def batches() -> Iterator[Sequence[InputItem]]:
            for task in tasks:
                under_way.append(items[task.start : task.stop])
                yield under_way[-1]

        with closing(executor):
            for task, scored in zip(tasks, executor.map(work, batches()), strict=True):
                batch = under_way.popleft()
                yield task, batch, scored if finish is None else finish.score(scored, batch)

    def parts(
        self, job: Job, items: Sequence[InputItem], rows_a_part: int, what: str, progress: Progress
    ) -> Iterator[tuple[int, list[tuple[Sequence[InputItem], ScoredBatch]]]]:
        """Yield the parts that a job lacks.

        Parameters
        ----------
        job : Job
        items : sequence of InputItem
            All of the job's, whatever the shard.
        rows_a_part : int
            A multiple of the batch size.
        what : str
            Said of the progress.
        progress : Progress

        Yields
        ------
        number : int
        batches : list of (items, Scored)
            Together all rows of the part, in order.
        """
        runs = {n: range(n * rows_a_part, min((n + 1) * rows_a_part, len(items))) for n in range(job.count)}
        missing = job.missing
        mine = sum(len(run) for n, run in runs.items() if job.shard.has(n))
        progress.start(what, mine)
        progress.advance(mine - sum(len(runs[n]) for n in missing))
        waiting: list[tuple[Sequence[InputItem], ScoredBatch]] = []
        try:
            for task, batch, scored in self.run(items, [runs[n] for n in missing]):
                waiting.append((batch, scored))
                progress.advance(len(task))
                number = task.start // rows_a_part
                if task.stop == runs[number].stop:
                    yield number, waiting
                    waiting = []
        except KeyboardInterrupt:
            progress.say(f"What is done is kept in '{job.folder}'. Go on with --resume.")
            raise

    def describes(self, found: Inputs) -> dict[str, Any]:
        """Return what decides the result, for the record of a job."""
        return {
            "model": self.plan.digest,
            "engine": self.plan.engine,
            "precision": self.plan.precision,
            "batch size": self.where.batch_size,
            "reading options": self.plan.reading.as_dict(),
            "preprocessing": self.plan.preprocess.digest,
            "inputs": found.digest,
        }

    def _choose(self, images: int, tasks: int) -> tuple[Executor, bool]:
        """Return who works, and whether workers run the model too."""
        on_cpu = self.plan.device == "cpu"
        name, _, address = self.where.executor.partition("://")
        if name == "auto":
            name = "processes" if images >= _MANY else "threads"
        shares_engine = name == "threads"
        # PyTorch and OpenVINO have threads of their own, and a GPU is one
        whole = on_cpu and (not shares_engine or self.engine.name == "onnx")
        registry = get_registry()
        factory = registry.executors.find(name).load()
        workers = self.where.workers
        if name in ("threads", "processes"):
            from galaxtool.executors.cores import checked

            workers = min(checked(workers), max(1, tasks))
            if whole and not shares_engine:
                workers = min(workers, self._copies_that_fit())
        made: Executor = factory(workers=workers, address=address)
        return made, whole

    def _whole(self, executor: Executor) -> Callable[[], Callable[[Any], Any]]:
        """Return what makes a worker that runs the model: an engine of as many threads as it has processors."""
        from galaxtool.executors.cores import cores

        return make_scorer(replace(self.plan, threads=max(1, cores() // executor.workers)))

    def _copies_that_fit(self) -> int:
        """Return how many processes may have the model in memory."""
        try:
            memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, ValueError, OSError):
            return 1 << 16
        # what a copy takes beside its weights: Python, its libraries, activations
        copy = 3 * self.engine.weight_bytes + 300 * 2**20
        return max(1, memory // _SHARE // copy)
