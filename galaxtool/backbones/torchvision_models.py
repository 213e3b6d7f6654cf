"""Any classifier of torchvision as a backbone: ``torchvision:vgg11@IMAGENET1K_V1``.

Features are what the last fully connected layer is given: the class token of a vision transformer, the pooled map of a
residual network, and of VGG and AlexNet the 4096 activations of the layer before the last.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from galaxtool.backbones.abilities import grouped, name_of
from galaxtool.backbones.checkpointing import checkpointed
from galaxtool.backbones.citations import TORCHVISION
from galaxtool.errors import ConfigError, UnknownName
from galaxtool.plugins.specs import Weights

SHORT = {"vit-16-tv": "vit_b_16", "resnet18": "resnet18", "resnet50": "resnet50", "vgg11": "vgg11"}
"""Short name -> architecture of torchvision."""

_HALF = (0.5, 0.5, 0.5)
_GOOGLE = ("googlenet", "inception_v3")
_SEQUENCES = {
    "VisionTransformer": ("encoder.layers",),
    "ResNet": ("layer1", "layer2", "layer3", "layer4"),
    "ConvNeXt": ("features",),
    "SwinTransformer": ("features",),
}
"""Where a network keeps the blocks whose activations can be computed again."""

_OPENED = ("features", "blocks", "trunk_output", "layers")
_LAYER_BY_LAYER = ("VGG", "AlexNet")
_DIGEST = re.compile(r"-([0-9a-f]{8,})\.")
# what torchvision itself renames when it loads its older files
_OLD_NAMES = (
    (re.compile(r"\.mlp\.linear_1\."), ".mlp.0."),
    (re.compile(r"\.mlp\.linear_2\."), ".mlp.3."),
    (re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\."), r"\1\2."),
)


class Blocks(nn.Sequential):
    """A sequence of blocks whose activations may be computed again in the backward pass.

    Attributes
    ----------
    checkpointing : bool
    """

    checkpointing = False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply one block after another."""
        again = self.checkpointing and torch.is_grad_enabled()
        for block in self:
            x = checkpointed(block, x) if again else block(x)
        return x


