"""Backbones from timm (PyTorch Image Models), by the name of an architecture or from a repository on the hub.

Features are the output of timm's model without its classifier, pooled as its weights expect. For the vision
transformers with short names this is the class token after the final norm, on which the authors of MAE, DINO and MSN
put a linear classifier.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import timm
import torch
from timm.models import group_parameters
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from galaxtool.backbones.abilities import get_name, group_by_layer, make_groups
from galaxtool.backbones.timm.abilities import collect_timm_maps, find_timm_transformer
from galaxtool.backbones.timm.hub import HubModel, is_repository, read_hub_model
from galaxtool.backbones.timm.weights import check_architecture, get_config, get_image_size
from galaxtool.backbones.transformer import Transformer, TransformerAbilities
from galaxtool.backbones.weights.hub import WEIGHTS
from galaxtool.errors import ConfigError, GalaxtoolError, ModelError, UnknownName
from galaxtool.plugins.specs import Weights

SHORT = {
    "vit-16": "vit_base_patch16_224",
    "mae": "vit_base_patch16_224",
    "dinov1": "vit_base_patch16_224",
    "dinov1-s": "vit_small_patch16_224",
    "dinov2": "vit_base_patch14_dinov2",
    # the authors' checkpoint has timm's names, and a projection head that is not loaded
    "msn": "vit_base_patch16_224",
}
"""Short names and their architectures in timm."""

_MOST_UNTRAINED = 2_000_000_000
_FILTERS = ("checkpoint_filter_fn", "_filter_fn", "_filter_torchvision_pretrained")


class Timm(TransformerAbilities, nn.Module):
    """A model of timm; see `galaxtool.backbones.protocols.Backbone`.

    Parameters
    ----------
    model : torch.nn.Module
        Model as created by timm, without a classifier.
    image_size : int
        Side of the images in pixels.
    pretrained : bool
        Whether weights will be loaded.

    Attributes
    ----------
    mean, std : tuple of 3 float, or None
        Normalization of the weights, if it is known only from the folder of the weights.
    recorded_name : str
        Name by which the architecture can be created without that folder; empty if its own name is enough.
    """

    def __init__(self, model: Any, *, image_size: int, pretrained: bool) -> None:
        super().__init__()
        self.model = model
        self.image_size = image_size
        self.dim = int(getattr(model, "head_hidden_size", None) or model.num_features)
        self.suggested_lr = 5e-5 if pretrained else 5e-4
        self.mean: tuple[float, float, float] | None = None
        self.std: tuple[float, float, float] | None = None
        self.recorded_name = ""

    @property
    def image_tower(self) -> nn.Module:
        """The model: images (N, 3, size, size) to (N, dim)."""
        tower: nn.Module = self.model
        return tower

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """Embed images (N, 3, image_size, image_size) as (N, dim).

        Raises
        ------
        ConfigError
            If it is one of the few models of timm whose output is a map.
        """
        features: torch.Tensor = self.model(images)
        if features.ndim != 2:
            raise ConfigError(
                f"'{get_name(self)}' returns a map of features, not one embedding for each image.",
                hint="Choose another timm architecture.",
            )
        return features

    def features(self, images: torch.Tensor) -> list[tuple[torch.Tensor, int]]:
        """Return the map of each stage, or of each block of a vision transformer, and its stride in pixels.

        Raises
        ------
        ConfigError
            If timm does not give the maps of the model.
        """
        return collect_timm_maps(self.model, images, self)

    def find_transformer(self) -> Transformer | None:
        """Return the parts of a vision transformer; None for other architectures."""
        return find_timm_transformer(self.model)

    def set_image_size(self, size: int) -> None:
        """Take images of another size; timm resamples the position embeddings of a vision transformer."""
        if callable(resize := getattr(self.model, "set_input_size", None)):
            resize(img_size=(size, size))
        self.image_size = size

    def blocks(self) -> list[list[nn.Parameter]]:
        """Return the parameters of the stem, then of each transformer block or stage, as timm groups them.

        For VGG, each convolution is a block, and the last block has all fully connected layers.

        Raises
        ------
        ConfigError
            If timm does not define the blocks of the model.
        """
        connected = self.classifier()
        if connected is not None:
            return make_groups(self.model, [*group_by_layer(self.model.features.children()), connected.parameters()])
        parts = group_parameters_by_block(self.model)
        if parts is None:
            raise ConfigError(
                f"timm does not define the blocks of '{get_name(self)}'.",
                hint="Train all its layers at the same rate, or choose another architecture.",
            )
        return make_groups(self.model, parts)

    def classifier(self) -> nn.Module | None:
        """Return the fully connected layers of VGG; None for other architectures."""
        connected: nn.Module | None = self.model.pre_logits if type(self.model).__name__ == "VGG" else None
        return connected

    def set_checkpointing(self, on: bool) -> None:
        """Switch gradient checkpointing.

        Raises
        ------
        ConfigError
            If the model does not support it, or has BatchNorm, which would count each batch twice.
        """
        if not on:
            with suppress(AssertionError, AttributeError):
                self.model.set_grad_checkpointing(False)
            return
        try:
            if any(isinstance(module, _BatchNorm) for module in self.model.modules()):
                raise AssertionError
            self.model.set_grad_checkpointing(True)
        except (AssertionError, AttributeError) as error:  # timm reports it by an assertion
            raise ConfigError(
                f"'{get_name(self)}' does not support gradient checkpointing.",
                hint="Train without it, with a smaller --batch-size.",
            ) from error

    def adapt_state(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Convert the tensors of a file to those of this model, as timm does when it loads them.

        The original authors' names are replaced by timm's, position embeddings are resampled to this image size, and a
        decoder and a classifier are dropped.
        """
        own = {key.removeprefix("model."): value for key, value in state.items()}
        if any(key.startswith("decoder_") for key in own):  # a decoder of MAE, whose mask token is not that of DINOv2
            own = {k: v for k, v in own.items() if not k.startswith("decoder_") and k != "mask_token"}
        return {f"model.{key}": value for key, value in _apply_filter(own, self.model).items()}


