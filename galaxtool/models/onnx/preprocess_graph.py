"""Preprocessing as a part of an ONNX file: pictures of any size, as `Preprocess` makes them into a network's input.

The picture is cut to its central square and resized with Pillow's bicubic filter: along x, then along y, rounding to
whole levels after each. Each is a product with a matrix of weights that the graph computes from the size of the
picture, so that any runtime gives the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
from onnx import TensorProto, helper, numpy_helper

from galaxtool.errors import ConfigError
from galaxtool.models.onnx.metadata import CROP, INPUT_KEY, PICTURES, PIXEL_SCALE
from galaxtool.vision.preprocess import GRAY, RGB, Preprocess, per_channel

PREPARED = "preprocess.prepared"
"""Name of the value in the graph that is the network's input."""

_LUMA = (19595, 38470, 7471)  # as `vision.preprocess.to_channels`
_UNCHANGED = ("auto", "radio")
"""Stretches that leave pictures as they are."""


def add_preprocessing(path: Path, preprocess: Preprocess) -> None:
    """Put the preprocessing in front of the network of a file, in place.

    The input ``image`` is then uint8 (N, H, W, 3): red, green and blue, row 0 at the top, of any height and width. A
    model that crops has an input ``crop``, float32 (1,), which may be left out: it has `preprocess.crop` as default. A
    model with a fixed field of view has ``pixel_scale``, float32 (N,), in arcsec, NaN where it is not known.

    Raises
    ------
    ConfigError
        If the model takes bands, or pictures are stretched.
    """
    check_preprocess(preprocess)
    network = onnx.load(path)
    for node in network.graph.node:
        for place, name in enumerate(node.input):
            if name == "image":
                node.input[place] = PREPARED
    first = _build_graph(preprocess)
    first.MergeFrom(
        onnx.GraphProto(
            node=network.graph.node, initializer=network.graph.initializer, value_info=network.graph.value_info
        )
    )
    del first.output[:]
    first.output.extend(network.graph.output)
    first.name = network.graph.name
    network.graph.CopyFrom(first)
    network.metadata_props.add(key=INPUT_KEY, value=PICTURES)
    onnx.save(network, path)


def check_preprocess(preprocess: Preprocess) -> None:
    """Raise `ConfigError` if a preprocessing cannot be a part of a file: for bands, or with a stretch of pictures."""
    if preprocess.channels not in (RGB, GRAY):
        raise ConfigError(
            f"--with-preprocess cannot be used with a model of the bands {', '.join(preprocess.channels)}: each is "
            "stretched by its own noise.",
            hint="Export without it; galaxtool.Preprocess makes the input, without PyTorch.",
        )
    if preprocess.stretch.name not in _UNCHANGED:
        raise ConfigError(
            f"--with-preprocess cannot be used with a model that stretches pictures with {preprocess.stretch.name}.",
            hint="Export without it; galaxtool.Preprocess makes the input, without PyTorch.",
        )


def _build_graph(preprocess: Preprocess) -> onnx.GraphProto:
    """Return the graph of the preprocessing, with the output `PREPARED`."""
    channels, size = len(preprocess.channels), preprocess.size
    is_fixed = preprocess.size_arcsec is not None
    given = f"uint8[N, H, W, 3] image{', float[N] pixel_scale' if is_fixed else ''}"
    lines = [
        "sizes = Cast <to = 1> (shape)",
        "height = Gather (sizes, axis_y)",
        "width = Gather (sizes, axis_x)",
        "shorter = Min (height, width)",
        *(_fixed_side() if is_fixed else ["side = Mul (shorter, crop)"]),
        "scale = Div (side, size)",
        "wide = Max (scale, one)",
        "wide3 = Unsqueeze (wide, axes12)",
        "scale2 = Unsqueeze (scale, axes1)",
        *_weights("x", "width"),
        *_weights("y", "height"),
        "pixels = Cast <to = 1> (image)",
        "planes = Transpose <perm = [0, 3, 1, 2]> (pixels)",
        "x_turned = Transpose <perm = [0, 2, 1]> (x_weights)",
        "x_matrix = Unsqueeze (x_turned, axes1)",
        "y_matrix = Unsqueeze (y_weights, axes1)",
        "rows = MatMul (planes, x_matrix)",
        *_round("rows"),
        "columns = MatMul (y_matrix, rows_levels)",
        *_round("columns"),
        *(_mix() if channels == 1 else ["picture = Identity (columns_levels)"]),
        "scaled = Mul (picture, factor)",
        "prepared = Sub (scaled, offset)",
    ]
    body = "\n".join(["shape = Shape (image)", *lines])
    graph = onnx.parser.parse_graph(
        f"preprocess ({given}) => (float[N, {channels}, {size}, {size}] prepared) {{\n{body}\n}}"
    )
    mean, std = (np.asarray(per_channel(values, channels)) for values in (preprocess.mean, preprocess.std))
    constants = {
        "axis_y": np.int64(1), "axis_x": np.int64(2), "axes1": np.array([1]), "axes12": np.array([1, 2]),
        "axes0": np.array([0]), "axes2": np.array([2]), "axes01": np.array([0, 1]), "last": np.array([-1]),
        "size": np.float32(size), "zero": np.float32(0), "half": np.float32(0.5), "one": np.float32(1),
        "two": np.float32(2), "three_halves": np.float32(1.5), "five_halves": np.float32(2.5), "four": np.float32(4),
        "white": np.float32(255), "places": (np.arange(size, dtype=np.float32) + np.float32(0.5))[None],
        "luma": np.array(_LUMA, dtype=np.float32)[None, :, None, None], "luma_half": np.float32(0x8000),
        "luma_whole": np.float32(0x10000), "arcsec": np.float32(preprocess.size_arcsec or 0),
        "factor": (1.0 / (255.0 * std)).astype(np.float32)[:, None, None],
        "offset": (mean / std).astype(np.float32)[:, None, None],
    }  # fmt: skip
    used = {name for node in graph.node for name in node.input}
    graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items() if name in used
    )
    _add_prefix(graph, keep={"image", PIXEL_SCALE, CROP})
    crop = numpy_helper.from_array(np.array([preprocess.crop], dtype=np.float32), CROP)
    if not is_fixed and preprocess.crop != 1:  # an input with a default
        graph.input.append(helper.make_tensor_value_info(CROP, TensorProto.FLOAT, [1]))
    if not is_fixed:
        graph.initializer.append(crop)
    return graph


