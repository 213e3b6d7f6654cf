"""Types of the public names. Written by scripts/write_type_stubs.py (make docs); edit __init__.py instead."""

from galaxtool.backbones.create import create_backbone as create_backbone
from galaxtool.backbones.protocols import Backbone as Backbone
from galaxtool.cli.build import build_command as build_command
from galaxtool.cli.render import echo as echo
from galaxtool.cli.render import print_table as print_table
from galaxtool.commands import listings as listings
from galaxtool.commands import plugin_tools as plugin_tools
from galaxtool.commands.anomalies import anomalies as anomalies
from galaxtool.commands.cite import cite as cite
from galaxtool.commands.classify import classify as classify
from galaxtool.commands.cluster import cluster as cluster
from galaxtool.commands.compare import compare as compare
from galaxtool.commands.cutouts import cutouts as cutouts
from galaxtool.commands.doctor import doctor as doctor
from galaxtool.commands.doubts import doubts as doubts
from galaxtool.commands.embed import embed as embed
from galaxtool.commands.evaluate import evaluate as evaluate
from galaxtool.commands.explore import explore as explore
from galaxtool.commands.export import export as export
from galaxtool.commands.finetune import finetune as finetune
from galaxtool.commands.index import index as index
from galaxtool.commands.label import label as label
from galaxtool.commands.merge import merge as merge
from galaxtool.commands.plot import plot as plot
from galaxtool.commands.reproduce import reproduce as reproduce
from galaxtool.commands.similar import similar as similar
from galaxtool.commands.simulate import simulate as simulate
from galaxtool.containers.protocols import Container as Container
from galaxtool.containers.protocols import Member as Member
from galaxtool.containers.protocols import OpenContainer as OpenContainer
from galaxtool.containers.reading import read_image as read_image
from galaxtool.cutting.sky_map import SkyMap as SkyMap
from galaxtool.cutting.sky_map import open_map as open_map
from galaxtool.datasets.protocols import Dataset as Dataset
from galaxtool.errors import ConfigError as ConfigError
from galaxtool.errors import DependencyMissing as DependencyMissing
from galaxtool.errors import GalaxtoolError as GalaxtoolError
from galaxtool.errors import IndexMismatch as IndexMismatch
from galaxtool.errors import InputError as InputError
from galaxtool.errors import ModelError as ModelError
from galaxtool.errors import OfflineError as OfflineError
from galaxtool.errors import OutputExists as OutputExists
from galaxtool.errors import PluginError as PluginError
from galaxtool.errors import TableError as TableError
from galaxtool.errors import TrainingError as TrainingError
from galaxtool.errors import UnknownName as UnknownName
from galaxtool.errors import UnreadableImage as UnreadableImage
from galaxtool.executors.protocols import Executor as Executor
from galaxtool.images.fits.beam import Beam as Beam
from galaxtool.images.image_file import ImageFile as ImageFile
from galaxtool.images.protocols import Reader as Reader
from galaxtool.images.read_options import ReadOptions as ReadOptions
from galaxtool.inference.model import Model as Model
from galaxtool.inference.model import load_model as load_model
from galaxtool.inputs.positions.find import read_positions as read_positions
from galaxtool.jobs.job import Job as Job
from galaxtool.jobs.options import JobOptions as JobOptions
from galaxtool.jobs.record import JobRecord as JobRecord
from galaxtool.models.engines.onnx import OnnxSession as OnnxSession
from galaxtool.models.memory_limit import NetworkLimit as NetworkLimit
from galaxtool.models.write import write_model as write_model
from galaxtool.plotting.request import PlotRequest as PlotRequest
from galaxtool.plugins.hook_api import HOOK_API as HOOK_API
from galaxtool.plugins.hookspecs import hookimpl as hookimpl
from galaxtool.plugins.names import list_backbones as list_backbones
from galaxtool.plugins.names import list_datasets as list_datasets
from galaxtool.plugins.names import list_heads as list_heads
from galaxtool.plugins.names import list_methods as list_methods
from galaxtool.plugins.names import list_models as list_models
from galaxtool.plugins.names import list_taxonomies as list_taxonomies
from galaxtool.plugins.registry import get_registry as get_registry
from galaxtool.plugins.specs import AnomalyMethodSpec as AnomalyMethodSpec
from galaxtool.plugins.specs import BackboneSpec as BackboneSpec
from galaxtool.plugins.specs import Citation as Citation
from galaxtool.plugins.specs import ContainerSpec as ContainerSpec
from galaxtool.plugins.specs import DatasetSpec as DatasetSpec
from galaxtool.plugins.specs import ExecutorSpec as ExecutorSpec
from galaxtool.plugins.specs import HeadSpec as HeadSpec
from galaxtool.plugins.specs import IndexSpec as IndexSpec
from galaxtool.plugins.specs import MethodOption as MethodOption
from galaxtool.plugins.specs import MethodSpec as MethodSpec
from galaxtool.plugins.specs import MetricSpec as MetricSpec
from galaxtool.plugins.specs import ModelSpec as ModelSpec
from galaxtool.plugins.specs import PlotSpec as PlotSpec
from galaxtool.plugins.specs import ReaderSpec as ReaderSpec
from galaxtool.plugins.specs import RecipeSpec as RecipeSpec
from galaxtool.plugins.specs import SearchFilterSpec as SearchFilterSpec
from galaxtool.plugins.specs import TableFormatSpec as TableFormatSpec
from galaxtool.plugins.specs import TaxonomySpec as TaxonomySpec
from galaxtool.plugins.specs import VoteSchemaSpec as VoteSchemaSpec
from galaxtool.plugins.specs import Weights as Weights
from galaxtool.reports.html.gallery import GalleryCard as GalleryCard
from galaxtool.reports.html.gallery import GallerySection as GallerySection
from galaxtool.reports.html.gallery import write_gallery as write_gallery
from galaxtool.search.session import SearchSession as SearchSession
from galaxtool.search.session import load_index as load_index
from galaxtool.tables.formats.find import check_table_path as check_table_path
from galaxtool.tables.kept_inputs import refuse_inputs as refuse_inputs
from galaxtool.tables.read import read_table as read_table
from galaxtool.tables.write import write_table as write_table
from galaxtool.taxonomy.classes import Class as Class
from galaxtool.taxonomy.classes import Taxonomy as Taxonomy
from galaxtool.testing.anomaly_method import check_anomaly_method as check_anomaly_method
from galaxtool.testing.backbone import check_backbone as check_backbone
from galaxtool.testing.command import check_command as check_command
from galaxtool.testing.container import check_container as check_container
from galaxtool.testing.dataset import check_dataset as check_dataset
from galaxtool.testing.executor import check_executor as check_executor
from galaxtool.testing.head import check_head as check_head
from galaxtool.testing.light_import import check_plugin_is_light as check_plugin_is_light
from galaxtool.testing.method import check_method as check_method
from galaxtool.testing.metric import check_metric as check_metric
from galaxtool.testing.onnx_parity import check_onnx as check_onnx
from galaxtool.testing.plot import check_plot as check_plot
from galaxtool.testing.reader import check_reader as check_reader
from galaxtool.testing.search import check_index as check_index
from galaxtool.testing.search import check_search_filter as check_search_filter
from galaxtool.testing.table_format import check_table_format as check_table_format
from galaxtool.testing.taxonomy import check_model as check_model
from galaxtool.testing.taxonomy import check_recipe as check_recipe
from galaxtool.testing.taxonomy import check_taxonomy as check_taxonomy
from galaxtool.testing.taxonomy import check_vote_schema as check_vote_schema
from galaxtool.training.losses.loss import Loss as Loss
from galaxtool.training.options import TrainOptions as TrainOptions
from galaxtool.training.shared_run import choose_training_device as choose_training_device
from galaxtool.training.shared_run import is_main_process as is_main_process
from galaxtool.training.shared_run import share_run as share_run
from galaxtool.training.stage import Stage as Stage
from galaxtool.training.task import Batch as Batch
from galaxtool.training.task import PictureSet as PictureSet
from galaxtool.training.task import Task as Task
from galaxtool.training.trainer import Trainer as Trainer
from galaxtool.types import FLAGS as FLAGS
from galaxtool.types import Cutout as Cutout
from galaxtool.types import ImageRef as ImageRef
from galaxtool.types import Item as Item
from galaxtool.types import Progress as Progress
from galaxtool.types import Silent as Silent
from galaxtool.types import warn as warn
from galaxtool.utils.files.atomic_write import atomic_write as atomic_write
from galaxtool.utils.files.atomic_write import check_writable as check_writable
from galaxtool.utils.files.regular_files import read_regular_text as read_regular_text
from galaxtool.utils.licences import check_licence as check_licence
from galaxtool.utils.run_directory import RunDirectory as RunDirectory
from galaxtool.vision.device import choose_device as choose_device
from galaxtool.vision.device import choose_precision as choose_precision
from galaxtool.vision.preprocess import Preprocess as Preprocess

