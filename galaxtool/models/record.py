"""``model.json``: what a model is, so that a stranger can use it and cite it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from galaxtool.errors import ModelError
from galaxtool.taxonomy.load import Taxonomy, taxonomy_from_dict
from galaxtool.utils.digests import hash_json
from galaxtool.vision.preprocess import Preprocess

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class ModelRecord:
    """What ``model.json`` says.

    Parameters
    ----------
    name : str
        For people: the run's or bundle's name.
    backbone : str
        Full name, ``@`` the weights it started from.
    dim : int
        Length of an embedding.
    head : str
        Registered name.
    preprocess : dict
        As `Preprocess.as_dict`.
    taxonomy : dict
        As `Taxonomy.as_dict`: the model's own classes, in the order of its outputs.
    temperature : float
        Logits are divided by it before the softmax.
    method : dict
        Name and settings.
    data : dict
        What it was trained on: names, counts by class and split.
    metrics : dict
        On the validation split, as in ``metrics.json``.
    weights_sha256 : str
        Of ``weights.safetensors``.
    votes : dict or None
        The questions and answers of a model of votes, whose classes are the answers; see `galaxtool.taxonomy.votes`.
    text_encoder : str
        Full name of the backbone that a text tower was borrowed from; empty where the backbone has its own or none.
    has_text, has_symbol_tower : bool
        Whether it can embed a text, and whether symbols have an encoder of their own.
    licence : str
    citations : list of dict
        What to cite when publishing with it.
    notes : str
        What a user must know, in sentences.
    created, galaxtool : str
        When, and by which version.
    schema : int
    """

    name: str
    backbone: str
    dim: int
    head: str
    preprocess: dict[str, Any]
    taxonomy: dict[str, Any]
    temperature: float = 1.0
    method: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    weights_sha256: str = ""
    votes: dict[str, Any] | None = None
    text_encoder: str = ""
    has_text: bool = False
    has_symbol_tower: bool = False
    licence: str = ""
    citations: list[dict[str, Any]] = field(default_factory=list)
    notes: str = ""
    created: str = ""
    galaxtool: str = ""
    schema: int = SCHEMA

    @property
    def slugs(self) -> list[str]:
        """Its classes, in the order of its outputs."""
        return [c["slug"] for c in self.taxonomy["classes"]]

    @property
    def digest(self) -> str:
        """SHA-256 of all that decides an embedding and a score; the same for a model and its ONNX export."""
        return hash_json([self.weights_sha256, self.preprocess, self.slugs, self.temperature])

    def make_preprocess(self) -> Preprocess:
        """Return its preprocessing."""
        return Preprocess.from_dict(self.preprocess)

    def make_taxonomy(self, symbols: Path | None = None) -> Taxonomy:
        """Return its classes, with the symbols in a folder where given."""
        return taxonomy_from_dict(self.taxonomy, symbols)

    def as_dict(self) -> dict[str, Any]:
        """Return what ``model.json`` holds."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], where: str) -> ModelRecord:
        """Rebuild from ``model.json``'s content; `where` is named in errors.

        Raises
        ------
        ModelError
            If it was written by a newer galaxtool, or something is missing.
        """
        try:
            schema = int(values.get("schema", 0))
            known = {f.name for f in fields(cls)}
            record = cls(**{key: value for key, value in values.items() if key in known})
            if schema <= SCHEMA:
                record.make_preprocess()  # raises where something is missing, as the next does
                list(record.slugs)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ModelError(f"'{where}' is not a whole model record: {error}.") from error
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
            If it is not there or not JSON.
        """
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise ModelError(f"The model record '{file}' cannot be read: {error.strerror}.") from error
        except ValueError as error:
            raise ModelError(f"The model record '{file}' is damaged: {error}.") from error
        return cls.from_dict(values, str(file))
