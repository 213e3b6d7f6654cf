"""Measure the stages of `galaxtool classify` and of the plain way, in turn, in a process for each processor."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from loop_plain import BATCH, Square, decode, list_places, normalize, open_model, read, shrink

from galaxtool.executors.worker_pool import close_pool, open_pool, run_task
from galaxtool.images.read_options import ReadOptions
from galaxtool.inference.predictions.parts import make_part_table
from galaxtool.inference.worker import ScoredBatch
from galaxtool.inputs.gather import gather
from galaxtool.inputs.items import InputItem
from galaxtool.inputs.read_item import read_item
from galaxtool.jobs.part_file import write_part
from galaxtool.models.directory import load_network
from galaxtool.models.engines.open import open_engine
from galaxtool.models.find import ONNX, RECORD, find_model
from galaxtool.models.onnx.file import write_onnx
from galaxtool.models.onnx.precision import make_example_images, to_int8
from galaxtool.models.record import ModelRecord
from galaxtool.tables.read import read_table
from galaxtool.tables.write import write_table
from galaxtool.utils.cores import count_cores
from galaxtool.utils.freed_memory import keep_freed_memory

PLAIN = ("read", "decode", "shrink")
"""Stages of the plain way beside the network."""

GALAXTOOL = ("read", "shrink", "checks", "rows")
"""Stages of galaxtool beside the network: reading decodes, and rows are written into a part and into the table."""

_PART_ROWS = 1024
Costs = dict[str, float]


def make_models(name: str, folder: Path, precisions: Sequence[str]) -> dict[str, Path]:
    """Return the model directory of each precision; int8 is calibrated on simulated galaxies."""
    original = find_model(name).folder
    assert original is not None
    made = {precision: folder / precision for precision in precisions}
    for precision, place in made.items():
        shutil.copytree(original, place)
        if precision == "int8":
            network, record = load_network(find_model(place))
            write_onnx(place / ONNX, network, record)
            to_int8(place / ONNX, make_example_images(record.make_preprocess(), 64, seed=1))
    return made


def measure_stages(inputs: Sequence[Path], models: dict[str, Path], rounds: int) -> Costs:
    """Return the milliseconds of one processor per image of each stage, averaged over a process for each processor.

    Both ways have processes of their own, which take turns; the best round of each stage counts.
    """
    cores = count_cores()
    ways = [(open_pool(cores), partial(kind, inputs, models)) for kind in (PlainWay, OurWay)]
    best: Costs = {}
    try:
        for number in range(rounds + 1):
            for pool, make in ways:
                measured = [one.result() for one in [pool.submit(run_task, make, None) for _ in range(cores)]]
                if number:  # the first warms caches
                    for stage in measured[0]:
                        ms = sum(one[stage] for one in measured) / cores
                        best[stage] = min(ms, best.get(stage, ms))
    finally:
        for pool, _ in ways:
            close_pool(pool)
    return best


class _Clock:
    """Adds up processor time by stage."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._at = time.thread_time()

    def start(self) -> None:
        self._at = time.thread_time()

    def add(self, stage: str) -> None:
        now = time.thread_time()
        self.seconds[stage] += now - self._at
        self._at = time.thread_time()

    def per_image(self, count: int) -> Costs:
        return {stage: seconds / count * 1e3 for stage, seconds in self.seconds.items()}


class PlainWay:
    """The plain way over some images; a call returns the milliseconds per image of each stage."""

    def __init__(self, inputs: Sequence[Path], models: dict[str, Path]) -> None:
        model = next(iter(models.values()))
        preprocess = ModelRecord.read(model / RECORD).make_preprocess()
        self._places, self._square = list_places(inputs), Square(preprocess.size, preprocess.crop)
        self._net = open_model(model / ONNX)

    def __call__(self, _: None) -> Costs:
        """Read, decode, shrink and classify the images."""
        clock = _Clock()
        for start in range(0, len(self._places), BATCH):
            pictures = []
            for place in self._places[start : start + BATCH]:
                clock.start()
                content = read(place)
                clock.add("plain read")
                decoded = decode(content, place, self._square)
                clock.add("plain decode")
                pictures.append(shrink(decoded, self._square))
                clock.add("plain shrink")
            self._net(normalize(pictures))
        return clock.per_image(len(self._places))


class OurWay:
    """The stages of galaxtool over some images; a call returns the milliseconds per image of each."""

    def __init__(self, inputs: Sequence[Path], models: dict[str, Path]) -> None:
        keep_freed_memory()  # as in a worker
        self._items = gather([str(path) for path in inputs]).items
        self._engines = {name: open_engine(find_model(path), "onnx", "cpu", threads=1) for name, path in models.items()}
        self._engine = next(iter(self._engines.values()))
        self._preprocess = self._engine.record.make_preprocess()
        # as in a worker: the position of an item that has one is not looked for again
        self._readings = {known: self._preprocess.reading(ReadOptions(), position=not known) for known in (False, True)}

    def __call__(self, _: None) -> Costs:
        """Read, shrink, check and classify the images, and write their rows."""
        clock, count = _Clock(), len(self._items)
        scored = [self._score(self._items[start : start + BATCH], clock) for start in range(0, count, BATCH)]
        with tempfile.TemporaryDirectory() as scratch:
            clock.start()
            times = self._write_rows(scored, Path(scratch))
            clock.add("rows")
        clock.seconds["rows"] /= times
        return clock.per_image(count)

    def _score(self, items: Sequence[InputItem], clock: _Clock) -> ScoredBatch:
        pictures, flags = [], []
        for item in items:
            clock.start()
            cutout = read_item(item, self._readings[item.ra is not None])
            clock.add("read")
            pictures.append(self._preprocess.picture(cutout))
            clock.add("shrink")
            flags.append(" ".join(self._preprocess.flags(cutout)))
            clock.add("checks")
        clock.start()
        batch = np.stack(pictures)
        if self._engine.detector is not None:
            self._engine.detector.find_unlike(batch)
        clock.add("checks")
        for name, engine in self._engines.items():
            clock.start()
            scores = engine.run(batch)
            clock.add(f"net {name}")
        nowhere = np.full(len(items), np.nan)
        return ScoredBatch(nowhere, nowhere, flags, [""] * len(items), scores.probabilities)

    def _write_rows(self, scored: Sequence[ScoredBatch], scratch: Path) -> int:
        """Write the rows as a part, and the table from it; return how often they were repeated to fill a part."""
        times = max(1, _PART_ROWS // len(self._items))
        items = list(self._items) * times
        table = make_part_table(items, None, list(scored) * times, self._engine.record, 1)
        write_part(scratch / "part-000000.parquet", table, [item.ref for item in items], scratch / "p.csv")
        write_table(read_table(scratch / "part-000000.parquet"), scratch / "p.csv")
        return times
