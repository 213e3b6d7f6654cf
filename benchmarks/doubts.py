"""How many labels that were flipped on purpose `doubts` finds, and how many of those that it lists were flipped.

    python benchmarks/doubts.py --features FILE.parquet --labels LABELS.csv [--share 0.05]

FILE is what ``galaxtool embed`` wrote of the images of LABELS, a table with the columns path and label. A share of the
labels, drawn at random, becomes another class, drawn at random too. Labels that were wrong before count as right, so
the precision is a lower bound. Then some images are copied with changes and another label, to be found as
near-duplicates.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from galaxtool.datasets.splits.leaks import Leaks
from galaxtool.inference.embeddings.stored import read_embeddings
from galaxtool.label_checks.confident import find_wrong_labels
from galaxtool.label_checks.duplicates import SIDE, find_alike
from galaxtool.label_checks.folds import cross_validate, draw_folds
from galaxtool.tables.read import read_table
from galaxtool.types import Silent

SEEDS = 3
COPIES = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.05)
    given = parser.parse_args()
    stored, table = read_embeddings(given.features), read_table(given.labels)
    label_of = {Path(str(row["path"])).name: str(row["label"]) for row in table}
    paths = stored.items["path"].to_pylist()
    slugs, right = np.unique([label_of[Path(path).name] for path in paths], return_inverse=True)
    print("| seed | flipped | rule | listed | recall | precision |\n|---|---:|---|---:|---:|---:|")
    for seed in range(SEEDS):
        show_flipped(stored.vectors, right, len(slugs), given.share, seed)
    show_copies(paths)


def show_flipped(vectors: np.ndarray, right: np.ndarray, classes: int, share: float, seed: int) -> None:
    """Flip labels, and print how many are found by confident learning and by the most probable class alone."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(right), round(share * len(right)), replace=False)
    given, flipped = right.copy(), np.zeros(len(right), dtype=bool)
    given[chosen] = (right[chosen] + rng.integers(1, classes, len(chosen))) % classes
    flipped[chosen] = True
    none = np.zeros((0, 2), dtype=int)
    unknown = np.full(len(right), np.nan)
    folds = draw_folds(Leaks(len(right), none, none, unknown, unknown), given, 5, 60.0, 0)
    probabilities = cross_validate(vectors, given, folds, Silent())
    for rule, listed in (
        ("confident learning", find_wrong_labels(given, probabilities)),
        ("another class is more probable", np.flatnonzero(probabilities.argmax(axis=1) != given)),
    ):
        hits = flipped[listed].sum()
        recall, precision = hits / len(chosen), hits / len(listed)
        print(f"| {seed} | {len(chosen)} | {rule} | {len(listed)} | {recall:.2f} | {precision:.2f} |", flush=True)


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG of quality 50": lambda image: recompress(image, 50),
    "half the pixels": lambda image: image.resize((image.width // 2, image.height // 2)),
    "a quarter turn": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "1.3 times brighter": lambda image: image.point(lambda value: min(255, round(1.3 * value))),
    "blurred by 3 pixels": lambda image: image.filter(ImageFilter.GaussianBlur(3)),
    "cropped to 95 %": lambda image: crop(image, 0.95),
    "cropped to 90 %": lambda image: crop(image, 0.90),
}
"""What is done to copies of images."""


def show_copies(paths: list[str]) -> None:
    """Copy images with changes, and print how many of the copies are found among all images."""
    images = [Image.open(path).convert("RGB") for path in paths]
    own = np.stack([to_gray(image) for image in images])
    start = time.process_time()
    before = len(find_alike(own))
    print(f"\n{len(paths)} images: {before} near-duplicates among them, {time.process_time() - start:.0f} CPU s\n")
    print("| change | copies | found | other pairs |\n|---|---:|---:|---:|")
    chosen = np.random.default_rng(0).choice(len(paths), COPIES, replace=False)
    for name, change in CHANGES.items():
        copies = np.stack([to_gray(change(images[row])) for row in chosen])
        pairs = find_alike(np.concatenate([own, copies])).tolist()
        found = sum([int(row), len(own) + at] in pairs for at, row in enumerate(chosen))
        print(f"| {name} | {COPIES} | {found} | {len(pairs) - found - before} |", flush=True)


def to_gray(image: Image.Image) -> np.ndarray:
    pixels = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX), dtype=float)
    return np.asarray(pixels.mean(axis=-1).round(), dtype=np.uint8)


def recompress(image: Image.Image, quality: int) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("RGB")


def crop(image: Image.Image, share: float) -> Image.Image:
    edge_x, edge_y = round((1 - share) / 2 * image.width), round((1 - share) / 2 * image.height)
    return image.crop((edge_x, edge_y, image.width - edge_x, image.height - edge_y))


if __name__ == "__main__":
    main()
