"""The page and the figures of clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from galaxtool.clustering.summary import Grouping
from galaxtool.plotting.charts.clusters import draw_cluster_counts, draw_cluster_images
from galaxtool.plotting.save import save_figure
from galaxtool.reports.html.gallery import GalleryCard, GallerySection, write_gallery
from galaxtool.utils.counts import format_count

_TYPICAL, _ODD = 18, 6
_IN_NONE = 24
_MOST_CLUSTERS, _IN_FIGURE = 15, 8


def write_cluster_page(
    path: Path, grouping: Grouping, *, scores: Sequence[str], notes: Sequence[str], settings: Mapping[str, str]
) -> None:
    """Write a page with the most typical images of each cluster, and those that are farthest from its mean."""
    features, groups = grouping.features, grouping.groups
    sections = [_make_section(grouping, cluster) for cluster in range(groups.count)]
    outside = np.flatnonzero(groups.clusters < 0)
    if len(outside):
        sections.append(
            GallerySection(
                title="In no cluster",
                remark="Images in sparse regions; the first are shown.",
                groups=[[_make_card(grouping, int(row)) for row in outside[:_IN_NONE]]],
                number=len(outside),
            )
        )
    write_gallery(
        path,
        title=f"Clusters of {features.name}",
        summary=". ".join([f"{format_count(len(features), 'image')} in {groups.count} clusters", *scores]),
        sections=sections,
        make_picture=features.make_picture,
        notes=notes,
        settings=settings,
    )


def _make_section(grouping: Grouping, cluster: int) -> GallerySection:
    rows = grouping.order(cluster).tolist()
    typical, odd = rows[:_TYPICAL], rows[max(_TYPICAL, len(rows) - _ODD) :]
    remark = ""
    if labels := grouping.describe_labels(cluster):
        remark = f"{labels}; matched with {grouping.find_matched(cluster) or 'no label'}. "
    shown = "Nearest to its mean first" + (f"; the last line has the {len(odd)} farthest" if odd else "")
    cards = [[_make_card(grouping, row) for row in part] for part in (typical, odd) if part]
    return GallerySection(title=grouping.title(cluster), remark=f"{remark}{shown}.", groups=cards, number=len(rows))


def _make_card(grouping: Grouping, row: int) -> GalleryCard:
    name = grouping.features.items["id"][row].as_py() or ""
    lines = [grouping.labels.name(row) or "no label"] if grouping.labels is not None else []
    return GalleryCard(row=row, id=name, lines=lines)


def draw_cluster_figures(folder: Path, grouping: Grouping) -> list[Path]:
    """Draw typical images of each cluster, and the number of labels in each; return the paths of the PNG files."""
    count = min(grouping.groups.count, _MOST_CLUSTERS)
    pictures = []
    titles = []
    for cluster in range(count):
        rows = grouping.order(cluster)[:_IN_FIGURE].tolist()
        pictures.append([grouping.features.make_picture(row) for row in rows])
        name = grouping.names[cluster].text if grouping.names else grouping.find_matched(cluster)
        titles.append((str(cluster), name, int(grouping.groups.sizes[cluster])))
    folder.mkdir(exist_ok=True)
    paths = [folder / "clusters.png"]
    figure = draw_cluster_images(pictures, titles)
    save_figure(figure, paths[0], paths[0].with_suffix(".pdf"))
    if grouping.labels is not None and grouping.counts is not None and grouping.matches is not None:
        paths.append(folder / "labels.png")
        figure = draw_cluster_counts(grouping.counts, grouping.labels.classes, grouping.matches)
        save_figure(figure, paths[1], paths[1].with_suffix(".pdf"))
    return paths
