"""The hooks a plugin may implement. Each ``register_*`` returns a list of specs and has no other effect."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from galaxtool.plugins.specs import (
        BackboneSpec,
        ContainerSpec,
        DatasetSpec,
        ExecutorSpec,
        HeadSpec,
        IndexSpec,
        MethodSpec,
        ModelSpec,
        ReaderSpec,
        RecipeSpec,
        TaxonomySpec,
        Weights,
    )

hookspec = pluggy.HookspecMarker("galaxtool")
hookimpl = pluggy.HookimplMarker("galaxtool")


@hookspec
def register_backbones() -> Iterable[BackboneSpec]:
    """Image encoders, with or without a text encoder."""
    return []


@hookspec
def register_datasets() -> Iterable[DatasetSpec]:
    """Labelled sets of images."""
    return []


@hookspec
def register_heads() -> Iterable[HeadSpec]:
    """Ways to turn features into class scores."""
    return []


@hookspec
def register_methods() -> Iterable[MethodSpec]:
    """Ways to train."""
    return []


@hookspec
def register_taxonomies() -> Iterable[TaxonomySpec]:
    """Sets of classes with prompts and symbols."""
    return []


@hookspec
def register_readers() -> Iterable[ReaderSpec]:
    """File formats."""
    return []


@hookspec
def register_containers() -> Iterable[ContainerSpec]:
    """Files that hold many images: archives, stacks."""
    return []


@hookspec
def register_executors() -> Iterable[ExecutorSpec]:
    """Where batches are worked on: processes here, a cluster."""
    return []


@hookspec
def register_models() -> Iterable[ModelSpec]:
    """Trained models that come with the plugin."""
    return []


@hookspec
def register_indexes() -> Iterable[IndexSpec]:
    """Kinds of similarity index."""
    return []


@hookspec
def register_recipes() -> Iterable[RecipeSpec]:
    """Named settings of ``galaxtool finetune``."""
    return []


@hookspec(firstresult=True)
def resolve_weights(weights: Weights, cache_dir: Path, offline: bool) -> Path | None:
    """Return a local file with these weights, or None to let the next plugin try.

    Parameters
    ----------
    weights : Weights
        What is wanted.
    cache_dir : Path
        Where files that were fetched are kept.
    offline : bool
        True when nothing may be fetched.
    """
    return None


@hookspec
def run_started(manifest: dict[str, Any]) -> None:
    """Called with a run's manifest when it begins; what it raises is only a warning."""


@hookspec
def run_finished(manifest: dict[str, Any]) -> None:
    """Called with a run's manifest when it ended, whatever its status; what it raises is only a warning."""
