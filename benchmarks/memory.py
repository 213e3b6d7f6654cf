"""Peak memory of `galaxtool classify` with few images and with many.

    python benchmarks/memory.py

Small pictures are made, and linked under other names until there are as many as wanted. Printed is the peak of the
resident memory of the process that was called, of the largest of its workers, and of all of them together, asked for
ten times a second; the size of the table; and how much more the most images take than the fewest.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from PIL import Image
from startup import processor

from galaxtool.utils.run_directory import find_versions, utc_now

DISTINCT = 500
SIDE = 64


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="+", default=[10_000, 200_000])
    parser.add_argument("--formats", nargs="+", default=["csv", "fits", "parquet"])
    parser.add_argument("--engine", default="auto")
    options = parser.parse_args()
    about = find_versions()
    print(f"{utc_now()}, {platform.system()} {platform.machine()}, {processor()}, {os.cpu_count()} processors, "
          f"Python {about['python']}, galaxtool {about['galaxtool']}, engine {options.engine}\n")  # fmt: skip
    print("| table | images | main process MB | largest worker MB | together MB | table MB | seconds |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        folders = [linked(scratch, count) for count in options.counts]
        for suffix in options.formats:
            together = [row(folder, scratch / f"p.{suffix}", options.engine) for folder in folders]
            print(f"| {suffix} | most against fewest | | | {together[-1] / together[0]:.3f} | | |", flush=True)


def linked(scratch: Path, count: int) -> Path:
    """Return a folder of as many pictures."""
    made = scratch / "made"
    if not made.exists():
        made.mkdir()
        rng = np.random.default_rng(0)
        for number in range(DISTINCT):
            Image.fromarray(rng.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)).save(made / f"{number}.png")
    folder = scratch / str(count)
    folder.mkdir()
    for number in range(count):
        (folder / f"object-{number:07d}.png").symlink_to(made / f"{number % DISTINCT}.png")
    return folder


def row(folder: Path, table: Path, engine: str) -> float:
    """Classify a folder, print what it took, and return the peak of all processes together, in MB."""
    command = [sys.executable, "-m", "galaxtool", "classify", folder, "-o", table, "--engine", engine]
    begun = time.perf_counter()
    with subprocess.Popen([*map(str, command), "--executor", "processes", "--quiet"]) as process:
        alone, worker, together = watched(psutil.Process(process.pid), process)
    assert process.returncode == 0
    count = sum(1 for _ in folder.iterdir())
    print(f"| {table.suffix[1:]} | {count:,} | {alone:.0f} | {worker:.0f} | {together:.0f} | "
          f"{table.stat().st_size / 1e6:.1f} | {time.perf_counter() - begun:.0f} |", flush=True)  # fmt: skip
    return together


def watched(main_process: psutil.Process, process: subprocess.Popen[bytes]) -> tuple[float, float, float]:
    """Return the peaks of the process, of its largest worker and of all, in MB, when it has ended."""
    alone = worker = together = 0.0
    while process.poll() is None:
        try:
            mine = main_process.memory_info().rss / 1e6
            workers = [one.memory_info().rss / 1e6 for one in main_process.children(recursive=True)]
        except psutil.Error:
            continue  # one has just ended
        alone, worker = max(alone, mine), max([worker, *workers])
        together = max(together, mine + sum(workers))
        time.sleep(0.1)
    return alone, worker, together


if __name__ == "__main__":
    main()
