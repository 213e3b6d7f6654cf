"""Compare the first 20 losses of a training in one process and in two with the same global batch (gloo, on the CPU).

    python benchmarks/two_processes.py

The script starts the processes itself, with torchrun. They train both stages of GalaxAlign with a small pair of
OpenCLIP encoders without BatchNorm, because on a CPU every process has its own BatchNorm statistics.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from galaxtool.training import distributed

STEPS = 20
TESTS = Path(__file__).resolve().parent.parent / "tests"
SETTINGS = {
    "backbone": "open_clip:ViT-S-32-alt@none", "epochs": 2, "warmup_epochs": 2, "batch_size": 32, "precision": "fp32",
    "device": "cpu",
}  # fmt: skip


def main() -> None:
    """Run both trainings and print the losses."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, nargs="?", help="run directory; only for the processes that torchrun starts")
    options = parser.parse_args()
    if options.out:
        if "RANK" not in os.environ:
            parser.error("A run directory is only for processes started by torchrun. Run the script without arguments.")
        train(options.out)
        return
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        losses = {}
        for processes in (1, 2):
            launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
            out = Path(folder, str(processes))
            command = [sys.executable, *launcher, __file__, str(out)]
            subprocess.run(command, check=True, env=environment)
            losses[processes] = json.loads(out.with_suffix(".json").read_text())[:STEPS]
    print("| step | one process | two processes | difference |\n|---|---|---|---|")
    for step, (a, b) in enumerate(zip(losses[1], losses[2], strict=True), 1):
        print(f"| {step} | {a:.6f} | {b:.6f} | {abs(a - b):.1e} |")
    largest = max(abs(a - b) for a, b in zip(losses[1], losses[2], strict=True))
    print(f"\nlargest difference of {len(losses[1])} losses: {largest:.1e} (torch {torch.__version__})")


def train(out: Path) -> None:
    """Train in a process started by torchrun, and write the losses to a JSON file beside the run directory."""
    sys.path.insert(0, str(TESTS))
    from support.train_in_processes import record_losses

    import galaxtool

    is_main = int(os.environ["RANK"]) == 0
    with record_losses() as losses:
        galaxtool.finetune(["sample:n=200"], out=out, **SETTINGS)
    if is_main:
        out.with_suffix(".json").write_text(json.dumps(losses))
    distributed.leave_group()


if __name__ == "__main__":
    main()
