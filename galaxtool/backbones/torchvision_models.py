"""Backbones from the classifiers of torchvision: ``torchvision:vgg11@IMAGENET1K_V1``.

Features are the input of the last fully connected layer: the class token of a vision transformer, the pooled map of a
residual network, and the 4096 activations of the layer before the last in VGG and AlexNet.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torchvision import models
from torchvision.models.vision_transformer import interpolate_embeddings

from galaxtool.backbones.abilities import get_name, group_by_layer, make_groups
from galaxtool.backbones.checkpointing import checkpoint_module
from galaxtool.backbones.citations import TORCHVISION
from galaxtool.backbones.feature_maps import collect_maps
from galaxtool.backbones.image_size import resample_positions
from galaxtool.backbones.transformer import Transformer, TransformerAbilities, collect_token_maps
from galaxtool.errors import ConfigError, UnknownName
from galaxtool.plugins.specs import Weights

SHORT = {"vit-16-tv": "vit_b_16", "resnet18": "resnet18", "resnet50": "resnet50", "vgg11": "vgg11"}
"""Short names and their architectures in torchvision."""

_HALF = (0.5, 0.5, 0.5)
_GOOGLE = ("googlenet", "inception_v3")
_SEQUENCES = {
    "VisionTransformer": ("encoder.layers",),
    "ResNet": ("layer1", "layer2", "layer3", "layer4"),
    "ConvNeXt": ("features",),
    "SwinTransformer": ("features",),
}
"""Names of the submodules with the blocks whose activations can be recomputed."""

_CONTAINERS = ("features", "blocks", "trunk_output", "layers")
_WITH_CLASSIFIER = ("VGG", "AlexNet")
_DIGEST = re.compile(r"-([0-9a-f]{8,})\.")
# torchvision itself renames these when it loads older files
_OLD_NAMES = (
    (re.compile(r"\.mlp\.linear_1\."), ".mlp.0."),
    (re.compile(r"\.mlp\.linear_2\."), ".mlp.3."),
    (re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\."), r"\1\2."),
)


class Blocks(nn.Sequential):
    """A sequence of blocks whose activations can be recomputed in the backward pass.

    Attributes
    ----------
    checkpointing : bool
        Whether activations are recomputed instead of stored.
    """

    checkpointing = False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply one block after another."""
        recompute = self.checkpointing and torch.is_grad_enabled()
        for block in self:
            x = checkpoint_module(block, x) if recompute else block(x)
        return x


