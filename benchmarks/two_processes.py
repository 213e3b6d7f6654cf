"""Train in one process and in two (gloo, on the CPU) with the same global batch, and compare the first 20 losses.

    python benchmarks/two_processes.py

GalaxAlign, both stages, on a small OpenCLIP pair of towers without BatchNorm, whose statistics are each process's own
on a CPU.
"""

from __future__ import annotations

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
    """Run both and print the losses."""
    if len(sys.argv) > 1:
        train(Path(sys.argv[1]))
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
    """Train under torchrun, and write the losses."""
    sys.path.insert(0, str(TESTS))
    from support.train_in_processes import recorded_losses

    import galaxtool

    is_main = int(os.environ["RANK"]) == 0
    with recorded_losses() as losses:
        galaxtool.finetune(["sample:n=200"], out=out, **SETTINGS)
    if is_main:
        out.with_suffix(".json").write_text(json.dumps(losses))
    distributed.leave_group()


if __name__ == "__main__":
    main()
