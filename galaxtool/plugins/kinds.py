"""The kinds of things that plugins can register, and the hook and spec of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

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
    Spec,
    TableFormatSpec,
    TaxonomySpec,
    VoteSchemaSpec,
)

S = TypeVar("S", bound=Spec, covariant=True)


@dataclass(frozen=True, slots=True)
class Kind(Generic[S]):
    """A kind of thing that plugins can register.

    Parameters
    ----------
    name : str
        Name in error messages and in `galaxtool plugins`: ``"table format"``.
    plural : str
        The same in the plural; also names the hook.
    spec : type
        Class of the specs that the hook returns.
    """

    name: str
    plural: str
    spec: type[S]

    @property
    def hook(self) -> str:
        """Name of the hook: ``"register_table_formats"``."""
        return f"register_{self.plural.replace(' ', '_')}"


BACKBONE = Kind("backbone", "backbones", BackboneSpec)
DATASET = Kind("dataset", "datasets", DatasetSpec)
HEAD = Kind("head", "heads", HeadSpec)
METHOD = Kind("method", "methods", MethodSpec)
TAXONOMY = Kind("taxonomy", "taxonomies", TaxonomySpec)
READER = Kind("reader", "readers", ReaderSpec)
CONTAINER = Kind("container", "containers", ContainerSpec)
MODEL = Kind("model", "models", ModelSpec)
INDEX = Kind("index", "indexes", IndexSpec)
RECIPE = Kind("recipe", "recipes", RecipeSpec)
EXECUTOR = Kind("executor", "executors", ExecutorSpec)
TABLE_FORMAT = Kind("table format", "table formats", TableFormatSpec)
METRIC = Kind("metric", "metrics", MetricSpec)
PLOT = Kind("plot", "plots", PlotSpec)
SEARCH_FILTER = Kind("search filter", "search filters", SearchFilterSpec)
ANOMALY_METHOD = Kind("anomaly method", "anomaly methods", AnomalyMethodSpec)
VOTE_SCHEMA = Kind("vote schema", "vote schemas", VoteSchemaSpec)

KINDS: tuple[Kind[Any], ...] = (
    BACKBONE, DATASET, HEAD, METHOD, TAXONOMY, READER, CONTAINER, MODEL, INDEX, RECIPE, EXECUTOR, TABLE_FORMAT, METRIC,
    SEARCH_FILTER, PLOT, VOTE_SCHEMA, ANOMALY_METHOD,
)  # fmt: skip
"""Every kind, in the order in which `galaxtool plugins` asks for them."""
