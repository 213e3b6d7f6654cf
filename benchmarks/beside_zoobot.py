"""Compare whole commands of galaxtool and of Zoobot that run the same network on the same JPGs, in turn.

    python benchmarks/beside_zoobot.py --zoobot ~/zoobot-venv/bin/python --jpgs ../shared/data/optical_gz1_coarse

Zoobot has an environment of its own. `zoobot_parts.py` gives its `predict` the ONNX file of the model. It runs with
each setting of `SETTINGS`, and the fastest counts. The rate of the loop follows from the difference between two numbers
of images.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from loop_inputs import ImageSource
from loop_stages import make_models
from whole_commands import Timings, time_galaxtool

from galaxtool.models.find import ONNX, RECORD
from galaxtool.models.record import ModelRecord

HERE = Path(__file__).resolve().parent
COUNTS = (2672, 8016)

SETTINGS = ((4, 1), (2, 1), (2, 2), (0, 2))
"""Processes that read and threads of the network; Zoobot's own default is four processes."""


def main() -> None:
    """Run the commands and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zoobot", type=Path, required=True, help="Python interpreter of an environment with Zoobot")
    parser.add_argument("--jpgs", type=Path, nargs="+", required=True, help="folders with real JPGs")
    parser.add_argument("--counts", type=int, nargs=2, default=COUNTS, help="two numbers of images")
    parser.add_argument("--rounds", type=int, default=2, help="rounds; the best counts")
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory(prefix="zoobot-") as name:
        folder = Path(name)
        jpgs = sorted(path for one in options.jpgs for path in one.rglob("*.jpg"))
        source, models = ImageSource(folder / "images", 64, jpgs), make_models("mini", folder / "m", ["fp32", "int8"])
        sets = {count: source.make_set("jpg", count)[0] for count in options.counts}
        timings = Timings("Zoobot", *options.counts)
        for _ in range(options.rounds):
            for count, images in sets.items():
                for readers, threads in SETTINGS:
                    seconds = time_zoobot(options.zoobot, images, models["fp32"], folder / "z.csv", readers, threads)
                    timings.keep(f"Zoobot, {readers} readers, {threads} threads", count, seconds)
                for precision, model in models.items():
                    timings.keep(f"galaxtool, {precision}", count, time_galaxtool(images, model, folder / "p.csv"))
    _print_table(timings)
    print(f"\nload {os.getloadavg()[0]:.1f}")


def time_zoobot(python: Path, images: Path, model: Path, table: Path, readers: int, threads: int) -> float:
    """Return the seconds of Zoobot's prediction, with the start of Python."""
    preprocess = ModelRecord.read(model / RECORD).make_preprocess()
    command = [python, HERE / "zoobot_parts.py", images, "--onnx", model / ONNX, "--size", preprocess.size,
               "--crop", preprocess.crop, "--readers", readers, "--threads", threads, "-o", table]  # fmt: skip
    start = time.perf_counter()
    ended = subprocess.run(
        list(map(str, command)), env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        sys.exit(ended.stderr[-2000:])
    return time.perf_counter() - start


def _print_table(timings: Timings) -> None:
    few, many = timings.few, timings.many
    print(f"\n| program | {few:,}: s | / fastest Zoobot | {many:,}: s | / fastest Zoobot | loop, images/s | / Zoobot |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for one, times in timings.best.items():
        cells = [f"{times[count]:.1f} | {timings.lead(one, count)}" for count in (few, many)]
        print(f"| {one} | {' | '.join(cells)} | {timings.rate(one):.0f} | {timings.rate_lead(one)} |")


if __name__ == "__main__":
    main()
