"""The records that plugins hand over: what a thing is called, what it can do, and where its code is.

A spec costs nothing to make: it names its factory as ``"package.module:function"``, and the module is imported only
when somebody uses the thing. Listings, help and error messages live on specs alone.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from galaxtool.plugins.citation import Citation as Citation
from galaxtool.plugins.citation import Weights as Weights

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")
_FACTORY = re.compile(r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What every registered thing has.

    Parameters
    ----------
    name : str
        Letters, digits and ``. _ + -``; unique among things of its kind, else only reachable as ``plugin:name``.
    summary : str
        One line for the listings.
    factory : str
        ``"package.module:function"``.
    citation : Citation, optional
        What to cite when the thing was used.
    licence : str, optional
        Of what the factory gives (data, weights), where that differs from the plugin's own.
    requires : tuple of str
        Packages beyond the plugin's own dependencies that it cannot do without, by their import names.

    Raises
    ------
    ValueError
        If the name or the factory is not of the form above.
    """

    name: str
    summary: str = ""
    factory: str = ""
    citation: Citation | None = None
    licence: str = ""
    requires: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise ValueError(
                f"{type(self).__name__} name {self.name!r} has characters other than letters, digits, . _ + -"
            )
        if not _FACTORY.match(self.factory):
            raise ValueError(
                f"{type(self).__name__} '{self.name}' has factory {self.factory!r}; wanted 'package.module:function'"
            )

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, for ``--json``."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneSpec(Spec):
    """An image encoder, perhaps with a text encoder beside it.

    The factory is called as ``factory(architecture=..., weights=..., resolve=...)`` and returns a
    `galaxtool.backbones.protocols.Backbone`. `architecture` is the middle of ``source:architecture@weights`` for a
    spec that is a whole source (`architectures` is True), else the spec's own name. `weights` is None for random
    initialization, a path of a file, or a tag. `resolve(weights_record)` gives the path of a record's file or raises
    `OfflineError`.

    Parameters
    ----------
    text : bool
        Whether it has `embed_text`; GalaxAlign needs it.
    image_size : int or None
        Side in pixels that the weights were trained with; None where it depends on the architecture.
    weights : tuple of Weights
        Known pretrained weights, the default first.
    architectures : bool
        Whether the spec stands for a whole source: ``open_clip:ViT-B-16``.
    weights_of : str
        For a whole source, ``"package.module:function"``: called with an architecture, returns its known `Weights`.
    mean, std : tuple of 3 float
        Normalisation of display values in [0, 1], in channel order R, G, B.
    """

    text: bool = False
    image_size: int | None = None
    weights: tuple[Weights, ...] = ()
    architectures: bool = False
    weights_of: str = ""
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec(Spec):
    """Labelled images; the factory is called as ``factory(path=..., **options)`` and returns a `Dataset`.

    Parameters
    ----------
    taxonomy : str
        Name of the taxonomy that its labels belong to; empty where they are found by name.
    needs_path : bool
        Whether it reads a local file or folder: ``name:PATH``.
    """

    taxonomy: str = ""
    needs_path: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadSpec(Spec):
    """Turns features into class scores; the factory is called as ``factory(dim=..., n_classes=...)``, returns a module.

    The module may have ``probabilities(logits, temperature)``, used in place of a softmax, and
    ``set_taxonomy(taxonomy)``, called before it is trained.

    Parameters
    ----------
    label_kinds : tuple of str
        What it learns from: ``"class"``, ``"votes"``, ``"none"``.
    fitted : bool
        Whether it is not trained by gradients but fitted when the backbone is done: the module then has
        ``fit(features, targets)``, with features (N, dim) and targets (N,) of the training split.
    objective : str
        ``"package.module:factory"`` of what it is trained and judged by; see `galaxtool.training.objective`.
    """

    label_kinds: tuple[str, ...] = ("class",)
    fitted: bool = False
    objective: str = "galaxtool.training.objective:ClassObjective"


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodOption:
    """A setting that one method has and others have not: ``--option NAME=VALUE``.

    Parameters
    ----------
    name : str
    default : int, float, bool or str
        A given value is read as this one's type.
    summary : str
        One line.
    """

    name: str
    default: int | float | bool | str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodSpec(Spec):
    """A way of training; the factory is called as ``factory(task)`` and returns a list of `galaxtool.Stage`.

    Parameters
    ----------
    needs : tuple of str
        What the task must have: any of ``"labels"``, ``"text"``, ``"symbols"``.
    head : str
        The head that a trained model classifies with unless another is chosen.
    heads : tuple of str
        Heads it can train, besides `head`; a fitted one (see `HeadSpec`) goes with every method.
    lr : float
        Peak learning rate where none is given; 0 for the backbone's own.
    options : tuple of MethodOption
        Settings of its own, in ``task.options.method``.
    lengths : tuple of str
        Settings of ``finetune`` that say how long its stages are: ``"warmup_epochs"``, ``"epochs"`` or both. What is
        given without being one of them is refused; but where it is ``"warmup_epochs"`` alone, ``--epochs`` means that.
    ignores : tuple of str
        Further settings of ``finetune`` that would change nothing and so are refused: ``"layer_decay"``.
    """

    needs: tuple[str, ...] = ("labels",)
    head: str = "prompt"
    heads: tuple[str, ...] = ()
    lr: float = 0.0
    options: tuple[MethodOption, ...] = ()
    lengths: tuple[str, ...] = ("warmup_epochs", "epochs")
    ignores: tuple[str, ...] = ()


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
    """Reads files of one kind; ``factory()`` returns a `galaxtool.images.protocols.Reader`.

    Parameters
    ----------
    suffixes : tuple of str
        Lower case, with the dot; what a folder's walk takes as an input.
    magic : tuple of bytes
        How such a file begins; content decides over the suffix.
    """

    suffixes: tuple[str, ...]
    magic: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec(Spec):
    """A trained model that comes with a package.

    Parameters
    ----------
    folder : str
        Absolute path of the model directory.
    """

    folder: str
    factory: str = "galaxtool.models.directory:load_model"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSpec(Spec):
    """A kind of similarity index; the factory is called as ``factory(vectors, **options)``, returns a FAISS index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeSpec(Spec):
    """Settings of ``finetune`` kept under a name.

    Parameters
    ----------
    path : str
        Absolute path of the TOML file.
    """

    path: str
    factory: str = "galaxtool.utils.config:load_recipe"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec(Spec):
    """Opens files of one kind that hold many images; the factory is called as ``factory()``.

    It returns a `galaxtool.containers.protocols.Container`.

    Parameters
    ----------
    suffixes : tuple of str
        Lower case, with the dot.
    magic : tuple of bytes
        How such a file begins, at any of `offsets`.
    offsets : tuple of int
        Where `magic` stands.
    """

    suffixes: tuple[str, ...]
    magic: tuple[bytes, ...] = ()
    offsets: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorSpec(Spec):
    """Where batches are worked on; the factory is called as ``factory(workers=..., address=...)``.

    It returns a `galaxtool.executors.protocols.Executor`.
    """
