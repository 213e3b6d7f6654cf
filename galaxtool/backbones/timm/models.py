"""Any image model of timm (PyTorch Image Models) as a backbone, by its name there or from a repository on the hub.

Features are what timm's model gives without its classifier, pooled as its weights expect: for the vision transformers
of the papers, the class token after the final norm, which is what MAE's, DINO's and MSN's authors put a linear
classifier on.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from galaxtool.backbones.abilities import grouped, name_of
from galaxtool.backbones.timm.hub import HubModel, is_hub, read_hub_model
from galaxtool.backbones.timm.weights import check_name, configuration, image_size
from galaxtool.errors import ConfigError, GalaxtoolError, ModelError, UnknownName
from galaxtool.plugins.specs import Weights

SHORT = {
    "vit-16": "vit_base_patch16_224",
    "mae": "vit_base_patch16_224",
    "dinov1": "vit_base_patch16_224",
    "dinov1-s": "vit_small_patch16_224",
    "dinov2": "vit_base_patch14_dinov2",
    # the authors' checkpoint has timm's names, and a projection head, which is left out
    "msn": "vit_base_patch16_224",
}
"""Short name -> architecture of timm."""

_FILTERS = ("checkpoint_filter_fn", "_filter_fn", "_filter_torchvision_pretrained")


class Timm(nn.Module):
    """A model of timm; see `galaxtool.backbones.protocols.Backbone`.

    Parameters
    ----------
    model : torch.nn.Module
        As timm makes it, without a classifier.
    image_size : int
        Side in pixels.
    pretrained : bool
        Whether weights will be loaded.

    Attributes
    ----------
    mean, std : tuple of 3 float, or None
        Normalisation of its weights, where only the weights' own folder says it.
    recorded_name : str
        A name by which the architecture can be made again without that folder; empty where its own will do.
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
        return self.model

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """Embed images (N, 3, image_size, image_size) as (N, dim).

        Raises
        ------
        ConfigError
            If it is one of the few models of timm that give a map.
        """
        features = self.model(images)
        if features.ndim != 2:
            raise ConfigError(
                f"'{name_of(self)}' gives a map of features, not one embedding for an image.",
                hint="Choose another architecture of timm's.",
            )
        return features

    def blocks(self) -> list[list[nn.Parameter]]:
        """Return the parameters of the stem, then of each transformer block or stage, as timm groups them.

        Raises
        ------
        ConfigError
            If timm does not say what the model's blocks are.
        """
        parts = find_blocks(self.model)
        if parts is None:
            raise ConfigError(
                f"timm does not say what the blocks of '{name_of(self)}' are.",
                hint="Train its layers alike, or choose another architecture.",
            )
        return grouped(self.model, parts)

    def set_checkpointing(self, on: bool) -> None:
        """Switch gradient checkpointing.

        Raises
        ------
        ConfigError
            If timm's model has none, or has BatchNorm, which would count each batch twice.
        """
        if not on:
            with suppress(AssertionError, AttributeError):
                self.model.set_grad_checkpointing(False)
            return
        try:
            if any(isinstance(module, _BatchNorm) for module in self.model.modules()):
                raise AssertionError
            self.model.set_grad_checkpointing(True)
        except (AssertionError, AttributeError) as error:  # an assertion is how timm says it
            raise ConfigError(
                f"'{name_of(self)}' has no gradient checkpointing.",
                hint="Train without it, with a smaller --batch-size.",
            ) from error

    def adapt_state(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Turn tensors of a file into this model's, as timm does when it loads them.

        Names of the original authors become timm's, position embeddings are resampled to this image size, a decoder
        and a classifier are dropped.
        """
        own = {key.removeprefix("model."): value for key, value in state.items()}
        if any(key.startswith("decoder_") for key in own):  # MAE's; its mask token is not DINOv2's
            own = {k: v for k, v in own.items() if not k.startswith("decoder_") and k != "mask_token"}
        return {f"model.{key}": value for key, value in _filtered(own, self.model).items()}


def build(*, architecture: str, weights: str | None, resolve: Callable[[Weights], Path]) -> Timm:
    """Make an architecture by timm's name, with or without a tag, or by ``hf_hub:OWNER/NAME``.

    Raises
    ------
    UnknownName
        If timm has no such architecture, with the nearest.
    OfflineError
        If the description of a model on the hub is not here and may not be fetched.
    ModelError
        If that description is not of a model of timm's.
    """
    if is_hub(architecture):
        return _build_from_hub(read_hub_model(architecture, weights, resolve), pretrained=weights is not None)
    return make(architecture, tag=weights, pretrained=weights is not None)


def build_short(*, architecture: str, weights: str | None, resolve: Callable[[Weights], Path]) -> Timm:
    """Make one of the `SHORT` names."""
    return make(SHORT[architecture], tag=None, pretrained=weights is not None)


def make(architecture: str, *, tag: str | None = None, pretrained: bool = False, **arguments: Any) -> Timm:
    """Make an architecture of timm's; what the factories of this module, and a plugin's, are made of.

    Parameters
    ----------
    architecture : str
        timm's name, with or without a tag.
    tag : str, optional
        Weights whose image size it is to have; ignored if timm does not know it.
    pretrained : bool
        Whether weights will be loaded.
    **arguments
        For ``timm.create_model``.

    Raises
    ------
    UnknownName
        If timm has no such architecture, with the nearest.
    """
    import timm

    name, _, own_tag = architecture.partition(".")
    check_name(name)
    size = image_size(name, configuration(name, tag or own_tag) or configuration(name, ""))
    if name.endswith("_dinov2"):
        arguments = {"img_size": size, **arguments}
    model: Any = timm.create_model(name, pretrained=False, num_classes=0, **arguments)
    return Timm(model, image_size=int(arguments.get("img_size", size)), pretrained=pretrained)


def find_blocks(model: Any) -> list[list[nn.Parameter]] | None:
    """Return the parameters of a timm model's stem and of each block or stage; None where timm has no such grouping.

    What comes after the blocks joins the last.
    """
    from timm.models import group_parameters

    if not hasattr(model, "group_matcher"):
        return None
    matcher = model.group_matcher(coarse=True)
    if isinstance(matcher, dict):
        # what matches nothing, a final norm for instance, timm would make a group of its own
        matcher = {**matcher, "rest": [("", (99999,))]}
    groups = group_parameters(model, matcher, return_values=True)
    return [groups[key] for key in sorted(groups)]


def _build_from_hub(described: HubModel, *, pretrained: bool) -> Timm:
    try:
        made = make(described.architecture, pretrained=pretrained, **described.arguments)
    except (UnknownName, TypeError, ValueError) as error:
        why = error.message if isinstance(error, GalaxtoolError) else str(error)
        raise ModelError(
            f"'{described.file}' does not describe a model that this version of timm can make: {why}",
            hint="Update timm: pip install --upgrade timm",
        ) from error
    made.image_size = described.image_size or made.image_size
    made.mean, made.std = described.mean, described.std
    if _is_plain(described.architecture, made.model):
        made.recorded_name = f"timm:{described.architecture}@{described.source}"
    return made


def _is_plain(architecture: str, model: Any) -> bool:
    """Return whether timm makes the same model without any arguments."""
    with torch.device("meta"):  # which takes no time and no memory
        plain = make(architecture).model
    shapes, wanted = ({k: v.shape for k, v in m.state_dict().items()} for m in (plain, model))
    pools = (getattr(m, "global_pool", None) for m in (plain, model))
    return shapes == wanted and str(plain) == str(model) and len({str(pool) for pool in pools}) == 1


def _filtered(state: dict[str, torch.Tensor], model: Any) -> dict[str, torch.Tensor]:
    """Pass tensors through the filter of the model's own module in timm, where it has one."""
    module = sys.modules[type(model).__module__]
    adapt = next((f for name in _FILTERS if (f := getattr(module, name, None))), None)
    if adapt is None:
        return state
    takes_model = len(inspect.signature(adapt).parameters) > 1
    try:
        return dict(adapt(dict(state), model) if takes_model else adapt(dict(state)))
    except Exception:  # of another architecture's tensors; which do not fit is said when they are compared
        return state
