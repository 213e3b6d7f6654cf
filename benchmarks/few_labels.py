"""Train on 20, 50 and 200 images of each class, from the bundled model, from ImageNet weights and from random weights.

    python benchmarks/few_labels.py --images ../shared/data/radio_first_4class --out runs/few
    python benchmarks/few_labels.py --images ../shared/data/radio_first_4class --out runs/few --table

The folder has sub-folders ``train`` and ``valid``, each with a sub-folder for each class. The training images are drawn
from ``train`` by the seed. Those of ``valid`` are predicted by the last epoch and choose nothing. A tenth of the drawn
images are validated on, which chooses nothing either. ``rows.jsonl`` has one line for each finished training; finished
trainings are not run again.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import sys
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from training_cells import read_rows, read_run, resume_run, run_cells

from galaxtool import finetune
from galaxtool.evaluation.metrics import compute_metric

STARTS = {
    "mini, fine-tuned": ("mini", "supervised"),
    "mini, linear probe": ("mini", "linear-probe"),
    "ImageNet, fine-tuned": ("mini@imagenet", "supervised"),
    "ImageNet, linear probe": ("mini@imagenet", "linear-probe"),
    "random, fine-tuned": ("mini@none", "supervised"),
}
"""Start: the backbone and the method; the network is the same."""

VALID_SHARE = 0.1


@dataclass(frozen=True)
class Cell:
    """One training: what starts it, the images of each class, and the seed."""

    start: str
    per_class: int
    seed: int

    @property
    def name(self) -> str:
        """Name of the run directory."""
        return f"{self.start.replace(', ', '-').replace(' ', '-')}-{self.per_class}-{self.seed}"


def write_labels(images: Path, folder: Path, per_class: int, seed: int) -> Path:
    """Write a ``labels.csv`` with so many images of each class for training, and with all those to predict."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    rows = []
    for of_class in sorted((images / "train").iterdir()):
        files = sorted(of_class.iterdir())
        drawn = rng.permutation(len(files))[:per_class]
        n_valid = max(1, round(VALID_SHARE * per_class))
        for number, i in enumerate(drawn):
            rows.append((files[i], of_class.name, "valid" if number < n_valid else "train"))
        rows += [(file, of_class.name, "test") for file in sorted((images / "valid" / of_class.name).iterdir())]
    with (folder / "labels.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("path", "label", "split"), *rows])
    return folder


def train(cell: Cell, options: argparse.Namespace) -> dict[str, Any]:
    """Train a cell, or resume its training, and return its row; the run directory is removed."""
    run = options.out / "runs" / cell.name
    started = time.perf_counter()
    if not resume_run(run):
        labels = write_labels(options.images, options.out / "labels" / cell.name, cell.per_class, cell.seed)
        backbone, method = STARTS[cell.start]
        finetune(
            [labels], output=run, overwrite=True, method=method, backbone=backbone, seed=cell.seed,
            epochs=options.epochs, select="last", calibrate=False, readouts=True, device="cpu", precision="fp32",
        )  # fmt: skip
    row = {**asdict(cell), **read_run(run), "seconds": round(time.perf_counter() - started, 1)}
    shutil.rmtree(run)
    return row


def format_table(rows: list[dict[str, Any]]) -> list[str]:
    """Return the lines of the table: accuracy and macro F1 of the images that were kept aside.

    Intervals are of the images, by bootstrap of the first seed; the spread is that of the seeds.
    """
    lines = [
        "| start | read out by | per class | seeds | accuracy (first seed, 95 %) | all seeds | macro F1, all seeds |",
        "|---|---|---|---|---|---|---|",
    ]
    cells: dict[tuple[str, str, int], list[tuple[int, np.ndarray, np.ndarray]]] = defaultdict(list)
    for row in rows:
        for readout, values in row["readouts"].items():
            found = (row["seed"], np.array(values), np.array(row["targets"]))
            cells[row["start"], readout, row["per_class"]].append(found)
    for (start, readout, per_class), found in sorted(cells.items(), key=lambda cell: list(STARTS).index(cell[0][0])):
        found.sort(key=lambda seed: seed[0])
        entry = compute_metric("accuracy", found[0][1], found[0][2])
        accuracy = [compute_metric("accuracy", values, targets)["value"] for _, values, targets in found]
        f1 = [compute_metric("f1_macro", values, targets)["value"] for _, values, targets in found]
        interval = f"{entry['value']:.3f} ({entry['low']:.3f} to {entry['high']:.3f})"
        lines.append(
            f"| {start} | {readout} | {per_class} | {len(found)} | {interval} | "
            f"{np.mean(accuracy):.3f} ({min(accuracy):.3f} to {max(accuracy):.3f}) | "
            f"{np.mean(f1):.3f} ({min(f1):.3f} to {max(f1):.3f}) |"
        )
    return lines


def main() -> None:
    """Run the missing trainings, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True, help="folder with train/ and valid/")
    parser.add_argument("--out", type=Path, required=True, help="folder for rows.jsonl and the runs")
    parser.add_argument("--starts", nargs="+", choices=STARTS, default=list(STARTS), help="starts to run")
    parser.add_argument("--per-class", type=int, nargs="+", default=[20, 50, 200], help="images of each class")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1], help="random seeds")
    parser.add_argument("--epochs", type=int, default=20, help="epochs of each training")
    parser.add_argument("--jobs", type=int, default=2, help="number of processes, each with one thread")
    parser.add_argument("--table", action="store_true", help="only print the table")
    options = parser.parse_args()
    options.images, options.out = options.images.resolve(), options.out.resolve()
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "rows.jsonl"
    if not options.table:
        finished = {Cell(row["start"], row["per_class"], row["seed"]) for row in read_rows(path)}
        cells = [
            Cell(start, number, seed)
            for seed in options.seeds
            for number in options.per_class
            for start in options.starts
        ]
        missing = [cell for cell in cells if cell not in finished]
        print(f"{len(finished)} trainings are finished, {len(missing)} are missing.", file=sys.stderr)
        run_cells(partial(train, options=options), missing, path, options.jobs)
    print("\n".join(format_table(read_rows(path))))


if __name__ == "__main__":
    main()
