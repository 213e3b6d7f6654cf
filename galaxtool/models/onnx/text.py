"""Export the text encoder of a model, with its tokenizer, to an ONNX file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from galaxtool.backbones.abilities import extract_text_encoder
from galaxtool.errors import ConfigError
from galaxtool.models.network import GalaxyModel
from galaxtool.models.onnx.comparison import Comparison, compare_texts
from galaxtool.models.onnx.file import export_module
from galaxtool.models.onnx.metadata import METADATA_KEY, TEXT, TOKENIZER_KEY, WHAT_KEY
from galaxtool.models.record import ModelRecord

_TEXTS = (
    "ring", "a galaxy's 2 tidal arms!?", "don’t “quote” — edge-on, naïve café", "Ω ≈ 3 µm", "星系", "&amp;",
    "a very long description of a galaxy with many arms and a bar " * 12, "",
)  # fmt: skip


class _UnitText(nn.Module):
    """A text encoder whose embeddings have unit length."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return F.normalize(self.encoder(tokens).float(), dim=1)


class TextExport:
    """The text encoder of a model, to be written to a file.

    Parameters
    ----------
    network : GalaxyModel
        Model on the CPU, in evaluation mode.
    record : ModelRecord
        Record of the model, which is stored in the metadata.

    Raises
    ------
    ConfigError
        If the model has no text encoder, or one that cannot be exported.
    """

    def __init__(self, network: GalaxyModel, record: ModelRecord) -> None:
        if not record.has_text:
            raise ConfigError(
                f"The model '{record.name}' has no text encoder to export.",
                hint="Export its image encoder by leaving --what out, or train on mini or an open_clip backbone.",
            )
        self.network, self.record = network, record
        self._encoder, self._tokenizer = extract_text_encoder(network.backbone)

    def write(self, path: Path) -> None:
        """Write the file in float32: ``tokens``, int64 (N, context), to ``embedding``, float32 (N, dim)."""
        example = torch.from_numpy(self._tokenizer(self.record.make_taxonomy().prompts[:1] + _TEXTS[:1]))
        metadata = {
            METADATA_KEY: json.dumps(self.record.as_dict()),
            TOKENIZER_KEY: json.dumps(self._tokenizer.as_dict()),
            WHAT_KEY: TEXT,
        }
        export_module(
            path, _UnitText(self._encoder).eval(), example, "tokens", ["embedding"], metadata,
            what=f"text encoder of '{self.record.name}'",
        )  # fmt: skip

    def compare(self, path: Path, batches: Sequence[int]) -> Comparison:
        """Compare a file with the model, on the prompts of its classes and on difficult texts."""
        texts = [*self.record.make_taxonomy().prompts, *_TEXTS]
        return compare_texts(path, self.network, self._tokenizer(texts), texts, batches)
