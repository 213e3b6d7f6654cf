"""Kill a training at random moments, resume it, and compare its weights with those of an uninterrupted training.

    python benchmarks/resume.py --times 3

The script uses SIGKILL, so the killed process cannot save anything. It trains with ``galaxtool finetune`` on simulated
galaxies, on the CPU in fp32.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

COMMAND = [
    sys.executable, "-m", "galaxtool", "finetune", "sample:n=200", "--backbone", "small-resnet@none", "--epochs", "4",
    "--warmup-epochs", "3", "--precision", "fp32", "--device", "cpu", "--ema", "0.9", "--quiet",
]  # fmt: skip
RESUME = [sys.executable, "-m", "galaxtool", "finetune", "--quiet", "--resume"]


def main() -> None:
    """Train, kill, resume and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=3, help="number of killed trainings")
    parser.add_argument("--seed", type=int, default=0, help="random seed of the moments")
    options = parser.parse_args()
    moments = random.Random(options.seed)
    # with one thread, sums are taken in the same order whatever else the machine does
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder, "whole")
        started = time.perf_counter()
        subprocess.run([*COMMAND, "--out", str(whole)], check=True, env=environment)
        duration = time.perf_counter() - started
        expected = load_file(whole / "model" / "weights.safetensors")
        print("| last moment of a kill, s of the whole run | kills | weights |\n|---|---|---|")
        for number in range(options.times):
            run, kills, after = Path(folder, f"killed-{number}"), 0, moments.uniform(0.3, 0.9) * duration
            command = [*COMMAND, "--out", str(run)]
            while run_and_kill(command, after, environment):
                kills += 1
                command, after = [*RESUME, str(run)], moments.uniform(0.3, 0.9) * duration
            found = load_file(run / "model" / "weights.safetensors")
            equal = found.keys() == expected.keys() and all(np.array_equal(found[k], expected[k]) for k in expected)
            shown = "equal, bit by bit" if equal else "DIFFER"
            print(f"| {after:.1f} of {duration:.1f} | {kills} | {shown} |", flush=True)


def run_and_kill(command: list[str], after: float, environment: dict[str, str]) -> bool:
    """Run a command, kill it after `after` seconds, and return whether it was still running."""
    process = subprocess.Popen(command, env=environment)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit status {process.returncode}")
    return False


if __name__ == "__main__":
    main()
