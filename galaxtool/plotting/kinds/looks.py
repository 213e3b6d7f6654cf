"""The kinds ``attention`` and ``saliency``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure

from galaxtool.errors import ConfigError, InputError, UnreadableImage
from galaxtool.images.read_options import PLAIN
from galaxtool.inference.pixel_scale import fill_pixel_scale
from galaxtool.plotting.charts.heat_maps import HeatRow, draw_heat_maps
from galaxtool.plotting.images import check_whole, open_images
from galaxtool.plotting.networks import (
    GRAD_CAM,
    GRADIENT,
    LAYER_CAM,
    Network,
    check_same_field,
    choose_heads,
    compute_attention,
    compute_saliency,
    open_network,
)
from galaxtool.plotting.pictures import DEFAULT_MODEL
from galaxtool.plotting.request import PlotRequest
from galaxtool.types import Cutout

_QUANTITIES = {
    LAYER_CAM: "LayerCAM / its maximum",
    GRAD_CAM: "Grad-CAM / its maximum",
    GRADIENT: "gradient / its maximum",
}
_LEAST_RANGE = 2.0  # even attention is then in the middle of the scale
_SHOWN = 300  # pixels of a side of the picture


def plot_attention(request: PlotRequest) -> Figure:
    """Draw where the heads of a vision transformer look, perhaps before and after its training."""
    if request.model is None:
        raise ConfigError(
            "'attention' needs a vision transformer.",
            hint="Give a model trained on one with --model, or a backbone: --model dinov1-s",
        )
    after = open_network(request.model)
    before = str(request.options["before"])
    networks = [open_network(before, after), after] if before else [after]
    check_same_field(networks)
    # a backbone by itself knows no pixel scale, and is to see the field of the model
    cutouts = [_give_scale(cutout, after) for cutout in _read_cutouts(request)]
    maps = [compute_attention(one, _make_pictures(cutouts, one)) for one in networks]
    heads = choose_heads(str(request.options["heads"]), min(one.shape[1] for one in maps))
    shown = [_show(cutout, after) for cutout in cutouts]
    stages = ("before", "after") if before else ("",)
    rows = []
    if heads is None:
        means = [one.mean(axis=1) for one in maps]
        rows = [HeatRow(picture=picture, maps=[mean[i] for mean in means], name="") for i, picture in enumerate(shown)]
        titles = [stage or "mean head" for stage in stages]
    else:
        titles = [f"head {head + 1}" for head in heads]
        for i, picture in enumerate(shown):
            rows += [
                HeatRow(picture=picture, maps=list(one[i, heads]), name=stage)
                for one, stage in zip(maps, stages, strict=True)
            ]
    highest = max(_LEAST_RANGE, float(np.percentile(np.concatenate([one.ravel() for one in maps]), 99.5)))
    return draw_heat_maps(rows, titles, "attention / even attention", largest=highest, columns=request.columns)


def plot_saliency(request: PlotRequest) -> Figure:
    """Draw which pixels speak for the predicted class, or for one of the user's choice."""
    network = open_network(request.model or DEFAULT_MODEL)
    cutouts = _read_cutouts(request)
    method = str(request.options["method"])
    maps, titles = compute_saliency(
        network,
        _make_pictures(cutouts, network),
        method=method,
        label=str(request.options["class"]),
        seed=int(request.options["seed"]),
    )
    rows = [
        HeatRow(picture=_show(cutout, network), maps=[heat], name=title)
        for cutout, heat, title in zip(cutouts, maps, titles, strict=True)
    ]
    return draw_heat_maps(
        rows, (), _QUANTITIES[method], largest=1.0, columns=request.columns, smooth=method != GRADIENT
    )


def _read_cutouts(request: PlotRequest) -> list[Cutout]:
    """Read the first images of the inputs; those that cannot be read are reported and left out."""
    if not request.inputs:
        raise ConfigError(
            f"'{request.kind}' draws images, and no input was given.",
            hint=f"Write: galaxtool plot {request.kind} IMAGE... --model MODEL -o FILE",
        )
    most = check_whole(request.options["most"], "most", 1)
    cutouts: list[Cutout] = []
    first_error = ""
    for text in request.inputs:
        images = open_images(text, request.log)
        for row in range(len(images)):
            if len(cutouts) == most:
                request.log.say(f"Only the first {most} images are drawn; --option most=N draws more.")
                return cutouts
            try:
                cutouts.append(images.read(row, PLAIN))
            except UnreadableImage as error:
                first_error = first_error or error.message
                request.log.say(error.message)
    if not cutouts:
        raise InputError(f"None of the images can be read; the first: {first_error}")
    return cutouts


def _make_pictures(cutouts: Sequence[Cutout], network: Network) -> np.ndarray:
    return np.stack([network.preprocess.picture(_give_scale(cutout, network)) for cutout in cutouts])


def _give_scale(cutout: Cutout, network: Network) -> Cutout:
    """Return an image with the pixel scale that `classify` assumes for this network."""
    return cutout if network.record is None else fill_pixel_scale(cutout, network.record)


def _show(cutout: Cutout, network: Network) -> np.ndarray:
    return replace(network.preprocess, size=_SHOWN).display(_give_scale(cutout, network))
