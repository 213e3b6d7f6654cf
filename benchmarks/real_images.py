"""Score a model on labelled images that it was not trained on, in the terms of their labels.

    python benchmarks/real_images.py --model mini "../shared/data/optical_gz2_5class" --where "split = 'test'"

Printed with 95 % intervals (bootstrap over images): accuracy, macro F1, the F1 of each class, the calibration error,
and retrieval, where each image is the query and the others are the gallery, by cosine of the embeddings. AP@5 is
normalized by min(5, R), with R the number of images of the query's class; chance is that of permuted labels. Then the
accuracy if the model sees half or 1.6 times the field of view, shades of gray, images turned by 45 degrees, fewer
pixels, or the mean of eight turned and mirrored views. ``--int8 FILE`` adds another file of the same model, such as
one in int8.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable

import numpy as np
from PIL import Image
from sklearn.metrics import f1_score

from galaxtool.datasets.open import open_datasets
from galaxtool.datasets.protocols import Dataset
from galaxtool.evaluation.calibration_error import expected_calibration_error
from galaxtool.inference.views import ViewedScores, run_views
from galaxtool.models.engines.onnx import OnnxEngine
from galaxtool.models.find import find_model
from galaxtool.taxonomy.choose import choose_classes
from galaxtool.taxonomy.classes import Taxonomy
from galaxtool.taxonomy.coarse import coarsen
from galaxtool.types import Cutout
from galaxtool.vision.preprocess import Preprocess

BATCH = 64
RESAMPLES = 1000


def main() -> None:
    """Score each data set and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", help="data sets with labels")
    parser.add_argument("--model", default="mini")
    parser.add_argument("--where", help="rows to use, as an SQL expression")
    parser.add_argument("--int8", help="another file of the model to compare")
    given = parser.parse_args()
    engine = OnnxEngine(find_model(given.model), threads=1)
    other = OnnxEngine(find_model(given.int8), threads=1) if given.int8 else None
    for name in given.data:
        (dataset,) = open_datasets([name], where=given.where)
        score_dataset(engine, dataset, other)


def score_dataset(engine: OnnxEngine, dataset: Dataset, other: OnnxEngine | None) -> None:
    """Print the tables of a data set."""
    labels = [str(item.label) for item in dataset.items]
    taxonomy, slug_of = choose_classes(labels, None)
    fine = engine.record.make_taxonomy()
    cutouts = [dataset.cutout(i) for i in range(len(labels))]
    scores = compute_scores(engine, cutouts)
    probabilities, kept = convert(scores.probabilities, fine, taxonomy)
    known = np.isin([slug_of[label] for label in labels], kept)
    targets = np.array([kept.index(slug_of[label]) if known[i] else -1 for i, label in enumerate(labels)])[known]
    print(f"\n{dataset.name}: {len(targets)} images, {len(kept)} classes of {taxonomy.name}\n")
    print("| score | value | low | high |\n|---|---|---|---|")
    chosen = probabilities[known]
    predicted = chosen.argmax(axis=1)
    row("accuracy", lambda i: float((predicted[i] == targets[i]).mean()), len(targets))
    row("macro F1", lambda i: f1_score(targets[i], predicted[i], average="macro", zero_division=0), len(targets))
    for k, slug in enumerate(kept):
        of_class = [lambda i, k=k: f1_score(targets[i] == k, predicted[i] == k, zero_division=0)]
        row(f"F1 of {slug} ({(targets == k).sum()})", of_class[0], len(targets))
    row("ECE", lambda i: expected_calibration_error(chosen[i], targets[i]), len(targets))
    precision = compute_average_precision(scores.embedding[known], targets)
    row("mAP@5", lambda i: float(precision[i].mean()), len(targets))
    mixed = np.random.default_rng(0).permutation(targets)
    print(f"| mAP@5 of permuted labels | {compute_average_precision(scores.embedding[known], mixed).mean():.3f} | | |")
    print("\n| seen otherwise | accuracy |\n|---|---|")
    for name, change, turn in list_changes(engine.record.make_preprocess()):
        again, _ = convert(compute_scores(engine, cutouts, change, turn=turn).probabilities, fine, taxonomy)
        print(f"| {name} | {(again[known].argmax(axis=1) == targets).mean():.3f} |")
    many, _ = convert(compute_scores(engine, cutouts, views=8).probabilities, fine, taxonomy)
    print(f"| mean of eight views | {(many[known].argmax(axis=1) == targets).mean():.3f} |")
    if other is not None:
        again, _ = convert(compute_scores(other, cutouts).probabilities, fine, taxonomy)
        same = (again.argmax(axis=1) == probabilities.argmax(axis=1)).mean()
        accuracy = (again[known].argmax(axis=1) == targets).mean()
        print(f"| the other file ({same:.3f} of the labels equal) | {accuracy:.3f} |")


