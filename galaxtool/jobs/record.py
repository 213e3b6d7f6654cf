"""The record of a job: everything that decides its result, stored as ``job.json`` beside its parts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from galaxtool.errors import InputError
from galaxtool.utils.files.regular_files import read_regular_text

FILE_NAME = "job.json"
"""Name of the file in the folder of the job."""

_MOST_PARTS = 1_000_000_000
_TYPES: Mapping[str, Any] = {
    "str": str, "int": int, "float": (int, float), "bool": bool, "dict": dict, "list": list, "tuple": list
}  # fmt: skip
_NOT_COMPARED = ("meta", "notes", "calibration")  # a model has a digest of its own


def stored_as(key: str, *, derived: bool = False) -> dict[str, Any]:
    """Return the metadata of a dataclass field that JSON stores under another key.

    Parameters
    ----------
    key : str
        Key in the JSON file.
    derived : bool
        Whether the value follows from other fields, so that a difference in it is reported only if nothing else
        differs.
    """
    return {"key": key, "derived": derived}


@dataclass(frozen=True, kw_only=True)
class JobRecord:
    """The part of a record that all jobs have in common.

    Parameters
    ----------
    parts, shards : int
        Number of parts that make the output, and of the processes that share them.
    """

    parts: int = field(metadata=stored_as("parts", derived=True))
    shards: int = 1

    def to_json(self) -> dict[str, Any]:
        """Return plain values by their JSON keys, ``parts`` and ``shards`` last."""
        values = {_get_key(one): getattr(self, one.name) for one in fields(self)}
        counts = {key: values.pop(key) for key in ("parts", "shards")}
        plain: dict[str, Any] = json.loads(json.dumps({**values, **counts}))
        return plain

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Make a record from plain values.

        Raises
        ------
        KeyError
            If a value without a default is missing.
        TypeError
            If a value has another type.
        """
        given = {one.name: _get_key(one) for one in fields(cls) if one.init}
        optional = {one.name for one in fields(cls) if (one.default, one.default_factory) != (MISSING, MISSING)}
        made = {name: values[key] for name, key in given.items() if name not in optional or key in values}
        for one in fields(cls):
            if one.name in made and not _fits(made[one.name], str(one.type)):
                raise TypeError(f"'{given[one.name]}' is not of the type {one.type}")
        return cls(**made)

    def find_differences(self, stored: Mapping[str, Any]) -> list[str]:
        """Return the keys whose values differ from those of a stored record.

        Derived keys are left out where a key that decides them differs too.
        """
        values = self.to_json()
        differing = [key for key, value in values.items() if key not in _NOT_COMPARED and stored.get(key) != value]
        derived = {_get_key(one) for one in fields(self) if one.metadata.get("derived")}
        return [key for key in differing if key not in derived] or differing


@dataclass(frozen=True, kw_only=True)
class BatchRecord(JobRecord):
    """The record of a job that runs a model on batches of images.

    Parameters
    ----------
    model : str
        Digest of the model.
    engine, precision : str
        Name of the engine, and the precision in which it computes.
    batch_size : int
        Images in a batch.
    reading_options : dict
        Values of `galaxtool.images.read_options.ReadOptions`.
    preprocessing, inputs : str
        Digests of the preprocessing and of the list of inputs.
    """

    model: str
    engine: str
    precision: str
    batch_size: int = field(metadata=stored_as("batch size"))
    reading_options: dict[str, Any] = field(metadata=stored_as("reading options"))
    preprocessing: str
    inputs: str


@dataclass(frozen=True, kw_only=True)
class PredictionsRecord(BatchRecord):
    """The record of a job of ``classify``.

    Parameters
    ----------
    top_k : int
        Number of labels in a row.
    prior : str, optional
        Class frequencies that the probabilities assume, if they are not left as the model computes them.
    terms : str, optional
        Coarser taxonomy to which the probabilities are converted.
    rows_per_part : int
        Rows in each part but the last.
    meta : dict of str
        Header of the table.
    classes : dict of str
        Names of the classes in the table by slug: those of the model, or of `terms`.
    notes : list of str
        What to beware of with this model and these images.
    calibration : str
        How the probabilities were calibrated, see `galaxtool.reports.outputs.describe_calibration`.
    preprocess : dict
        Values of `galaxtool.vision.preprocess.Preprocess`.
    """

    kind: str = "predictions"
    top_k: int = field(metadata=stored_as("top k"))
    prior: str | None = None
    terms: str | None = None
    rows_per_part: int = field(metadata=stored_as("rows a part", derived=True))
    meta: dict[str, str]
    classes: dict[str, str] = field(metadata=stored_as("classes", derived=True))
    calibration: str = field(metadata=stored_as("calibration", derived=True))
    preprocess: dict[str, Any] = field(metadata=stored_as("preprocess", derived=True))
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class EmbeddingsRecord(BatchRecord):
    """The record of a job of ``embed``.

    Parameters
    ----------
    layer : str, optional
        Layer whose features are the embeddings, if they are not the model's own.
    rows_per_part : int
        Rows in each part but the last.
    count : int
        Number of rows.
    meta : dict
        Description of the embeddings that goes into their file.
    """

    kind: str = "embeddings"
    layer: str | None = None
    rows_per_part: int = field(metadata=stored_as("rows a part", derived=True))
    count: int = field(metadata=stored_as("count", derived=True))
    meta: dict[str, Any]


def load_values(folder: Path) -> dict[str, Any]:
    """Load the values of a record from the folder of a job.

    Raises
    ------
    InputError
        If the record does not exist or is damaged.
    """
    try:
        values: dict[str, Any] = json.loads(read_regular_text(folder / FILE_NAME))
        for key in ("parts", "shards"):
            if type(values[key]) is not int or not 0 <= values[key] <= _MOST_PARTS:
                raise ValueError(f"'{key}' is {str(values[key])[:40]}")
    except FileNotFoundError:
        raise InputError(
            f"There is no unfinished work in '{folder}'.",
            hint="Give the output of the jobs, the value of their -o: galaxtool merge predictions.fits",
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise make_damage_error(folder, error) from error
    return values


def load_record(folder: Path) -> PredictionsRecord | EmbeddingsRecord:
    """Load the record of a job of ``classify`` or ``embed``.

    Raises
    ------
    InputError
        If the record does not exist, is damaged, or belongs to another command.
    """
    values = load_values(folder)
    kinds: dict[str, type[PredictionsRecord | EmbeddingsRecord]]
    kinds = {"predictions": PredictionsRecord, "embeddings": EmbeddingsRecord}
    kind = kinds.get(str(values.get("kind", "")))
    if kind is None:
        raise InputError(
            f"The job in '{folder}' was not made by classify or embed.", hint="Run its own command with --resume."
        )
    try:
        return kind.from_json(values)
    except (KeyError, TypeError) as error:
        raise make_damage_error(folder, error) from error


def _fits(value: object, annotation: str) -> bool:
    """Tell whether a value of JSON has the type of an annotation such as ``str | None`` or ``dict[str, Any]``."""
    if value is None:
        return annotation.endswith("None")
    kind = _TYPES.get(re.split(r"[\[ ]", annotation)[0], object)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _get_key(one: Any) -> str:
    key: str = one.metadata.get("key", one.name)
    return key


def make_damage_error(folder: Path, error: Exception) -> InputError:
    """Return the error for a record that cannot be used."""
    return InputError(f"'{folder / FILE_NAME}' is damaged ({error}).", hint="Run the jobs again with --overwrite.")
