"""The scores of a training as tables for people, for the terminal and for the page; this file imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from galaxtool.evaluation.limits import MIN_CALIBRATED

_SCORES = {
    "accuracy": "accuracy",
    "f1_macro": "F1 (macro)",
    "roc_auc": "ROC AUC",
    "map": "retrieval mAP",
    "ece": "ECE",
    "mean_error": "mean error",
}
_QUANTITY_SCORES = {
    "rmse": "RMSE",
    "mae": "MAE",
    "bias": "bias",
    "nmad": "NMAD",
    "outlier_fraction": "outliers",
    "coverage": "coverage",
}
_MAX_CLASSES = 40


@dataclass(frozen=True)
class ScoreTable:
    """A table of scores.

    Parameters
    ----------
    title : str
        What was scored.
    columns : tuple of str
        Names of the columns.
    rows : list of dict
        Texts by column.
    remark : str
        What to know about the numbers; may be empty.
    """

    title: str
    columns: tuple[str, ...]
    rows: list[dict[str, str]]
    remark: str = ""


def list_score_tables(metrics: Mapping[str, Any]) -> list[ScoreTable]:
    """Return the scores of the test split if there is one, of the validation split, and of each class.

    Parameters
    ----------
    metrics : mapping
        The content of ``metrics.json``.
    """
    test, compared = metrics.get("test"), metrics.get("epochs_compared", 1)
    tables = [_tabulate_scores(test, f"Test, {test['n']} images, scored once")] if test else []
    chose = f", which chose the best of {compared} epochs" if compared > 1 else ""
    optimistic = (
        "These scores are optimistic, because the same images chose the epoch; --test-fraction holds out others."
    )
    tables.append(
        _tabulate_scores(metrics, f"Validation, {metrics['n']} images{chose}", optimistic if chose and not test else "")
    )
    own, split = (test, "test") if test else (metrics, "validation")
    scored = ((test or {}, "test"), (metrics, "validation"))
    tables += [_tabulate_quantities(m["quantities"], name) for m, name in scored if m.get("quantities")]
    tables += [_tabulate_datasets(m["datasets"], name) for m, name in scored if len(m.get("datasets", ())) > 1]
    tables += [_tabulate_noise(name, entry) for name, entry in metrics.get("noise", {}).items()]
    classes = [_tabulate_classes(own["classes"], split)] if own.get("classes") else []
    return [table for table in (*tables, *classes) if table.rows]  # a model without classes has no scores


def _tabulate_scores(metrics: Mapping[str, Any], title: str, remark: str = "") -> ScoreTable:
    """Return the scores of a split with their intervals; the ECE only where there are enough images for it."""
    few = "ece" in metrics and metrics["n"] < MIN_CALIBRATED
    rows = [
        {
            "score": shown,
            "value": _format_score(entry["value"]),
            "95 % interval": _format_interval(entry),
        }
        for key, shown in _SCORES.items()
        if (entry := metrics.get(key)) is not None and not (few and key == "ece")
    ]
    lacking = f"ECE: not measurable with fewer than {MIN_CALIBRATED} images." if few else ""
    return ScoreTable(title, ("score", "value", "95 % interval"), rows, " ".join(filter(None, (lacking, remark))))


def _tabulate_quantities(quantities: Mapping[str, Any], split: str) -> ScoreTable:
    """Return the scores of each quantity of a model of numbers."""
    rows = [
        {
            "quantity": slug + (f" [{entry['unit']}]" if entry["unit"] else ""),
            "images": str(entry["n"]),
            "score": shown,
            "value": _format_number(entry[key]["value"]),
            "95 % interval": f"{_format_number(entry[key]['low'])} to {_format_number(entry[key]['high'])}",
        }
        for slug, entry in quantities.items()
        for key, shown in _QUANTITY_SCORES.items()
    ]
    remark = "The error bars should cover 0.683 of the true values."
    columns = ("quantity", "images", "score", "value", "95 % interval")
    return ScoreTable(f"Quantities, {split} images", columns, rows, remark)


def _format_number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _tabulate_datasets(datasets: Mapping[str, Any], split: str) -> ScoreTable:
    """Return the scores of each data set in the terms of its labels."""
    rows = [
        {
            "data set": name,
            "labels": entry["taxonomy"],
            "images": str(entry["n"]),
            "accuracy": _format_share(entry["accuracy"]),
            "F1 (macro)": _format_share(entry["f1_macro"]),
        }
        for name, entry in datasets.items()
    ]
    columns = ("data set", "labels", "images", "accuracy", "F1 (macro)")
    return ScoreTable(f"Data sets in the terms of their labels, {split} images", columns, rows)


def _tabulate_noise(dataset: str, entry: Mapping[str, Any]) -> ScoreTable:
    """Return the learned probability of each label of a data set given the class."""
    rows = [
        {"class": slug, **{label: f"{p:.2f}" for label, p in labels.items()}}
        for slug, labels in list(entry["classes"].items())[:_MAX_CLASSES]
    ]
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    return ScoreTable(f"Labels of {dataset}, learned probability given the class", columns, rows)


def _tabulate_classes(classes: Mapping[str, Any], split: str) -> ScoreTable:
    """Return precision, recall and number of images of each class.

    Classes with few images are not named here: a warning before the training does, which the page has as well.
    """
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
    columns = ("class", "images", "precision", "recall")
    return ScoreTable(f"Classes, {split} images{more}", columns, rows)


def _format_share(entry: Mapping[str, float | None]) -> str:
    """Return a share with its interval, such as ``0.91 (0.80 to 0.96)``."""
    value, low, high = entry["value"], entry["low"], entry["high"]
    return "-" if value is None or low is None or high is None else f"{value:.2f} ({low:.2f} to {high:.2f})"


def _format_interval(entry: Mapping[str, float | None]) -> str:
    """Return an interval, such as ``0.397 to 0.892``."""
    low, high = entry["low"], entry["high"]
    return "-" if low is None or high is None else f"{low:.3f} to {high:.3f}"


def _format_score(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