def build(*, architecture: str, weights: str | None, resolve: Callable[[Weights], Path]) -> Timm:
    """Create an architecture by its name in timm, with or without a tag, or by ``hf_hub:OWNER/NAME``.

    Raises
    ------
    UnknownName
        If timm has no such architecture. The message suggests the nearest name.
    OfflineError
        If the description of a model on the hub is not on this machine and cannot be downloaded.
    ModelError
        If that description is not of a timm model.
    """
    if is_repository(architecture):
        return _build_from_hub(read_hub_model(architecture, weights, resolve), pretrained=weights is not None)
    return create_model(architecture, tag=weights, pretrained=weights is not None)


def build_short(*, architecture: str, weights: str | None, resolve: Callable[[Weights], Path]) -> Timm:
    """Create the architecture of one of the `SHORT` names."""
    return create_model(SHORT[architecture], tag=None, pretrained=weights is not None)


def create_model(architecture: str, *, tag: str | None = None, pretrained: bool = False, **arguments: Any) -> Timm:
    """Create a backbone from timm; the factories of this module use it, and those of a plugin can.

    Parameters
    ----------
    architecture : str
        Name in timm, with or without a tag.
    tag : str, optional
        Tag of the weights whose image size is used; ignored if timm does not know it.
    pretrained : bool
        Whether weights will be loaded.
    **arguments
        Further arguments of ``timm.create_model``.

    Raises
    ------
    UnknownName
        If timm has no such architecture. The message suggests the nearest name.
    """
    name, _, own_tag = architecture.partition(".")
    check_architecture(name)
    size = get_image_size(name, get_config(name, tag or own_tag) or get_config(name, ""))
    if name.endswith("_dinov2"):
        arguments = {"img_size": size, **arguments}
    model: Any = timm.create_model(name, pretrained=False, num_classes=0, **arguments)
    return Timm(model, image_size=int(arguments.get("img_size", size)), pretrained=pretrained)


def group_parameters_by_block(model: Any) -> list[list[nn.Parameter]] | None:
    """Return the parameters of a timm model's stem and of each block or stage; None if timm defines no such groups.

    Parameters after the last block join its group.
    """
    if not hasattr(model, "group_matcher"):
        return None
    matcher = model.group_matcher(coarse=True)
    if isinstance(matcher, dict):
        # timm would make a group of its own for parameters that match nothing, such as a final norm
        matcher = {**matcher, "rest": [("", (99999,))]}
    groups: dict[Any, list[nn.Parameter]] = group_parameters(model, matcher, return_values=True)
    return [groups[key] for key in sorted(groups)]


def _build_from_hub(described: HubModel, *, pretrained: bool) -> Timm:
    try:
        _check_size(described, pretrained=pretrained)
        backbone = create_model(described.architecture, pretrained=pretrained, **described.arguments)
    except (UnknownName, TypeError, ValueError) as error:
        why = error.message if isinstance(error, GalaxtoolError) else str(error)
        raise ModelError(
            f"'{described.file}' does not describe a model that this version of timm can create: {why}",
            hint="Update timm: pip install --upgrade timm",
        ) from error
    backbone.image_size = described.image_size or backbone.image_size
    backbone.mean, backbone.std = described.mean, described.std
    if _is_default_model(described.architecture, backbone.model):
        backbone.recorded_name = f"timm:{described.architecture}@{described.source}"
    return backbone


def _check_size(described: HubModel, *, pretrained: bool) -> None:
    """Refuse a description of a network that its weights could not fill, before it takes memory."""
    with torch.device("meta"):
        count = sum(
            parameter.numel() for parameter in create_model(described.architecture, **described.arguments).parameters()
        )
    files = [described.file.parent / name for name in WEIGHTS]
    stored = max((file.stat().st_size for file in files if file.is_file()), default=0) if pretrained else 0
    if count > (stored or _MOST_UNTRAINED):  # a weight takes at least a byte
        raise ModelError(
            f"'{described.file}' describes a network with {count:,} weights, "
            + ("many more than are in the file beside it." if stored else "which is too large to be trained here."),
            hint="Download both files again.",
        )


def _is_default_model(architecture: str, model: Any) -> bool:
    """Return whether timm creates the same model without further arguments."""
    with torch.device("meta"):  # takes no time and no memory
        default = create_model(architecture).model
    shapes, wanted = ({k: v.shape for k, v in m.state_dict().items()} for m in (default, model))
    pools = (getattr(m, "global_pool", None) for m in (default, model))
    return shapes == wanted and str(default) == str(model) and len({str(pool) for pool in pools}) == 1


def _apply_filter(state: dict[str, torch.Tensor], model: Any) -> dict[str, torch.Tensor]:
    """Pass tensors through the checkpoint filter of the model's module in timm, if there is one."""
    module = sys.modules[type(model).__module__]
    adapt = next((f for name in _FILTERS if (f := getattr(module, name, None))), None)
    if adapt is None:
        return state
    takes_model = len(inspect.signature(adapt).parameters) > 1
    try:
        return dict(adapt(dict(state), model) if takes_model else adapt(dict(state)))
    except Exception:  # tensors of another architecture; comparing them later names those that do not fit
        return state
