"""The kind ``samples``."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure

from galaxtool.errors import ConfigError, UnreadableImage
from galaxtool.images.read_options import PLAIN
from galaxtool.plotting.charts.picture_grid import cell_pixels
from galaxtool.plotting.charts.samples import Sample, draw_samples
from galaxtool.plotting.class_names import find_slugs, name_classes
from galaxtool.plotting.images import PlotImages, check_whole, open_images, to_texts
from galaxtool.plotting.labels import name_class
from galaxtool.plotting.pictures import find_preprocess, make_pictures
from galaxtool.plotting.request import PlotRequest
from galaxtool.vision.preprocess import Preprocess

_MEASURED = 50  # images whose pixels the histogram counts, with those that are shown
_WRAP = 14  # characters of a line of a caption


def plot_samples(request: PlotRequest) -> Figure:
    """Draw some images of each input, beside the histogram of the pixel values of more of them."""
    if not request.inputs:
        raise ConfigError(
            "'samples' draws images, and no input was given.", hint="Write: galaxtool plot samples FOLDER -o FILE"
        )
    n, seed = check_whole(request.options["n"], "n", 1), int(request.options["seed"])
    preprocess = replace(find_preprocess(request.model), size_arcsec=None)
    if request.model is None:
        preprocess = replace(preprocess, crop=1.0)  # the whole image, not what a model sees of it
    samples = []
    for text, name in zip(request.inputs, request.name_inputs(), strict=True):
        images = open_images(text, request.log)
        order = np.random.default_rng(seed).permutation(len(images))
        samples.append(_take_sample(images, name, order, n, preprocess, request))
    return draw_samples(samples, columns=request.columns)


def _take_sample(
    images: PlotImages, name: str, order: np.ndarray, n: int, preprocess: Preprocess, request: PlotRequest
) -> Sample:
    """Return pictures of the first `n` images in an order, and the pixels of more of them."""
    rows = [int(row) for row in order[:n]]
    pictures = make_pictures(images, rows, cell_pixels(n, request.width), preprocess, request.log)
    values, unit = _collect_values(images, [int(row) for row in order[: max(n, _MEASURED)]])
    captions: tuple[str, ...] = ()
    if request.truth in images.columns:
        captions = _name_labels(to_texts(images.columns[request.truth]).tolist(), rows)
    return Sample(name=name, pictures=tuple(pictures), values=values, captions=captions, unit=unit)


def _name_labels(labels: list[str], rows: list[int]) -> tuple[str, ...]:
    """Return the names of the classes of some images, whose taxonomy is found by the labels of all."""
    slug_of = find_slugs(labels)
    distinct = list(dict.fromkeys(slug_of.values()))
    name_of = dict(zip(distinct, name_classes(distinct), strict=True))
    chosen = (slug_of.get(labels[row], "") for row in rows)
    return tuple(name_class(name_of[slug], width=_WRAP) if slug else "" for slug in chosen)


def _collect_values(images: PlotImages, rows: list[int]) -> tuple[dict[str, np.ndarray], str]:
    """Return the pixel values of images by band, without NaN, and the unit of the first image."""
    lots: dict[str, list[np.ndarray]] = {}
    unit: str | None = None
    for row in rows:
        try:
            cutout = images.read(row, PLAIN)
        except UnreadableImage:
            continue  # it is counted among the pictures
        unit = cutout.unit if unit is None else unit
        if cutout.unit != unit:
            continue
        for band, plane in zip(cutout.bands, cutout.data, strict=True):
            lots.setdefault(band, []).append(plane[np.isfinite(plane)].ravel())
    if unit == "display" and len(lots) == 3 and _are_equal(lots):
        lots = {"": next(iter(lots.values()))}  # a gray picture saved in colour
    return {band: np.concatenate(lot).astype(np.float64) for band, lot in lots.items()}, unit or ""


def _are_equal(lots: dict[str, list[np.ndarray]]) -> bool:
    first, *others = lots.values()
    return all(len(a) == len(b) and bool((a == b).all()) for other in others for a, b in zip(first, other, strict=True))
