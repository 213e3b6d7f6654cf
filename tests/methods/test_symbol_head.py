"""The head of GalaxAlign takes all drawings of a class."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from support.training_helpers import make_task

from galaxtool.methods.galaxalign import stages


@pytest.mark.parametrize("number", [0, 1])
def test_a_symbol_is_the_mean_of_the_embeddings_of_its_drawings(number: int) -> None:
    task = make_task(classes=3)
    stage: Any = stages(task)[number]
    stage.begin()
    stage.eval()
    assert task.symbols is not None and task.symbols.shape[:2] == (3, 2)
    with torch.no_grad():
        head = stage.make_head()
        for k, drawings in enumerate(task.symbols):
            pixels = drawings.permute(0, 3, 1, 2).float() / 255
            mean, std = (torch.tensor(v).view(3, 1, 1) for v in (task.preprocess.mean, task.preprocess.std))
            units = [stage.embed_symbols(one[None])[0] for one in (pixels - mean) / std]
            total = torch.stack(units).double().sum(dim=0)
            torch.testing.assert_close(head.symbols[k].double(), total / total.norm(), rtol=1e-5, atol=1e-5)
