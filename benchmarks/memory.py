"""Measure the peak memory of `galaxtool classify` with few images and with many.

    python benchmarks/memory.py

The script makes small pictures and links them under other names until there are enough. It prints the peak resident
memory of the main process, of its largest worker, and of all processes together, sampled ten times a second; the size
of the table; and the ratio of the peaks with the most and the fewest images.
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
from startup import find_processor_name

from galaxtool.utils.run_directory import find_versions, utc_now

DISTINCT = 500
SIDE = 64


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="+", default=[10_000, 200_000], help="numbers of images")
    parser.add_argument("--formats", nargs="+", default=["csv", "fits", "parquet"], help="formats of the table")
    parser.add_argument("--engine", default="auto", help="see galaxtool classify")
    parser.add_argument("--model", default="mini", help="see galaxtool classify")
    options = parser.parse_args()
    about = find_versions()
    print(
        f"{utc_now()}, {platform.system()} {platform.machine()}, {find_processor_name()}, {os.cpu_count()} processors, "
        f"Python {about['python']}, galaxtool {about['galaxtool']}, engine {options.engine}\n"
    )
    print("| table | images | main process MB | largest worker MB | together MB | table MB | seconds |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        folders = [link_pictures(scratch, count) for count in options.counts]
        for suffix in options.formats:
            together = [
                measure_run(folder, scratch / f"p.{suffix}", options.engine, options.model) for folder in folders
            ]
            print(f"| {suffix} | most against fewest | | | {together[-1] / together[0]:.3f} | | |", flush=True)


def link_pictures(scratch: Path, count: int) -> Path:
    """Return a folder with `count` pictures, most of them links."""
    originals = scratch / "originals"
    if not originals.exists():
        originals.mkdir()
        rng = np.random.default_rng(0)
        for number in range(DISTINCT):
            Image.fromarray(rng.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)).save(originals / f"{number}.png")
    folder = scratch / str(count)
    folder.mkdir()
    for number in range(count):
        (folder / f"object-{number:07d}.png").symlink_to(originals / f"{number % DISTINCT}.png")
    return folder


def measure_run(folder: Path, table: Path, engine: str, model: str) -> float:
    """Classify a folder, print a row, and return the peak memory of all processes together, in MB."""
    command = [sys.executable, "-m", "galaxtool", "classify", folder, "-o", table, "--engine", engine]
    command += ["--model", model]
    start = time.perf_counter()
    with subprocess.Popen([*map(str, command), "--executor", "processes", "--quiet"]) as process:
        alone, worker, together = watch_memory(psutil.Process(process.pid), process)
    assert process.returncode == 0
    count = sum(1 for _ in folder.iterdir())
    print(f"| {table.suffix[1:]} | {count:,} | {alone:.0f} | {worker:.0f} | {together:.0f} | "
          f"{table.stat().st_size / 1e6:.1f} | {time.perf_counter() - start:.0f} |", flush=True)  # fmt: skip
    return together


def watch_memory(main_process: psutil.Process, process: subprocess.Popen[bytes]) -> tuple[float, float, float]:
    """Watch a process until it ends; return the peaks of it, of its largest worker, and of all together, in MB."""
    alone = worker = together = 0.0
    while process.poll() is None:
        try:
            mine = main_process.memory_info().rss / 1e6
            workers = [one.memory_info().rss / 1e6 for one in main_process.children(recursive=True)]
        except psutil.Error:
            continue  # a process has just ended
        alone, worker = max(alone, mine), max([worker, *workers])
        together = max(together, mine + sum(workers))
        time.sleep(0.1)
    return alone, worker, together


if __name__ == "__main__":
    main()
