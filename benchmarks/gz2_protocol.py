"""Compare cross-entropy, CLIP and GalaxAlign on real galaxies: five folds, two seeds, each image predicted by each arm.

    python benchmarks/gz2_protocol.py --images ../shared/data/optical_gz2_5class --out runs/gz2 --plan
    python benchmarks/gz2_protocol.py --images ../shared/data/optical_gz2_5class --out runs/gz2 --jobs 2
    python benchmarks/gz2_protocol.py --images ../shared/data/optical_gz2_5class --out runs/gz2 --table

The images are those of Galaxy Zoo 2 without the odd pool. For each seed, the folds are drawn anew, stratified by class,
and copies of a file and neighbours on the sky stay together, as in the splits of ``galaxtool finetune``. Each arm is
trained on four folds, with a few of their images for validation, which choose nothing: the last epoch is kept. It
predicts the fifth. The seed decides the folds, the order, the augmentation and the initial weights, so that arms are
paired by image. Each training is read out in several ways: by its prompts, symbols or both, by its linear head, and by
logistic regression and nearest neighbours on its features. All probabilities are for the mix of classes of the training
images.

``rows.jsonl`` has one line for each finished training, with the probabilities of its fold. Finished trainings are not
run again, and an interrupted one is resumed. ``--plan`` runs one epoch of each arm and prints the hours that all would
take. `gz2_protocol_table` makes the table.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import sys
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from gz2_protocol_table import format_table
from training_cells import read_rows, read_run, resume_run, run_cells

from galaxtool import finetune
from galaxtool.datasets.splits.draw import draw_groups
from galaxtool.datasets.splits.leaks import find_leaks
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.finetuning.data import gather_labeled

WHERE = "odd_pool = 0"
FOLDS = 5
BOTH, ONE = ("warmup_epochs", "epochs"), ("epochs",)
ARMS = {
    "cross-entropy": ("supervised", None, ONE),
    "clip, instance": ("clip", "instance", ONE),
    "clip, class": ("clip", "class", ONE),
    "galaxalign, instance": ("galaxalign", "instance", BOTH),
    "galaxalign, class": ("galaxalign", "class", BOTH),
    "v2, instance": ("galaxalign-v2", "instance", ONE),
    "v2, class": ("galaxalign-v2", "class", ONE),
    "v3, instance": ("galaxalign-v3", "instance", ONE),
    "v3, class": ("galaxalign-v3", "class", ONE),
}
"""Arm: the method, its negatives, and the lengths that it has."""

STARTS = {"pretrained": ("mini@imagenet", 4, 8), "random": ("small-resnet@none", 8, 16)}
"""Start: the backbone, and the epochs of the two stages; an arm with one stage has their sum."""

COMMON: dict[str, Any] = {
    "crop": 0.62, "augment": "standard", "select": "last", "calibrate": False, "readouts": True, "device": "cpu",
    "precision": "fp32", "all_classes": True, "image_size": 64,
}  # fmt: skip
VALID_FRACTION = 0.08


@dataclass(frozen=True)
class Cell:
    """One training: what starts it, the arm, the seed and the fold that it predicts."""

    start: str
    arm: str
    seed: int
    fold: int

    @property
    def name(self) -> str:
        """Name of the run directory."""
        return f"{self.start}-{self.arm.replace(', ', '-')}-{self.seed}-{self.fold}"


@dataclass(frozen=True)
class Images:
    """The images: identifiers, classes, and the group of each, which is never divided."""

    ids: list[str]
    labels: list[str]
    groups: np.ndarray

    def draw_folds(self, seed: int) -> np.ndarray:
        """Return the fold of each image: groups in random order, each into the fold that lacks its class most."""
        kinds = np.unique(self.labels, return_inverse=True)[1]
        counts = np.zeros((FOLDS, kinds.max() + 1))
        folds = np.zeros(len(kinds), dtype=int)
        for group in np.random.default_rng(seed).permutation(self.groups.max() + 1):
            members = np.flatnonzero(self.groups == group)
            own = np.bincount(kinds[members], minlength=counts.shape[1])
            lacking = counts[:, own > 0].sum(axis=1) + 1e-6 * counts.sum(axis=1)
            fold = int(np.argmin(lacking))
            folds[members] = fold
            counts[fold] += own
        return folds

    def draw_splits(self, seed: int, fold: int) -> list[str]:
        """Return the split of each image where a fold is predicted."""
        folds = self.draw_folds(seed)
        rest = np.flatnonzero(folds != fold)
        _, groups = np.unique(self.groups[rest], return_inverse=True)
        valid = rest[draw_groups(groups, [self.labels[i] for i in rest], VALID_FRACTION, seed)]
        splits = np.where(folds == fold, "test", "train")
        splits[valid] = "valid"
        return [str(split) for split in splits]


def read_images(folder: Path) -> Images:
    """List the images."""
    labeled = gather_labeled(FinetuneConfig(dataset=(folder,), where=WHERE))
    groups = find_leaks(labeled.items, separation_arcsec=60.0).groups()
    return Images([item.id for item in labeled.items], labeled.slugs, groups)


def write_subset(folder: Path, number: int, subset: Path) -> None:
    """Write a ``labels.csv`` with about so many images, of each class its share."""
    with (folder / "labels.csv").open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["odd_pool"] == "0"]
    labels = [row["label"] for row in rows]
    chosen = draw_groups(np.arange(len(rows)), labels, number / len(rows), 0)
    subset.mkdir(exist_ok=True)
    with (subset / "labels.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows({**rows[i], "path": folder / rows[i]["path"]} for i in sorted(chosen))


def train(cell: Cell, images: Images, options: argparse.Namespace) -> dict[str, Any]:
    """Train a cell, or resume its training, and return its row; the run directory is removed."""
    run = options.out / "runs" / cell.name
    splits = options.out / "splits" / f"{cell.seed}-{cell.fold}.csv"
    if not splits.exists():
        splits.parent.mkdir(parents=True, exist_ok=True)
        temporary = splits.with_suffix(f".{os.getpid()}")
        with temporary.open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerows([("id", "split"), *zip(images.ids, images.draw_splits(cell.seed, cell.fold), strict=True)])
        temporary.replace(splits)
    started = time.perf_counter()
    if not resume_run(run):
        method, contrast, lengths = ARMS[cell.arm]
        backbone, *epochs = STARTS[cell.start]
        epochs = [options.epochs] * 2 if options.epochs else epochs
        settings = {"epochs": sum(epochs)} if lengths == ONE else dict(zip(lengths, epochs, strict=True))
        finetune(
            [options.images], output=run, overwrite=True, method=method, backbone=backbone, where=WHERE, split=splits,
            seed=cell.seed, **({"contrast": contrast} if contrast else {}), **settings, **COMMON,
        )  # fmt: skip
    row = {**asdict(cell), **read_run(run), "seconds": round(time.perf_counter() - started, 1)}
    shutil.rmtree(run)
    return row


def list_cells(options: argparse.Namespace) -> list[Cell]:
    """Return the trainings, so that after each fold all arms can be compared."""
    return [
        Cell(start, arm, seed, fold)
        for seed in options.seeds
        for start in options.starts
        for fold in range(FOLDS)
        for arm in options.arms
    ]


def run_missing(images: Images, options: argparse.Namespace) -> None:
    """Run the trainings that are not finished."""
    path = options.out / "rows.jsonl"
    finished = {Cell(row["start"], row["arm"], row["seed"], row["fold"]) for row in read_rows(path)}
    missing = [cell for cell in list_cells(options) if cell not in finished]
    print(f"{len(finished)} trainings are finished, {len(missing)} are missing.", file=sys.stderr)
    run_cells(partial(train, images=images, options=options), missing, path, options.jobs)


def print_plan(images: Images, options: argparse.Namespace) -> None:
    """Measure one epoch of each arm, one at a time, and print the hours of the whole protocol."""
    total = 0.0
    for start in options.starts:
        for arm in options.arms:
            cell = Cell(start, arm, 0, 0)
            shutil.rmtree(options.out / "runs" / cell.name, ignore_errors=True)
            row = train(cell, images, argparse.Namespace(**{**vars(options), "epochs": 1}))
            epochs = sum(STARTS[start][1:])
            around = row["seconds"] - row["epochs"] * row["epoch_seconds"]
            seconds = around + epochs * row["epoch_seconds"]
            total += seconds * FOLDS * len(options.seeds)
            print(f"{start}, {arm}: {row['epoch_seconds']:.1f} s an epoch, {seconds / 60:.1f} min a training")
    print(
        f"{total / 3600:.1f} hours of one core, {total / 3600 / options.jobs:.1f} hours with {options.jobs} processes"
    )


def main() -> None:
    """Run the missing trainings, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True, help="folder with the images and labels.csv")
    parser.add_argument("--out", type=Path, required=True, help="folder for rows.jsonl and the runs")
    parser.add_argument("--starts", nargs="+", choices=STARTS, default=list(STARTS), help="starts to run")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS), help="arms to run")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1], help="random seeds")
    parser.add_argument("--jobs", type=int, default=2, help="number of processes, each with one thread")
    parser.add_argument("--epochs", type=int, help="epochs of each stage, to try the script out")
    parser.add_argument("--limit", type=int, help="about so many images, to try the script out")
    parser.add_argument("--plan", action="store_true", help="measure one epoch of each arm and print the hours")
    parser.add_argument("--table", action="store_true", help="only print the table")
    options = parser.parse_args()
    options.images, options.out = options.images.resolve(), options.out.resolve()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.limit:
        write_subset(options.images, options.limit, options.out / "images")
        options.images = options.out / "images"
    images = read_images(options.images)
    if options.plan:
        print_plan(images, options)
        return
    if not options.table:
        run_missing(images, options)
    rows, truth = read_rows(options.out / "rows.jsonl"), dict(zip(images.ids, images.labels, strict=True))
    for start, (backbone, *epochs) in STARTS.items():
        print(f"\n**{start}**: {backbone}; {epochs[0]} and {epochs[1]} epochs, or their sum; {len(truth)} images\n")
        of_start = sorted((row for row in rows if row["start"] == start), key=lambda row: list(ARMS).index(row["arm"]))
        print("\n".join(format_table(of_start, truth, FOLDS)))


if __name__ == "__main__":
    main()
