"""The built-in backbones."""

from __future__ import annotations

from pathlib import Path

from galaxtool.backbones import citations as cite
from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import BackboneSpec, Citation, Weights

_BUNDLED = Path(__file__).resolve().parent.parent / "models" / "mini"

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_CLIP_NORM = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))

Norm = tuple[tuple[float, float, float], tuple[float, float, float]]


def _weights(
    tag: str, uri: str, licence: str, *, norm: Norm = _IMAGENET, sha256: str = "", citation: Citation | None = None
) -> Weights:
    mean, std = norm
    return Weights(
        tag=tag, uri=uri, sha256=sha256, licence=licence, citation=citation, image_size=224, mean=mean, std=std
    )


def _of_timm(tag: str, licence: str, *, architecture: str = "vit_base_patch16_224", norm: Norm = _IMAGENET) -> Weights:
    return _weights(tag, f"hf-hub:timm/{architecture}.{tag}/model.safetensors", licence, norm=norm, citation=cite.TIMM)


def _of_torchvision(tag: str, file: str) -> Weights:
    """Make the record of a file whose name ends in the first digits of its SHA-256."""
    digest = file.rpartition("-")[2].removesuffix(".pth")
    uri = f"https://download.pytorch.org/models/{file}"
    return _weights(tag, uri, "BSD-3-Clause", sha256=digest, citation=cite.TORCHVISION)


def _named(
    name: str, summary: str, build: str, citation: Citation, weights: tuple[Weights, ...] = (), norm: Norm = _IMAGENET
) -> BackboneSpec:
    """Make the spec of a short name: an image encoder at 224 pixels."""
    return BackboneSpec(
        name=name,
        summary=summary,
        factory=f"galaxtool.backbones.{build}",
        image_size=224,
        weights=weights,
        mean=norm[0],
        std=norm[1],
        citation=citation,
        licence=weights[0].licence if weights else "",
    )


@hookimpl
def register_backbones() -> list[BackboneSpec]:
    return [
        BackboneSpec(
            name="mini",
            summary="Small image and text towers at 64 pixels; comes with galaxtool, trains on a laptop.",
            factory="galaxtool.backbones.mini:build",
            text=True,
            image_size=64,
            weights=(
                Weights(
                    tag="bundled",
                    uri=f"file:{_BUNDLED / 'weights.safetensors'}",
                    licence="BSD-3-Clause",
                    citation=cite.GALAXALIGN,
                    image_size=64,
                    mean=_HALF[0],
                    std=_HALF[1],
                ),
            ),
            citation=cite.RESNET,
            licence="BSD-3-Clause",
        ),
        BackboneSpec(
            name="open_clip",
            summary="Any architecture of OpenCLIP, e.g. open_clip:ViT-B-16@laion2b_s34b_b88k or open_clip:RN50@none.",
            factory="galaxtool.backbones.openclip:build",
            text=True,
            architectures=True,
            weights_of="galaxtool.backbones.openclip:known_weights",
            mean=_CLIP_NORM[0],
            std=_CLIP_NORM[1],
            citation=cite.OPENCLIP,
        ),
        BackboneSpec(
            name="clip-vit-16",
            summary="CLIP ViT-B/16 with LAION-2B weights (open_clip:ViT-B-16); paper 000's ViT-16.",
            factory="galaxtool.backbones.openclip:build_vit_b_16",
            text=True,
            image_size=224,
            weights=(
                Weights(
                    tag="laion2b_s34b_b88k",
                    uri="hf-hub:laion/CLIP-ViT-B-16-laion2B-s34B-b88K/open_clip_model.safetensors",
                    licence="MIT",
                    citation=cite.OPENCLIP,
                    image_size=224,
                    mean=_CLIP_NORM[0],
                    std=_CLIP_NORM[1],
                ),
            ),
            mean=_CLIP_NORM[0],
            std=_CLIP_NORM[1],
            citation=cite.CLIP,
        ),
        BackboneSpec(
            name="clip-convnext",
            summary="CLIP ConvNeXt-Base (wide), LAION-2B weights (open_clip:convnext_base_w); paper 000's ConvNeXt.",
            factory="galaxtool.backbones.openclip:build_convnext_base_w",
            text=True,
            image_size=256,
            weights=(
                Weights(
                    tag="laion2b_s13b_b82k",
                    uri="hf-hub:laion/CLIP-convnext_base_w-laion2B-s13B-b82K/open_clip_model.safetensors",
                    licence="MIT",
                    citation=cite.OPENCLIP,
                    image_size=256,
                    mean=_CLIP_NORM[0],
                    std=_CLIP_NORM[1],
                ),
            ),
            mean=_CLIP_NORM[0],
            std=_CLIP_NORM[1],
            citation=cite.OPENCLIP,
        ),
        BackboneSpec(
            name="timm",
            summary="Any image model of timm, e.g. timm:vit_base_patch14_dinov2.lvd142m or timm:hf_hub:OWNER/NAME.",
            factory="galaxtool.backbones.timm_models:build",
            architectures=True,
            weights_of="galaxtool.backbones.timm_weights:known_weights",
            mean=_IMAGENET[0],
            std=_IMAGENET[1],
            citation=cite.TIMM,
        ),
        BackboneSpec(
            name="torchvision",
            summary="Any classifier of torchvision, e.g. torchvision:vgg11@IMAGENET1K_V1 or torchvision:swin_t@none.",
            factory="galaxtool.backbones.torchvision_models:build",
            architectures=True,
            weights_of="galaxtool.backbones.torchvision_models:known_weights",
            mean=_IMAGENET[0],
            std=_IMAGENET[1],
            citation=cite.TORCHVISION,
        ),
        *_transformers(),
        *_convolutional(),
    ]


