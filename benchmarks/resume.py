"""Kill a training at a random moment, resume it, and compare its weights with those of one that was never killed.

    python benchmarks/resume.py --times 3

SIGKILL lets nothing be put away. The trainings are ``galaxtool finetune`` on simulated galaxies, on the CPU in fp32.
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

from safetensors.torch import load_file

COMMAND = [
    sys.executable, "-m", "galaxtool", "finetune", "sample:n=200", "--backbone", "mini@none", "--epochs", "4",
    "--warmup-epochs", "3", "--precision", "fp32", "--device", "cpu", "--ema", "0.9", "--quiet",
]  # fmt: skip
RESUME = [sys.executable, "-m", "galaxtool", "finetune", "--quiet", "--resume"]


def main() -> None:
    """Train, kill, resume, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args()
    moments = random.Random(options.seed)
    # one thread: sums are then in the same order whatever else the machine does
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder, "whole")
        started = time.perf_counter()
        subprocess.run([*COMMAND, "--out", str(whole)], check=True, env=environment)
        took = time.perf_counter() - started
        wanted = load_file(whole / "model" / "weights.safetensors")
        print("| killed after, s of a whole run's | kills | weights |\n|---|---|---|")
        for number in range(options.times):
            run, kills, after = Path(folder, f"killed-{number}"), 0, moments.uniform(0.3, 0.9) * took
            command = [*COMMAND, "--out", str(run)]
            while _killed(command, after, environment):
                kills += 1
                command, after = [*RESUME, str(run)], moments.uniform(0.3, 0.9) * took
            found = load_file(run / "model" / "weights.safetensors")
            equal = found.keys() == wanted.keys() and all(bool((found[k] == wanted[k]).all()) for k in wanted)
            print(f"| {after:.1f} of {took:.1f} | {kills} | {'equal, bit by bit' if equal else 'DIFFER'} |", flush=True)


def _killed(command: list[str], after: float, environment: dict[str, str]) -> bool:
    """Run a command and kill it after so many seconds; say whether that came before its end."""
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
