"""How long galaxtool takes to start, and what it imports to do so.

    python benchmarks/startup.py

Prints Markdown: the median of nine runs of each command in a process of its own, the commands taking turns so that a
slow moment of the machine falls on all of them; then the heavy modules that stand loaded when a command has ended.
"""

from __future__ import annotations

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
    about = find_versions()
    print(
        f"{utc_now()}, {platform.system()} {platform.machine()}, {processor()}, {os.cpu_count()} processors, "
        f"Python {about['python']}, galaxtool {about['galaxtool']}\n"
    )
    print(f"| command | median of {RUNS}, s | least, s |\n|---|---|---|")
    for shown, seconds in timed().items():
        print(f"| `{shown}` | {statistics.median(seconds):.3f} | {min(seconds):.3f} |")
    print("\n| command | heavy modules loaded at its end |\n|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for shown, arguments in probed(Path(folder)).items():
            print(f"| `{shown}` | {', '.join(loaded(arguments)) or 'none'} |")


def timed() -> dict[str, list[float]]:
    """Return the seconds that each command took, run by run; one run before the others fills the caches."""
    found: dict[str, list[float]] = {shown: [] for shown in TIMED}
    for turn in range(RUNS + 1):
        for shown, arguments in TIMED.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
            if turn:
                found[shown].append(time.perf_counter() - start)
    return found


def probed(folder: Path) -> dict[str, list[str]]:
    """Return the command lines to look into; the last classifies simulated galaxies by the bundled ONNX file."""
    simulate(output=folder / "cutouts", n=4, size=64)
    classify = ["classify", str(folder / "cutouts"), "--engine", "onnx", "-o", str(folder / "predictions.csv")]
    return {
        "galaxtool --help": ["--help"],
        "galaxtool plugins": ["plugins"],
        "galaxtool classify --help": ["classify", "--help"],
        "galaxtool classify cutouts --engine onnx": classify,
    }


def loaded(arguments: list[str]) -> list[str]:
    """Return the heavy modules, those that the lint rule keeps out of light files, that a command leaves loaded."""
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    heavy = lint["flake8-tidy-imports"]["banned-module-level-imports"]
    run = subprocess.run(
        [sys.executable, "-c", PROBE.format(heavy=heavy), *arguments], capture_output=True, text=True, check=True
    )
    return run.stderr.splitlines()[-1].split()


def processor() -> str:
    """Return the processor's name, where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


if __name__ == "__main__":
    main()
