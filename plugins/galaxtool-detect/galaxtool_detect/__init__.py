"""Source detection for galaxtool: data, networks, measures and catalogues.

Every public name is imported on first use, so ``import galaxtool_detect`` is cheap.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_PLACES = {
    "galaxtool_detect.boxes": ("DetectionSet", "Detections", "FieldImage"),
    "galaxtool_detect.catalog.build": ("SourceCatalogue", "build_catalogue"),
    "galaxtool_detect.catalog.maps": ("FieldMap",),
    "galaxtool_detect.catalog.write": ("CatalogueOutputs", "write_catalogue"),
    "galaxtool_detect.commands.evaluate": ("evaluate",),
    "galaxtool_detect.commands.run": ("run",),
    "galaxtool_detect.commands.simulate": ("simulate",),
    "galaxtool_detect.commands.train": ("train",),
    "galaxtool_detect.datasets.catalogue": ("CatalogueOptions",),
    "galaxtool_detect.datasets.open": ("open_detection_set",),
    "galaxtool_detect.simulation.dataset": ("make_simulated_set",),
    "galaxtool_detect.simulation.field": ("FieldOptions", "simulate_field"),
}

_MODULE_OF = {name: module for module, names in _PLACES.items() for name in names}

__all__ = sorted(["__version__", *_MODULE_OF])


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'galaxtool_detect' has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, including those not imported yet."""
    return sorted({*globals(), *__all__})
