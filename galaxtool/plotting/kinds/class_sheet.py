"""The kind ``class-sheet``."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from galaxtool.errors import ConfigError, InputError
from galaxtool.plotting.charts.class_sheet import ClassEntry, draw_class_sheet
from galaxtool.plotting.charts.picture_grid import cell_pixels
from galaxtool.plotting.images import PlotImages, check_whole, open_images, to_texts
from galaxtool.plotting.pictures import find_preprocess, make_pictures
from galaxtool.plotting.request import PlotRequest
from galaxtool.plugins.registry import get_registry
from galaxtool.taxonomy.choose import choose_classes
from galaxtool.taxonomy.classes import Taxonomy
from galaxtool.taxonomy.matching import match_labels
from galaxtool.taxonomy.symbols import load_symbol

_SYMBOL = 256  # pixels


def plot_class_sheet(request: PlotRequest) -> Figure:
    """Draw the symbol, the prompt and examples of each class."""
    name = str(request.options["taxonomy"])
    taxonomy = _find_taxonomy(name) if name else None
    if not request.inputs:
        if taxonomy is None:
            raise ConfigError(
                "'class-sheet' draws the classes of labelled images or of a taxonomy, and neither was given.",
                hint="Write: galaxtool plot class-sheet DATASET, or --option taxonomy=galaxy10",
            )
        return draw_class_sheet([_make_entry(taxonomy, slug, ()) for slug in taxonomy.slugs], columns=request.columns)
    images = open_images(str(request.single_input()), request.log)
    if request.truth not in images.columns:
        raise InputError(
            f"The images of '{images.name}' have no classes.",
            hint="Give a folder with a sub-folder for each class or with a labels.csv.",
        )
    labels = to_texts(images.columns[request.truth])
    distinct = sorted(set(labels.tolist()) - {""})
    if taxonomy is None:
        taxonomy, slug_of = choose_classes(distinct, None)
    else:
        slug_of = match_labels(distinct, taxonomy, indices=True)
    slugs = np.array([slug_of.get(label, "") for label in labels])
    present = [slug for slug in taxonomy.slugs if (slugs == slug).any()]
    examples = _choose_examples(images, slugs, present, request)
    return draw_class_sheet([_make_entry(taxonomy, slug, examples[slug]) for slug in present], columns=request.columns)


def _find_taxonomy(name: str) -> Taxonomy:
    registered = get_registry().taxonomies.find(name)
    taxonomy: Taxonomy = registered.create(registered.spec)
    return taxonomy


def _choose_examples(
    images: PlotImages, slugs: np.ndarray, present: list[str], request: PlotRequest
) -> dict[str, tuple[np.ndarray | None, ...]]:
    """Return pictures of random images of each class."""
    n = check_whole(request.options["n"], "n", 0) or (3 if request.columns == 1 else 5)
    order = np.random.default_rng(int(request.options["seed"])).permutation(len(images))
    rows = {slug: order[slugs[order] == slug][:n] for slug in present}
    flat = [int(row) for slug in present for row in rows[slug]]
    if not flat:
        return dict.fromkeys(present, ())
    pixels = cell_pixels(n + 2, request.width)
    pictures = iter(make_pictures(images, flat, pixels, find_preprocess(request.model), request.log))
    return {slug: tuple(next(pictures) for _ in rows[slug]) for slug in present}


def _make_entry(taxonomy: Taxonomy, slug: str, examples: tuple[np.ndarray | None, ...]) -> ClassEntry:
    item = taxonomy.get(slug)
    symbol = None if item.symbol is None else load_symbol(item.symbol, _SYMBOL)
    return ClassEntry(name=item.name, prompt=item.prompt, symbol=symbol, examples=examples)
