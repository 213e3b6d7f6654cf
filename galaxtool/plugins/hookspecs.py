"""The hooks that a plugin may implement. Each ``register_*`` returns a list of specs and has no other effect."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pluggy

from galaxtool.plugins.specs import (
    AnomalyMethodSpec,
    BackboneSpec,
    ContainerSpec,
    DatasetSpec,
    ExecutorSpec,
    HeadSpec,
    IndexSpec,
    MethodSpec,
    MetricSpec,
    ModelSpec,
    PlotSpec,
    ReaderSpec,
    RecipeSpec,
    SearchFilterSpec,
    TableFormatSpec,
    TaxonomySpec,
    VoteSchemaSpec,
    Weights,
)

hookspec = pluggy.HookspecMarker("galaxtool")
hookimpl = pluggy.HookimplMarker("galaxtool")


@hookspec
def register_backbones() -> Iterable[BackboneSpec]:
    """Register image encoders, with or without a text encoder."""
    return []


@hookspec
def register_datasets() -> Iterable[DatasetSpec]:
    """Register labelled sets of images."""
    return []


@hookspec
def register_heads() -> Iterable[HeadSpec]:
    """Register heads, which turn features into class scores."""
    return []


@hookspec
def register_methods() -> Iterable[MethodSpec]:
    """Register training methods."""
    return []


@hookspec
def register_taxonomies() -> Iterable[TaxonomySpec]:
    """Register sets of classes with prompts and symbols."""
    return []


@hookspec
def register_vote_schemas() -> Iterable[VoteSchemaSpec]:
    """Register questions and answers of volunteers."""
    return []


@hookspec
def register_readers() -> Iterable[ReaderSpec]:
    """Register image formats."""
    return []


@hookspec
def register_containers() -> Iterable[ContainerSpec]:
    """Register formats of files that hold many images: archives, stacks."""
    return []


@hookspec
def register_table_formats() -> Iterable[TableFormatSpec]:
    """Register table formats."""
    return []


@hookspec
def register_executors() -> Iterable[ExecutorSpec]:
    """Register places where batches are computed: processes here, a cluster."""
    return []


@hookspec
def register_models() -> Iterable[ModelSpec]:
    """Register trained models that come with the plugin."""
    return []


@hookspec
def register_metrics() -> Iterable[MetricSpec]:
    """Register scores of a classifier."""
    return []


@hookspec
def register_plots() -> Iterable[PlotSpec]:
    """Register kinds of figure."""
    return []


@hookspec
def register_indexes() -> Iterable[IndexSpec]:
    """Register kinds of similarity index."""
    return []


@hookspec
def register_search_filters() -> Iterable[SearchFilterSpec]:
    """Register rules that limit the results of a similarity search."""
    return []


@hookspec
def register_anomaly_methods() -> Iterable[AnomalyMethodSpec]:
    """Register measures of how odd an image is among others."""
    return []


@hookspec
def register_recipes() -> Iterable[RecipeSpec]:
    """Register named settings of ``galaxtool finetune``, and tables of papers for ``galaxtool reproduce``."""
    return []


@hookspec(firstresult=True)
def resolve_weights(weights: Weights, cache_dir: Path, offline: bool) -> Path | None:
    """Return a local file with these weights, or None to let the next plugin try.

    Parameters
    ----------
    weights : Weights
        The weights to find.
    cache_dir : Path
        Folder for downloaded files.
    offline : bool
        Whether downloads are forbidden.
    """
    return None


@hookspec
def run_started(manifest: dict[str, Any]) -> None:
    """Observe the start of a run; an exception becomes a warning."""


@hookspec
def run_finished(manifest: dict[str, Any]) -> None:
    """Observe the end of a run, regardless of its status; an exception becomes a warning."""
