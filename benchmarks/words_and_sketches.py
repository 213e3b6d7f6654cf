"""Measure queries by words and by sketches: precision at 10 on simulated and on real images, beside chance.

    python benchmarks/words_and_sketches.py --model mini --data ../shared/data/optical_gz2_5class

* **Words**: the held-out sentences of `galaxtool.simulation.sentences` on simulated images, whose properties decide
  which images a sentence is true of; on labelled images, the sentences below for each class. No training reads any of
  these sentences. Names and prompts of the classes, which a training does read, are measured beside them.
* **Sketches**: `sketches.py` draws each class in six styles. The images of the class are to be found.

Of each query, the precision is the fraction of the min(10, R) nearest images that it is true of, with R the number of
such images; chance is the fraction among all images. Intervals (95 %) are of the mean over queries, by bootstrap.
Images of data on which the model was trained give optimistic figures: name others with --data.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from sketches import SKETCHES, STYLES, draw_sketch

from galaxtool.datasets.open import open_dataset
from galaxtool.datasets.protocols import Dataset
from galaxtool.errors import UnreadableImage
from galaxtool.models.engines.torch import TorchEngine
from galaxtool.models.find import find_model
from galaxtool.simulation.sample import SimulatedSample
from galaxtool.simulation.sentences import HELD_OUT
from galaxtool.taxonomy.choose import choose_classes
from galaxtool.taxonomy.classes import Taxonomy
from galaxtool.taxonomy.symbols import load_symbol

NEAREST = 10
BATCH = 64
SEED = 990_000
"""Seed of the simulated images, far from those of trainings."""

_ROUND = ("galaxy that is smooth and circular", "circular, without any arms", "smooth, with a circular shape")
_OVAL = ("an elliptical, oval in shape", "smooth and oval, without arms", "a galaxy, smooth and elongated")
_CIGAR = ("thin cigar without any arms", "an elliptical in the shape of a cigar", "smooth, thin and very elongated")
_EDGE_ON = ("disc seen from its side", "a thin disk that we look at from the side", "spindle")
_SPIRAL = ("arms wound around a core", "spiral arms in a disk", "a disc that has arms", "galaxies with spiral arms")
_MERGER = ("the merging of two disks", "a collision between galaxies", "a smash-up of two systems")

SENTENCES: dict[str, tuple[str, ...]] = {
    "disturbed": ("this galaxy has a very distorted shape", "the shape is peculiar", "a galaxy that was disturbed"),
    "merging": _MERGER,
    "merger": _MERGER,
    "round_smooth": _ROUND,
    "smooth_round": _ROUND,
    "in_between_round_smooth": _OVAL,
    "smooth_inbetween": _OVAL,
    "cigar_shaped_smooth": _CIGAR,
    "smooth_cigar": _CIGAR,
    "elliptical": ("smooth, without any arms", "galaxy that is smooth", "this elliptical has no disc"),
    "barred_spiral": ("a bar with spiral arms at its ends", "arms that start at a bar", "spiral, and it has a bar"),
    "unbarred_tight_spiral": ("arms wound tightly around a core", "no bar, tight arms", "tight arms of a spiral"),
    "unbarred_loose_spiral": ("spiral galaxies whose arms are loosely wound", "no bar, open arms", "arms, wide open"),
    "unbarred_spiral": _SPIRAL,
    "spiral": _SPIRAL,
    "edge_on_without_bulge": ("no bulge, seen edge-on", "a thin disk without any bulge, edge-on"),
    "edge_on_with_bulge": ("a bulge and a thin disk seen edge-on", "disc from the side, and its bulge"),
    "edge_on_disk": _EDGE_ON,
    "edge_on": _EDGE_ON,
    "fri": ("jets of radio light that fade", "a radio galaxy, brightest in its core"),
    "frii": ("two hotspots at the ends of lobes", "lobes of a double radio galaxy"),
    "compact": ("a radio source like a point", "one unresolved radio point"),
    "bent": ("jets of a radio galaxy that are bent", "bent tails of radio light"),
}
"""Sentences for each class that neither the simulator nor a taxonomy writes."""


@dataclass(frozen=True)
class Gallery:
    """Images to search: their embeddings (N, dim), of unit length."""

    name: str
    vectors: np.ndarray

    def measure(self, query: np.ndarray, true: np.ndarray) -> tuple[float, float]:
        """Return the precision of a query (dim,) and chance; `true` (N,) says which images it is true of."""
        count = min(NEAREST, int(true.sum()))
        nearest = np.argsort(-(self.vectors @ query), kind="stable")[:count]
        return float(true[nearest].mean()), float(true.mean())


def main() -> None:
    """Embed the images, ask, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="mini")
    parser.add_argument("--simulated", type=int, default=1000, help="number of simulated images")
    parser.add_argument("--size", type=int, default=128, help="side of the simulated images")
    parser.add_argument("--data", nargs="*", default=[], help="data sets with labels")
    parser.add_argument("--seeds", type=int, default=1, help="sketches of each class and style")
    given = parser.parse_args()
    engine = TorchEngine(find_model(given.model), device="cpu")
    print(f"Model {engine.record.name}, {engine.record.weights_sha256[:12]}; {platform.processor() or 'CPU'}\n")
    with tempfile.TemporaryDirectory() as scratch:
        if given.simulated:
            measure_simulated(engine, given.simulated, given.size, given.seeds, Path(scratch))
        for text in given.data:
            measure_labeled(engine, text, given.seeds, Path(scratch))


