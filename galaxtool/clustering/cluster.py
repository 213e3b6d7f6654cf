"""Group images by their features, and compare the groups with labels: the work of ``galaxtool cluster``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from galaxtool import __version__
from galaxtool.backbones.layers import JOINT
from galaxtool.clustering.gallery import draw_cluster_figures, write_cluster_page
from galaxtool.clustering.grouping import Groups, group_by_hdbscan, group_by_kmeans
from galaxtool.clustering.labels import Labels, find_labels
from galaxtool.clustering.naming import name_clusters
from galaxtool.clustering.options import DEFAULT_CLUSTERS, ClusterOptions
from galaxtool.clustering.results import ClusterResult
from galaxtool.clustering.summary import Grouping, make_cluster_table, measure_clusters
from galaxtool.errors import IndexMismatch
from galaxtool.search.features import FeatureArgs, Features, open_features
from galaxtool.tables.write import write_table
from galaxtool.types import Progress, warn
from galaxtool.utils.counts import format_count
from galaxtool.utils.files.atomic_write import write_json
from galaxtool.utils.optional_imports import import_attribute
from galaxtool.utils.run_directory import RunDirectory, check_run_path

_FEW = 5  # images of a cluster below which its scores mean little


def cluster_inputs(
    args: FeatureArgs, options: ClusterOptions, backbone: str | None, overwrite: bool, progress: Progress
) -> ClusterResult:
    """Group images; see `galaxtool.commands.cluster.cluster`."""
    settings = _list_settings(args, options, backbone)
    check_run_path(options.output, command="cluster", settings=settings, overwrite=overwrite)
    if backbone is not None:
        store = import_attribute("galaxtool.finetuning.untrained_model:store_untrained_model")  # it needs PyTorch
        args = replace(args, model=str(store(backbone, progress)))
    features = open_features(args, progress)
    if args.compute.layer not in (JOINT, features.layer):
        raise IndexMismatch(
            f"The features of '{features.name}' are of the layer '{features.layer}', not '{args.compute.layer}'.",
            hint="Leave --layer out, or give the images.",
        )
    labels = find_labels(features, [str(text) for text in args.inputs], options, args.reading)
    progress.start(f"Grouping {format_count(len(features), 'image')}")
    groups, notes = _group(features, labels, options)
    names = name_clusters(features, groups, options.name_list, args.model, args.compute)
    settings = _list_settings(args, options, backbone)
    run = RunDirectory.create(options.output, command="cluster", config=settings, overwrite=overwrite)
    with run.recording():
        return _write(run, Grouping.of(features, groups, labels, names), options, notes, progress)


def _list_settings(args: FeatureArgs, options: ClusterOptions, backbone: str | None) -> dict[str, Any]:
    """Return the settings for the manifest."""
    return {
        "inputs": [str(text) for text in args.inputs],
        "model": args.model,
        "backbone": backbone,
        "layer": args.compute.layer,
        "output": options.output,
        "method": options.method,
        "clusters": options.clusters,
        "min_size": options.min_size,
        "variance": options.variance,
        "labels": options.labels,
        "label_column": options.label_column,
        "names": list(options.name_list),
        "seed": options.seed,
    }


def _write(
    run: RunDirectory, grouping: Grouping, options: ClusterOptions, notes: list[str], progress: Progress
) -> ClusterResult:
    """Write the files of a grouping."""
    features, groups = grouping.features, grouping.groups
    for note in notes:
        warn(progress, note)
    metrics = measure_clusters(grouping, method=options.method, seed=options.seed)
    write_table(make_cluster_table(grouping), run.path / "clusters.csv")
    write_json(run.path / "metrics.json", metrics)
    progress.start("Drawing")
    draw_cluster_figures(run.path / "figures", grouping)
    settings = _describe(features, groups, options)
    write_cluster_page(run.path / "clusters.html", grouping, scores=_summarize(metrics), notes=notes, settings=settings)
    run.manifest["metrics"] = metrics
    run.manifest["notes"] = notes
    run.manifest["inputs"] = [{"name": features.name, "images": len(features)}]
    run.manifest["model"] = {"name": features.model, "digest": features.digest, "layer": features.layer}
    return ClusterResult(
        output=run.path,
        name=features.name,
        model=features.model,
        layer=features.layer,
        count=len(features),
        unreadable=features.unreadable,
        clusters=grouping.list_clusters(),
        in_none=metrics["in_none"],
        metrics=metrics,
        notes=tuple(notes),
    )


def _group(features: Features, labels: Labels | None, options: ClusterOptions) -> tuple[Groups, list[str]]:
    """Group features, and return what to tell the user."""
    notes = list(labels.notes) if labels is not None else []
    if features.unreadable:
        notes.append(f"{format_count(features.unreadable, 'image')} without features left out.")
    if options.method == "hdbscan":
        groups = group_by_hdbscan(
            features.vectors, min_size=options.min_size, variance=options.variance, seed=options.seed
        )
        return groups, notes
    wanted = options.clusters or (len(labels.classes) if labels is not None else 0)
    if wanted < 2:
        wanted = DEFAULT_CLUSTERS
        why = "There are no labels" if labels is None else f"All labels are '{labels.classes[0]}'"
        notes.append(f"{why}, so that {wanted} clusters are made; --clusters sets another number.")
    groups = group_by_kmeans(features.vectors, wanted, variance=options.variance, seed=options.seed)
    if groups.count < wanted:
        notes.append(f"Only {groups.count} of the {wanted} clusters are not empty: many images have the same features.")
    if small := int((groups.sizes < _FEW).sum()):
        notes.append(f"{format_count(small, 'cluster')} of fewer than {_FEW} images: perhaps of artefacts.")
    return groups, notes


def _summarize(metrics: dict[str, Any]) -> list[str]:
    """Return the scores in a line, beside what is reached without clusters."""
    if "accuracy" not in metrics:
        return []
    return [
        f"Accuracy {metrics['accuracy']['value']:.3f} (majority class {metrics['majority']['accuracy']:.3f}, random "
        f"clusters {metrics['random']['accuracy']:.3f}), adjusted Rand index {metrics['ari']['value']:.3f}"
    ]


def _describe(features: Features, groups: Groups, options: ClusterOptions) -> dict[str, str]:
    """Return how the clusters were made, for the page."""
    method = "k-means" if options.method == "kmeans" else "HDBSCAN"
    return {
        "model": features.model or "unknown",
        "layer": features.layer,
        "features": f"{features.vectors.shape[1]}, {groups.components} principal components with "
        f"{100 * groups.variance:.1f} % of the variance",
        "method": f"{method}, seed {options.seed}",
        "galaxtool": __version__,
    }
