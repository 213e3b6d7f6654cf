"""Share of images flagged UNLIKE_TRAINING, for images like those of a training and for other kinds of images.

    python benchmarks/unlike_training.py MODEL [--normal IMAGES ...] [--kind NAME=FOLDER ...]

Stars, artefacts, empty sky and noise are simulated as a survey would show them; photographs are those that come with
scikit-learn and Matplotlib. ``--normal`` names images like those of the training, kept out of it: without it the model
is taken to know simulated galaxies. Each ``--kind`` adds a row for a folder, such as radio maps. Under "softmax" stands
the share whose largest probability is below that of 99 % of the normal images: the same false alarms, by the scores of
the network alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

import galaxtool
from galaxtool.evaluation.intervals import make_wilson_entry
from galaxtool.inference.model import Model
from galaxtool.simulation.artefacts import ARTEFACTS, simulate_artefact
from galaxtool.simulation.sample import sample_dataset
from galaxtool.types import Cutout

SIDE = 192
SEED = 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--normal", nargs="+", default=[], help="images like those of the training")
    parser.add_argument("--kind", action="append", default=[], metavar="NAME=FOLDER", help="another kind of images")
    parser.add_argument("--each", type=int, default=100, help="number of images of each simulated kind")
    given = parser.parse_args()
    model = galaxtool.load_model(given.model)
    if model.engine.detector is None:
        raise SystemExit(f"The model '{given.model}' flags no images: train it with this version of galaxtool.")
    normal = read(model, given.normal) if given.normal else simulate_galaxies(model, given.each)
    limit = np.quantile(find_confidence(model, normal), 0.01)
    print("| images | number | flagged | 95 % interval | softmax |\n|---|---:|---:|---:|---:|")
    show("like the training", model, normal, limit)
    for kind in ARTEFACTS:
        generators = (np.random.default_rng([SEED, number]) for number in range(given.each))
        cutouts = [simulate_artefact(kind, rng, size=SIDE) for rng in generators]
        show(f"simulated {kind}", model, show_all(model, cutouts), limit)
    show("photograph", model, show_all(model, list(cut_photographs(given.each))), limit)
    for entry in given.kind:
        name, _, folder = entry.partition("=")
        show(name, model, read(model, [folder]), limit)


def show(name: str, model: Model, pictures: np.ndarray, limit: float) -> None:
    """Print the share of pictures that are flagged, and of those that the softmax is not sure of."""
    flagged, n = int(model.engine.detector.find_unlike(pictures).sum()), len(pictures)
    entry = make_wilson_entry(flagged / n, n)
    unsure = float((find_confidence(model, pictures) < limit).mean())
    interval = f"{entry['low']:.1%} to {entry['high']:.1%}"
    print(f"| {name} | {n} | {flagged / n:.1%} | {interval} | {unsure:.1%} |", flush=True)


def find_confidence(model: Model, pictures: np.ndarray) -> np.ndarray:
    """Return the largest probability of each picture."""
    batches = [pictures[start : start + 64] for start in range(0, len(pictures), 64)]
    return np.concatenate([model.engine.run(batch).probabilities.max(axis=1) for batch in batches])


def show_all(model: Model, cutouts: Sequence[Cutout]) -> np.ndarray:
    """Return what the model sees of cutouts."""
    preprocess = model.record.make_preprocess()
    return np.stack([preprocess.picture(cutout) for cutout in cutouts])


def read(model: Model, inputs: Sequence[str]) -> np.ndarray:
    """Return what the model sees of image files, found in folders and their folders."""
    paths = [path for name in inputs for path in ([Path(name)] if Path(name).is_file() else list_images(Path(name)))]
    return show_all(model, [galaxtool.read_image(path) for path in paths])


def list_images(folder: Path) -> list[Path]:
    """Return the images of a folder in order."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".fits"))


def simulate_galaxies(model: Model, n: int) -> np.ndarray:
    """Return simulated galaxies of another seed than any training has."""
    sample = sample_dataset(n=n, seed=SEED, size=SIDE, splits={"test": 1.0})
    return show_all(model, [sample.cutout(number) for number in range(n)])


def cut_photographs(n: int) -> Iterator[Cutout]:
    """Yield random squares of photographs."""
    portrait = Path(matplotlib.__file__).parent / "mpl-data" / "sample_data" / "grace_hopper.jpg"
    photographs = [*load_sample_images().images, np.asarray(Image.open(portrait).convert("RGB"))]
    rng = np.random.default_rng(SEED)
    for number in range(n):
        photograph = photographs[number % len(photographs)]
        side = int(rng.integers(120, min(photograph.shape[:2])))
        top, left = (int(rng.integers(0, length - side + 1)) for length in photograph.shape[:2])
        square = photograph[top : top + side, left : left + side]
        planes = np.ascontiguousarray(square.transpose(2, 0, 1)[:, ::-1])
        yield Cutout(data=planes, bands=("R", "G", "B"), unit="display")


if __name__ == "__main__":
    main()
