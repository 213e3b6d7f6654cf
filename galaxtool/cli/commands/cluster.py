"""The command line of ``galaxtool cluster``."""

from __future__ import annotations

from typing import Any

from galaxtool.cli.build import INPUT_OPTIONS, build_command
from galaxtool.cli.render import echo, print_table
from galaxtool.clustering.results import ClusterResult
from galaxtool.commands.cluster import cluster
from galaxtool.utils.counts import format_count

_PANELS = {
    "Features": ("model", "backbone", "layer", "engine", "device"),
    "Clusters": ("method", "clusters", "min_size", "variance", "names", "seed"),
    "Labels": ("labels", "label_column"),
    "Input": INPUT_OPTIONS,
}
_EPILOG = (
    "Examples:  galaxtool cluster galaxies/ -o clusters  |  galaxtool cluster galaxtool_index --clusters 20 -o clusters"
    "  |  galaxtool cluster cutouts/ --backbone dinov1-s --layer cls-4 -o clusters"
)
_SCORES = (
    ("accuracy", "accuracy"),
    ("roc_auc", "ROC-AUC"),
    ("ari", "adjusted Rand index"),
    ("nmi", "normalized mutual information"),
    ("purity", "purity"),
)
_MOST_LISTED = 30


def command() -> Any:
    """Build the command."""
    return build_command(cluster, show=_show, panels=_PANELS, epilog=_EPILOG)


def _show(result: ClusterResult) -> None:
    rows = []
    for entry in result.clusters[:_MOST_LISTED]:
        labels: dict[str, int] = entry.get("labels", {})
        total = sum(labels.values())
        most = sorted(labels.items(), key=lambda one: -one[1])[:2]
        rows.append(
            {
                "cluster": str(entry["cluster"]),
                "images": f"{entry['size']:,}",
                "name": entry.get("name", ""),
                "matched": entry.get("matched") or "",
                "labels": ", ".join(f"{name} {100 * n / total:.0f} %" for name, n in most),
            }
        )
    shown = [name for name in ("cluster", "images", "name", "matched", "labels") if any(row[name] for row in rows)]
    print_table(rows, shown)
    if len(result.clusters) > _MOST_LISTED:
        echo(f"and {len(result.clusters) - _MOST_LISTED} smaller ones")
    if "accuracy" in result.metrics:
        echo("")
        print_table(list(map(_format_score, _SCORES, [result] * len(_SCORES))), _COLUMNS)
    made = format_count(len(result.clusters), "cluster")
    none = f"; {format_count(result.in_none, 'image')} in none" if result.in_none else ""
    components = f"{result.metrics['components']} components of {result.metrics['dim']} features"
    of = f"{result.model or 'an unknown model'}{'' if result.layer == 'joint' else f', layer {result.layer}'}"
    echo(
        "",
        f"{format_count(result.count, 'image')} of {result.name} in {made}{none}, by {components} of {of}",
        f"Page: {result.output / 'clusters.html'}",
    )


_COLUMNS = ("score", "clusters", "95 % interval", "majority class", "random clusters")


def _format_score(score: tuple[str, str], result: ClusterResult) -> dict[str, str]:
    name, title = score
    entry = result.metrics[name]
    low, high = entry["low"], entry["high"]
    cells = [entry["value"], result.metrics["majority"][name], result.metrics["random"][name]]
    value, majority, random = ("" if one is None or one != one else f"{round(one, 3) + 0.0:.3f}" for one in cells)
    interval = "" if low is None else f"{low:.3f} to {high:.3f}"
    return dict(zip(_COLUMNS, (title, value, interval, majority, random), strict=True))
