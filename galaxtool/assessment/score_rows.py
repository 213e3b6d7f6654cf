"""The scores of an evaluation as rows of tables, for files and for the report; this file imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from galaxtool.assessment.spread import SPREAD
from galaxtool.utils.counts import format_count

NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "f1_macro": "F1 (macro)",
    "precision_macro": "precision (macro)",
    "roc_auc": "ROC AUC (one against rest)",
    "average_precision": "average precision (one against rest)",
    "top_2": "true class in the best 2",
    "top_3": "true class in the best 3",
    "top_5": "true class in the best 5",
    "ece": "calibration error (ECE)",
    "brier": "Brier score (0 to 2)",
    "cross_entropy": "cross-entropy",
    "loss": "negative log-likelihood of the votes of an image",
    "mean_error": "mean error of the share of an answer",
    "map_at_5": "AP@5, divided by the hits",
    "map_at_5_possible": "AP@5, divided by min(5, R)",
    "map": "mAP of the whole gallery",
    "precision_at_1": "precision at 1",
    "precision_at_5": "precision at 5",
    "precision_at_10": "precision at 10",
}
"""Metric -> what reports call it."""

QUANTITIES = "quantities"
"""Name of the table of the scores of a model of numbers."""

QUANTITY_SCORES = ("rmse", "mae", "bias", "nmad", "outlier_fraction", "coverage", "r2")
"""Scores of a quantity of a model of numbers, in the order of the tables."""

_CLASS_SCORES = ("precision", "recall", "f1", "roc_auc", "average_precision")
_MAX_ROWS = 60
_CHANGED = {
    "values": "Changed were the measured values before the stretch",
    "pictures": "Changed were the pictures that the model sees",
    "values and pictures": "Changed were measured values before the stretch, and pictures as the model sees them,",
}


@dataclass(frozen=True)
class RowTable:
    """A table of an evaluation.

    Parameters
    ----------
    name : str
        Name of its file in ``tables/``, without suffix.
    title : str
        Heading in the report.
    rows : list of dict
        Values by column.
    remark : str
        What to know about the numbers.
    has_intervals : bool
        Whether columns may be the ends of intervals; not where the columns are classes, of which one may be "low".
    """

    name: str
    title: str
    rows: list[dict[str, Any]]
    remark: str = ""
    has_intervals: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in the order of their first appearance."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row))


def list_tables(metrics: Mapping[str, Any]) -> list[RowTable]:
    """Return the tables of the content of ``metrics.json``, the most important first; those without rows are left out.

    The columns ``low`` and ``high`` are the ends of 95 % intervals; a score of a class has ``<score>_low`` and
    ``<score>_high``.
    """
    tables = [_tabulate_scores(metrics), _tabulate_classes(metrics), _tabulate_confusion(metrics)]
    tables += _tabulate_retrieval(metrics.get("retrieval", {}))
    tables += [_tabulate_column(name, entry) for name, entry in metrics.get("by", {}).items()]
    tables += [
        _tabulate_quantities(metrics),
        *_tabulate_votes(metrics),
        _tabulate_robustness(metrics),
        _tabulate_reliability(metrics),
    ]
    return [table for table in tables if table.rows]


def list_scores(metrics: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the name and the entry of each score of all classes together: those of galaxtool first, then of plugins."""
    for name in (*(name for name in NAMES if name in metrics), *(name for name in metrics if name not in NAMES)):
        entry = metrics[name]
        if isinstance(entry, Mapping) and {"value", "low", "high"} <= entry.keys():
            yield name, entry


def _tabulate_scores(metrics: Mapping[str, Any]) -> RowTable:
    several = SPREAD if "models" in metrics else ()
    rows = [{"score": name, **_pick(entry, *several)} for name, entry in list_scores(metrics)]
    spread = f"Mean over {len(metrics['models'])} models; sd, lowest and highest are over them. " if several else ""
    return RowTable(
        "scores",
        "Scores",
        rows,
        f"{spread}Intervals of 95 %: percentiles of {metrics.get('resamples', 0):,} bootstrap resamples of the images, "
        "each with the same number of every class; for retrieval, of the queries.",
    )


def _tabulate_classes(metrics: Mapping[str, Any]) -> RowTable:
    rows = []
    for slug, entry in metrics.get("classes", {}).items():
        row = {"class": slug, "n": entry["n"], "n_predicted": entry["n_predicted"]}
        for name in _CLASS_SCORES:
            score = entry.get(name, {})
            row |= {name: score.get("value"), f"{name}_low": score.get("low"), f"{name}_high": score.get("high")}
        rows.append(row)
    return RowTable("classes", "Classes", rows, str(metrics.get("remark", "")))


def _tabulate_confusion(metrics: Mapping[str, Any]) -> RowTable:
    confusion = metrics.get("confusion", {"classes": [], "counts": []})
    slugs = confusion["classes"]
    rows = [
        {"true class": slug, **dict(zip(slugs, counts, strict=True))}
        for slug, counts in zip(slugs, confusion["counts"], strict=True)
    ]
    title = "Images by true class (rows) and most probable class (columns)"
    return RowTable("confusion", title, rows, has_intervals=False)