def list_changes(plain: Preprocess) -> list[tuple[str, Callable[[Cutout], np.ndarray], bool]]:
    """Return the ways in which an image is shown otherwise: name, picture of a cutout, whether it is turned."""
    half = dataclasses.replace(plain, crop=plain.crop / 2)
    wide = dataclasses.replace(plain, crop=min(1.0, plain.crop * 1.6))
    # with a margin for the turn, and pixels as fine as those of the plain picture
    size = plain.size + 2 * int(plain.size * (wide.crop / plain.crop - 1) / 2)
    sharp = dataclasses.replace(plain, crop=plain.crop * size / plain.size, size=size)

    def make_gray(cutout: Cutout) -> np.ndarray:
        gray = np.asarray(Image.fromarray(plain.picture(cutout)).convert("L"))
        return np.repeat(gray[..., None], 3, axis=-1)

    def make_small(cutout: Cutout) -> np.ndarray:
        small = Image.fromarray(plain.picture(cutout)).resize((48, 48), Image.Resampling.BICUBIC)
        return np.asarray(small.resize((plain.size, plain.size), Image.Resampling.BICUBIC))

    return [
        ("half the field", half.picture, False),
        ("1.6 times the field", wide.picture, False),
        ("gray", make_gray, False),
        ("turned by 45 degrees", sharp.picture, True),
        ("48 pixels", make_small, False),
    ]


def compute_scores(
    engine: OnnxEngine,
    cutouts: list[Cutout],
    change: Callable[[Cutout], np.ndarray] | None = None,
    *,
    turn: bool = False,
    views: int = 1,
) -> ViewedScores:
    """Return the scores of all cutouts, shown as `change` says; with `turn`, of the middle of turned pictures."""
    preprocess = engine.record.make_preprocess()
    show = change or preprocess.picture
    parts = []
    for start in range(0, len(cutouts), BATCH):
        pictures = [show(cutout) for cutout in cutouts[start : start + BATCH]]
        if turn:
            pictures = [_turn(picture, preprocess.size) for picture in pictures]
        parts.append(run_views(engine, np.stack(pictures), views))
    names = ("embedding", "probabilities", "upright")
    return ViewedScores(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _turn(picture: np.ndarray, size: int) -> np.ndarray:
    """Return the middle of a picture, (size, size), after a turn by 45 degrees."""
    turned = Image.fromarray(picture).rotate(45, Image.Resampling.BICUBIC)
    near = (turned.width - size) // 2
    return np.asarray(turned.crop((near, near, near + size, near + size)))


def convert(probabilities: np.ndarray, fine: Taxonomy, taxonomy: Taxonomy) -> tuple[np.ndarray, list[str]]:
    """Return probabilities in the terms of a taxonomy, and its classes that the model knows."""
    if fine.name == taxonomy.name:
        return probabilities, list(fine.slugs)
    coarse, _, kept = coarsen(probabilities, fine, taxonomy)
    return coarse, list(kept)


def compute_average_precision(embeddings: np.ndarray, targets: np.ndarray, k: int = 5) -> np.ndarray:
    """Return AP@k of each image as a query among the others (N,), normalized by min(k, R); NaN-free by R >= 1."""
    similarity = embeddings @ embeddings.T
    np.fill_diagonal(similarity, -np.inf)
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    right = targets[nearest] == targets[:, None]
    precision = np.cumsum(right, axis=1) / np.arange(1, k + 1)
    relevant = np.array([(targets == own).sum() - 1 for own in targets])
    return (precision * right).sum(axis=1) / np.maximum(np.minimum(relevant, k), 1)


def row(name: str, compute: Callable[[np.ndarray], float], n: int) -> None:
    """Print a score with the 2.5 and 97.5 percentiles of bootstrap resamples."""
    rng = np.random.default_rng(0)
    values = [compute(rng.integers(0, n, n)) for _ in range(RESAMPLES)]
    low, high = np.percentile(values, [2.5, 97.5])
    print(f"| {name} | {compute(np.arange(n)):.3f} | {low:.3f} | {high:.3f} |")


if __name__ == "__main__":
    main()
