"""What learns: the whole network, or only what is on the backbone; BatchNorm with fixed or with learned statistics."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from galaxtool import ConfigError
from galaxtool_detect.networks.detector import Detector

MODES = ("frozen", "finetuned", "scratch")
"""Whether the backbone keeps its weights, learns from them, or learns from random ones."""

NORMS = ("auto", "frozen", "learned")
"""Whether BatchNorm keeps its statistics; ``auto`` keeps them unless the backbone learns from random weights."""

PAPER = {"transformer": 21.0, "convolutional": 17.8}
"""Millions of weights that learn with a frozen backbone in Lastufka et al. 2024: ViTDet on ViT-B, FPN on ResNet-50."""


def freeze(detector: Detector, mode: str, norms: str = "auto") -> None:
    """Set what learns, in place.

    Parameters
    ----------
    detector : Detector
        Detector to change.
    mode : {"frozen", "finetuned", "scratch"}
        See `MODES`.
    norms : {"auto", "frozen", "learned"}
        See `NORMS`.

    Raises
    ------
    ConfigError
        If the choices contradict each other.
    """
    if mode not in MODES:
        raise ConfigError(f"--mode is '{mode}'; it must be one of {', '.join(MODES)}.")
    if norms not in NORMS:
        raise ConfigError(f"--batchnorm is '{norms}'; it must be one of {', '.join(NORMS)}.")
    if norms == "frozen" and mode == "scratch":
        raise ConfigError(
            "A backbone with random weights has no statistics of BatchNorm that could be kept.",
            hint="Leave --batchnorm out, or choose --mode finetuned.",
        )
    detector.body.is_frozen = mode == "frozen"
    keeps = norms == "frozen" or (norms == "auto" and mode != "scratch")
    detector.body.backbone.requires_grad_(mode != "frozen")
    for layer in find_norms(detector):
        layer.requires_grad_(mode != "frozen" and not keeps)
    detector.keeps_statistics = keeps


def find_norms(detector: Detector) -> list[_BatchNorm]:
    """Return the BatchNorm layers of the backbone."""
    return [layer for layer in detector.body.backbone.modules() if isinstance(layer, _BatchNorm)]


def set_training(detector: Detector) -> None:
    """Switch to training, except for what is frozen: its BatchNorm keeps its statistics, its dropout is off."""
    detector.train()
    if detector.body.is_frozen:
        detector.body.backbone.eval()
    for layer in find_norms(detector):
        layer.train(not detector.keeps_statistics)


def count_weights(module: nn.Module, *, learning: bool = True) -> int:
    """Return the number of weights of a module, all or those that learn."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad or not learning)


def describe_weights(detector: Detector) -> str:
    """Return a sentence on the number of weights that learn, with that of the paper if the backbone is frozen."""
    learning, whole = count_weights(detector), count_weights(detector, learning=False)
    text = f"{learning / 1e6:.1f} of {whole / 1e6:.1f} million weights learn"
    if not detector.body.is_frozen:
        return f"{text}."
    kind = "transformer" if detector.body.patch else "convolutional"
    name = "ViT-B with ViTDet" if detector.body.patch else "ResNet-50 with FPN"
    return f"{text}, the backbone is frozen (Lastufka et al. 2024: {PAPER[kind]:g} million for {name})."
