"""The command line of ``galaxtool label``."""

from __future__ import annotations

from typing import Any

from galaxtool.cli.build import INPUT_OPTIONS, build_command
from galaxtool.cli.render import echo, print_table
from galaxtool.commands.label import label
from galaxtool.labeling.results import LabelResult
from galaxtool.utils.counts import format_count

_PANELS = {
    "Labels": ("output", "wanted", "classes", "taxonomy", "scale", "by", "seed"),
    "Start": ("text", "symbol", "image", "id", "labels", "label_column"),
    "Page": ("host", "port", "browser"),
    "Without the page": ("rank", "replay", "pages", "runs"),
    "Input": ("model", "layer", *INPUT_OPTIONS, "overwrite"),
    "Computing": ("engine", "device"),
}
_EPILOG = (
    "Examples:  galaxtool label survey_index -o labels.csv --text 'a ring galaxy'  |  galaxtool label survey_index "
    "--rank ranked.parquet  |  galaxtool label survey_index --replay truth.csv --wanted ring -o replay"
)
_METHODS = {
    "loop": "the loop",
    "one_example": "one example",
    "isolation_forest": "isolation forest",
    "random": "random order",
}
_SCORES = {
    "recall_top_0.1pct": "top 0.1 %",
    "recall_top_1pct": "1 %",
    "recall_top_5pct": "5 %",
    "recall_top_10pct": "10 %",
    "precision_top_1pct": "precision 1 %",
    "auroc": "AUROC",
    "average_precision": "AP",
}


def command() -> Any:
    """Build the command."""
    return build_command(label, show=_show, afterwards=LabelResult.wait, panels=_PANELS, epilog=_EPILOG)


def _show(result: LabelResult) -> None:
    if result.scores is not None:
        _show_replay(result)
        return
    counts = ", ".join(f"{name} {count:,}" for name, count in result.labels.items() if count) or "none yet"
    echo(f"Labels: {counts}", f"Log: {result.output}, {format_count(result.answers, 'answer')}")
    if (left := result.remaining) is not None:
        echo(
            f"Left to find: about {max(0, round(left['value'])):,} (95 % interval {left['low']:,} to "
            f"{left['high']:,}), from {left['drawn']:,} drawn at random, {left['hits']:,} of them wanted"
        )
    for pair in result.agreement:
        kappa = "" if pair["kappa"] is None else f", Cohen's kappa {pair['kappa']:.2f}"
        both = format_count(pair["count"], "object")
        echo(f"{pair['first']} and {pair['second']} agree on {pair['share']:.0%} of {both} that both labelled{kappa}")
    if result.page is not None:
        echo(f"Page: {result.page.address}", "Press Ctrl-C to stop. Every answer is saved at once.")
    if result.rank:
        echo(f"Ranking: {result.rank}, {format_count(result.count, 'object')}, by {result.model}")


def _show_replay(result: LabelResult) -> None:
    scores = result.scores
    assert scores is not None
    rows = []
    for method, title in _METHODS.items():
        values = {name: scores[method][key]["value"] for key, name in _SCORES.items()}
        rows.append(
            {"ranking": title, **{name: "" if value is None else f"{value:.2f}" for name, value in values.items()}}
        )
    print_table(rows, ("ranking", *_SCORES.values()))
    found = scores["found"]["loop"]["value"]
    echo(
        "",
        f"Recall in the top of each ranking, and other scores: means of {format_count(scores['runs'], 'run')}",
        f"'{scores['wanted']}': {scores['wanted_count']:,} of {format_count(scores['count'], 'object')}; the loop "
        f"found {found:.1f} of them among the {scores['seen']} that it labelled",
        f"Scores and figure: {result.output}",
    )
