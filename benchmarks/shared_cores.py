"""Measure training while other trainings use the same cores, by how the OpenMP threads of PyTorch wait.

    python benchmarks/shared_cores.py

The script runs `galaxtool finetune` on the simulated sample once alone and then several times at once. `sleep` is what
galaxtool sets (OMP_WAIT_POLICY=PASSIVE); `spin` is PyTorch's own default (GOMP_SPINCOUNT=300000). Seconds are those of
the whole command, until the last of the runs has ended.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

POLICIES = {"sleep": {"OMP_WAIT_POLICY": "PASSIVE"}, "spin": {"GOMP_SPINCOUNT": "300000"}}
TRAINING = ["finetune", "--method", "supervised", "--epochs", "1", "--fraction", "0.2", "--seed", "1", "--quiet"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, nargs="+", default=[1, 2, 3], help="numbers of trainings at once")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, of which the fastest counts")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores; seconds of the fastest of {options.rounds} alternating rounds.\n")
    print(f"| trainings at once | {' | '.join(POLICIES)} |\n|---|---|---|")
    for copies in options.copies:
        seconds: dict[str, list[float]] = {name: [] for name in POLICIES}
        for _ in range(options.rounds):
            for name, variables in POLICIES.items():
                seconds[name].append(time_trainings(copies, variables))
        print(f"| {copies} | {' | '.join(f'{min(values):.1f}' for values in seconds.values())} |", flush=True)


def time_trainings(copies: int, variables: dict[str, str]) -> float:
    """Return the seconds that some trainings, started together, take."""
    others = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "GOMP_", "KMP_"))}
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        command = [sys.executable, "-m", "galaxtool", *TRAINING, "-o"]
        runs = [
            subprocess.Popen([*command, str(Path(folder, str(number)))], env={**others, **variables}, cwd=folder)
            for number in range(copies)
        ]
        statuses = [run.wait() for run in runs]
        if any(statuses):
            raise SystemExit("A training failed.")
        return time.perf_counter() - start


if __name__ == "__main__":
    main()
