"""Specs of the built-in methods."""

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

_EPOCHS = ("epochs",)

_ALIGNMENT_OPTIONS = (
    MethodOption(
        name="symmetric",
        default=False,
        summary="Compare prompts and symbols with all images of the batch too, as OpenCLIP does.",
    ),
    MethodOption(
        name="temperature_lr", default=1e-2, summary="Peak learning rate of the temperature's logarithm; 0 keeps it."
    ),
    MethodOption(
        name="caption_weight",
        default=0.5,
        summary="Weight of the comparison of images with their captions, if they have any.",
    ),
    MethodOption(
        name="class_captions",
        default=False,
        summary="Give images the captions of their classes too, and so captions to all images.",
    ),
)
_SYMBOL_OPTIONS = (
    MethodOption(name="symbol_weight", default=1.0, summary="Weight of the terms of the loss with symbols."),
    MethodOption(
        name="symbol_copies",
        default=0,
        summary="Redraws of each symbol in a step; 0 for 16 symbols with BatchNorm and one of each class without.",
    ),
)


@hookimpl
def register_methods() -> list[MethodSpec]:
    return [*_alignments(), *_classifiers(), _lora(), _dino_lora()]


def _alignments() -> list[MethodSpec]:
    """Return the methods that align images with prompts, and with symbols."""
    return [
        _galaxalign("galaxalign", "Aligns images, symbols and prompts in two stages (GalaxAlign).", "stages"),
        _galaxalign(
            "galaxalign-v1",
            "GalaxAlign's first stage only, as long as the warm-up.",
            "stages_v1",
            lengths=("warmup_epochs",),
        ),
        _galaxalign("galaxalign-v2", "GalaxAlign's second stage only.", "stages_v2", lengths=_EPOCHS),
        _galaxalign("galaxalign-v3", "GalaxAlign's first stage only, for all epochs.", "stages_v3", lengths=_EPOCHS),
        MethodSpec(
            name="clip",
            summary="Aligns images and prompts, without symbols: GalaxAlign's bimodal ablation.",
            factory="galaxtool.methods.clip:stages",
            needs=("labels", "text"),
            lengths=_EPOCHS,
            options=_ALIGNMENT_OPTIONS,
            citation=_GALAXALIGN,
        ),
    ]


def _classifiers() -> list[MethodSpec]:
    """Return the methods that train a head on the features, with all, some or no layers of the image tower."""
    return [
        MethodSpec(
            name="supervised",
            summary="A head on the features, all layers trained; with @none, from scratch.",
            factory="galaxtool.methods.supervised:stages",
            head="linear",
            label_kinds=("class", "votes", "values"),
            lengths=_EPOCHS,
        ),
        MethodSpec(
            name="linear-probe",
            summary="The head alone, on frozen features that are computed once and cached.",
            factory="galaxtool.methods.linear_probe:stages",
            head="linear",
            label_kinds=("class", "votes", "values"),
            lengths=_EPOCHS,
            ignores=("layer_decay", "checkpointing", "compile", "augment", "dropout"),
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
            summary="The head and the last block; all other layers are frozen.",
            factory="galaxtool.methods.partial:shallow_stages",
            head="linear",
            label_kinds=("class", "votes", "values"),
            lengths=_EPOCHS,
            lr=5e-4,
            options=(
                MethodOption(
                    name="blocks",
                    default=1,
                    summary="Number of last blocks to train (VGG's connected layers are one); 0 for the head alone.",
                ),
                MethodOption(
                    name="reset",
                    default="auto",
                    choices=("auto", "true", "false"),
                    summary="Start trained blocks from random weights: true, false, or auto, VGG's classifier only.",
                ),
            ),
            citation=_TRANSFER,
        ),
        MethodSpec(
            name="deep",
            summary="The head and all blocks but the first, which keep their pretrained weights.",
            factory="galaxtool.methods.partial:deep_stages",
            head="linear",
            label_kinds=("class", "votes", "values"),
            lengths=_EPOCHS,
            options=(
                MethodOption(
                    name="frozen", default=1, summary="Number of first blocks to freeze; the stem counts as one."
                ),
                MethodOption(name="reset", default=False, summary="Start the trained layers from random weights."),
            ),
            citation=_TRANSFER,
        ),
    ]


