"""Types of the public names. Written by scripts/write_type_stubs.py (make docs); edit __init__.py instead."""

from galaxtool_detect.boxes import Detections as Detections
from galaxtool_detect.boxes import DetectionSet as DetectionSet
from galaxtool_detect.boxes import FieldImage as FieldImage
from galaxtool_detect.catalog.build import SourceCatalogue as SourceCatalogue
from galaxtool_detect.catalog.build import build_catalogue as build_catalogue
from galaxtool_detect.catalog.maps import FieldMap as FieldMap
from galaxtool_detect.catalog.write import CatalogueOutputs as CatalogueOutputs
from galaxtool_detect.catalog.write import write_catalogue as write_catalogue
from galaxtool_detect.commands.evaluate import evaluate as evaluate
from galaxtool_detect.commands.run import run as run
from galaxtool_detect.commands.simulate import simulate as simulate
from galaxtool_detect.commands.train import train as train
from galaxtool_detect.datasets.catalogue import CatalogueOptions as CatalogueOptions
from galaxtool_detect.datasets.open import open_detection_set as open_detection_set
from galaxtool_detect.simulation.dataset import make_simulated_set as make_simulated_set
from galaxtool_detect.simulation.field import FieldOptions as FieldOptions
from galaxtool_detect.simulation.field import simulate_field as simulate_field

__version__: str
__all__ = [
    "CatalogueOptions",
    "CatalogueOutputs",
    "DetectionSet",
    "Detections",
    "FieldImage",
    "FieldMap",
    "FieldOptions",
    "SourceCatalogue",
    "__version__",
    "build_catalogue",
    "evaluate",
    "make_simulated_set",
    "open_detection_set",
    "run",
    "simulate",
    "simulate_field",
    "train",
    "write_catalogue",
]
