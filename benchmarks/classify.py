"""Measure the rate of `galaxtool classify`, and compare it with its stages and with a plain PyTorch DataLoader.

    python benchmarks/classify.py --images ../shared/data/optical_gz1_coarse/images --count 20000

For simulated PNG and FITS cutouts and for a folder of JPGs, the script prints

* the processor time of each stage per cutout, measured by one single-threaded process on each processor at the same
  time, because processors are slower together than alone;
* the rate that the sum of the stages allows on all processors;
* the rate of the whole command from start to end;
* the rate of a DataLoader with one worker per processor and the same network in fp32, which writes the same
  probabilities.

If there are fewer distinct images than `--count`, they are linked under several names. Simulated images are made up to
`--distinct`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from galaxtool.executors.processes import ProcessExecutor
from galaxtool.images.read_options import ReadOptions
from galaxtool.inference.predictions.parts import make_part_table
from galaxtool.inference.worker import ScoredBatch
from galaxtool.inputs.gather import gather
from galaxtool.inputs.items import InputItem
from galaxtool.inputs.read_item import read_item
from galaxtool.models.engines.open import open_engine
from galaxtool.models.engines.selection import select_engine
from galaxtool.models.find import find_model
from galaxtool.tables.write import write_table
from galaxtool.utils.cores import count_cores

BATCH = 64
SAMPLE, REPEATS = 512, 3
HERE = Path(__file__).resolve().parent


def main() -> None:
    """Make the inputs and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, nargs="*", help="folders with real JPG images")
    parser.add_argument("--count", type=int, default=20_000, help="number of cutouts of each kind")
    parser.add_argument("--distinct", type=int, default=2000, help="number of distinct simulated cutouts")
    parser.add_argument("--sets", nargs="+", default=["png", "fits", "real"], help="kinds of cutouts to measure")
    parser.add_argument("--model", default="mini", help="model to classify with")
    parser.add_argument("--engine", default="auto", help="see galaxtool classify")
    parser.add_argument("--precision", default="auto", help="see galaxtool classify")
    parser.add_argument("--executor", default="auto", help="see galaxtool classify")
    parser.add_argument("--rounds", type=int, default=1, help="runs of the command; the best counts")
    parser.add_argument("--no-loader", action="store_true", help="skip the DataLoader")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        kinds = [kind for kind in ("png", "fits") if kind in options.sets]
        sets = {kind: simulate_cutouts(Path(scratch) / kind, kind, options) for kind in kinds}
        if options.images and "real" in options.sets:
            files = sorted(p for folder in options.images for p in folder.rglob("*.jpg"))
            sets["real"] = link_files(files, Path(scratch) / "real", max(options.count, len(files)))
        for name, folder in sets.items():
            report_rates(name, folder, Path(scratch), options)


def simulate_cutouts(folder: Path, kind: str, options: argparse.Namespace) -> Path:
    """Simulate cutouts and return a folder with `--count` links to them."""
    originals = folder / "originals"
    distinct = min(options.count, options.distinct)
    command = [sys.executable, "-m", "galaxtool", "simulate", "-o", str(originals), "-n", str(distinct), "--quiet"]
    subprocess.run([*command, "--kind", kind], check=True)
    files = sorted(p for p in originals.rglob("*") if p.suffix in (".png", ".fits"))
    return link_files(files, folder / "linked", options.count)


def link_files(files: Sequence[Path], folder: Path, count: int) -> Path:
    """Create a folder with `count` links to the files, in turn, and return it."""
    folder.mkdir()
    for number in range(count):
        source = files[number % len(files)]
        (folder / f"{number:07d}{source.suffix}").symlink_to(source.resolve())
    return folder


def report_rates(name: str, folder: Path, scratch: Path, options: argparse.Namespace) -> None:
    """Measure one set of cutouts and print its tables."""
    items = gather([str(folder)]).items
    costs = measure_stages_on_all_cores(items[:SAMPLE], scratch, options)
    allowed = count_cores() / sum(costs.values())
    ours = max(measure_command(folder, scratch, options) for _ in range(options.rounds))
    print(
        f"\n{name}: {len(items)} cutouts, {count_cores()} processors, model {options.model}, engine {options.engine}\n"
    )
    print("| stage | ms of one processor per cutout |\n|---|---|")
    for stage, seconds in costs.items():
        print(f"| {stage} | {seconds * 1e3:.3f} |")
    print(f"| sum | {sum(costs.values()) * 1e3:.3f} |\n")
    print("| method | cutouts/s | / allowed |\n|---|---|---|")
    print(f"| allowed by the sum | {allowed:.0f} | 1.00 |")
    print(f"| galaxtool classify, whole command | {ours:.0f} | {ours / allowed:.2f} |")
    if not options.no_loader:
        loader = measure_loader(folder, scratch, options)
        print(f"| DataLoader, fp32, whole script | {loader:.0f} | {loader / allowed:.2f} |")
        print(f"\ngalaxtool / DataLoader: {ours / loader:.1f}")