class TorchVision(nn.Module):
    """A classifier of torchvision without its last layer; see `galaxtool.backbones.protocols.Backbone`.

    Parameters
    ----------
    model : torch.nn.Module
        As torchvision makes it; its classifier is taken off.
    image_size : int
        Side in pixels.
    pretrained : bool
        Whether weights will be loaded.
    """

    def __init__(self, model: nn.Module, *, image_size: int, pretrained: bool) -> None:
        super().__init__()
        self.dim = take_classifier_off(model)
        for path in _SEQUENCES.get(type(model).__name__, ()):
            model.set_submodule(path, Blocks(OrderedDict(model.get_submodule(path).named_children())))
        self.model = model
        self.image_size = image_size
        self.suggested_lr = 5e-5 if pretrained else 5e-4

    @property
    def image_tower(self) -> nn.Module:
        """The network: images (N, 3, size, size) to (N, dim)."""
        return self.model

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """Embed images (N, 3, image_size, image_size) as (N, dim)."""
        return self.model(images)

    def blocks(self) -> list[list[nn.Parameter]]:
        """Return the parameters of the stem, then of each block or stage; of VGG and AlexNet those of each layer."""
        model: Any = self.model
        if type(model).__name__ == "VisionTransformer":
            stem = [model.class_token, *model.conv_proj.parameters(), model.encoder.pos_embedding]
            return grouped(model, [stem, *(layer.parameters() for layer in model.encoder.layers)])
        opened = (*_OPENED, "classifier") if type(model).__name__ in _LAYER_BY_LAYER else _OPENED
        pieces: list[nn.Module] = []
        for name, child in model.named_children():
            pieces += child.children() if name in opened else [child] if name != "classifier" else []
        return grouped(model, layers_of(pieces))

    def set_checkpointing(self, on: bool) -> None:
        """Switch gradient checkpointing.

        Raises
        ------
        ConfigError
            If the architecture has none.
        """
        sequences = [module for module in self.model.modules() if isinstance(module, Blocks)]
        if on and not sequences:
            raise ConfigError(
                f"'{name_of(self)}' has no gradient checkpointing.",
                hint="Train without it, with a smaller --batch-size.",
            )
        for sequence in sequences:
            sequence.checkpointing = on

    def adapt_state(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Turn tensors of a file into this network's, as torchvision does when it loads them.

        Names of older files become today's; a vision transformer's position embeddings are resampled to its size.
        """
        for pattern, name in _OLD_NAMES:
            state = {pattern.sub(name, key): value for key, value in state.items()}
        place = "model.encoder.pos_embedding"
        if type(self.model).__name__ == "VisionTransformer" and place in state:
            state[place] = self._resampled(state[place])
        return state

    def _resampled(self, positions: torch.Tensor) -> torch.Tensor:
        from torchvision.models.vision_transformer import interpolate_embeddings

        model: Any = self.model
        try:
            held = OrderedDict({"encoder.pos_embedding": positions})
            return interpolate_embeddings(model.image_size, model.patch_size, held)["encoder.pos_embedding"]
        except ValueError:  # no square of patches: said when the shapes are compared
            return positions


def build(*, architecture: str, weights: str | None, resolve: Callable[[Weights], Path]) -> TorchVision:
    """Make a classifier by torchvision's name, e.g. ``vgg11``, without its last layer.

    A vision transformer is always made for 224 pixels, whatever its weights were trained with.

    Raises
    ------
    UnknownName
        If torchvision has no such classifier, with the nearest.
    """
    from torchvision import models

    _check(architecture)
    # the first two would warn of random weights, and have classifiers that only help to train from scratch
    arguments = {"aux_logits": False, "init_weights": True} if architecture in _GOOGLE else {}
    known = {record.tag: record for record in known_weights(architecture)}
    record = known.get(weights or "") or next(iter(known.values()))
    return TorchVision(
        models.get_model(architecture, weights=None, **arguments),
        image_size=record.image_size or 224,
        pretrained=weights is not None,
    )


def build_short(*, architecture: str, weights: str | None, resolve: Callable[[Weights], Path]) -> TorchVision:
    """Make one of the `SHORT` names."""
    return build(architecture=SHORT[architecture], weights=weights, resolve=resolve)


def known_weights(architecture: str) -> list[Weights]:
    """List the pretrained weights that torchvision knows for a classifier, its default first.

    Raises
    ------
    UnknownName
        If torchvision has no such classifier, with the nearest.
    """
    from torchvision import models

    _check(architecture)
    weights = models.get_model_weights(architecture)
    # those of VGG-16 that are FEATURES lack the fully connected layers
    entries = [entry for entry in weights if not entry.name.endswith("FEATURES")]
    entries.sort(key=lambda entry: entry is not weights.DEFAULT)
    return [_record(architecture, entry) for entry in entries]


def take_classifier_off(model: Any) -> int:
    """Take the last fully connected layer off a classifier of torchvision; return the length of what it was given.

    Raises
    ------
    ConfigError
        If there is none.
    """
    for name in ("fc", "classifier", "head", "heads"):
        head = getattr(model, name, None)
        if isinstance(head, nn.Linear):
            setattr(model, name, nn.Identity())
            return head.in_features
        if isinstance(head, nn.Sequential):
            *kept, (_, last) = head.named_children()
            if isinstance(last, nn.Linear):
                setattr(model, name, nn.Sequential(OrderedDict(kept)))
                return last.in_features
            convolution = next(module for module in head if isinstance(module, nn.Conv2d))  # SqueezeNet's
            setattr(model, name, nn.AdaptiveAvgPool2d(1))
            return convolution.in_channels
    raise ConfigError(f"A {type(model).__name__} has no classifier that could be taken off.")


def layers_of(modules: Iterable[nn.Module]) -> list[list[nn.Parameter]]:
    """Return the parameters of each module in turn; those of a normalisation join the layer before it."""
    parts: list[list[nn.Parameter]] = []
    for module in modules:
        own = list(module.parameters())
        if parts and all(parameter.ndim < 2 for parameter in own):
            parts[-1] += own
        else:
            parts.append(own)
    return parts


def _check(architecture: str) -> None:
    from torchvision import models

    known = models.list_models(module=models)
    if architecture not in known:
        raise UnknownName("torchvision architecture", architecture, known)


def _record(architecture: str, entry: Any) -> Weights:
    shown = entry.transforms()
    found = _DIGEST.search(entry.url.rpartition("/")[2])
    # these two were trained with other values, and torchvision converts inside the network
    mean, std = (_HALF, _HALF) if architecture in _GOOGLE else (tuple(shown.mean), tuple(shown.std))
    return Weights(
        tag=entry.name,
        uri=entry.url,
        sha256=found[1] if found else "",
        licence=entry.meta.get("license", "BSD-3-Clause"),
        citation=TORCHVISION,
        image_size=224 if architecture.startswith("vit_") else int(shown.crop_size[0]),
        mean=mean,
        std=std,
    )
