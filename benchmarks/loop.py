"""Measure the loop of `galaxtool classify` beside the plain way: the same images, the same network, in one run.

    python benchmarks/loop.py
    python benchmarks/loop.py --formats fits-3x256 jpg --jpgs ../shared/data/optical_gz1_coarse --counts 1000 6000

The first table has milliseconds of processor time per image, measured in a process for each processor at the same time:
galaxtool and the plain way (`loop_plain.py`) take turns, and the best round of each stage counts. The second
table has whole commands at two numbers of images, in turn: the difference tells the rate of the loop from the time
that the start takes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from loop_inputs import FORMATS, ImageSource
from loop_stages import GALAXTOOL, PLAIN, make_models, measure_stages

from galaxtool.models.find import RECORD
from galaxtool.models.record import ModelRecord
from galaxtool.utils.cores import count_cores

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Make the images and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--formats", nargs="+", default=list(FORMATS), choices=FORMATS, help="formats to measure")
    parser.add_argument("--jpgs", type=Path, nargs="*", default=[], help="folders with real JPGs")
    parser.add_argument("--distinct", type=int, default=64, help="number of distinct simulated images")
    parser.add_argument("--counts", type=int, nargs=2, default=[400, 1600], help="numbers of images of the commands")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; the best counts")
    parser.add_argument("--model", default="mini", help="model")
    parser.add_argument("--precisions", nargs="+", default=["fp32", "int8"], choices=["fp32", "int8"])
    parser.add_argument("--no-commands", action="store_true", help="measure the stages only")
    parser.add_argument("--no-stages", action="store_true", help="measure the commands only")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="loop-") as name:
        folder = Path(name)
        jpgs = sorted(path for one in options.jpgs for path in one.rglob("*.jpg"))
        source = ImageSource(folder / "images", options.distinct, jpgs)
        models = make_models(options.model, folder / "models", options.precisions)
        print(f"{count_cores()} processors, load {os.getloadavg()[0]:.1f}, model {options.model}", flush=True)
        if not options.no_stages:
            report_stages(source, models, options)
        if not options.no_commands:
            report_commands(source, models, folder, options)
        print(f"\nload {os.getloadavg()[0]:.1f}")


def report_stages(source: ImageSource, models: dict[str, Path], options: argparse.Namespace) -> None:
    """Print milliseconds per image of each stage."""
    nets = [f"net {precision}" for precision in models]
    print(f"\n| images | plain: {' | '.join(PLAIN)} | sum | galaxtool: {' | '.join(GALAXTOOL)} | sum | / plain | "
          f"{' | '.join(nets)} | bound by |")  # fmt: skip
    print("|" + "---|" * (len(PLAIN) + len(GALAXTOOL) + len(nets) + 5))
    count = max(options.distinct, 192)
    for name in options.formats:
        costs = measure_stages(source.make_set(name, count), models, options.rounds)
        plain, ours = [costs[f"plain {stage}"] for stage in PLAIN], [costs[stage] for stage in GALAXTOOL]
        last = [costs[net] for net in nets]
        shown = [*plain, sum(plain), *ours, sum(ours), sum(ours) / sum(plain), *last]
        bound = max({**dict(zip(GALAXTOOL, ours, strict=True)), "net": last[0]}.items(), key=lambda one: one[1])[0]
        print(f"| {name} | {' | '.join(f'{value:.2f}' for value in shown)} | {bound} |", flush=True)
        source.remove_set(name, count)


def report_commands(source: ImageSource, models: dict[str, Path], folder: Path, options: argparse.Namespace) -> None:
    """Print the rates of the loops of whole commands, and what their starts take."""
    print("\n| images | net | plain, images/s | galaxtool, images/s | / plain | plain start, s | galaxtool start, s |")
    print("|---|---|---|---|---|---|---|")
    for name in options.formats:
        sets = {count: source.make_set(name, count) for count in sorted(options.counts)}
        for precision, model in models.items():
            best: dict[tuple[bool, int], float] = {}
            for _ in range(options.rounds):
                for count, inputs in sets.items():
                    for is_plain in (True, False):
                        seconds = run_command(inputs, model, folder, is_plain=is_plain)
                        best[is_plain, count] = min(seconds, best.get((is_plain, count), seconds))
            (plain, start), (ours, our_start) = (find_rate(best, is_plain, list(sets)) for is_plain in (True, False))
            print(f"| {name} | {precision} | {plain:.0f} | {ours:.0f} | {ours / plain:.2f} | {start:.2f} | "
                  f"{our_start:.2f} |", flush=True)  # fmt: skip
        for count in sets:
            source.remove_set(name, count)


def find_rate(best: dict[tuple[bool, int], float], is_plain: bool, counts: list[int]) -> tuple[float, float]:
    """Return the images per second of the loop, and the seconds of the start."""
    few, many = (best[is_plain, count] for count in counts)
    rate = (counts[1] - counts[0]) / (many - few)
    return rate, few - counts[0] / rate


def run_command(inputs: list[Path], model: Path, folder: Path, *, is_plain: bool) -> float:
    """Return the seconds of a whole command."""
    if is_plain:
        preprocess = ModelRecord.read(model / RECORD).make_preprocess()
        command = [HERE / "loop_plain.py", *inputs, "--model", model / "model.onnx", "-o", folder / "q.csv"]
        command += ["--size", preprocess.size, "--crop", preprocess.crop]
    else:
        command = ["-m", "galaxtool", "classify", *inputs, "--model", model, "--engine", "onnx", "--quiet"]
        command += ["--executor", "processes", "--workers", "2", "-o", folder / "p.csv"]
    start = time.perf_counter()
    subprocess.run([sys.executable, *map(str, command)], check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
