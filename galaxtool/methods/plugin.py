"""The built-in methods."""

from __future__ import annotations

from galaxtool.hookspecs import hookimpl
from galaxtool.specs import Citation, MethodSpec

_GALAXALIGN = Citation(
    text="Wang, Wang & Luo 2024, Effective fine-tuning of vision-language models for accurate galaxy morphology "
    "analysis",
    arxiv="2411.19475",
)


@hookimpl
def register_methods() -> list[MethodSpec]:
    return [
        MethodSpec(
            name="galaxalign",
            summary="Aligns images, symbols and prompts in two stages (GalaxAlign).",
            factory="galaxtool.methods.galaxalign:stages",
            needs=("labels", "text", "symbols"),
            citation=_GALAXALIGN,
        ),
        MethodSpec(
            name="clip",
            summary="Aligns images and prompts, without symbols: GalaxAlign's bimodal ablation.",
            factory="galaxtool.methods.clip:stages",
            needs=("labels", "text"),
            citation=_GALAXALIGN,
        ),
        MethodSpec(
            name="supervised",
            summary="Cross-entropy on a linear head, all layers.",
            factory="galaxtool.methods.supervised:stages",
            needs=("labels",),
            head="linear",
        ),
    ]