__version__: str
__all__ = [
    "AnomalyMethodSpec",
    "Backbone",
    "BackboneSpec",
    "Batch",
    "Beam",
    "Citation",
    "Class",
    "ConfigError",
    "Container",
    "ContainerSpec",
    "Cutout",
    "Dataset",
    "DatasetSpec",
    "DependencyMissing",
    "Executor",
    "ExecutorSpec",
    "FLAGS",
    "GalaxtoolError",
    "GalleryCard",
    "GallerySection",
    "HOOK_API",
    "HeadSpec",
    "ImageFile",
    "ImageRef",
    "IndexMismatch",
    "IndexSpec",
    "InputError",
    "Item",
    "Job",
    "JobOptions",
    "JobRecord",
    "Loss",
    "Member",
    "MethodOption",
    "MethodSpec",
    "MetricSpec",
    "Model",
    "ModelError",
    "ModelSpec",
    "NetworkLimit",
    "OfflineError",
    "OnnxSession",
    "OpenContainer",
    "OutputExists",
    "PictureSet",
    "PlotRequest",
    "PlotSpec",
    "PluginError",
    "Preprocess",
    "Progress",
    "ReadOptions",
    "Reader",
    "ReaderSpec",
    "RecipeSpec",
    "RunDirectory",
    "SearchFilterSpec",
    "SearchSession",
    "Silent",
    "SkyMap",
    "Stage",
    "TableError",
    "TableFormatSpec",
    "Task",
    "Taxonomy",
    "TaxonomySpec",
    "TrainOptions",
    "Trainer",
    "TrainingError",
    "UnknownName",
    "UnreadableImage",
    "VoteSchemaSpec",
    "Weights",
    "__version__",
    "anomalies",
    "atomic_write",
    "build_command",
    "check_anomaly_method",
    "check_backbone",
    "check_command",
    "check_container",
    "check_dataset",
    "check_executor",
    "check_head",
    "check_index",
    "check_licence",
    "check_method",
    "check_metric",
    "check_model",
    "check_onnx",
    "check_plot",
    "check_plugin_is_light",
    "check_reader",
    "check_recipe",
    "check_search_filter",
    "check_table_format",
    "check_table_path",
    "check_taxonomy",
    "check_vote_schema",
    "check_writable",
    "choose_device",
    "choose_precision",
    "choose_training_device",
    "cite",
    "classify",
    "cluster",
    "compare",
    "create_backbone",
    "cutouts",
    "doctor",
    "doubts",
    "echo",
    "embed",
    "evaluate",
    "explore",
    "export",
    "finetune",
    "get_registry",
    "hookimpl",
    "index",
    "is_main_process",
    "label",
    "list_backbones",
    "list_datasets",
    "list_heads",
    "list_methods",
    "list_models",
    "list_taxonomies",
    "listings",
    "load_index",
    "load_model",
    "merge",
    "open_map",
    "plot",
    "plugin_tools",
    "print_table",
    "read_image",
    "read_positions",
    "read_regular_text",
    "read_table",
    "refuse_inputs",
    "reproduce",
    "share_run",
    "similar",
    "simulate",
    "warn",
    "write_gallery",
    "write_model",
    "write_table",
]
