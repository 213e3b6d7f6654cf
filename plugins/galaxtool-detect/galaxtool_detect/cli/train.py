"""The command line of ``galaxtool detect train``."""

from __future__ import annotations

from typer.core import TyperCommand

from galaxtool import build_command, echo
from galaxtool_detect.commands.train import TrainResult, train


def build_train() -> TyperCommand:
    """Build the command."""
    command: TyperCommand = build_command(
        train,
        show=_show,
        group="detect",
        panels={
            "Network": ("start", "backbone", "mode", "batchnorm", "head", "image_size", "upscale"),
            "Training": ("epochs", "batch_size", "lr", "weight_decay", "patience", "ema", "accumulate", "seed"),
            "Changes of the images": ("blur", "contrast", "jitter", "flips"),
            "Computation": ("precision", "device"),
        },
    )
    return command


def _show(result: TrainResult) -> None:
    scores = result.scores
    echo(f"mAP@50 {scores['valid_map50']:.3f}, F1 {scores['valid_f1']:.3f} from a score of {result.threshold:.2f}")
    echo(f"Detector: {result.model}")
    echo(f"Try: galaxtool detect run map.fits -m {result.run} -o sources.csv")
