"""The built-in backbones."""

from __future__ import annotations

from pathlib import Path

from galaxtool.hookspecs import hookimpl
from galaxtool.specs import BackboneSpec, Citation, Weights

_BUNDLED = Path(__file__).resolve().parent.parent / "models" / "mini"

_CLIP = Citation(
    text="Radford et al. 2021, Learning transferable visual models from natural language supervision, ICML",
    arxiv="2103.00020",
)
_OPENCLIP = Citation(
    text="Cherti et al. 2023, Reproducible scaling laws for contrastive language-image learning, CVPR",
    arxiv="2212.07143",
)
_RESNET = Citation(text="He et al. 2016, Deep residual learning for image recognition, CVPR", arxiv="1512.03385")


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
                ),
            ),
            citation=_RESNET,
            licence="BSD-3-Clause",
        ),
        BackboneSpec(
            name="open_clip",
            summary="Any architecture of OpenCLIP, e.g. open_clip:ViT-B-16@laion2b_s34b_b88k or open_clip:RN50@none.",
            factory="galaxtool.backbones.openclip:build",
            text=True,
            architectures=True,
            weights_of="galaxtool.backbones.openclip:known_weights",
            mean=(0.48145466, 0.4578275, 0.40821073),
            std=(0.26862954, 0.26130258, 0.27577711),
            citation=_OPENCLIP,
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
                    citation=_OPENCLIP,
                ),
            ),
            mean=(0.48145466, 0.4578275, 0.40821073),
            std=(0.26862954, 0.26130258, 0.27577711),
            citation=_CLIP,
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
                    citation=_OPENCLIP,
                ),
            ),
            mean=(0.48145466, 0.4578275, 0.40821073),
            std=(0.26862954, 0.26130258, 0.27577711),
            citation=_OPENCLIP,
        ),
    ]
