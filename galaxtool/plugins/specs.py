"""The specs that plugins return: the name of a thing, its abilities, and where its code is.

A spec is cheap: it names its factory as ``"package.module:function"``, and that module is imported only when the thing
is used. Listings, help texts and error messages need the specs alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from galaxtool.plugins.anomaly_method_spec import AnomalyMethodSpec as AnomalyMethodSpec
from galaxtool.plugins.base_spec import Spec as Spec
from galaxtool.plugins.citation import Citation as Citation
from galaxtool.plugins.citation import Weights as Weights
from galaxtool.plugins.head_spec import HeadSpec as HeadSpec
from galaxtool.plugins.method_spec import MethodSpec as MethodSpec
from galaxtool.plugins.options import MethodOption as MethodOption
from galaxtool.plugins.plot_spec import PlotSpec as PlotSpec
from galaxtool.plugins.vote_schema_spec import VoteSchemaSpec as VoteSchemaSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneSpec(Spec):
    """An image encoder, with or without a text encoder.

    The factory is called as ``factory(architecture=..., weights=..., resolve=...)`` and returns a
    `galaxtool.backbones.protocols.Backbone`. `architecture` is the middle part of ``source:architecture@weights`` for a
    spec that stands for a whole source (`architectures` is True), otherwise the spec's own name. `weights` is None for
    random initialization, the path of a file, or a tag. `resolve(weights_record)` returns the path of a record's file
    or raises `OfflineError`.

    Parameters
    ----------
    text : bool
        Whether it has `embed_text`, which GalaxAlign needs.
    features, cls_tokens, attention : bool
        Whether it has these methods, or for a whole source, whether some of its architectures do.
    image_size : int or None
        Side in pixels of the images that the weights were trained on; None where it depends on the architecture.
    weights : tuple of Weights
        Known pretrained weights, the default first.
    architectures : bool
        Whether the spec stands for a whole source: ``open_clip:ViT-B-16``.
    weights_of : str
        For a whole source, ``"package.module:function"``: takes an architecture and returns its known `Weights`.
    mean, std : tuple of 3 float
        Normalization of display values in [0, 1], in channel order R, G, B.
    """

    text: bool = False
    features: bool = False
    cls_tokens: bool = False
    attention: bool = False
    image_size: int | None = None
    weights: tuple[Weights, ...] = ()
    architectures: bool = False
    weights_of: str = ""
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec(Spec):
    """A labelled set of images; ``factory(path=..., **options)`` returns a `galaxtool.datasets.protocols.Dataset`.

    Parameters
    ----------
    taxonomy : str
        Name of the taxonomy of its labels; empty to match the labels with the known taxonomies.
    needs_path : bool
        Whether it reads a local file or folder: ``name:PATH``.
    """

    taxonomy: str = ""
    needs_path: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxonomySpec(Spec):
    """Classes with prompts and symbols: a folder with ``taxonomy.toml`` and one PNG and SVG for each class.

    Parameters
    ----------
    folder : str
        Absolute path of the folder.
    """

    folder: str
    factory: str = "galaxtool.taxonomy.load:load_taxonomy"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderSpec(Spec):
    """An image format; ``factory()`` returns a `galaxtool.images.protocols.Reader`.

    Parameters
    ----------
    suffixes : tuple of str
        Suffixes of its files, lower case, with the dot. A walk through a folder takes files with these suffixes.
    magic : tuple of bytes
        First bytes of its files. The content takes precedence over the suffix.
    """

    suffixes: tuple[str, ...]
    magic: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec(Spec):
    """A format of files that hold many images; ``factory()`` returns a `galaxtool.containers.protocols.Container`.

    Parameters
    ----------
    suffixes : tuple of str
        Suffixes of its files, lower case, with the dot.
    magic : tuple of bytes
        Bytes at any of `offsets` of its files.
    offsets : tuple of int
        Byte offsets at which `magic` may be found.
    """

    suffixes: tuple[str, ...]
    magic: tuple[bytes, ...] = ()
    offsets: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFormatSpec(Spec):
    """A table format; ``factory()`` returns a `galaxtool.tables.protocols.TableFormat`, which reads and writes it.

    Parameters
    ----------
    suffixes : tuple of str
        Suffixes of its files, lower case, with the dot, the recommended one first. A file whose name ends in ``.gz`` is
        gzipped when it is written.
    """

    suffixes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSpec(Spec):
    """A score of a classifier; ``factory(values, targets)`` computes it on the validation split.

    `targets` is an array of class indices of shape (N,). The score appears in ``metrics.json`` with a 95 % interval.

    Parameters
    ----------
    inputs : {"probabilities", "embeddings"}
        With ``"probabilities"``, `values` has shape (N, n_classes) and the result is a float, NaN where undefined. It
        is computed again for each of 200 bootstrap resamples, so it should be fast. With ``"embeddings"``, `values`
        are unit embeddings of shape (N, dim) and the result is an array of shape (N,) with a score for each item, NaN
        for an item without one; the metric is their mean.
    takes_gallery : bool
        Whether a metric of embeddings can look the items up in other ones. With ``galaxtool evaluate --gallery``, the
        factory is then called as ``factory(values, targets, gallery=..., gallery_targets=..., own_rows=...)``: the
        unit embeddings (M, dim) and classes (M,) of the gallery, and the row of each item there, int (N,), -1 for an
        item that is not there; an item is not to be compared with itself. Other metrics compare the items with each
        other, and the report says so.
    interval : {"bootstrap", "wilson", "own"}
        The interval: percentiles of the resamples, the Wilson interval of a share of the items, or one of its own. The
        factory of a metric of probabilities with an interval of its own is called once, as
        ``factory(values, targets, seed)``, and returns the value and both ends.
    higher_is_better : bool
        Whether a higher value is a better one.
    scope : {"all", "evaluation"}
        Whether the score is that of trainings and evaluations, or of ``galaxtool evaluate`` only.
    weighted : str
        Fast form of a metric of probabilities, as ``"package.module:function"``: called once with `values` and
        `targets`, it returns a function of the weights of the items, float64 (N,), that returns the score. ``galaxtool
        evaluate`` and ``compare`` call that for each of their 1,000 resamples; without it, the factory. ``compare``
        leaves out a metric with an interval of its own that has no such form.
    of_classes : str
        Name of the score of a single class, such as ``f1``, if the function of weights returns an array (n_classes,)
        with the scores of all classes, NaN for those that have none. The metric is then their mean.
    """

    inputs: str = "probabilities"
    interval: str = "bootstrap"
    higher_is_better: bool = True
    scope: str = "all"
    weighted: str = ""
    of_classes: str = ""
    takes_gallery: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFilterSpec(Spec):
    """A rule that limits the results of a similarity search; ``factory(argument)`` returns a function.

    The user gives it as ``--filter NAME:ARGUMENT``, and `argument` is the text after the colon. The function takes the
    rows of the index, an `astropy.table.Table` of N rows with the columns id, path, ra and dec, and returns a bool
    array of shape (N,), True for the rows that may be results.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec(Spec):
    """A trained model that comes with a package.

    Parameters
    ----------
    folder : str
        Absolute path of the model directory.
    """

    folder: str
    factory: str = "galaxtool.models.directory:load_network"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSpec(Spec):
    """A kind of similarity index; ``factory(vectors)`` returns a FAISS index of unit vectors, float32 (N, dim).

    Parameters
    ----------
    prepare : str
        Another ``"package.module:function"``, such that ``prepare(sample, count)`` returns a trained index without
        vectors, to which all `count` are added in blocks, so that they are never in memory at once. `sample` has some
        of them. Without it, the factory gets all vectors.
    refine : int
        Number of candidates for each wanted result, which are ranked again by their vectors; 1 for none. It is the
        start of a search for the recall that ``--target-recall`` asks for.
    min_count : int
        Least number of vectors that it can be built from. An index of fewer is refused before images are embedded.
    """

    prepare: str = ""
    refine: int = 1
    min_count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeSpec(Spec):
    """Named settings of ``finetune``, or a table or figure of a paper for ``reproduce``.

    Parameters
    ----------
    path : str
        Absolute path of the TOML file.
    command : {"finetune", "reproduce"}
        Command that the recipe is for. For ``reproduce``, the factory is
        ``"galaxtool.reproduction.recipe_file:read_table_recipe"``.
    """

    path: str
    command: str = "finetune"
    factory: str = "galaxtool.utils.config:load_recipe"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorSpec(Spec):
    """A place where batches are computed, such as processes on this machine or a cluster.

    ``factory(workers=..., address=...)`` returns a `galaxtool.executors.protocols.Executor`.
    """