def measure_simulated(engine: TorchEngine, n: int, size: int, seeds: int, scratch: Path) -> None:
    """Print the tables of simulated images."""
    sample = SimulatedSample({"test": n}, seed=SEED, size=size)
    gallery, rows = embed_images(engine, sample, "simulated")
    properties = [sample.properties(row) for row in rows]
    labels = [str(sample.items[row].label) for row in rows]
    vectors = engine.embed_text([sentence.text for sentence in HELD_OUT])
    answers = []
    print("| held-out sentence | precision at 10 | chance | images | new words |")
    print("|---|---|---|---|---|")
    for sentence, vector in zip(HELD_OUT, vectors, strict=True):
        true = np.array([set(sentence.needs) <= each for each in properties])
        if not true.any():
            continue
        new = ", ".join(sentence.find_new_words())
        answers.append((*gallery.measure(vector, true), bool(new)))
        print(f"| {sentence.text} | {answers[-1][0]:.2f} | {answers[-1][1]:.2f} | {true.sum()} | {new} |")
    print_header()
    print_row(gallery, "held-out sentences of known words", [a[:2] for a in answers if not a[2]])
    print_row(gallery, "held-out sentences with new words", [a[:2] for a in answers if a[2]])
    _measure_classes(engine, gallery, open_taxonomy(labels)[0], np.array(labels), seeds, scratch, with_sentences=False)


def measure_labeled(engine: TorchEngine, text: str, seeds: int, scratch: Path) -> None:
    """Print the table of a data set with labels."""
    dataset = open_dataset(text)
    gallery, rows = embed_images(engine, dataset, f"{Path(text).name} ({len(dataset.items)})")
    labels = [str(dataset.items[row].label) for row in rows]
    taxonomy, slug_of = open_taxonomy(labels)
    print_header()
    slugs = np.array([slug_of[label] for label in labels])
    _measure_classes(engine, gallery, taxonomy, slugs, seeds, scratch, with_sentences=True)


def _measure_classes(
    engine: TorchEngine,
    gallery: Gallery,
    taxonomy: Taxonomy,
    labels: np.ndarray,
    seeds: int,
    scratch: Path,
    *,
    with_sentences: bool,
) -> None:
    """Print the rows of class names, sentences for each class, and sketches."""
    present = [slug for slug in taxonomy.slugs if (labels == slug).any()]

    def ask(vectors: np.ndarray, slugs: Sequence[str]) -> list[tuple[float, float]]:
        return [gallery.measure(vector, labels == slug) for vector, slug in zip(vectors, slugs, strict=True)]

    print_row(gallery, "names of classes", ask(engine.embed_text([taxonomy.get(s).name for s in present]), present))
    if with_sentences:
        texts = [(text, slug) for slug in present for text in SENTENCES.get(slug, ())]
        vectors = engine.embed_text([text for text, _ in texts])
        print_row(gallery, "held-out sentences", ask(vectors, [slug for _, slug in texts]))
    sketched = [slug for slug in present if slug in SKETCHES]
    answers = {
        slug: ask(embed_sketches(engine, slug, seeds, scratch), [slug] * len(STYLES) * seeds) for slug in sketched
    }
    print_row(gallery, f"sketches, {len(STYLES) * seeds} of each class", [a for each in answers.values() for a in each])
    for slug in sketched:
        print_row(gallery, f"sketches of {slug}", answers[slug])


def open_taxonomy(labels: Iterable[str]) -> tuple[Taxonomy, dict[str, str]]:
    """Return the taxonomy that labels fit, and the class of each label."""
    return choose_classes(list(labels), None)


def embed_images(engine: TorchEngine, dataset: Dataset, name: str) -> tuple[Gallery, list[int]]:
    """Return the embeddings of the images of a data set that can be read, and their numbers."""
    preprocess = engine.record.make_preprocess()
    pictures, rows, vectors = [], [], []
    for row in range(len(dataset.items)):
        try:
            pictures.append(preprocess.picture(dataset.cutout(row)))
        except UnreadableImage:
            continue
        rows.append(row)
        if len(pictures) == BATCH:
            vectors.append(engine.run(np.stack(pictures)).embedding)
            pictures = []
    if pictures:
        vectors.append(engine.run(np.stack(pictures)).embedding)
    return Gallery(name, np.concatenate(vectors)), rows


def embed_sketches(engine: TorchEngine, slug: str, seeds: int, scratch: Path) -> np.ndarray:
    """Return the embeddings (N, dim) of the sketches of a class, read from files as those of a user."""
    size = engine.record.make_preprocess().size
    pictures = []
    for style in STYLES:
        for seed in range(seeds):
            path = scratch / f"{slug}_{style}_{seed}.png"
            Image.fromarray(draw_sketch(slug, style, seed, 256)).save(path)
            pictures.append(load_symbol(path, size))
    return engine.embed_symbols(np.stack(pictures))


def print_header() -> None:
    """Print the header of a table of queries."""
    print("\n| images | queries | number | precision at 10 | 95 % interval | chance |\n|---|---|---|---|---|---|")


def print_row(gallery: Gallery, what: str, answers: Sequence[tuple[float, float]]) -> None:
    """Print the mean precision of queries, its interval and chance."""
    if not answers:
        return
    precision, chance = np.array(answers).T
    rng = np.random.default_rng(0)
    means = precision[rng.integers(len(precision), size=(2000, len(precision)))].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    interval = f"{low:.2f} to {high:.2f}" if len(answers) > 1 else ""
    print(
        f"| {gallery.name} | {what} | {len(answers)} | {precision.mean():.2f} | {interval} | {chance.mean():.2f} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
