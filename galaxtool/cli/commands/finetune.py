"""The command line of ``galaxtool finetune``."""

from __future__ import annotations

from typing import Any

from galaxtool.cli.build import build_command
from galaxtool.cli.render import echo, print_table
from galaxtool.commands.finetune import finetune
from galaxtool.finetuning.result import FinetuneResult
from galaxtool.finetuning.score_tables import list_score_tables

_PANELS = {
    "Data": (
        "taxonomy", "symbols", "votes", "target", "where", "weight", "noisy", "image_column", "label_column",
        "ra_column", "dec_column", "table", "all_classes", "fraction", "split", "valid_fraction",
        "test_fraction", "separation", "recipe", "data", "channels",
    ),
    "Reading": (
        "hdu", "bands", "pattern", "mask_hdu", "weight_hdu", "pixel_scale", "pixels", "size_arcsec", "crop",
        "image_size", "stretch",
    ),
    "Training": (
        "option", "epochs", "warmup_epochs", "batch_size", "lr", "min_lr", "weight_decay", "layer_decay",
        "patience", "stopping", "select", "augment", "contrast", "score", "class_weights", "label_smoothing",
        "calibrate", "readouts", "dropout", "ema", "seed",
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
    for table in list_score_tables(result.metrics):
        print_table(table.rows, table.columns, title=table.title)
        if table.remark:
            echo(table.remark)
    echo("", f"Model: {result.model}", f"Try:   galaxtool classify cutouts/ --model {result.run}")
