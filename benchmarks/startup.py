"""Measure how long galaxtool takes to start, and list the heavy modules that its commands import.

    python benchmarks/startup.py
    python benchmarks/startup.py --few

The script prints Markdown: the median time of nine runs of each command, each in a new process, and the heavy modules
that are loaded when a command ends. The commands take turns, so a slow moment of the machine affects all of them.
`--few` compares one worker with two instead, where there are few images.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

from galaxtool.commands.index import index
from galaxtool.commands.simulate import simulate
from galaxtool.utils.run_directory import find_versions, utc_now

ROOT = Path(__file__).resolve().parent.parent
RUNS = 9
TIMED = {
    "python -c pass": ["-c", "pass"],
    "python -c 'import typer'": ["-c", "import typer"],
    "python -c 'import numpy'": ["-c", "import numpy"],
    "python -c 'import torch'": ["-c", "import torch"],
    "galaxtool --help": ["-m", "galaxtool", "--help"],
    "galaxtool plugins": ["-m", "galaxtool", "plugins"],
    "galaxtool classify --help": ["-m", "galaxtool", "classify", "--help"],
    "galaxtool classify one.fits": ["-m", "galaxtool", "classify", "one.fits", "-o", "one.csv", "--overwrite"],
    "galaxtool similar one.fits": ["-m", "galaxtool", "similar", "one.fits", "--index", "index"],
}
FEW = (200, 400)
FEW_RUNS = 3
PROBE = """
import runpy, sys
try:
    runpy.run_module("galaxtool", run_name="__main__", alter_sys=True)
except SystemExit as done:
    assert not done.code, done.code
print(" ".join(m for m in {heavy} if m in sys.modules), file=sys.stderr)
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--few", action="store_true", help="compare one worker with two")
    options = parser.parse_args()
    about = find_versions()
    print(
        f"{utc_now()}, {platform.system()} {platform.machine()}, {find_processor_name()}, {os.cpu_count()} processors, "
        f"Python {about['python']}, galaxtool {about['galaxtool']}\n"
    )
    with tempfile.TemporaryDirectory() as name:
        if options.few:
            report_few(Path(name))
        else:
            report_starts(Path(name))


def report_starts(folder: Path) -> None:
    """Print the times of starts, and the heavy modules."""
    simulate(output=folder / "galaxies", n=8, size=256)
    (folder / "one.fits").symlink_to(next((folder / "galaxies").rglob("*.fits")))
    index([folder / "galaxies"], output=folder / "index")
    print(f"| command | median of {RUNS}, s | minimum, s |\n|---|---|---|")
    for shown, seconds in measure_times(TIMED, folder).items():
        print(f"| `{shown}` | {statistics.median(seconds):.3f} | {min(seconds):.3f} |")
    print("\n| command | heavy modules loaded at the end |\n|---|---|")
    for shown, arguments in list_probed_commands(folder).items():
        print(f"| `{shown}` | {', '.join(find_heavy_modules(arguments)) or 'none'} |")


def report_few(folder: Path) -> None:
    """Print the times of commands with one worker and with two."""
    print(f"| command | images | one worker, median of {FEW_RUNS}, s | two workers | chosen |\n|---|---|---|---|---|")
    for count in FEW:
        simulate(output=folder / f"{count}", n=count, size=256)
        images = folder / f"{count}" / "images"
        for command, output in (("classify", "p.csv"), ("embed", "e.parquet"), ("index", "index")):
            start = ["-m", "galaxtool", command, str(images), "-o", output, "--overwrite", "--quiet"]
            two = ["--executor", "processes", "--workers", "2"]
            timed = {"one": [*start, "--workers", "1"], "two": [*start, *two], "chosen": start}
            shown = " | ".join(
                f"{statistics.median(one):.2f}" for one in measure_times(timed, folder, FEW_RUNS).values()
            )
            print(f"| `{command}` | {count} | {shown} |", flush=True)


def measure_times(commands: dict[str, list[str]], folder: Path, runs: int = RUNS) -> dict[str, list[float]]:
    """Return the seconds of each run of each command; a first run fills the caches and is not counted."""
    seconds: dict[str, list[float]] = {shown: [] for shown in commands}
    for turn in range(runs + 1):
        for shown, arguments in commands.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True, cwd=folder)
            if turn:
                seconds[shown].append(time.perf_counter() - start)
    return seconds


def list_probed_commands(folder: Path) -> dict[str, list[str]]:
    """Return the commands whose modules are listed; the last one classifies galaxies with the bundled ONNX file."""
    simulate(output=folder / "cutouts", n=4, size=64)
    classify = ["classify", str(folder / "cutouts"), "--engine", "onnx", "-o", str(folder / "predictions.csv")]
    return {
        "galaxtool --help": ["--help"],
        "galaxtool plugins": ["plugins"],
        "galaxtool classify --help": ["classify", "--help"],
        "galaxtool classify cutouts --engine onnx": classify,
    }


def find_heavy_modules(arguments: list[str]) -> list[str]:
    """Return the heavy modules that a command loads; the lint configuration defines which modules are heavy."""
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    heavy = lint["flake8-tidy-imports"]["banned-module-level-imports"]
    run = subprocess.run(
        [sys.executable, "-c", PROBE.format(heavy=heavy), *arguments], capture_output=True, text=True, check=True
    )
    return run.stderr.splitlines()[-1].split()


def find_processor_name() -> str:
    """Return the name of the processor, or an empty string if the system does not provide it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


if __name__ == "__main__":
    main()
