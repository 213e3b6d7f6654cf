"""Describe clusters: sizes, labels, typical and odd members, the table and the scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.table import Column, MaskedColumn, Table

from galaxtool.clustering.grouping import Groups
from galaxtool.clustering.labels import Labels
from galaxtool.clustering.naming import ClusterName
from galaxtool.evaluation.clusters import (
    count_clusters,
    match_clusters,
    score_majority,
    score_random,
    score_with_intervals,
)
from galaxtool.search.features import Features

_MOST_NAMED = 4  # labels of a cluster in one line


@dataclass(frozen=True, eq=False)
class Grouping:
    """Clusters, and what is known of them.

    Parameters
    ----------
    features : Features
        The N images.
    groups : Groups
        Their K clusters.
    labels : Labels or None
        Their labels.
    names : list of ClusterName
        Names of the clusters; empty if there are none.
    counts : ndarray of int, shape (K + 1, C), or None
        Number of images of each label in each cluster, and in none; None without labels.
    matches : ndarray of int, shape (K,), or None
        Label that each cluster is matched with, -1 for none.
    """

    features: Features
    groups: Groups
    labels: Labels | None
    names: list[ClusterName]
    counts: np.ndarray | None = None
    matches: np.ndarray | None = None

    @classmethod
    def of(cls, features: Features, groups: Groups, labels: Labels | None, names: list[ClusterName]) -> Grouping:
        """Count the labels, and match them with the clusters."""
        if labels is None:
            return cls(features, groups, None, names)
        known = labels.targets >= 0
        counts = count_clusters(groups.clusters[known], labels.targets[known], groups.count, len(labels.classes))
        return cls(features, groups, labels, names, counts, match_clusters(counts))

    def title(self, cluster: int) -> str:
        """Return the number of a cluster, with its name if it has one."""
        name = f": {self.names[cluster].text}" if self.names else ""
        return f"Cluster {cluster}{name}"

    def find_matched(self, cluster: int) -> str:
        """Return the label that a cluster is matched with; empty if it has none."""
        if self.labels is None or self.matches is None or self.matches[cluster] < 0:
            return ""
        return self.labels.classes[int(self.matches[cluster])]

    def order(self, cluster: int) -> np.ndarray:
        """Return the rows of a cluster's images, the most typical first."""
        rows = np.flatnonzero(self.groups.clusters == cluster)
        return rows[np.argsort(self.groups.distances[rows], kind="stable")]

    def describe_labels(self, cluster: int) -> str:
        """Return the most frequent labels of a cluster with their shares."""
        if self.labels is None or self.counts is None or not (total := self.counts[cluster].sum()):
            return ""
        counts = self.counts[cluster]
        best = [n for n in np.argsort(-counts, kind="stable") if 200 * counts[n] >= total]
        parts = [f"{self.labels.classes[n]} {100 * counts[n] / total:.0f} %" for n in best[:_MOST_NAMED]]
        return ", ".join(parts) + (f" and {len(best) - _MOST_NAMED} more" if len(best) > _MOST_NAMED else "")

    def list_clusters(self) -> list[dict[str, Any]]:
        """Return each cluster as plain values."""
        clusters = []
        for k, size in enumerate(self.groups.sizes.tolist()):
            entry: dict[str, Any] = {"cluster": k, "size": size}
            if self.names:
                entry |= {"name": self.names[k].text, "similarity": self.names[k].similarity}
            if self.labels is not None and self.counts is not None:
                labels = zip(self.labels.classes, self.counts[k].tolist(), strict=True)
                entry |= {"matched": self.find_matched(k) or None, "labels": {name: n for name, n in labels if n}}
            clusters.append(entry)
        return clusters


def make_cluster_table(grouping: Grouping) -> Table:
    """Return the table of the images: id, path, ra, dec, cluster and its name, distance, label, matched label."""
    features, groups = grouping.features, grouping.groups
    inside = groups.clusters >= 0
    table = Table()
    for name in ("id", "path"):
        table[name] = Column([value or "" for value in features.items[name].to_pylist()], dtype=str)
    for name, title in (("ra", "Right ascension"), ("dec", "Declination")):
        values = np.array([np.nan if v is None else v for v in features.items[name].to_pylist()], dtype=float)
        table[name] = MaskedColumn(values, mask=np.isnan(values), unit="deg", description=f"{title}, ICRS")
    table["cluster"] = Column(groups.clusters, description="Cluster, the largest is 0; -1 for none")
    if grouping.names:
        table["cluster_name"] = [grouping.names[k].text if k >= 0 else "" for k in groups.clusters.tolist()]
    table["distance"] = MaskedColumn(
        groups.distances, mask=~inside, description="Distance from the mean of the cluster, in principal components"
    )
    if grouping.labels is not None:
        table["label"] = [grouping.labels.name(row) for row in range(len(table))]
        table["matched"] = [grouping.find_matched(k) if k >= 0 else "" for k in groups.clusters.tolist()]
    return table


def measure_clusters(grouping: Grouping, *, method: str, seed: int) -> dict[str, Any]:
    """Return the content of ``metrics.json``."""
    groups, counts = grouping.groups, grouping.counts
    finite = np.isfinite(groups.silhouette)
    metrics: dict[str, Any] = {
        "n": len(groups.clusters),
        "method": method,
        "clusters": groups.count,
        "in_none": int((groups.clusters < 0).sum()),
        "components": groups.components,
        "variance": round(groups.variance, 6),
        "dim": grouping.features.vectors.shape[1],
        "silhouette": round(groups.silhouette, 6) if finite else None,
    }
    if grouping.labels is None or counts is None or grouping.matches is None:
        return metrics
    return {
        **metrics,
        "n_labeled": int(counts.sum()),
        "classes": list(grouping.labels.classes),
        **score_with_intervals(counts, grouping.matches, seed=seed),
        "majority": score_majority(counts),
        "random": score_random(counts, seed=seed),
    }
