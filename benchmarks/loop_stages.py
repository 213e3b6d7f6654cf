"""Measure the stages of `galaxtool classify` and of the plain way, in turn, in a process for each processor."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from loop_plain import BATCH, Place, Square, decode, list_places, normalize, open_model, read, shrink

from galaxtool.executors.cores import count_cores
from galaxtool.executors.processes import ProcessExecutor
from galaxtool.images.read_options import ReadOptions
from galaxtool.inference.prediction_parts import make_part_table
from galaxtool.inference.worker import ScoredBatch
from galaxtool.inputs.gather import gather
from galaxtool.inputs.items import InputItem
from galaxtool.inputs.read_item import read_item
from galaxtool.jobs.part_file import write_part
from galaxtool.models.directory import load_network
from galaxtool.models.engines.open import open_engine
from galaxtool.models.find import ONNX, find_model
from galaxtool.models.onnx.file import write_onnx
from galaxtool.models.onnx.precision import make_example_images, to_int8
from galaxtool.tables.read import read_table
from galaxtool.tables.write import write_table

PLAIN = ("read", "decode", "shrink")
"""Stages of the plain way beside the network."""

GALAXTOOL = ("read", "shrink", "checks", "rows")
"""Stages of galaxtool beside the network: reading decodes, and rows are written into a part and into the table."""

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
    """Return the milliseconds of one processor per image of each stage, averaged over a process for each processor."""
    executor = ProcessExecutor(count_cores())
    measured = list(executor.map(partial(_make_measurement, inputs, models, rounds), range(count_cores())))
    return {stage: sum(one[stage] for one in measured) / len(measured) for stage in measured[0]}


def _make_measurement(inputs: Sequence[Path], models: dict[str, Path], rounds: int) -> Callable[[int], Costs]:
    return lambda _: _measure(inputs, models, rounds)


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


def _measure(inputs: Sequence[Path], models: dict[str, Path], rounds: int) -> Costs:
    bench = _Bench(inputs, models)
    best: Costs = {}
    for number in range(rounds + 1):
        costs = bench.run()
        if number:  # the first warms caches
            best = {stage: min(ms, best.get(stage, ms)) for stage, ms in costs.items()}
    return best


class _Bench:
    """Both ways over the same images, batch by batch."""

    def __init__(self, inputs: Sequence[Path], models: dict[str, Path]) -> None:
        self.items = gather([str(path) for path in inputs]).items
        self.places = list_places(inputs)
        self.engines = {name: open_engine(find_model(path), "onnx", "cpu", threads=1) for name, path in models.items()}
        self.engine = next(iter(self.engines.values()))
        self.preprocess = self.engine.record.make_preprocess()
        self.reading = self.preprocess.reading(ReadOptions(), position=True)
        self.square = Square(self.preprocess.size, self.preprocess.crop)
        self.plain_net = open_model(next(iter(models.values())) / ONNX)

    def run(self) -> Costs:
        """Return the milliseconds per image of each stage."""
        clock, scored = _Clock(), []
        for start in range(0, len(self.items), BATCH):
            part = slice(start, start + BATCH)
            self.plain_net(normalize(self._run_plain(self.places[part], clock)))
            scored.append(self._run_ours(self.items[part], clock))
        with tempfile.TemporaryDirectory() as scratch:
            clock.start()
            self._write_rows(scored, Path(scratch))
            clock.add("rows")
        return {stage: seconds / len(self.items) * 1e3 for stage, seconds in clock.seconds.items()}

    def _run_plain(self, places: Sequence[Place], clock: _Clock) -> list[np.ndarray]:
        pictures = []
        for place in places:
            clock.start()
            content = read(place)
            clock.add("plain read")
            decoded = decode(content, place, self.square)
            clock.add("plain decode")
            pictures.append(shrink(decoded, self.square))
            clock.add("plain shrink")
        return pictures

    def _run_ours(self, items: Sequence[InputItem], clock: _Clock) -> ScoredBatch:
        pictures, flags = [], []
        for item in items:
            clock.start()
            cutout = read_item(item, self.reading)
            clock.add("read")
            pictures.append(self.preprocess.picture(cutout))
            clock.add("shrink")
            flags.append(" ".join(self.preprocess.flags(cutout)))
            clock.add("checks")
        clock.start()
        batch = np.stack(pictures)
        if self.engine.detector is not None:
            self.engine.detector.find_unlike(batch)
        clock.add("checks")
        for name, engine in self.engines.items():
            clock.start()
            scores = engine.run(batch)
            clock.add(f"net {name}")
        nowhere = np.full(len(items), np.nan)
        return ScoredBatch(nowhere, nowhere, flags, [""] * len(items), scores.probabilities)

    def _write_rows(self, scored: Sequence[ScoredBatch], scratch: Path) -> None:
        """Write the rows of all images as a part, and the table from it."""
        table = make_part_table(self.items, None, scored, self.engine.record, 1)
        write_part(scratch / "part-000000.parquet", table, [item.ref for item in self.items], scratch / "p.csv")
        write_table(read_table(scratch / "part-000000.parquet"), scratch / "p.csv")