def _lora() -> MethodSpec:
    return MethodSpec(
        name="lora",
        summary="The head and low-rank adapters in a frozen image encoder; needs galaxtool[lora].",
        factory="galaxtool.methods.lora:stages",
        head="linear",
        label_kinds=("class", "votes", "values"),
        lengths=_EPOCHS,
        lr=1e-3,
        requires=("peft",),
        options=(
            MethodOption(name="rank", default=8, summary="Rank of the change of each matrix."),
            MethodOption(name="alpha", default=16.0, summary="Scale: the change is multiplied by alpha / rank."),
            MethodOption(name="dropout", default=0.0, summary="Dropout of the adapters' inputs in training."),
            *_adapter_options(),
        ),
        citation=_LORA,
    )


def _adapter_options() -> tuple[MethodOption, ...]:
    """Return the options of what has adapters, and what trains besides."""
    return (
        MethodOption(
            name="targets",
            default="all",
            summary="Matrices with adapters: all, or a list of letters of qkv, proj, mlp and patch, e.g. qv,proj.",
        ),
        MethodOption(
            name="bias",
            default="none",
            choices=("none", "all", "lora"),
            summary="Biases that train: none, all, or those of the layers with adapters.",
        ),
    )


def _dino_lora() -> MethodSpec:
    return MethodSpec(
        name="dino-lora",
        summary="Self-distillation without labels (DINO), by adapters; needs galaxtool[lora].",
        factory="galaxtool.methods.dino_lora:stages",
        needs=(),
        lengths=_EPOCHS,
        head="knn",
        lr=5e-4,
        options=(
            MethodOption(name="rank", default=8, summary="Rank of LoRA; 0 trains all layers instead."),
            MethodOption(name="alpha", default=16.0, summary="Scale: LoRA's product is multiplied by alpha / rank."),
            MethodOption(name="dropout", default=0.0, summary="Dropout of the inputs of LoRA."),
            *_adapter_options(),
            MethodOption(
                name="head",
                default="train",
                choices=("train", "freeze"),
                summary="Train the projection head, or freeze its weights.",
            ),
            MethodOption(name="out_dim", default=4096, summary="Number of prototypes; the paper has 65536."),
            MethodOption(name="hidden_dim", default=2048, summary="Width of the projection head."),
            MethodOption(name="local_crops", default=6, summary="Number of local crops, besides two global ones."),
            MethodOption(name="local_min", default=0.1, summary="Smallest share of the area that a local crop shows."),
            MethodOption(name="local_max", default=0.4, summary="Largest share of the area that a local crop shows."),
            MethodOption(name="student_temperature", default=0.1, summary="Temperature of the student's softmax."),
            MethodOption(
                name="teacher_temperature",
                default=0.07,
                summary="Temperature of the teacher's softmax, after a warm-up from 0.04.",
            ),
            MethodOption(
                name="warmup_teacher_epochs", default=10, summary="Epochs in which the teacher's temperature rises."
            ),
            MethodOption(
                name="momentum",
                default=0.996,
                former="teacher_momentum",
                summary="Momentum of the teacher in the first step; lower for short runs.",
            ),
            MethodOption(name="freeze_epochs", default=1, summary="First epochs, in which the prototypes are frozen."),
            MethodOption(
                name="lr_warmup_epochs",
                default=0.0,
                summary="Epochs in which the learning rate rises from 0; 0 for the usual ramp.",
            ),
            MethodOption(
                name="weight_decay_end",
                default=-1.0,
                summary="Weight decay at the end, reached by half a cosine; -1 for a constant one.",
            ),
        ),
        citation=_DINO,
    )


def _galaxalign(
    name: str, summary: str, factory: str, *, lengths: tuple[str, ...] = ("warmup_epochs", "epochs")
) -> MethodSpec:
    return MethodSpec(
        name=name,
        summary=summary,
        factory=f"galaxtool.methods.galaxalign:{factory}",
        needs=("labels", "text", "symbols"),
        lengths=lengths,
        options=(*_ALIGNMENT_OPTIONS, *_SYMBOL_OPTIONS),
        citation=_GALAXALIGN,
    )
