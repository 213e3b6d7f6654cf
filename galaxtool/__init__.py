"""galaxtool: galaxy morphology from cutouts.

Every name below is imported when it is first used, so ``import galaxtool`` costs nothing. A function that is a command
has the command's name, parameters and defaults: ``galaxtool.classify("cutouts/", model="runs/mine")``. The listing
commands are in ``galaxtool.listings``, because ``galaxtool.models``, ``galaxtool.plugins`` and others are packages.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_PLACES = {
    "galaxtool.errors": (
        "ConfigError", "DependencyMissing", "GalaxtoolError", "IndexMismatch", "InputError", "ModelError",
        "OfflineError", "OutputExists", "PluginError", "TableError", "TrainingError", "UnknownName", "UnreadableImage",
    ),
    "galaxtool.hookspecs": ("hookimpl",),
    "galaxtool.pipelines.classify": ("classify",),
    "galaxtool.pipelines.cutouts": ("cutouts",),
    "galaxtool.pipelines.doctor": ("doctor",),
    "galaxtool.pipelines.embed": ("embed",),
    "galaxtool.pipelines.export": ("export",),
    "galaxtool.pipelines.finetune": ("finetune",),
    "galaxtool.pipelines.index": ("index",),
    "galaxtool.pipelines.merge": ("merge",),
    "galaxtool.pipelines.similar": ("similar",),
    "galaxtool.pipelines.simulate": ("simulate",),
    "galaxtool.registry": ("get_registry",),
    "galaxtool.specs": (
        "BackboneSpec", "Citation", "ContainerSpec", "DatasetSpec", "ExecutorSpec", "HeadSpec", "IndexSpec",
        "MethodOption", "MethodSpec", "ModelSpec", "ReaderSpec", "RecipeSpec", "TaxonomySpec", "Weights",
    ),
    "galaxtool.taxonomy.classes": ("Taxonomy",),
    "galaxtool.testing.backbone": ("check_backbone",),
    "galaxtool.testing.dataset": ("check_dataset",),
    "galaxtool.testing.head": ("check_head",),
    "galaxtool.training.stage": ("Stage",),
    "galaxtool.training.task": ("Batch", "Task"),
    "galaxtool.training.trainer": ("Trainer",),
    "galaxtool.io.imagefile": ("ImageFile",),
    "galaxtool.io.options": ("ReadOptions",),
    "galaxtool.types": (
        "FLAGS", "Backbone", "Container", "Cutout", "Dataset", "Executor", "Item", "Member", "OpenContainer",
        "Progress", "Reader",
    ),
    "galaxtool.vision.preprocess": ("Preprocess",),
}  # fmt: skip

_MODULES = {"listings": "galaxtool.pipelines.listings"}

_MODULE_OF = {name: module for module, names in _PLACES.items() for name in names}

__all__ = sorted(["__version__", *_MODULE_OF, *_MODULES])


def __getattr__(name: str) -> Any:
    """Import a public name on first use, and keep it."""
    if name in _MODULES:
        value: Any = importlib.import_module(_MODULES[name])
    elif name in _MODULE_OF:
        value = getattr(importlib.import_module(_MODULE_OF[name]), name)
    else:
        raise AttributeError(f"module 'galaxtool' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted({*globals(), *__all__})
