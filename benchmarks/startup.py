"""Measure how long galaxtool takes to start, and list the heavy modules that its commands import.

    python benchmarks/startup.py

The script prints Markdown: the median time of nine runs of each command, each in a new process, and the heavy modules
that are loaded when a command ends. The commands take turns, so a slow moment of the machine affects all of them.
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
}
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
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    about = find_versions()
    print(
        f"{utc_now()}, {platform.system()} {platform.machine()}, {find_processor_name()}, {os.cpu_count()} processors, "
        f"Python {about['python']}, galaxtool {about['galaxtool']}\n"
    )
    print(f"| command | median of {RUNS}, s | minimum, s |\n|---|---|---|")
    for shown, seconds in measure_times().items():
        print(f"| `{shown}` | {statistics.median(seconds):.3f} | {min(seconds):.3f} |")
    print("\n| command | heavy modules loaded at the end |\n|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for shown, arguments in list_probed_commands(Path(folder)).items():
            print(f"| `{shown}` | {', '.join(find_heavy_modules(arguments)) or 'none'} |")


def measure_times() -> dict[str, list[float]]:
    """Return the seconds of each run of each command; a first run fills the caches and is not counted."""
    seconds: dict[str, list[float]] = {shown: [] for shown in TIMED}
    for turn in range(RUNS + 1):
        for shown, arguments in TIMED.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
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