class TorchVision(TransformerAbilities, nn.Module):
    """A classifier of torchvision without its last layer; see `galaxtool.backbones.protocols.Backbone`.

    Parameters
    ----------
    model : torch.nn.Module
        Model as created by torchvision; its classifier is removed.
    image_size : int
        Side of the images in pixels.
    pretrained : bool
        Whether weights will be loaded.
    """

    def __init__(self, model: nn.Module, *, image_size: int, pretrained: bool) -> None:
        super().__init__()
        self.dim = remove_classifier(model)
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
        embedded: torch.Tensor = self.model(images)
        return embedded

    def features(self, images: torch.Tensor) -> list[tuple[torch.Tensor, int]]:
        """Return the last map of each stride, or the map of each block of a vision transformer, and its stride."""
        parts = self.find_transformer()
        if parts is not None:
            return collect_token_maps(self.model, parts, images)
        pooled = [layer for layer in self.model.children() if not any(True for _ in layer.parameters())]
        layers = [layer for layer in self._layers() if layer not in pooled]
        return collect_maps(self.model, layers, images, channels_last=type(self.model).__name__ == "SwinTransformer")

    def find_transformer(self) -> Transformer | None:
        """Return the parts of a vision transformer; None for other architectures."""
        model: Any = self.model
        if type(model).__name__ != "VisionTransformer":
            return None
        encoder = model.encoder
        return Transformer(
            blocks=list(encoder.layers), norm=encoder.ln, patch=model.patch_size, prefix_tokens=1, class_token=True
        )

    def set_image_size(self, size: int) -> None:
        """Take images of another size; the position embeddings of a vision transformer are resampled."""
        model: Any = self.model
        if type(model).__name__ == "VisionTransformer":
            encoder = model.encoder
            encoder.pos_embedding = resample_positions(encoder.pos_embedding, 1, size // model.patch_size)
            model.image_size, model.seq_length = size, encoder.pos_embedding.shape[1]
        self.image_size = size

    def blocks(self) -> list[list[nn.Parameter]]:
        """Return the parameters of the stem and of each block or stage.

        For VGG and AlexNet, each convolution is a block, and the last block has all fully connected layers.
        """
        model: Any = self.model
        if type(model).__name__ == "VisionTransformer":
            stem = [model.class_token, *model.conv_proj.parameters(), model.encoder.pos_embedding]
            return make_groups(model, [stem, *(layer.parameters() for layer in model.encoder.layers)])
        connected = self.classifier()
        return make_groups(model, [*group_by_layer(self._layers()), connected.parameters() if connected else ()])

    def _layers(self) -> list[nn.Module]:
        """Return the layers of a network without fully connected ones, from the images on."""
        layers: list[nn.Module] = []
        for name, child in self.model.named_children():
            layers += child.children() if name in _CONTAINERS else [child] if name != "classifier" else []
        return layers

    def classifier(self) -> nn.Module | None:
        """Return the fully connected layers of VGG and AlexNet; None for other architectures."""
        model: Any = self.model
        connected: nn.Module | None = model.classifier if type(model).__name__ in _WITH_CLASSIFIER else None
        return connected

    def set_checkpointing(self, on: bool) -> None:
        """Switch gradient checkpointing.

        Raises
        ------
        ConfigError
            If the architecture does not support it.
        """
        sequences = [module for module in self.model.modules() if isinstance(module, Blocks)]
        if on and not sequences:
            raise ConfigError(
                f"'{get_name(self)}' does not support gradient checkpointing.",
                hint="Train without it, with a smaller --batch-size.",
            )
        for sequence in sequences:
            sequence.checkpointing = on

    def adapt_state(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Convert the tensors of a file to those of this network, as torchvision does when it loads them.

        Names in older files are updated; position embeddings of a vision transformer are resampled to its image size.
        """
        for pattern, name in _OLD_NAMES:
            state = {pattern.sub(name, key): value for key, value in state.items()}
        key = "model.encoder.pos_embedding"
        if type(self.model).__name__ == "VisionTransformer" and key in state:
            state[key] = self._resample_positions(state[key])
        return state

    def _resample_positions(self, positions: torch.Tensor) -> torch.Tensor:
        model: Any = self.model
        key = "encoder.pos_embedding"
        state = OrderedDict({key: positions})
        try:
            resampled: torch.Tensor = interpolate_embeddings(model.image_size, model.patch_size, state)[key]
        except ValueError:  # the patches do not form a square, which is reported when the shapes are compared
            return positions
        return resampled


def build(*, architecture: str, weights: str | None, resolve: Callable[[Weights], Path]) -> TorchVision:
    """Create a classifier by its name in torchvision, e.g. ``vgg11``, without its last layer.

    A vision transformer is always created for 224 pixels, even if its weights were trained with another size.

    Raises
    ------
    UnknownName
        If torchvision has no such classifier. The message suggests the nearest name.
    """
    _check_architecture(architecture)
    # these two would warn of random weights, and have auxiliary classifiers that only help to train from scratch
    arguments = {"aux_logits": False, "init_weights": True} if architecture in _GOOGLE else {}
    known = {record.tag: record for record in list_weights(architecture)}
    record = known.get(weights or "") or next(iter(known.values()))
    return TorchVision(
        models.get_model(architecture, weights=None, **arguments),
        image_size=record.image_size or 224,
        pretrained=weights is not None,
    )


def build_short(*, architecture: str, weights: str | None, resolve: Callable[[Weights], Path]) -> TorchVision:
    """Create the architecture of one of the `SHORT` names."""
    return build(architecture=SHORT[architecture], weights=weights, resolve=resolve)


def list_weights(architecture: str) -> list[Weights]:
    """List the pretrained weights that torchvision knows for a classifier, the default first.

    Raises
    ------
    UnknownName
        If torchvision has no such classifier. The message suggests the nearest name.
    """
    _check_architecture(architecture)
    weights = models.get_model_weights(architecture)
    # the FEATURES weights of VGG-16 lack the fully connected layers
    entries = [entry for entry in weights if not entry.name.endswith("FEATURES")]
    entries.sort(key=lambda entry: entry is not weights.DEFAULT)
    return [_make_record(architecture, entry) for entry in entries]


def remove_classifier(model: Any) -> int:
    """Remove the last fully connected layer of a torchvision classifier, and return the length of its input.

    Raises
    ------
    ConfigError
        If the network has no such layer.
    """
    for name in ("fc", "classifier", "head", "heads"):
        head = getattr(model, name, None)
        if isinstance(head, nn.Linear):
            setattr(model, name, nn.Identity())
            return int(head.in_features)
        if isinstance(head, nn.Sequential):
            *kept, (_, last) = head.named_children()
            if isinstance(last, nn.Linear):
                setattr(model, name, nn.Sequential(OrderedDict(kept)))
                return int(last.in_features)
            convolution = next(module for module in head if isinstance(module, nn.Conv2d))  # SqueezeNet's
            setattr(model, name, nn.AdaptiveAvgPool2d(1))
            return int(convolution.in_channels)
    raise ConfigError(
        f"A {type(model).__name__} has no classifier that could be removed.", hint="Choose another architecture."
    )


def _check_architecture(architecture: str) -> None:
    known = models.list_models(module=models)
    if architecture not in known:
        raise UnknownName("torchvision architecture", architecture, known)


def _make_record(architecture: str, entry: Any) -> Weights:
    preset = entry.transforms()
    match = _DIGEST.search(entry.url.rpartition("/")[2])
    # these two were trained with other values, to which torchvision converts inside the network
    mean, std = (_HALF, _HALF) if architecture in _GOOGLE else (tuple(preset.mean), tuple(preset.std))
    return Weights(
        tag=entry.name,
        uri=entry.url,
        sha256=match[1] if match else "",
        licence=entry.meta.get("license", "BSD-3-Clause"),
        citation=TORCHVISION,
        image_size=224 if architecture.startswith("vit_") else int(preset.crop_size[0]),
        mean=mean,
        std=std,
    )
