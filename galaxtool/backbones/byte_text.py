"""A small transformer that reads UTF-8 bytes: prompts in any language, and no vocabulary to ship."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

CONTEXT = 96
TEXT_WIDTH = 128
TEXT_LAYERS = 2
_PAD, _START, _END = 0, 256, 257  # a NUL byte does not occur in a prompt


class TextTower(nn.Module):
    """The text encoder: byte tokens (N, context) to embeddings (N, dim), read at the end token."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(258, TEXT_WIDTH)
        self.places = nn.Parameter(torch.randn(CONTEXT, TEXT_WIDTH))
        layer = nn.TransformerEncoderLayer(
            TEXT_WIDTH, nhead=4, dim_feedforward=4 * TEXT_WIDTH, dropout=0.0, activation="gelu", batch_first=True,
            norm_first=True,
        )  # fmt: skip
        self.layers = nn.TransformerEncoder(layer, TEXT_LAYERS, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(TEXT_WIDTH)
        self.project = nn.Linear(TEXT_WIDTH, dim, bias=False)
        nn.init.normal_(self.tokens.weight)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Embed rows of tokens; the embeddings are not normalized to unit length."""
        length = int((tokens != _PAD).sum(dim=1).max())
        tokens = tokens[:, :length]
        x = self.tokens(tokens) + self.places[:length]
        x = self.norm(self.layers(x, src_key_padding_mask=tokens == _PAD))
        at_end = (tokens == _END).to(torch.int).argmax(dim=1)
        embedded: torch.Tensor = self.project(x[torch.arange(len(x), device=x.device), at_end])
        return embedded


def tokenize(texts: Sequence[str]) -> torch.Tensor:
    """Convert texts to byte tokens (N, context), truncated or padded with zeros."""
    rows = torch.full((len(texts), CONTEXT), _PAD, dtype=torch.long)
    for row, text in zip(rows, texts, strict=True):
        data = [byte for byte in text.encode("utf-8") if byte != _PAD][: CONTEXT - 2]
        codes = [_START, *data, _END]
        row[: len(codes)] = torch.tensor(codes)
    return rows
