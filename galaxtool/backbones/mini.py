"""The bundled backbone: a small residual network for images and a small byte-level transformer for prompts.

The image tower follows He et al. 2016 (arXiv:1512.03385) with the averaging shortcut of He et al. 2019
(arXiv:1812.01187), scaled to 64-pixel cutouts: with a few hundred images and no pretraining it learns in a fraction of
the steps that a transformer or ConvNeXt of its size needs. The text tower reads UTF-8 bytes, so any class name in any
language has a prompt and no vocabulary is shipped.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from galaxtool.backbones.abilities import grouped
from galaxtool.backbones.checkpointing import checkpointed

DIM = 256
IMAGE_SIZE = 64
STEM = 24
WIDTHS = (48, 96, 192, 320)
DEPTHS = (1, 2, 2, 1)
CONTEXT = 96
TEXT_WIDTH = 128
TEXT_LAYERS = 2
_PAD, _START, _END = 0, 256, 257  # a NUL byte does not occur in a prompt


class Block(nn.Module):
    """A residual block: two 3 x 3 convolutions with BatchNorm; the shortcut averages where the block strides.

    Parameters
    ----------
    width_in, width : int
        Channels.
    stride : int
    """

    def __init__(self, width_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.first = convolution(width_in, width, stride)
        self.second = convolution(width, width, 1)
        shortcut: list[nn.Module] = [nn.AvgPool2d(stride)] if stride > 1 else []
        if width_in != width:
            shortcut += [nn.Conv2d(width_in, width, 1, bias=False), nn.BatchNorm2d(width)]
        self.shortcut = nn.Sequential(*shortcut)
        # the block begins as its shortcut, which is steadier in the first steps (Goyal et al. 2017)
        nn.init.zeros_(self.second.get_parameter("1.weight"))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, width_in, ny, nx) to (N, width, ny / stride, nx / stride)."""
        return F.relu(self.second(F.relu(self.first(x))) + self.shortcut(x))


def convolution(width_in: int, width: int, stride: int) -> nn.Sequential:
    """Make a 3 x 3 convolution with BatchNorm."""
    return nn.Sequential(nn.Conv2d(width_in, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width))


class ImageTower(nn.Module):
    """Images (N, 3, 64, 64) to embeddings (N, dim); other sizes work too, their features averaged.

    Attributes
    ----------
    checkpointing : bool
        Whether activations within the stem and each stage are computed again in the backward pass, not kept.
    """

    def __init__(self, dim: int = DIM) -> None:
        super().__init__()
        self.checkpointing = False
        self.stem = nn.Sequential(
            convolution(3, STEM, 2), nn.ReLU(), convolution(STEM, STEM, 1), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        )
        self.stages = nn.ModuleList()
        width_in = STEM
        for i, (width, depth) in enumerate(zip(WIDTHS, DEPTHS, strict=True)):
            first = Block(width_in, width, stride=1 if i == 0 else 2)
            self.stages.append(nn.Sequential(first, *(Block(width, width, 1) for _ in range(depth - 1))))
            width_in = width
        self.project = nn.Linear(width_in, dim, bias=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Embed images; not normalised to unit length."""
        again = self.checkpointing and torch.is_grad_enabled()
        x = images
        for part in (self.stem, *self.stages):
            x = checkpointed(part, x) if again else part(x)
        return self.project(x.mean(dim=(2, 3)))


class TextTower(nn.Module):
    """Byte tokens (N, context) to embeddings (N, dim), read at the end token."""

    def __init__(self, dim: int = DIM) -> None:
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
        """Embed token rows; not normalised to unit length."""
        length = int((tokens != _PAD).sum(dim=1).max())
        tokens = tokens[:, :length]
        x = self.tokens(tokens) + self.places[:length]
        x = self.norm(self.layers(x, src_key_padding_mask=tokens == _PAD))
        at_end = (tokens == _END).to(torch.int).argmax(dim=1)
        return self.project(x[torch.arange(len(x), device=x.device), at_end])


def tokenize(texts: Sequence[str]) -> torch.Tensor:
    """Turn texts into byte tokens (N, context), cut to fit, zero-padded."""
    rows = torch.full((len(texts), CONTEXT), _PAD, dtype=torch.long)
    for row, text in zip(rows, texts, strict=True):
        data = [byte for byte in text.encode("utf-8") if byte != _PAD][: CONTEXT - 2]
        codes = [_START, *data, _END]
        row[: len(codes)] = torch.tensor(codes)
    return rows


class Mini(nn.Module):
    """The two towers; see `galaxtool.backbones.protocols.Backbone`."""

    dim = DIM
    image_size = IMAGE_SIZE

    def __init__(self, *, pretrained: bool) -> None:
        super().__init__()
        self.image_tower = ImageTower()
        self.text_tower = TextTower()
        # a fresh net takes long steps; a trained one would forget
        self.suggested_lr = 1e-3 if pretrained else 2e-3

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """Embed images (N, 3, 64, 64) as (N, dim)."""
        return self.image_tower(images)

    def embed_text(self, texts: Sequence[str]) -> torch.Tensor:
        """Embed texts as (N, dim)."""
        return self.text_tower(tokenize(texts).to(self.text_tower.places.device))

    def blocks(self) -> list[list[nn.Parameter]]:
        """Return the image tower's parameters: the stem's, each stage's, the projection's with the last."""
        tower = self.image_tower
        return grouped(tower, [part.parameters() for part in (tower.stem, *tower.stages)])

    def set_checkpointing(self, on: bool) -> None:
        """Switch gradient checkpointing of the image tower."""
        self.image_tower.checkpointing = on


def build(*, architecture: str, weights: str | None, resolve: object = None) -> Mini:
    """Make the towers, with random weights; `galaxtool.backbones.create` loads a file into them."""
    return Mini(pretrained=weights is not None)
