"""Which parameters the method trains, and at which rates."""

from __future__ import annotations

from typing import Any, cast

import pytest
import torch
from galaxtool_zoobot.training.tune import ZoobotStage
from torch import nn

from galaxtool import Task, get_registry


class Options:
    """Settings of a training."""

    epochs, lr, batch_size = 3, 0.01, 4

    def __init__(self, blocks: str, decay: float) -> None:
        self.method = {"blocks": blocks, "lr_decay": decay, "dropout": 0.5}


class FakeTask:
    """The parts of a task that the stage uses."""

    def __init__(self, blocks: str, decay: float = 0.75) -> None:
        timm = get_registry().backbones.find("timm")
        self.backbone: Any = timm.create(architecture="test_resnet", weights=None, resolve=None)
        self.options = Options(blocks, decay)

    def make_head(self) -> nn.Module:
        return nn.Linear(self.backbone.dim, 3)


def make_stage(blocks: str, decay: float = 0.75) -> tuple[ZoobotStage, Any]:
    task = FakeTask(blocks, decay)
    return ZoobotStage(cast(Task, task)), task.backbone


def test_rates_fall_from_block_to_block() -> None:
    stage, backbone = make_stage("all", 0.5)
    groups = backbone.blocks()
    for depth, group in enumerate(reversed(groups)):
        assert {stage.own_rates()[p] for p in group} == {0.01 * 0.5**depth}
    assert not set(stage.head.parameters()) & set(stage.own_rates())  # the head has --lr itself


@pytest.mark.parametrize("blocks", [0, 1, 2])
def test_only_the_last_blocks_learn(blocks: int) -> None:
    stage, backbone = make_stage(str(blocks))
    groups = backbone.blocks()
    for number, group in enumerate(groups):
        assert all(p.requires_grad == (number >= len(groups) - blocks) for p in group)
    trained = {id(p) for p in stage.trainable()}
    assert {id(p) for p in stage.head.parameters()} <= trained
    stage.train()
    norms = [m for m in backbone.image_tower.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms and all(m.training == next(m.parameters()).requires_grad for m in norms)
    stage.finish()
    assert all(p.requires_grad for p in backbone.image_tower.parameters())
    assert torch.is_tensor(next(stage.parameters()))
