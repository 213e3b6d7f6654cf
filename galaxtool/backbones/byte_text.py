"""A small transformer that reads UTF-8 bytes: prompts in any language, and no vocabulary to ship."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from galaxtool.backbones.tokens import ByteTokenizer

CONTEXT = 96
TEXT_WIDTH = 128
TEXT_LAYERS = 2
TOKENIZER = ByteTokenizer(CONTEXT)


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
        length = int((tokens != TOKENIZER.PAD).sum(dim=1).max())
        tokens = tokens[:, :length]
        x = self.tokens(tokens) + self.places[:length]
        x = self.norm(self.layers(x, src_key_padding_mask=tokens == TOKENIZER.PAD))
        at_end = (tokens == TOKENIZER.END).to(torch.int).argmax(dim=1)
        embedded: torch.Tensor = self.project(x[torch.arange(len(x), device=x.device), at_end])
        return embedded


class TextReader(nn.Module):
    """A text tower written out, as it is exported: PyTorch's own layers would fix the size of a batch in the file.

    Parameters
    ----------
    tower : TextTower
        The tower, whose weights are used.
    """

    def __init__(self, tower: TextTower) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Embed rows of tokens (N, context), with their padding, as (N, dim)."""
        tower: Any = self.tower
        is_text = (tokens != TOKENIZER.PAD)[:, None, None, :]
        x = tower.tokens(tokens) + tower.places
        for layer in tower.layers.layers:
            x = x + _attend(layer.self_attn, layer.norm1(x), is_text)
            x = x + layer.linear2(F.gelu(layer.linear1(layer.norm2(x))))
        is_end = (tokens == TOKENIZER.END)[:, :, None]  # one in each row
        embedded: torch.Tensor = tower.project((tower.norm(x) * is_end).sum(dim=1))
        return embedded


def _attend(attention: Any, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    parts = F.linear(x, attention.in_proj_weight, attention.in_proj_bias).chunk(3, dim=-1)
    heads = (attention.num_heads, -1)
    query, key, value = (torch.unflatten(part, -1, heads).transpose(1, 2) for part in parts)
    mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    attended: torch.Tensor = attention.out_proj(mixed.transpose(1, 2).flatten(2))
    return attended


def tokenize(texts: Sequence[str]) -> torch.Tensor:
    """Convert texts to byte tokens (N, context), truncated or padded with zeros."""
    return torch.from_numpy(TOKENIZER(texts))