def measure_stages_on_all_cores(
    items: Sequence[InputItem], scratch: Path, options: argparse.Namespace
) -> dict[str, float]:
    """Return the processor seconds of each stage per cutout, averaged over one process on each processor."""
    engine = select_engine(find_model(options.model), options.engine, "cpu", options.precision)
    executor = ProcessExecutor(count_cores())
    make = partial(_make_measurement, items, scratch, options.model, engine, options.precision)
    measured = list(executor.map(make, range(count_cores())))
    return {stage: sum(one[stage] for one in measured) / len(measured) for stage in measured[0]}


def _make_measurement(
    items: Sequence[InputItem], scratch: Path, model: str, engine: str, precision: str
) -> Callable[[int], dict[str, float]]:
    return lambda number: measure_stages(items, scratch / f"worker-{number}", model, engine, precision)


def measure_stages(
    items: Sequence[InputItem], scratch: Path, model: str, engine_name: str, precision: str
) -> dict[str, float]:
    """Return the processor seconds of each stage per cutout, on one thread."""
    scratch.mkdir(exist_ok=True)
    engine = open_engine(find_model(model), engine_name, "cpu", precision, threads=1)
    preprocess = engine.record.make_preprocess()
    reading = preprocess.reading(ReadOptions(), position=True)
    cutouts, reading_s = measure_time(lambda: [read_item(item, reading) for item in items])
    pictures, display_s = measure_time(lambda: np.stack([preprocess.picture(cutout) for cutout in cutouts]))
    engine.run(pictures[:BATCH])
    starts = range(0, len(pictures), BATCH)
    scores, inference_s = measure_time(lambda: [engine.run(pictures[i : i + BATCH]).probabilities for i in starts])
    no_position = np.full(len(items), np.nan)
    scored = ScoredBatch(no_position, no_position, [""] * len(items), [""] * len(items), np.concatenate(scores))

    def write() -> None:
        write_table(make_part_table(items, None, [scored], engine.record, 1), scratch / "part.parquet")
        write_table(make_part_table(items, None, [scored], engine.record, 1), scratch / "whole.csv")

    _, writing_s = measure_time(write)
    costs = {"read": reading_s, "stretch, crop, resize": display_s, "infer": inference_s, "write": writing_s}
    return {stage: seconds / len(items) for stage, seconds in costs.items()}


def measure_time(work: Callable[[], object]) -> tuple[object, float]:
    """Return the result of `work`, and its mean processor time over a few calls after a first one."""
    work()
    start = time.process_time()
    for _ in range(REPEATS):
        result = work()
    return result, (time.process_time() - start) / REPEATS


def measure_command(folder: Path, scratch: Path, options: argparse.Namespace) -> float:
    """Return the rate of the command in cutouts per second, including its start."""
    command = [sys.executable, "-m", "galaxtool", "classify", folder, "--model", options.model, "--quiet"]
    command += ["--engine", options.engine, "--executor", options.executor]
    command += ["--precision", options.precision, "-o", scratch / "p.csv"]
    start = time.perf_counter()
    subprocess.run([str(part) for part in command], check=True)
    return count_rows(scratch / "p.csv") / (time.perf_counter() - start)


def measure_loader(folder: Path, scratch: Path, options: argparse.Namespace) -> float:
    """Return the rate of the plain DataLoader in cutouts per second, including its start."""
    script = [sys.executable, HERE / "plain_loader.py", folder, "--model", options.model, "-o", scratch / "q.csv"]
    start = time.perf_counter()
    subprocess.run([str(part) for part in script], check=True)
    return count_rows(scratch / "q.csv") / (time.perf_counter() - start)


def count_rows(table: Path) -> int:
    """Count the rows of a CSV file."""
    with table.open("rb") as stream:
        return sum(1 for _ in stream) - 1


if __name__ == "__main__":
    main()