def _tabulate_retrieval(retrieval: Mapping[str, Any]) -> list[RowTable]:
    tables = []
    for similarity in ("cosine", "dot_product"):
        entries = retrieval.get(similarity, {})
        rows = [{"score": name, **_pick(entry, "chance", "permuted")} for name, entry in entries.items()]
        shown = similarity.replace("_", " ")
        remark = (
            f"Queries: {retrieval.get('queries')}; gallery: {retrieval.get('gallery')}. Intervals are "
            f"{retrieval.get('interval')}. 'chance' is expected of a gallery in random order, and 'permuted' was "
            f"measured with the labels permuted. {retrieval.get('note', '')}"
        )
        tables.append(RowTable(f"retrieval_{similarity}", f"Retrieval by the {shown}", rows, remark.strip()))
    return tables


def _tabulate_column(name: str, entry: Mapping[str, Any]) -> RowTable:
    rows = [
        {"from": one["low"], "to": one["high"], "median": one["median"], "n": one["n"], **_name(one["accuracy"])}
        for one in entry["bins"]
    ]
    if missing := entry.get("missing"):
        rows.append({"from": "no value", "n": missing["n"], **_name(missing["accuracy"])})
    return RowTable(f"by_{name}", f"Accuracy by {name}", rows, "Intervals are Wilson intervals of the share.")


def _tabulate_robustness(metrics: Mapping[str, Any]) -> RowTable:
    robustness = metrics.get("robustness", {"n": 0, "curves": {}})
    rows = [
        {"perturbation": kind, "meaning": one["meaning"], "level": one["level"], **_name(one["accuracy"])}
        | {"F1 (macro)": one["f1_macro"]}
        for kind, levels in robustness["curves"].items()
        for one in levels
    ]
    changed = _CHANGED[robustness.get("acts_on", "pictures")]
    remark = f"{changed} of {format_count(robustness['n'], 'image')}. Wilson intervals."
    return RowTable("robustness", "Accuracy on perturbed images", rows, remark)


def _tabulate_quantities(metrics: Mapping[str, Any]) -> RowTable:
    rows = [
        {"quantity": slug, "unit": one["unit"], "n": one["n"], "error": one["error"]}
        | {key: value for name in QUANTITY_SCORES for key, value in _spread(name, one[name]).items()}
        for slug, one in metrics.get("quantities", {}).items()
    ]
    remark = (
        "Outliers have an error of more than 5 NMAD from the median error; of a redshift, more than 0.15. The error "
        "bars should cover 0.683 of the true values."
    )
    return RowTable(QUANTITIES, "Quantities", rows, remark)


def _tabulate_votes(metrics: Mapping[str, Any]) -> list[RowTable]:
    questions = metrics.get("questions", {})
    asked = [
        {"question": slug, "n": one["n"], **_spread("mean_error", one["mean_error"]), "n_confident": one["n_confident"]}
        | _spread("accuracy", one["accuracy"])
        for slug, one in questions.items()
    ]
    given = [
        {"question": slug, "answer": answer, **shares}
        for slug, one in questions.items()
        for answer, shares in one["answers"].items()
    ]
    remark = (
        "The mean error is that of the share of an answer, weighted by the votes; the accuracy is that of the leading "
        "answer, where at least 5 volunteers were asked and at least 80 % of them agree."
    )
    return [RowTable("questions", "Questions", asked, remark), RowTable("answers", "Answers", given)]


def _tabulate_reliability(metrics: Mapping[str, Any]) -> RowTable:
    calibration = metrics.get("calibration", {})
    crossed = calibration.get("cross_fitted")
    remark = "In brackets: the range of the confidence, and the Wilson interval of the accuracy."
    if crossed:
        remark += " The temperatures were not fitted to the image."
    return RowTable("reliability", "Confidence and accuracy", list(calibration.get("reliability", [])), remark)


def _pick(entry: Mapping[str, Any], *more: str) -> dict[str, Any]:
    return {key: entry.get(key) for key in ("value", "low", "high", *more)}


def _spread(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entry["value"], f"{name}_low": entry["low"], f"{name}_high": entry["high"]}


def _name(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"accuracy": entry["value"], "low": entry["low"], "high": entry["high"]}


def format_rows(table: RowTable) -> tuple[tuple[str, ...], list[dict[str, str]]]:
    """Return the columns and rows of a table for people: a score and its interval in one cell.

    Only the first 60 rows are returned; the files have all.
    """
    shown = []
    for row in table.rows[:_MAX_ROWS]:
        texts: dict[str, str] = {}
        for name, value in row.items():
            if table.has_intervals and (name in ("low", "high") or name.endswith(("_low", "_high"))):
                continue
            ends = _find_ends(row, name) if table.has_intervals else None
            text = NAMES.get(value, value) if name == "score" else format_value(value)
            interval = f" ({format_value(ends[0])} to {format_value(ends[1])})" if ends else ""
            texts[name.replace("_", " ")] = f"{text}{interval}"
        shown.append(texts)
    columns = tuple(dict.fromkeys(name for row in shown for name in row))
    return columns, [{name: row.get(name, "") for name in columns} for row in shown]


def _find_ends(row: Mapping[str, Any], name: str) -> tuple[Any, Any] | None:
    """Return the ends of the interval of a column, if it has one that is known."""
    own = f"{name}_low" if f"{name}_low" in row else "low" if name in ("value", "accuracy") and "low" in row else ""
    if not own or row[own] is None:
        return None
    return row[own], row[own.replace("low", "high")]


def format_value(value: Any) -> str:
    """Return a value of a table as text: three decimals, fewer for large numbers."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 100 else f"{value:,.6g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
