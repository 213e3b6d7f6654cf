"""What a checkpoint of Zoobot holds: the encoder, the last layer, and the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from galaxtool import ModelError
from galaxtool_zoobot.checkpoints.unpickle import Placeholder, read_checkpoint

ENCODER = "encoder."
CLASSIFIER, TREE, REGRESSOR = "classifier", "tree", "regressor"
_LINEAR = ("head.linear", "head.fc1", "head.1.0")
"""Names of the last layer: LinearHead, its predecessor, and that of a decision tree (dropout, then a layer)."""

_DROPOUT = ("head_dropout_prob", "dropout_prob", "dropout_rate")
"""Names of the setting in versions of Zoobot."""


@dataclass(frozen=True, kw_only=True)
class ZoobotCheckpoint:
    """A fine-tuned model.

    Parameters
    ----------
    kind : {"classifier", "tree", "regressor"}
        Which of Zoobot's classes it was.
    encoder : dict of str to Tensor
        State dict of the encoder, as timm names its tensors.
    weight, bias : Tensor, shapes (K, dim) and (K,)
        The last layer.
    settings : mapping
        Arguments of the class, as far as they are plain values.
    questions : dict of str to list of str, or None
        Question -> its answers, with the underscore that joins the two; of a tree that stores them.
    dependencies : dict of str to (str or None), or None
        Question -> the answer that leads to it.
    lengths : tuple of int, or None
        Number of answers to each question, in order, if the checkpoint says.
    """

    kind: str
    encoder: dict[str, torch.Tensor]
    weight: torch.Tensor
    bias: torch.Tensor
    settings: Mapping[str, Any]
    questions: dict[str, list[str]] | None = None
    dependencies: dict[str, str | None] | None = None
    lengths: tuple[int, ...] | None = None

    @property
    def encoder_name(self) -> str:
        """Name of the encoder on the hub, or of its architecture; empty if the checkpoint does not state it."""
        return str(self.settings.get("name") or self.settings.get("architecture_name") or "")

    @property
    def dropout(self) -> float:
        """Share of the features that was dropped before the last layer; 0 if the checkpoint does not state it."""
        stated = next((self.settings[name] for name in _DROPOUT if name in self.settings), 0.0)
        return float(stated) if isinstance(stated, int | float) and 0 <= stated < 1 else 0.0

    @property
    def is_unit_interval(self) -> bool:
        """Whether a regressor ends in a sigmoid."""
        return bool(self.settings.get("unit_interval"))


def open_checkpoint(file: Path) -> ZoobotCheckpoint:
    """Read a checkpoint of ``FinetuneableZoobotClassifier``, ``...Regressor``, ``...Tree`` or ``ZoobotTree``.

    Raises
    ------
    ModelError
        If it cannot be read, or is not one of these.
    """
    content = read_checkpoint(file)
    state = {key: value for key, value in content["state_dict"].items() if isinstance(value, torch.Tensor)}
    encoder = {key.removeprefix(ENCODER): value.float() if value.is_floating_point() else value
               for key, value in state.items() if key.startswith(ENCODER)}  # fmt: skip
    layer = next((name for name in _LINEAR if f"{name}.weight" in state and f"{name}.bias" in state), None)
    if not encoder or layer is None:
        raise ModelError(
            f"'{file}' is not a model of Zoobot: it has no {'encoder' if not encoder else 'head'}.",
            hint="Checkpoints of FinetuneableZoobotClassifier, Regressor and Tree can be converted.",
        )
    stored = content.get("hyper_parameters")
    stored = stored if isinstance(stored, dict) else {}
    weight, bias = state[f"{layer}.weight"].float(), state[f"{layer}.bias"].float()
    schema = _get_attributes(stored.get("schema"))
    questions = _get_questions(schema.get("question_answer_pairs"))
    return ZoobotCheckpoint(
        kind=_find_kind(layer, len(bias), stored),
        encoder=encoder,
        weight=weight,
        bias=bias,
        settings={key: value for key, value in stored.items() if isinstance(value, str | int | float | bool)},
        questions=questions,
        dependencies=_get_dependencies(schema.get("dependencies")),
        lengths=tuple(map(len, questions.values())) if questions else _get_lengths(stored, len(bias)),
    )


def _find_kind(layer: str, outputs: int, settings: Mapping[str, Any]) -> str:
    if layer == "head.1.0":
        return TREE
    return REGRESSOR if outputs == 1 and "num_classes" not in settings else CLASSIFIER


def _get_attributes(value: Any) -> Mapping[str, Any]:
    """Return the attributes of an object of Zoobot's that was not imported."""
    if isinstance(value, Placeholder) and isinstance(value.state, dict):
        return value.state
    return {}


def _get_questions(value: Any) -> dict[str, list[str]] | None:
    if not isinstance(value, dict) or not value:
        return None
    found: dict[str, list[str]] = {}
    for question, answers in value.items():
        if not isinstance(question, str) or not isinstance(answers, list) or not all(map(_is_text, answers)):
            return None
        found[question] = list(answers)
    return found


def _get_dependencies(value: Any) -> dict[str, str | None] | None:
    if not isinstance(value, dict):
        return None
    return {q: a for q, a in value.items() if isinstance(q, str) and (a is None or isinstance(a, str))}


def _get_lengths(stored: Mapping[str, Any], outputs: int) -> tuple[int, ...] | None:
    """Return the numbers of answers from the first and last output of each question, which a ZoobotTree stores."""
    groups = stored.get("question_index_groups")
    try:
        pairs = [(int(first), int(last)) for first, last in groups or ()]
    except (TypeError, ValueError):
        return None
    follow_on = [first for first, _ in pairs] == [0, *(last + 1 for _, last in pairs[:-1])]
    if not pairs or not follow_on or pairs[-1][1] != outputs - 1:
        return None
    return tuple(last - first + 1 for first, last in pairs)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
