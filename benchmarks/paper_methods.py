"""Compare the papers' methods on real images, with the same network, augmentation, epochs and splits.

    python benchmarks/paper_methods.py --images ../shared/data --out runs/paper-methods --jobs 2
    python benchmarks/paper_methods.py --images ../shared/data --out runs/paper-methods --table

Each cell (data set, method, fraction, seed) is a run of ``galaxtool finetune``. Finished cells are not run again, so
the script can be stopped and restarted. ``--table`` prints the finished cells and writes them to ``cells.csv``. The
seed determines the split, the subset, the order, the augmentation and the initial weights, so the methods are paired.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

BOTH = ("--epochs", "{epochs}", "--warmup-epochs", "{warmup}")
WHOLE = ("--epochs", "{whole}")
METHODS = {
    "supervised": ("--method", "supervised", *WHOLE),
    "clip": ("--method", "clip", *WHOLE),
    "galaxalign": ("--method", "galaxalign", *BOTH),
    "galaxalign, class": ("--method", "galaxalign", "--contrast", "class", *BOTH),
    "galaxalign-v1": ("--method", "galaxalign-v1", *BOTH),
    "galaxalign-v2": ("--method", "galaxalign-v2", *WHOLE),
    "galaxalign-v3": ("--method", "galaxalign-v3", *WHOLE),
    "linear-probe": ("--method", "linear-probe", *WHOLE),
}
EPOCHS = {"gz2": (11, 20), "radio": (6, 10)}  # of the two stages; a method with one stage gets their sum
DATA = {
    "gz2": ("optical_gz2_5class", "--where", "odd_pool == 0"),
    # nine tenths of these 300-pixel images are empty; the crop was chosen by eye on the training split
    "radio": ("radio_first_4class", "--crop", "0.4"),
}
COMPARED = ("supervised", "clip", "galaxalign")
OURS = "galaxalign, class"
SCORES = ("accuracy", "f1_macro", "map", "last_accuracy", "last_f1_macro")


@dataclass(frozen=True)
class Cell:
    """One training."""

    data: str
    method: str
    fraction: float
    seed: int

    @property
    def folder(self) -> str:
        """Name of the run directory."""
        return f"{self.data}-{self.method.replace(', ', '-')}-{self.fraction:g}-{self.seed}"


def list_cells(seeds: list[int]) -> list[Cell]:
    """Return all cells, ordered by seed, with the variant that no paper has at the end."""
    cells = []
    for seed in seeds:
        cells += [Cell("gz2", method, 1.0, seed) for method in METHODS if method != OURS]
        cells += [Cell("gz2", method, f, seed) for f in (0.3, 0.1) for method in COMPARED]
        cells += [Cell("radio", method, f, seed) for f in (0.1, 0.3, 1.0) for method in COMPARED]
    return cells + [Cell("gz2", OURS, 1.0, seed) for seed in seeds]


def main() -> None:
    """Run the missing cells, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True, help="folder with the real images")
    parser.add_argument("--out", type=Path, default=Path("runs/paper-methods"), help="folder for the runs")
    parser.add_argument("--backbone", default="small-resnet@none", help="backbone of all methods but the probe")
    parser.add_argument("--probed", default="mini", help="pretrained backbone of the linear probe")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="random seeds")
    parser.add_argument("--only", nargs="+", help="run only cells whose folder starts with one of these")
    parser.add_argument("--jobs", type=int, default=1, help="number of parallel runs, which share the processors")
    parser.add_argument("--table", action="store_true", help="only print the table")
    options = parser.parse_args()
    wanted = list_cells(options.seeds)
    if options.only:
        wanted = [cell for cell in wanted if cell.folder.startswith(tuple(options.only))]
    if not options.table:
        with ThreadPoolExecutor(options.jobs) as pool:
            list(pool.map(lambda cell: run(cell, options), wanted))
    print(format_table([row for cell in list_cells(options.seeds) if (row := read_scores(cell, options))], options))


def run(cell: Cell, options: argparse.Namespace) -> None:
    """Run one cell, unless it is finished."""
    if read_scores(cell, options):
        return
    folder, *where = DATA[cell.data]
    warmup, epochs = EPOCHS[cell.data]
    length = [part.format(warmup=warmup, epochs=epochs, whole=warmup + epochs) for part in METHODS[cell.method]]
    backbone = options.probed if cell.method == "linear-probe" else options.backbone
    command = [
        sys.executable, "-m", "galaxtool", "finetune", options.images / folder, *where, *length,
        "--backbone", backbone, "--seed", cell.seed, "--fraction", cell.fraction, "--patience", 0,
        "--out", options.out / cell.folder, "--overwrite", "--quiet",
    ]  # fmt: skip
    threads = str(max(1, (os.cpu_count() or 1) // options.jobs))
    done = subprocess.run([str(part) for part in command], env={**os.environ, "OMP_NUM_THREADS": threads})
    if done.returncode:
        print(f"{cell.folder}: exit status {done.returncode}", file=sys.stderr)


def read_scores(cell: Cell, options: argparse.Namespace) -> dict[str, object] | None:
    """Return the scores of a cell, or None if it is not finished."""
    folder = options.out / cell.folder
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
    except OSError:
        return None
    if manifest["status"] != "done":
        return None
    metrics = json.loads((folder / "metrics.json").read_text())
    with (folder / "history.csv").open(newline="") as stream:
        last = list(csv.DictReader(stream))[-1]
    return {
        **asdict(cell),
        **{score: metrics[score]["value"] for score in SCORES[:3]},
        "last_accuracy": float(last["valid_accuracy"]),
        "last_f1_macro": float(last["valid_f1_macro"]),
        "n_valid": metrics["n"],
        "images_per_s": float(last["images_per_s"]),
        "precision": manifest["device"],
    }


def format_table(rows: list[dict[str, object]], options: argparse.Namespace) -> str:
    """Write all cells to a CSV file, and return a Markdown table of means and standard deviations over the seeds."""
    if not rows:
        return "No cell is finished."
    with (options.out / "cells.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    lines = [
        f"{options.backbone}; epochs of the stages: {EPOCHS}; mean ± standard deviation over seeds; scores on "
        f'the validation split at the epoch with the best F1 and, in the columns "last", at the last epoch; '
        f"{platform.machine()}, {os.cpu_count()} processors, {rows[0]['precision']}",
        "",
        "| data | fraction | method | seeds | accuracy | macro F1 | retrieval mAP | last accuracy | last macro F1 |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    groups = dict.fromkeys((r["data"], r["fraction"], r["method"]) for r in rows)
    for key in sorted(groups, key=lambda k: (k[0], -float(str(k[1])), list(METHODS).index(str(k[2])))):
        same = [r for r in rows if (r["data"], r["fraction"], r["method"]) == key]
        values = {score: np.array([r[score] for r in same], dtype=float) for score in SCORES}
        shown = [f"{v.mean():.3f}" + (f" ± {v.std(ddof=1):.3f}" if len(v) > 1 else "") for v in values.values()]
        lines.append(f"| {key[0]} | {key[1]:g} | {key[2]} | {len(same)} | {' | '.join(shown)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