def _fixed_side() -> list[str]:
    """Return the nodes of the side of a field of fixed size: all of the picture where the pixel scale is NaN."""
    return [
        "unknown = IsNaN (pixel_scale)",
        "wanted = Div (arcsec, pixel_scale)",
        "whole = Max (wanted, one)",
        "within = Min (shorter, whole)",
        "side = Where (unknown, shorter, within)",
    ]


def _weights(axis: str, length: str) -> list[str]:
    """Return the nodes of the weights of an axis, (1 or N, size, length): Keys' cubic with a = -0.5, stretched."""
    lines = f"""
        free = Sub ({length}, side)
        start = Div (free, two)
        start2 = Unsqueeze (start, axes1)
        steps = Mul (places, scale2)
        center = Add (steps, start2)
        center3 = Unsqueeze (center, axes2)
        numbers = Range (zero, {length}, one)
        middles = Add (numbers, half)
        middles3 = Unsqueeze (middles, axes01)
        apart = Sub (middles3, center3)
        distance = Abs (apart)
        t = Div (distance, wide3)
        t2 = Mul (t, t)
        t3 = Mul (t2, t)
        near3 = Mul (t3, three_halves)
        near2 = Mul (t2, five_halves)
        near1 = Sub (near3, near2)
        near = Add (near1, one)
        far3 = Mul (t3, half)
        far2 = Sub (near2, far3)
        far1 = Mul (t, four)
        far0 = Sub (far2, far1)
        far = Add (far0, two)
        is_far = Less (t, two)
        outer = Where (is_far, far, zero)
        is_near = Less (t, one)
        raw = Where (is_near, near, outer)
        total = ReduceSum (raw, last)
        weights = Div (raw, total)
    """
    found = [line.strip() for line in lines.strip().splitlines()]
    own = {line.partition(" = ")[0]: f"{axis}_{line.partition(' = ')[0]}" for line in found}
    return [_rename(line, own) for line in found]


def _rename(line: str, names: Mapping[str, str]) -> str:
    target, _, call = line.partition(" = ")
    operator, _, arguments = call.rstrip(")").partition(" (")
    given = ", ".join(names.get(one, one) for one in arguments.split(", "))
    return f"{names[target]} = {operator} ({given})"


def _round(name: str) -> list[str]:
    """Return the nodes that round values to whole levels from 0 to 255."""
    return [
        f"{name}_half = Add ({name}, half)",
        f"{name}_whole = Floor ({name}_half)",
        f"{name}_levels = Clip ({name}_whole, zero, white)",
    ]


def _mix() -> list[str]:
    """Return the nodes that make a gray picture of a colour picture."""
    return [
        "shares = Mul (columns_levels, luma)",
        "mixed = ReduceSum (shares, axes1)",
        "mixed_half = Add (mixed, luma_half)",
        "mixed_parts = Div (mixed_half, luma_whole)",
        "picture = Floor (mixed_parts)",
    ]


def _add_prefix(graph: onnx.GraphProto, keep: set[str]) -> None:
    """Put ``preprocess.`` before all names but those to keep, so that they differ from those of the network."""
    for node in graph.node:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                if name not in keep:
                    names[place] = f"preprocess.{name}"
        node.name = f"node.{node.output[0]}"
    for tensor in graph.initializer:
        tensor.name = f"preprocess.{tensor.name}"
