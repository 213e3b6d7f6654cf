"""The method ``zoobot``: tune the last blocks, with lower rates for lower blocks and dropout before the head.

The rates are those of Zoobot (``FinetuneableZoobot*`` with ``n_blocks``, ``lr_decay`` and ``dropout_prob``): the head
and the last block have the full learning rate, and each block below `lr_decay` times that of the block above. Unlike
there, vectors (biases, norms) have no weight decay, as everywhere in galaxtool, and the rate falls along a cosine.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from galaxtool import Batch, ConfigError, Stage, Task


class ZoobotStage(Stage):
    """Train the head and the last blocks of the image tower.

    Parameters
    ----------
    task : Task
        Data, model and settings.

    Raises
    ------
    ConfigError
        If an option has no sense for the backbone.
    """

    def __init__(self, task: Task) -> None:
        super().__init__("zoobot", task.options.epochs)
        options = task.options.method
        self.task, self.tower, self.head = task, task.backbone.image_tower, task.make_head()
        self.dropout, decay = float(options["dropout"]), float(options["lr_decay"])
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"--option dropout={self.dropout:g}: it must be at least 0 and below 1.")
        if callable(set_dropout := getattr(self.head, "set_dropout", None)):  # the head keeps it, for classify --passes
            set_dropout(self.dropout)
            self.dropout = 0.0
        if not 0 < decay <= 1:
            raise ConfigError(f"--option lr_decay={decay:g}: it must be above 0 and at most 1.")
        blocks = _list_blocks(task.backbone)
        tuned = _count(str(options["blocks"]), len(blocks))
        self.tower.requires_grad_(False)
        self.rates: dict[nn.Parameter, float] = {}
        for depth, block in enumerate(blocks[len(blocks) - tuned :][::-1]):
            for parameter in block:
                parameter.requires_grad_(True)
                self.rates[parameter] = task.options.lr * decay**depth

    def loss(self, batch: Batch) -> torch.Tensor:
        """Return the loss of the objective."""
        features = F.dropout(self.tower(batch.images), self.dropout, self.training)
        loss: torch.Tensor = self.task.objective.loss(self.head(features), batch.targets)
        return loss

    def own_rates(self) -> dict[nn.Parameter, float]:
        """Return the learning rate of each parameter of the blocks that learn."""
        return self.rates

    def make_head(self) -> nn.Module:
        """Return the head."""
        head: nn.Module = self.head
        return head

    def train(self, mode: bool = True) -> ZoobotStage:
        """Set the mode; frozen parts of the tower stay in evaluation mode."""
        super().train(mode)
        if mode:
            for module in self.tower.modules():
                parameters = list(module.parameters())
                if parameters and not any(p.requires_grad for p in parameters):
                    module.eval()
        return self

    def finish(self) -> None:
        """Let all parameters learn again."""
        self.tower.requires_grad_(True)


def stages(task: Task) -> list[Stage]:
    """Create the only stage."""
    return [ZoobotStage(task)]


def _list_blocks(backbone: Any) -> list[list[nn.Parameter]]:
    """Return the parameters of the stem and of each block."""
    if not callable(getattr(backbone, "blocks", None)):
        raise ConfigError(
            "The backbone does not define its blocks, and the method 'zoobot' tunes blocks.",
            hint="Choose one that does, such as zoobot-convnext-nano, or --method supervised.",
        )
    blocks: list[list[nn.Parameter]] = backbone.blocks()
    return blocks


def _count(text: str, most: int) -> int:
    """Return the number of blocks that learn."""
    if text == "all":
        return most
    if text.isdecimal() and int(text) <= most:
        return int(text)
    raise ConfigError(
        f"--option blocks={text}: it must be all or a number from 0 to {most}.",
        hint=f"The backbone has {most} blocks, counting the stem.",
    )
