"""The hooks of this plugin: only specs, so that listings import nothing heavy."""

from __future__ import annotations

from pathlib import Path

from galaxtool import (
    BackboneSpec,
    DatasetSpec,
    HeadSpec,
    MethodOption,
    MethodSpec,
    MetricSpec,
    PlotSpec,
    SearchFilterSpec,
    TaxonomySpec,
    hookimpl,
)


@hookimpl
def register_backbones() -> list[BackboneSpec]:
    return [
        BackboneSpec(
            name="example-tiny",
            summary="A tiny convolutional net with a bag-of-bytes text encoder.",
            factory="galaxtool_example.backbone:build",
            text=True,
            image_size=32,
        )
    ]


@hookimpl
def register_datasets() -> list[DatasetSpec]:
    return [
        DatasetSpec(
            name="example-shapes",
            summary="Drawn discs, rings and bars with noise.",
            factory="galaxtool_example.dataset:build",
            taxonomy="example-shapes",
        )
    ]


@hookimpl
def register_heads() -> list[HeadSpec]:
    return [
        HeadSpec(
            name="example-cosine",
            summary="Cosine to one learned direction for each class.",
            factory="galaxtool_example.head:build",
        )
    ]


@hookimpl
def register_methods() -> list[MethodSpec]:
    return [
        MethodSpec(
            name="example-one-stage",
            summary="Only the first stage of GalaxAlign: one encoder for images and symbols.",
            factory="galaxtool_example.method:one_stage",
            needs=("labels", "text", "symbols"),
        ),
        MethodSpec(
            name="example-cosine",
            summary="Cross-entropy on a cosine head.",
            factory="galaxtool_example.method:cosine",
            head="example-cosine",
        ),
    ]


@hookimpl
def register_taxonomies() -> list[TaxonomySpec]:
    return [
        TaxonomySpec(
            name="example-shapes",
            summary="Drawn discs, rings and bars.",
            folder=str(Path(__file__).resolve().parent / "symbols"),
        )
    ]


@hookimpl
def register_metrics() -> list[MetricSpec]:
    return [
        MetricSpec(
            name="example_worst_recall",
            summary="Lowest recall of all classes.",
            factory="galaxtool_example.metric:worst_recall",
        )
    ]


@hookimpl
def register_plots() -> list[PlotSpec]:
    return [
        PlotSpec(
            name="example-probabilities",
            summary="Histogram of the probabilities of the predicted classes.",
            factory="galaxtool_example.figure:plot_probabilities",
            inputs="a table of predictions",
            options=(MethodOption(name="bins", default=20, summary="Number of bins."),),
        )
    ]


@hookimpl
def register_search_filters() -> list[SearchFilterSpec]:
    return [
        SearchFilterSpec(
            name="example-dec",
            summary="Objects in a range of declinations: example-dec:MIN,MAX in degrees.",
            factory="galaxtool_example.search_filter:in_declinations",
        )
    ]
