"""The command line of ``galaxtool finetune``."""

from __future__ import annotations

from typing import Any

from galaxtool.cli.build import build_command
from galaxtool.cli.render import echo, print_table
from galaxtool.commands.finetune import finetune
from galaxtool.evaluation.limits import MIN_CALIBRATED, MIN_OF_CLASS
from galaxtool.finetuning.result import FinetuneResult

_PANELS = {
    "Data": (
        "taxonomy", "symbols", "votes", "where", "weight", "image_column", "label_column", "ra_column", "dec_column",
        "table", "all_classes", "fraction", "split", "valid_fraction",
        "test_fraction", "separation", "recipe", "data", "channels",
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


_SCORES = {
    "accuracy": "accuracy",
    "f1_macro": "F1 (macro)",
    "roc_auc": "ROC AUC",
    "map": "retrieval mAP",
    "ece": "ECE",
    "mean_error": "mean error",
}
_MAX_CLASSES, _MAX_NAMED = 40, 10


def _show(result: FinetuneResult) -> None:
    metrics = result.metrics
    tested, compared = metrics.get("test"), metrics.get("epochs_compared", 1)
    if tested:
        _print_scores(tested, f"Test, {tested['n']} images, scored once")
    chose = f", which chose the best of {compared} epochs" if compared > 1 else ""
    _print_scores(metrics, f"Validation, {metrics['n']} images{chose}")
    if chose and not tested:
        echo("These scores are optimistic, because the same images chose the epoch; --test-fraction holds out others.")
    _print_classes(tested or metrics, "test" if tested else "validation")
    echo("", f"Model: {result.model}", f"Try:   galaxtool classify cutouts/ --model {result.run}")


def _print_scores(metrics: dict[str, Any], title: str) -> None:
    """Print the scores of a split with their intervals; the ECE only where there are enough images for it."""
    few = not metrics.get("calibration", {}).get("measurable", True) or metrics["n"] < MIN_CALIBRATED
    rows = [
        {
            "score": shown,
            "value": _format_score(entry["value"]),
            "95 % interval": f"{_format_score(entry['low'])} to {_format_score(entry['high'])}",
        }
        for key, shown in _SCORES.items()
        if (entry := metrics.get(key)) is not None and not (few and key == "ece")
    ]
    print_table(rows, ("score", "value", "95 % interval"), title=title)
    if few and "ece" in metrics:
        echo(f"ECE: not measurable with fewer than {MIN_CALIBRATED} images.")


def _print_classes(metrics: dict[str, Any], split: str) -> None:
    """Print precision, recall and number of images of each class, and a warning where these are few."""
    classes = metrics.get("classes")
    if not classes:
        return
    rows = [
        {
            "class": slug,
            "images": str(entry["n"]),
            "precision": _format_share(entry["precision"]),
            "recall": _format_share(entry["recall"]),
        }
        for slug, entry in list(classes.items())[:_MAX_CLASSES]
    ]
    more = f", the first {_MAX_CLASSES} of {len(classes)}" if len(classes) > _MAX_CLASSES else ""
    print_table(rows, ("class", "images", "precision", "recall"), title=f"Classes, {split} images{more}")
    if small := [slug for slug, entry in classes.items() if entry["n"] < MIN_OF_CLASS]:
        names = ", ".join(small[:_MAX_NAMED]) + (f" and {len(small) - _MAX_NAMED} more" * (len(small) > _MAX_NAMED))
        echo(f"Fewer than {MIN_OF_CLASS} {split} images of {names}: the scores of these classes say little.")


def _format_share(entry: dict[str, float | None]) -> str:
    """Return a share with its interval, such as ``0.91 (0.80 to 0.96)``."""
    value, low, high = entry["value"], entry["low"], entry["high"]
    return "-" if value is None or low is None or high is None else f"{value:.2f} ({low:.2f} to {high:.2f})"


def _format_score(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
