"""The encoders that Zoobot's authors publish, as they are named on the Hugging Face hub (owner ``mwalmsley``).

Architecture and licence are those stated by the ``config.json`` and the page of each repository. The normalization is
not: the ``config.json`` repeats what timm says of the weights that the training began with, while Zoobot itself gives
its networks values in [0, 1] without further scaling.
"""

from __future__ import annotations

from dataclasses import dataclass

from galaxtool import BackboneSpec, Citation, Weights
from galaxtool_zoobot.citations import EUCLID, SCALING, ZOOBOT

OWNER = "mwalmsley"
IMAGE_SIZE = 224
MEAN, STD = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """A published encoder.

    Parameters
    ----------
    name : str
        Short name.
    architecture : str
        Name in timm.
    title : str
        Architecture, as people write it.
    repositories : tuple of (str, str)
        Tag of the weights and name of the repository, the default first.
    licence : str
        SPDX identifier.
    weights : Citation
        What to cite for the weights.
    data : str
        What it was trained on.
    file : str
        Name of the file of weights in the repository.
    """

    name: str
    architecture: str
    title: str
    repositories: tuple[tuple[str, str], ...]
    licence: str = "Apache-2.0"
    weights: Citation = SCALING
    data: str = "Galaxy Zoo Evo"
    file: str = "pytorch_model.bin"

    def make_spec(self) -> BackboneSpec:
        """Return the spec."""
        return BackboneSpec(
            name=self.name,
            summary=f"Zoobot's {self.title}, trained on {self.data} (timm {self.architecture}).",
            factory="galaxtool_zoobot.encoders.build:build",
            citation=ZOOBOT,
            features=True,
            image_size=IMAGE_SIZE,
            weights=tuple(
                Weights(
                    tag=tag,
                    uri=f"hf-hub:{OWNER}/{repository}/{self.file}",
                    licence=self.licence,
                    citation=self.weights,
                )
                for tag, repository in self.repositories
            ),
            mean=MEAN,
            std=STD,
        )


def _evo(name: str, architecture: str, title: str, repository: str = "", licence: str = "Apache-2.0") -> Encoder:
    published = f"zoobot-encoder-{repository or architecture}"
    return Encoder(
        name=f"zoobot-{name}",
        architecture=architecture,
        title=title,
        repositories=(("evo", published),),
        licence=licence,
    )


ENCODERS = (
    _evo("convnext", "convnext_base", "ConvNeXt-Base"),
    _evo("convnext-pico", "convnext_pico", "ConvNeXt-Pico"),
    Encoder(
        name="zoobot-convnext-nano",
        architecture="convnext_nano",
        title="ConvNeXt-Nano",
        repositories=(
            ("evo", "zoobot-encoder-convnext_nano"),
            ("greyscale", "zoobot-encoder-greyscale-convnext_nano"),
        ),
    ),
    _evo("convnext-tiny", "convnext_tiny", "ConvNeXt-Tiny"),
    _evo("convnext-small", "convnext_small", "ConvNeXt-Small"),
    _evo("convnext-base", "convnext_base", "ConvNeXt-Base"),
    _evo("convnext-large", "convnext_large", "ConvNeXt-Large"),
    _evo("maxvit", "maxvit_rmlp_base_rw_224", "MaxViT-Base", "maxvit_base_rw_224"),
    _evo("maxvit-tiny", "maxvit_tiny_rw_224", "MaxViT-Tiny"),
    _evo("maxvit-small", "maxvit_rmlp_small_rw_224", "MaxViT-Small"),
    _evo("maxvit-base", "maxvit_rmlp_base_rw_224", "MaxViT-Base", "maxvit_base_rw_224"),
    _evo("maxvit-large", "maxvit_large_tf_224", "MaxViT-Large"),
    _evo("resnet18", "resnet18", "ResNet-18"),
    _evo("resnet50", "resnet50", "ResNet-50"),
    _evo("resnet101", "resnet101", "ResNet-101"),
    _evo("efficientnet-b0", "efficientnet_b0", "EfficientNet-B0", licence="GPL-3.0"),
    _evo("efficientnetv2-s", "tf_efficientnetv2_s", "EfficientNetV2-S"),
    Encoder(
        name="zoobot-euclid",
        architecture="convnext_base",
        title="ConvNeXt-Base",
        repositories=(("q1", "zoobot-encoder-euclid-convnext-base"),),
        weights=EUCLID,
        data="Galaxy Zoo Euclid",
        file="model.safetensors",
    ),
)
"""All of them. ``zoobot-convnext`` and ``zoobot-maxvit`` are the sizes of Wang et al. 2024, arXiv:2411.19475."""


def find_architecture(name: str) -> str:
    """Return the architecture of a short name."""
    return next(encoder.architecture for encoder in ENCODERS if encoder.name == name)


def find_by_architecture(architecture: str) -> str | None:
    """Return the first short name of an architecture; None if there is none."""
    return next((encoder.name for encoder in ENCODERS if encoder.architecture == architecture), None)
