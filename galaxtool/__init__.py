"""galaxtool: galaxy morphology from cutouts.

Every public name is imported on first use, so ``import galaxtool`` is cheap. Each command is a function of the same
name, with the same parameters and defaults: ``galaxtool.classify("cutouts/", model="runs/mine")``. The listing commands
are in ``galaxtool.listings``, because some of their names, such as ``models``, are packages of galaxtool.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

__version__ = "0.1.0"

# galaxtool sends nothing to anybody; these runtimes, imported later, would report their use
os.environ.update(
    ORT_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_TELEMETRY="1", RAY_USAGE_STATS_ENABLED="0", DO_NOT_TRACK="1"
)

_PLACES = {
    "galaxtool.errors": (
        "ConfigError", "DependencyMissing", "GalaxtoolError", "IndexMismatch", "InputError", "ModelError",
        "OfflineError", "OutputExists", "PluginError", "TableError", "TrainingError", "UnknownName", "UnreadableImage",
    ),
    "galaxtool.cli.build": ("build_command",),
    "galaxtool.cli.render": ("echo", "print_table"),
    "galaxtool.cutting.sky_map": ("SkyMap", "open_map"),
    "galaxtool.images.fits.beam": ("Beam",),
    "galaxtool.plugins.hook_api": ("HOOK_API",),
    "galaxtool.plugins.hookspecs": ("hookimpl",),
    "galaxtool.commands.anomalies": ("anomalies",),
    "galaxtool.commands.cite": ("cite",),
    "galaxtool.commands.classify": ("classify",),
    "galaxtool.commands.cluster": ("cluster",),
    "galaxtool.commands.compare": ("compare",),
    "galaxtool.commands.cutouts": ("cutouts",),
    "galaxtool.commands.doctor": ("doctor",),
    "galaxtool.commands.doubts": ("doubts",),
    "galaxtool.commands.embed": ("embed",),
    "galaxtool.commands.evaluate": ("evaluate",),
    "galaxtool.commands.explore": ("explore",),
    "galaxtool.commands.export": ("export",),
    "galaxtool.commands.finetune": ("finetune",),
    "galaxtool.commands.index": ("index",),
    "galaxtool.commands.label": ("label",),
    "galaxtool.commands.merge": ("merge",),
    "galaxtool.commands.plot": ("plot",),
    "galaxtool.commands.reproduce": ("reproduce",),
    "galaxtool.commands.similar": ("similar",),
    "galaxtool.commands.simulate": ("simulate",),
    "galaxtool.jobs.job": ("Job",),
    "galaxtool.jobs.options": ("JobOptions",),
    "galaxtool.jobs.record": ("JobRecord",),
    "galaxtool.models.engines.onnx": ("OnnxSession",),
    "galaxtool.models.memory_limit": ("NetworkLimit",),
    "galaxtool.models.write": ("write_model",),
    "galaxtool.plotting.request": ("PlotRequest",),
    "galaxtool.plugins.names": (
        "list_backbones", "list_datasets", "list_heads", "list_methods", "list_models", "list_taxonomies",
    ),
    "galaxtool.plugins.registry": ("get_registry",),
    "galaxtool.plugins.specs": (
        "AnomalyMethodSpec", "BackboneSpec", "Citation", "ContainerSpec", "DatasetSpec", "ExecutorSpec", "HeadSpec",
        "IndexSpec", "MethodOption", "MethodSpec", "MetricSpec", "ModelSpec", "PlotSpec", "ReaderSpec",
        "RecipeSpec", "SearchFilterSpec", "TableFormatSpec", "TaxonomySpec", "VoteSchemaSpec", "Weights",
    ),
    "galaxtool.taxonomy.classes": ("Class", "Taxonomy"),
    "galaxtool.testing.anomaly_method": ("check_anomaly_method",),
    "galaxtool.testing.backbone": ("check_backbone",),
    "galaxtool.testing.command": ("check_command",),
    "galaxtool.testing.container": ("check_container",),
    "galaxtool.testing.dataset": ("check_dataset",),
    "galaxtool.testing.executor": ("check_executor",),
    "galaxtool.testing.head": ("check_head",),
    "galaxtool.testing.light_import": ("check_plugin_is_light",),
    "galaxtool.testing.method": ("check_method",),
    "galaxtool.testing.metric": ("check_metric",),
    "galaxtool.testing.onnx_parity": ("check_onnx",),
    "galaxtool.testing.plot": ("check_plot",),
    "galaxtool.testing.reader": ("check_reader",),
    "galaxtool.testing.search": ("check_index", "check_search_filter"),
    "galaxtool.testing.table_format": ("check_table_format",),
    "galaxtool.testing.taxonomy": ("check_model", "check_recipe", "check_taxonomy", "check_vote_schema"),
    "galaxtool.training.losses.loss": ("Loss",),
    "galaxtool.training.options": ("TrainOptions",),
    "galaxtool.training.shared_run": ("choose_training_device", "is_main_process", "share_run"),
    "galaxtool.training.stage": ("Stage",),
    "galaxtool.training.task": ("Batch", "PictureSet", "Task"),
    "galaxtool.training.trainer": ("Trainer",),
    "galaxtool.images.image_file": ("ImageFile",),
    "galaxtool.inputs.positions.find": ("read_positions",),
    "galaxtool.inference.model": ("Model", "load_model"),
    "galaxtool.reports.html.gallery": ("GalleryCard", "GallerySection", "write_gallery"),
    "galaxtool.search.session": ("SearchSession", "load_index"),
    "galaxtool.tables.formats.find": ("check_table_path",),
    "galaxtool.tables.kept_inputs": ("refuse_inputs",),
    "galaxtool.tables.read": ("read_table",),
    "galaxtool.tables.write": ("write_table",),
    "galaxtool.images.read_options": ("ReadOptions",),
    "galaxtool.backbones.create": ("create_backbone",),
    "galaxtool.backbones.protocols": ("Backbone",),
    "galaxtool.containers.reading": ("read_image",),
    "galaxtool.containers.protocols": ("Container", "Member", "OpenContainer",),
    "galaxtool.datasets.protocols": ("Dataset",),
    "galaxtool.executors.protocols": ("Executor",),
    "galaxtool.images.protocols": ("Reader",),
    "galaxtool.types": ("FLAGS", "Cutout", "ImageRef", "Item", "Progress", "Silent", "warn"),
    "galaxtool.utils.files.atomic_write": ("atomic_write", "check_writable"),
    "galaxtool.utils.files.regular_files": ("read_regular_text",),
    "galaxtool.utils.licences": ("check_licence",),
    "galaxtool.utils.run_directory": ("RunDirectory",),
    "galaxtool.vision.device": ("choose_device", "choose_precision"),
    "galaxtool.vision.preprocess": ("Preprocess",),
}  # fmt: skip

_MODULES = {"listings": "galaxtool.commands.listings", "plugin_tools": "galaxtool.commands.plugin_tools"}

_FORMER: dict[str, tuple[str, str]] = {}
"""Former public name -> its present name, and the version in which the former one goes."""

_MODULE_OF = {name: module for module, names in _PLACES.items() for name in names}

__all__ = sorted(["__version__", *_MODULE_OF, *_MODULES])


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name in _MODULES:
        value: Any = importlib.import_module(_MODULES[name])
    elif name in _MODULE_OF:
        value = getattr(importlib.import_module(_MODULE_OF[name]), name)
    elif name in _FORMER:
        present, until = _FORMER[name]
        warn: Any = importlib.import_module("galaxtool.plugins.hook_api").warn_deprecated
        warn(f"galaxtool.{name}", instead=f"galaxtool.{present}", until=until)
        return __getattr__(present)
    else:
        raise AttributeError(f"module 'galaxtool' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, including those not imported yet."""
    return sorted({*globals(), *__all__})
