"""The built-in methods."""

from __future__ import annotations

from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import Citation, MethodOption, MethodSpec

_GALAXALIGN = Citation(
    text="Wang, Wang & Luo 2024, Effective fine-tuning of vision-language models for accurate galaxy morphology "
    "analysis",
    arxiv="2411.19475",
)
_FOUNDATION = Citation(
    text="Lastufka et al. 2024, Vision foundation models: can they be applied to astrophysics data?",
    arxiv="2409.11175",
)
_TRANSFER = Citation(
    text="Alberghi, Calderoni, Casiraghi & Forzo 2024, A comparison of deep and transfer learning approaches for "
    "galaxy morphology classification from images",
)
_LORA = Citation(text="Hu et al. 2021, LoRA: low-rank adaptation of large language models", arxiv="2106.09685")

_DINO = Citation(
    text="Caron et al. 2021, Emerging properties in self-supervised vision transformers, ICCV", arxiv="2104.14294"
)

_THREE_KINDS = ("labels", "text", "symbols")
_ONE_STAGE = ("epochs",)


@hookimpl
def register_methods() -> list[MethodSpec]:
    return [
        MethodSpec(
            name="galaxalign",
            summary="Aligns images, symbols and prompts in two stages (GalaxAlign).",
            factory="galaxtool.methods.galaxalign:stages",
            needs=_THREE_KINDS,
            citation=_GALAXALIGN,
        ),
        MethodSpec(
            name="galaxalign-v1",
            summary="GalaxAlign's first stage only, as long as the warm-up.",
            factory="galaxtool.methods.galaxalign:stages_v1",
            needs=_THREE_KINDS,
            lengths=("warmup_epochs",),
            citation=_GALAXALIGN,
        ),
        MethodSpec(
            name="galaxalign-v2",
            summary="GalaxAlign's second stage only.",
            factory="galaxtool.methods.galaxalign:stages_v2",
            needs=_THREE_KINDS,
            lengths=_ONE_STAGE,
            citation=_GALAXALIGN,
        ),
        MethodSpec(
            name="galaxalign-v3",
            summary="GalaxAlign's first stage only, to its end.",
            factory="galaxtool.methods.galaxalign:stages_v3",
            needs=_THREE_KINDS,
            lengths=_ONE_STAGE,
            citation=_GALAXALIGN,
        ),
        MethodSpec(
            name="clip",
            summary="Aligns images and prompts, without symbols: GalaxAlign's bimodal ablation.",
            factory="galaxtool.methods.clip:stages",
            needs=("labels", "text"),
            lengths=_ONE_STAGE,
            citation=_GALAXALIGN,
        ),
        MethodSpec(
            name="supervised",
            summary="A head on the features, all layers trained; with @none, from scratch.",
            factory="galaxtool.methods.supervised:stages",
            head="linear",
            heads=("votes",),
            lengths=_ONE_STAGE,
        ),
        MethodSpec(
            name="linear-probe",
            summary="The head alone, on frozen features that are computed once and kept.",
            factory="galaxtool.methods.linear_probe:stages",
            head="linear",
            heads=("votes",),
            lengths=_ONE_STAGE,
            ignores=("layer_decay", "checkpointing", "compile"),
            lr=1e-2,
            options=(
                MethodOption(
                    name="standardise", default=True, summary="Centre and scale each feature over the training split."
                ),
            ),
            citation=_FOUNDATION,
        ),
        MethodSpec(
            name="shallow",
            summary="The head and the last block; all else frozen.",
            factory="galaxtool.methods.partial:shallow_stages",
            head="linear",
            heads=("votes",),
            lengths=_ONE_STAGE,
            lr=5e-4,
            options=(
                MethodOption(name="blocks", default=1, summary="Last blocks that are trained; 0 for the head alone."),
            ),
            citation=_TRANSFER,
        ),
        MethodSpec(
            name="deep",
            summary="The head and all blocks but the first, which stay as they were pretrained.",
            factory="galaxtool.methods.partial:deep_stages",
            head="linear",
            heads=("votes",),
            lengths=_ONE_STAGE,
            options=(
                MethodOption(name="frozen", default=1, summary="First blocks that are frozen; the stem counts one."),
                MethodOption(name="reset", default=False, summary="Start what is trained from random weights."),
            ),
            citation=_TRANSFER,
        ),
        MethodSpec(
            name="lora",
            summary="The head and low-rank adapters in a frozen image encoder; needs galaxtool[lora].",
            factory="galaxtool.methods.lora:stages",
            head="linear",
            heads=("votes",),
            lengths=_ONE_STAGE,
            lr=1e-3,
            requires=("peft",),
            options=(
                MethodOption(name="rank", default=8, summary="Rank of each matrix's change."),
                MethodOption(name="alpha", default=16.0, summary="The change counts alpha / rank times."),
                MethodOption(name="dropout", default=0.0, summary="Of what goes into an adapter, in training."),
            ),
            citation=_LORA,
        ),
        MethodSpec(
            name="dino-lora",
            summary="Self-distillation without labels (DINO), by adapters; needs galaxtool[lora].",
            factory="galaxtool.methods.dino_lora:stages",
            needs=(),
            lengths=_ONE_STAGE,
            head="knn",
            lr=5e-4,
            options=(
                MethodOption(name="rank", default=8, summary="Of LoRA; 0 trains all layers instead."),
                MethodOption(name="alpha", default=16.0, summary="LoRA's product counts alpha / rank times."),
                MethodOption(name="dropout", default=0.0, summary="Of what goes into LoRA."),
                MethodOption(name="out_dim", default=4096, summary="Prototypes; the paper has 65536."),
                MethodOption(name="hidden_dim", default=2048, summary="Width of the projection head."),
                MethodOption(name="local_crops", default=6, summary="Crops of a part, besides two global ones."),
                MethodOption(name="student_temperature", default=0.1, summary="Of the student's softmax."),
                MethodOption(
                    name="teacher_temperature", default=0.07, summary="Of the teacher's, after a warm-up from 0.04."
                ),
                MethodOption(name="warmup_teacher_epochs", default=10, summary="In which that goes up."),
                MethodOption(
                    name="teacher_momentum",
                    default=0.996,
                    summary="What the teacher keeps a step, at first; lower for short runs.",
                ),
                MethodOption(name="freeze_epochs", default=1, summary="In which the prototypes stay."),
            ),
            citation=_DINO,
        ),
    ]
