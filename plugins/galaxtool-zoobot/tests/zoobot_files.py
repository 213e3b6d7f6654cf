"""Files as Zoobot and galaxy-datasets write them, made on the spot."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from PIL import Image

ARCHITECTURE = "test_convnext"
"""A small architecture of timm with the tensors of ConvNeXt."""


def make_encoder(architecture: str = ARCHITECTURE, seed: int = 0, **arguments: Any) -> torch.nn.Module:
    """Create an encoder with random weights that are the same each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: torch.nn.Module = timm.create_model(architecture, num_classes=0, **arguments)
    return model.eval()


def make_layer(dim: int, outputs: int) -> torch.nn.Linear:
    """Create a last layer."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        layer = torch.nn.Linear(dim, outputs)
    with torch.no_grad():
        layer.weight.mul_(3)
    return layer


def write_checkpoint(
    file: Path, encoder: torch.nn.Module, layer: torch.nn.Linear, settings: dict[str, Any], *, head: str = "head.linear"
) -> Path:
    """Write a checkpoint as Lightning does for a FinetuneableZoobot model."""
    state = {f"encoder.{key}": value for key, value in encoder.state_dict().items()}
    state |= {f"{head}.{key}": value for key, value in layer.state_dict().items()}
    state["train_loss_metric.mean_value"] = torch.tensor(0.0)
    content = {
        "epoch": 3,
        "global_step": 120,
        "pytorch-lightning_version": "2.4.0",
        "state_dict": state,
        "loops": None,
        "hparams_name": "kwargs",
        "hyper_parameters": settings,
    }
    torch.save(content, file)
    return file


def make_schema(questions: dict[str, list[str]], dependencies: dict[str, str | None]) -> Any:
    """Return an object as `zoobot.shared.schemas.Schema`, with the circular references that it has."""
    name = "zoobot.shared.schemas"
    made = types.ModuleType(name)
    for known in ("zoobot", "zoobot.shared"):
        sys.modules.setdefault(known, types.ModuleType(known))
    sys.modules[name] = made
    for kind in ("Question", "Schema"):
        setattr(made, kind, type(kind, (), {"__module__": name}))
    schema, question = made.Schema(), made.Question()
    question.text, question.schema = next(iter(questions)), schema
    schema.question_answer_pairs, schema.dependencies = questions, dependencies
    schema.questions = [question]
    return schema


def forget_zoobot() -> None:
    """Remove the modules of `make_schema`, as on a machine without Zoobot."""
    for name in [name for name in sys.modules if name.split(".")[0] == "zoobot"]:
        del sys.modules[name]


class Touch:
    """An object that would create a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.file}",)


def write_images(folder: Path, n: int, side: int = 64) -> list[Path]:
    """Write PNG files with random colours."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    files = [folder / f"J{i:03d}.png" for i in range(n)]
    for file in files:
        Image.fromarray(rng.integers(0, 255, (side, side, 3), dtype=np.uint8)).save(file)
    return files


def read_pixels(files: list[Path], zoom: float = 1.0) -> torch.Tensor:
    """Return images as Zoobot gives them to a network: float32 in [0, 1], (N, 3, ny, nx)."""
    arrays = [np.asarray(Image.open(file).convert("RGB")) for file in files]
    return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).float() / 255
