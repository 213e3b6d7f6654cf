"""The text towers of OpenCLIP, and their tokenizer as plain values."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from open_clip.tokenizer import SimpleTokenizer
from torch import nn

from galaxtool.backbones.abilities import get_name
from galaxtool.backbones.tokens import PairTokenizer
from galaxtool.errors import ConfigError

_END_OF_WORD = "</w>"


class OpenClipText(nn.Module):
    """The text tower of a model as a module of its own.

    Parameters
    ----------
    model : open_clip.CLIP or open_clip.CustomTextCLIP
        Model as created by OpenCLIP.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Embed rows of tokens (N, context) as (N, dim)."""
        embedded: torch.Tensor = self.model.encode_text(tokens)
        return embedded


def make_tokenizer(tokenizer: Any, backbone: Any) -> PairTokenizer:
    """Return CLIP's tokenizer in a form that needs no PyTorch.

    Raises
    ------
    ConfigError
        If the tokenizer is another, such as one of Hugging Face's.
    """
    is_plain = isinstance(tokenizer, SimpleTokenizer) and len(tokenizer.all_special_ids) == 2
    if not is_plain or tokenizer.clean_fn("A_B") != "a_b" or tokenizer.reduction_fn is not None:
        raise ConfigError(
            f"The text encoder of '{get_name(backbone)}' has a {type(tokenizer).__name__} instead of CLIP's tokenizer, "
            "which cannot be exported.",
            hint="Search by text with PyTorch, or train on a model with CLIP's, such as open_clip:ViT-B-16.",
        )
    ids = tokenizer.encoder
    merges = np.array([[ids[left], ids[right]] for left, right in tokenizer.bpe_ranks], dtype=np.int64)
    return PairTokenizer(merges, int(tokenizer.context_length or 77))
