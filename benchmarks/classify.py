"""How fast `galaxtool classify` is, against what its stages cost and against a plain PyTorch DataLoader.

    python benchmarks/classify.py --images ../shared/data/optical_gz1_coarse/images --count 20000

Prints, for simulated cutouts as PNG and as FITS and for the JPGs in a folder, the processor time of each stage for one
cutout, measured by a process of one thread on each processor at the same time, as they are not as fast together as one
is alone; the rate that their sum allows on all processors; the rate of the whole command from start to end; and that of
a DataLoader with a worker for each processor and the same tower in fp32, which writes the same probabilities. Images
are linked under several names where there are to be more than there are; simulated ones are made up to `--distinct`.
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

from galaxtool.executors.cores import count_cores
from galaxtool.executors.processes import ProcessExecutor
from galaxtool.images.read_options import ReadOptions
from galaxtool.inference.prediction_parts import make_part_table
from galaxtool.inference.worker import ScoredBatch
from galaxtool.inputs.gather import gather
from galaxtool.inputs.items import InputItem
from galaxtool.inputs.read_item import read_item
from galaxtool.models.engines.open import open_engine
from galaxtool.models.engines.selection import select_engine
from galaxtool.models.find import find_model
from galaxtool.tables.write import write_table

BATCH = 64
SAMPLE, REPEATS = 512, 3
HERE = Path(__file__).resolve().parent


def main() -> None:
    """Make the inputs, then measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, nargs="*", help="folders of real JPGs")
    parser.add_argument("--count", type=int, default=20_000, help="simulated cutouts of each format")
    parser.add_argument("--distinct", type=int, default=2000, help="different ones among them")
    parser.add_argument("--sets", nargs="+", default=["png", "fits", "real"])
    parser.add_argument("--model", default="mini")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--executor", default="auto")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--no-loader", action="store_true", help="leave the DataLoader out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        kinds = [kind for kind in ("png", "fits") if kind in options.sets]
        sets = {kind: simulated(Path(scratch) / kind, kind, options) for kind in kinds}
        if options.images and "real" in options.sets:
            files = sorted(p for folder in options.images for p in folder.rglob("*.jpg"))
            sets["real"] = linked(files, Path(scratch) / "real", max(options.count, len(files)))
        for name, folder in sets.items():
            report(name, folder, Path(scratch), options)


def simulated(folder: Path, kind: str, options: argparse.Namespace) -> Path:
    """Make simulated cutouts."""
    made = folder / "made"
    distinct = min(options.count, options.distinct)
    command = [sys.executable, "-m", "galaxtool", "simulate", "-o", str(made), "-n", str(distinct), "--quiet"]
    subprocess.run([*command, "--kind", kind], check=True)
    files = sorted(p for p in made.rglob("*") if p.suffix in (".png", ".fits"))
    return linked(files, folder / "linked", options.count)


def linked(files: Sequence[Path], folder: Path, count: int) -> Path:
    """Return a folder with so many links to files, in turn."""
    folder.mkdir()
    for number in range(count):
        source = files[number % len(files)]
        (folder / f"{number:07d}{source.suffix}").symlink_to(source.resolve())
    return folder


def report(name: str, folder: Path, scratch: Path, options: argparse.Namespace) -> None:
    """Print the table of one set."""
    items = gather([str(folder)]).items
    costs = costs_together(items[:SAMPLE], scratch, options)
    allowed = count_cores() / sum(costs.values())
    ours = max(whole(folder, scratch, options) for _ in range(options.rounds))
    print(
        f"\n{name}: {len(items)} cutouts, {count_cores()} processors, model {options.model}, engine {options.engine}\n"
    )
    print("| stage | ms of one processor for a cutout |\n|---|---|")
    for stage, seconds in costs.items():
        print(f"| {stage} | {seconds * 1e3:.3f} |")
    print(f"| sum | {sum(costs.values()) * 1e3:.3f} |\n")
    print("| way | cutouts/s | / allowed |\n|---|---|---|")
    print(f"| what the sum allows | {allowed:.0f} | 1.00 |")
    print(f"| galaxtool classify, whole command | {ours:.0f} | {ours / allowed:.2f} |")
    if not options.no_loader:
        loader = by_loader(folder, scratch, options)
        print(f"| DataLoader, fp32, whole script | {loader:.0f} | {loader / allowed:.2f} |")
        print(f"\ngalaxtool / DataLoader: {ours / loader:.1f}")


