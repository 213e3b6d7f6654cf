"""Write the splits by which the bundled `mini` was trained and scored, for Galaxy Zoo 2 and Galaxy Zoo 1.

    python benchmarks/hold_out.py --gz2 ../shared/data/optical_gz2_5class --gz1 ../shared/data/optical_gz1_coarse \
        --out runs/held-out
    python benchmarks/real_images.py runs/held-out/gz2 runs/held-out/gz1 --where "split = 'test'"

Each folder gets a ``labels.csv`` with `path`, `label` and `split`, which the recipes `mini` and `mini-finish` take too.
Of the images of Galaxy Zoo 2 without the odd ones, a fifth of each class is for the test, and a hundred others are for
validation; all odd ones are for training. Of Galaxy Zoo 1, 300 images are for the test and 150 for validation.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.model_selection import StratifiedKFold

GZ2_FOLDS, GZ2_VALID = 5, 100
GZ1_TEST, GZ1_VALID = 300, 150


def split_gz2(labels: Sequence[str], is_odd: Sequence[bool]) -> np.ndarray:
    """Return the split of each image of Galaxy Zoo 2, by its label and whether it is of the odd pool."""
    splits = np.full(len(labels), "train", dtype="U5")
    plain = np.flatnonzero(~np.asarray(is_odd))
    folds = StratifiedKFold(GZ2_FOLDS, shuffle=True, random_state=0)
    rest, test = next(folds.split(plain, np.asarray(labels)[plain]))
    splits[plain[test]] = "test"
    splits[np.random.default_rng(7).choice(plain[rest], GZ2_VALID, replace=False)] = "valid"
    return splits


def split_gz1(n: int) -> np.ndarray:
    """Return the split of each of n images of Galaxy Zoo 1."""
    splits = np.full(n, "train", dtype="U5")
    order = np.random.default_rng(3).permutation(n)
    splits[order[:GZ1_TEST]] = "test"
    splits[order[GZ1_TEST : GZ1_TEST + GZ1_VALID]] = "valid"
    return splits


def read_labels(folder: Path) -> list[dict[str, str]]:
    """Return the rows of the ``labels.csv`` of a folder."""
    with (folder / "labels.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def write_labels(folder: Path, rows: Sequence[dict[str, str]], splits: np.ndarray, out: Path) -> None:
    """Write a ``labels.csv`` with splits, whose paths lead to the images of another folder."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / "labels.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("path", "label", "split"))
        writer.writerows(
            (folder.resolve() / row["path"], row["label"], split) for row, split in zip(rows, splits, strict=True)
        )
    counts = ", ".join(f"{(splits == split).sum()} {split}" for split in ("train", "valid", "test"))
    print(f"{out}: {counts}")


def main() -> None:
    """Write both folders."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gz2", type=Path, required=True, help="folder with images of Galaxy Zoo 2 and labels.csv")
    parser.add_argument("--gz1", type=Path, required=True, help="folder with images of Galaxy Zoo 1 and labels.csv")
    parser.add_argument("--out", type=Path, required=True, help="folder for gz2/ and gz1/")
    given = parser.parse_args()
    rows = read_labels(given.gz2)
    splits = split_gz2([row["label"] for row in rows], [row["odd_pool"] == "1" for row in rows])
    write_labels(given.gz2, rows, splits, given.out / "gz2")
    rows = read_labels(given.gz1)
    write_labels(given.gz1, rows, split_gz1(len(rows)), given.out / "gz1")


if __name__ == "__main__":
    main()
