"""Train several methods on one data set with the same tower, augmentation, epochs and splits, and print a table.

    python benchmarks/compare_methods.py DATASET --where "odd_pool == 0" --seeds 0 1 2 --out runs/compare

Each cell is a run of ``galaxtool finetune``; one that is finished is not run again, so the script can be stopped and
called anew. A seed decides the split, the order, the augmentation and the first weights, so the methods are paired.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

STAGE_1, STAGE_2 = 11, 20
ARMS = {
    "supervised": ["--method", "supervised", "--epochs", str(STAGE_1 + STAGE_2)],
    "galaxalign, instance": ["--contrast", "instance", "--epochs", str(STAGE_2), "--warmup-epochs", str(STAGE_1)],
    "galaxalign, class": ["--contrast", "class", "--epochs", str(STAGE_2), "--warmup-epochs", str(STAGE_1)],
}
SCORES = ("accuracy", "f1_macro", "map")


def main() -> None:
    """Run what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("--where")
    parser.add_argument("--backbone", default="mini@none")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=list(ARMS))
    parser.add_argument("--out", type=Path, default=Path("runs/compare"))
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time, each with its share of the processors")
    options = parser.parse_args()
    cells = [(arm, seed) for seed in options.seeds for arm in options.arms]
    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(lambda cell: run(*cell, options), cells))
    print(table(options))


def folder_of(arm: str, seed: int, options: argparse.Namespace) -> Path:
    """Return a cell's run directory."""
    return options.out / f"{arm.replace(', ', '-')}-{seed}"


def run(arm: str, seed: int, options: argparse.Namespace) -> None:
    """Train one cell, unless it is finished."""
    folder = folder_of(arm, seed, options)
    manifest = folder / "manifest.json"
    if manifest.exists() and json.loads(manifest.read_text())["status"] == "done":
        return
    command = [
        sys.executable, "-m", "galaxtool", "finetune", options.dataset, *ARMS[arm], "--backbone", options.backbone,
        "--seed", str(seed), "--patience", "0", "--out", str(folder), "--overwrite", "--quiet",
    ]  # fmt: skip
    if options.where:
        command += ["--where", options.where]
    threads = str(max(1, (os.cpu_count() or 1) // options.jobs))
    subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": threads})


def table(options: argparse.Namespace) -> str:
    """Return the results as a Markdown table: mean and standard deviation over the seeds."""
    values = {
        (arm, score): np.array(
            [
                json.loads((folder_of(arm, seed, options) / "metrics.json").read_text())[score]["value"]
                for seed in options.seeds
            ]
        )
        for arm in options.arms
        for score in SCORES
    }
    spread = 1 if len(options.seeds) > 1 else 0
    lines = [
        f"{options.dataset}, {options.where or 'all'}; {options.backbone}, {STAGE_1 + STAGE_2} epochs, best epoch by "
        f"validation F1; validation split, seeds {options.seeds}; {platform.machine()}, {os.cpu_count()} processors",
        "",
        "| method | accuracy | macro F1 | retrieval mAP | accuracy by seed |",
        "|---|---|---|---|---|",
    ]
    for arm in options.arms:
        cells = [f"{values[arm, s].mean():.3f} ± {values[arm, s].std(ddof=spread):.3f}" for s in SCORES]
        lines.append(f"| {arm} | {' | '.join(cells)} | {', '.join(f'{v:.3f}' for v in values[arm, 'accuracy'])} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