def costs_together(items: Sequence[InputItem], scratch: Path, options: argparse.Namespace) -> dict[str, float]:
    """Return the processor seconds of each stage for one cutout, the mean of a process on each processor."""
    engine = select_engine(find_model(options.model), options.engine, "cpu", options.precision)
    executor = ProcessExecutor(count_cores())
    make = partial(_stages_of, items, scratch, options.model, engine, options.precision)
    found = list(executor.map(make, range(count_cores())))
    return {stage: sum(one[stage] for one in found) / len(found) for stage in found[0]}


def _stages_of(
    items: Sequence[InputItem], scratch: Path, model: str, engine: str, precision: str
) -> Callable[[int], dict[str, float]]:
    return lambda number: stages(items, scratch / f"worker-{number}", model, engine, precision)


def stages(items: Sequence[InputItem], scratch: Path, model: str, engine_name: str, precision: str) -> dict[str, float]:
    """Return the processor seconds of each stage for one cutout, on one thread."""
    scratch.mkdir(exist_ok=True)
    engine = open_engine(find_model(model), engine_name, "cpu", precision, threads=1)
    preprocess = engine.record.make_preprocess()
    reading = preprocess.reading(ReadOptions(), position=True)
    cutouts, read = timed(lambda: [read_item(item, reading) for item in items])
    pictures, shown = timed(lambda: np.stack([preprocess.picture(cutout) for cutout in cutouts]))
    engine.run(pictures[:BATCH])
    starts = range(0, len(pictures), BATCH)
    scores, inferred = timed(lambda: [engine.run(pictures[i : i + BATCH]).probabilities for i in starts])
    nowhere = np.full(len(items), np.nan)
    scored = ScoredBatch(nowhere, nowhere, [""] * len(items), [""] * len(items), np.concatenate(scores))

    def write() -> None:
        write_table(make_part_table(items, None, [scored], engine.record, 1), scratch / "part.parquet")
        write_table(make_part_table(items, None, [scored], engine.record, 1), scratch / "whole.csv")

    _, written = timed(write)
    costs = {"read": read, "stretch, crop, resize": shown, "infer": inferred, "write": written}
    return {stage: seconds / len(items) for stage, seconds in costs.items()}


def timed(work: Callable[[], object]) -> tuple[object, float]:
    """Return what work gives, and the mean processor time of a few times after the first."""
    work()
    begun = time.process_time()
    for _ in range(REPEATS):
        result = work()
    return result, (time.process_time() - begun) / REPEATS


def whole(folder: Path, scratch: Path, options: argparse.Namespace) -> float:
    """Return the rate of the command, its start included."""
    command = [sys.executable, "-m", "galaxtool", "classify", folder, "--model", options.model, "--quiet"]
    command += ["--engine", options.engine, "--executor", options.executor]
    command += ["--precision", options.precision, "-o", scratch / "p.csv"]
    begun = time.perf_counter()
    subprocess.run([str(part) for part in command], check=True)
    return rows(scratch / "p.csv") / (time.perf_counter() - begun)


def by_loader(folder: Path, scratch: Path, options: argparse.Namespace) -> float:
    """Return the rate of the plain way, its start included."""
    script = [sys.executable, HERE / "plain_loader.py", folder, "--model", options.model, "-o", scratch / "q.csv"]
    begun = time.perf_counter()
    subprocess.run([str(part) for part in script], check=True)
    return rows(scratch / "q.csv") / (time.perf_counter() - begun)


def rows(table: Path) -> int:
    """Count the rows of a CSV file."""
    with table.open("rb") as stream:
        return sum(1 for _ in stream) - 1


if __name__ == "__main__":
    main()
