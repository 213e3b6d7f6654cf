"""``model.json``: everything needed to use a model and to cite it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from galaxtool.errors import ModelError
from galaxtool.models.record_checks import check_record
from galaxtool.taxonomy.load import Taxonomy, taxonomy_from_dict
from galaxtool.types import Temperature
from galaxtool.utils.digests import hash_json
from galaxtool.utils.files.regular_files import read_regular_text
from galaxtool.vision.preprocess import Preprocess

SCHEMA = 1
_MOST_BYTES = 16 << 20
_COPY_AGAIN = "Copy the whole model again from where it was trained."


@dataclass(frozen=True, kw_only=True)
class ModelRecord:
    """The content of ``model.json``.

    Parameters
    ----------
    name : str
        Display name: that of the run or of the bundle.
    backbone : str
        Full name of the backbone, ``@`` the weights it started from.
    dim : int
        Length of an embedding.
    head : str
        Registered name of the head.
    preprocess : dict
        Preprocessing, as in `Preprocess.as_dict`.
    taxonomy : dict
        Classes in the order of the model's outputs, as in `Taxonomy.as_dict`.
    temperature : float or list of float
        Divisor of the logits before the softmax. Of a model of numbers: the factor for all error bars, or for those of
        each quantity.
    method : dict
        Name and settings of the training method.
    data : dict
        Training data: names, counts by class and split.
    metrics : dict
        Scores on the validation split, as in ``metrics.json``.
    weights_sha256 : str
        SHA-256 of ``weights.safetensors``.
    votes : dict or None
        Questions and answers of a model of votes, whose classes are the answers; see `galaxtool.taxonomy.votes`.
    regression : dict or None
        Quantities of a model of numbers, whose classes are their quantiles; see `galaxtool.taxonomy.quantities`.
    prior : dict of float
        Share of each class, by slug, among the labelled training images; the shares sum to 1, and a class without any
        image counts as one image. Empty if unknown, as in models of earlier versions.
    scores_prior : {"training", "uniform", "inverse"}
        Class frequencies that the model's own probabilities assume: that of `prior`; equal shares of all classes, as
        those of a balanced softmax do; or the inverse of `prior`, after class weights in a balanced softmax.
    tta : int
        Number of views of each image, turned and mirrored, whose results are averaged unless the user says otherwise:
        1 (none), 2, 4 or 8.
    unlike_training : dict
        How images unlike those of the training are recognized: score, threshold, false-alarm rate; the arrays are in
        ``domain.safetensors``. Empty if they are not.
    words : list of str
        The words, in lower case, of the prompts and captions that a text encoder without other knowledge has read;
        empty if it read no captions, or was trained before on texts at large.
    text_encoder : str
        Full name of the backbone that the text encoder was borrowed from; empty if the backbone has its own or none.
    has_text, has_symbol_tower : bool
        Whether the model can embed texts, and whether symbols have a separate encoder.
    has_symbol_statistics : bool
        Whether the image encoder has BatchNorm statistics of its own for symbols.
    licence : str
        Licence of the weights.
    citations : list of dict
        Papers to cite when publishing results of the model.
    notes : str
        Warnings for users, in sentences.
    created, galaxtool : str
        Time of the training, and the version of galaxtool.
    schema : int
        Version of this format.
    """

    name: str
    backbone: str
    dim: int
    head: str
    preprocess: dict[str, Any]
    taxonomy: dict[str, Any]
    temperature: Temperature = 1.0
    method: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    weights_sha256: str = ""
    votes: dict[str, Any] | None = None
    regression: dict[str, Any] | None = None
    prior: dict[str, float] = field(default_factory=dict)
    scores_prior: str = "training"
    tta: int = 1
    unlike_training: dict[str, Any] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    text_encoder: str = ""
    has_text: bool = False
    has_symbol_tower: bool = False
    has_symbol_statistics: bool = False
    licence: str = ""
    citations: list[dict[str, Any]] = field(default_factory=list)
    notes: str = ""
    created: str = ""
    galaxtool: str = ""
    schema: int = SCHEMA

    @property
    def slugs(self) -> list[str]:
        """Slugs of the classes, in the order of the outputs."""
        return [c["slug"] for c in self.taxonomy["classes"]]

    def list_temperatures(self) -> tuple[float, ...]:
        """Return the temperature of a model of classes, or the factors for the error bars of a model of numbers."""
        return tuple(self.temperature) if isinstance(self.temperature, list) else (self.temperature,)

    @property
    def digest(self) -> str:
        """SHA-256 of everything that decides embeddings and scores; the same for a model and its ONNX export."""
        parts: list[Any] = [self.weights_sha256, self.preprocess, self.slugs, self.temperature]
        if self.scores_prior != "training":  # otherwise the prior changes nothing
            parts.append({"prior": self.prior, "scores_prior": self.scores_prior})
        if self.tta != 1:
            parts.append({"tta": self.tta})
        return hash_json(parts)

    @property
    def has_classes(self) -> bool:
        """Whether the outputs are probabilities of classes, of which an object has one."""
        return self.votes is None and self.regression is None and self.head != "none"

    def make_preprocess(self) -> Preprocess:
        """Return the preprocessing."""
        return Preprocess.from_dict(self.preprocess)

    def make_taxonomy(self, symbols: Path | None = None) -> Taxonomy:
        """Return the classes, with the symbols of a folder if one is given."""
        return taxonomy_from_dict(self.taxonomy, symbols)

    def as_dict(self) -> dict[str, Any]:
        """Return the content of ``model.json``."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], where: str) -> ModelRecord:
        """Make a record from the content of ``model.json``; `where` is named in errors.

        Raises
        ------
        ModelError
            If it was written by a newer galaxtool, or is incomplete.
        """
        schema = values.get("schema", 0) if isinstance(values, Mapping) else 0
        if not isinstance(schema, int) or schema <= SCHEMA:
            check_record(values, where, _COPY_AGAIN)
        try:
            schema = int(schema)
            known = {f.name for f in fields(cls)}
            record = cls(**{key: value for key, value in values.items() if key in known})
            if schema <= SCHEMA:
                record.make_preprocess()  # both raise if something is missing
                list(record.slugs)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ModelError(f"'{where}' is not a complete model record: {error}.", hint=_COPY_AGAIN) from error
        if schema > SCHEMA:
            raise ModelError(
                f"'{where}' was written by a newer galaxtool.", hint="Run: pip install --upgrade galaxtool"
            )
        return record

    @classmethod
    def read(cls, file: Path) -> ModelRecord:
        """Read a ``model.json``.

        Raises
        ------
        ModelError
            If the file is missing or not JSON.
        """
        try:
            values = json.loads(read_regular_text(file, _MOST_BYTES), parse_constant=refuse_constant)
        except OSError as error:
            raise ModelError(
                f"The model record '{file}' cannot be read: {error.strerror}.", hint=_COPY_AGAIN
            ) from error
        except (ValueError, RecursionError) as error:
            raise ModelError(f"The model record '{file}' is damaged: {error}.", hint=_COPY_AGAIN) from error
        return cls.from_dict(values, str(file))


def refuse_constant(name: str) -> float:
    """Raise ValueError for NaN or Infinity in JSON."""
    raise ValueError(f"it contains {name}")