def _transformers() -> list[BackboneSpec]:
    timm = "timm_models:build_short"
    return [
        _named(
            "vit-16", "ViT-B/16, supervised on ImageNet-1k (timm); the supervised ViT-16 of papers 000 and 001.", timm,
            cite.VIT,
            (
                _weights(
                    "augreg_in1k", "hf-hub:timm/vit_base_patch16_224.augreg_in1k/model.safetensors", "Apache-2.0",
                    norm=_HALF, citation=cite.AUGREG,
                ),
                _weights(
                    "augreg_in21k_ft_in1k",
                    "hf-hub:timm/vit_base_patch16_224.augreg_in21k_ft_in1k/model.safetensors", "Apache-2.0",
                    norm=_HALF, citation=cite.AUGREG,
                ),
            ),
            norm=_HALF,
        ),
        _named(
            "vit-16-tv", "ViT-B/16, supervised on ImageNet-1k (torchvision); paper 002.",
            "torchvision_models:build_short", cite.VIT,
            (_of_torchvision("IMAGENET1K_V1", "vit_b_16-c867db91.pth"),),
        ),
        _named(
            "mae", "ViT-B/16 that filled in hidden patches of ImageNet-1k (timm); papers 000 and 001.", timm,
            cite.MAE, (_of_timm("mae", "CC-BY-NC-4.0"),),
        ),
        _named(
            "dinov1", "DINO ViT-B/16, self-distilled on ImageNet-1k (timm); paper 001's source detection.", timm,
            cite.DINO, (_of_timm("dino", "Apache-2.0"),),
        ),
        _named(
            "dinov1-s", "DINO ViT-S/16, self-distilled on ImageNet-1k (timm); paper 003's clustering.", timm,
            cite.DINO, (_of_timm("dino", "Apache-2.0", architecture="vit_small_patch16_224"),),
        ),
        _named(
            "dinov2", "DINOv2 ViT-B/14, self-distilled on 142 million images (timm); papers 000 and 001.", timm,
            cite.DINOV2, (_of_timm("lvd142m", "Apache-2.0", architecture="vit_base_patch14_dinov2"),),
        ),
        _named(
            "msn", "Masked siamese network ViT-B/16 on ImageNet-1k, from its authors; papers 000 and 001.", timm,
            cite.MSN,
            (
                _weights(
                    "vitb16_600ep", "https://dl.fbaipublicfiles.com/msn/vitb16_600ep.pth.tar", "CC-BY-NC-4.0",
                    citation=cite.MSN,
                ),
            ),
        ),
    ]  # fmt: skip


def _convolutional() -> list[BackboneSpec]:
    torchvision = "torchvision_models:build_short"
    return [
        _named(
            "resnet18", "ResNet-18, supervised on ImageNet-1k (torchvision); papers 000 and 001.", torchvision,
            cite.RESNET, (_of_torchvision("IMAGENET1K_V1", "resnet18-f37072fd.pth"),),
        ),
        _named(
            "resnet50", "ResNet-50, supervised on ImageNet-1k (torchvision); papers 000 and 001.", torchvision,
            cite.RESNET,
            (
                _of_torchvision("IMAGENET1K_V2", "resnet50-11ad3fa6.pth"),
                _of_torchvision("IMAGENET1K_V1", "resnet50-0676ba61.pth"),
            ),
        ),
        _named(
            "vgg11", "VGG11, supervised on ImageNet-1k (torchvision); paper 003's deep and shallow tuning.",
            torchvision, cite.VGG, (_of_torchvision("IMAGENET1K_V1", "vgg11-8a719046.pth"),),
        ),
        _named(
            "vgg11-32", "VGG11 with 32 channels throughout, from random weights; paper 003.",
            "small_cnns:build_vgg11_32", cite.ALBERGHI, norm=_HALF,
        ),
        _named(
            "small-cnn", "Small network that averages pixels first, from random weights; after paper 003.",
            "small_cnns:build_small_cnn", cite.ALBERGHI, norm=_HALF,
        ),
    ]  # fmt: skip
