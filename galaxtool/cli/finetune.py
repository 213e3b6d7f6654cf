"""The command line of ``galaxtool finetune``."""

from __future__ import annotations

from typing import Any

from galaxtool.cli.build import build_command
from galaxtool.cli.render import echo, print_table
from galaxtool.commands.finetune import finetune
from galaxtool.finetuning.result import FinetuneResult

_PANELS = {
    "Data": (
        "taxonomy", "symbols", "votes", "where", "weight", "image_column", "label_column", "ra_column", "dec_column",
        "table", "all_classes", "fraction", "split", "valid_fraction", "separation", "recipe", "data", "channels",
    ),
    "Reading": (
        "hdu", "bands", "pattern", "mask_hdu", "weight_hdu", "pixel_scale", "pixels", "size_arcsec", "crop",
        "stretch",
    ),
    "Training": (
        "option", "epochs", "warmup_epochs", "batch_size", "lr", "weight_decay", "layer_decay", "patience", "stopping",
        "contrast", "score", "class_weights", "label_smoothing", "calibrate", "ema", "seed",
    ),
    "Computing": ("precision", "device", "accumulate", "checkpointing", "compile", "tensorboard"),
    "Run": ("output", "resume", "overwrite"),
}  # fmt: skip

_EPILOG = (
    "Examples:  galaxtool finetune  |  galaxtool finetune my_cutouts/ --backbone mini@none  |  "
    "galaxtool finetune catalogue.fits --where 'smooth > 0.8 or spiral > 0.8'"
)


def command() -> Any:
    """Build the command."""
    return build_command(finetune, show=_show, panels=_PANELS, epilog=_EPILOG)


def _show(result: FinetuneResult) -> None:
    names = {
        "accuracy": "accuracy",
        "f1_macro": "F1 (macro)",
        "roc_auc": "ROC AUC",
        "map": "retrieval mAP",
        "ece": "ECE",
        "mean_error": "mean error",
    }
    rows = [
        {
            "score": shown,
            "value": _format_score(entry["value"]),
            "95 % interval": f"{_format_score(entry['low'])} to {_format_score(entry['high'])}",
        }
        for key, shown in names.items()
        if (entry := result.metrics.get(key)) is not None
    ]
    print_table(rows, ("score", "value", "95 % interval"), title=f"Validation, {result.metrics['n']} images")
    echo("", f"Model: {result.model}", f"Try:   galaxtool classify cutouts/ --model {result.run}")


def _format_score(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
