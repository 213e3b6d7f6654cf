"""Small trainings that take little time."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from galaxtool.backbones import byte_text, small_resnet
from galaxtool.taxonomy.load import build_taxonomy
from galaxtool.training.objective import ClassObjective
from galaxtool.training.options import TrainOptions
from galaxtool.training.task import PictureSet, Task
from galaxtool.types import Silent
from galaxtool.vision.preprocess import Preprocess

SIZE, DIM = 8, 5
CLASSES = ("ring", "disc", "smudge", "bar")


class Tower(nn.Module):
    """A convolution with BatchNorm and a projection, in the precision of its weights."""

    def __init__(self) -> None:
        super().__init__()
        self.convolve = nn.Conv2d(3, 4, 3, stride=2)
        self.norm = nn.BatchNorm2d(4)
        self.project = nn.Linear(4, DIM)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = torch.tanh(self.norm(self.convolve(images.to(self.project.weight.dtype))))
        return self.project(x.mean(dim=(2, 3)))


class TinyBackbone(nn.Module):
    """A `galaxtool.backbones.protocols.Backbone`; a text is the mean of its bytes' embeddings."""

    dim, image_size = DIM, SIZE

    def __init__(self) -> None:
        super().__init__()
        self.image_tower = Tower()
        self.words = nn.Embedding(128, DIM)

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        return self.image_tower(images)

    def embed_text(self, texts: Sequence[str]) -> torch.Tensor:
        return torch.stack([self.words(torch.tensor(list(text.encode()))).mean(dim=0) for text in texts])


def make_task(classes: int = 3, items: int = 10, **options: Any) -> Task:
    """Create a task with random pictures, the same for the same arguments."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)

    def pictures(n: int) -> PictureSet:
        return PictureSet(
            pictures=rng.integers(0, 255, (n, SIZE, SIZE, 3), dtype=np.uint8),
            targets=np.arange(n, dtype=np.int64) % classes,
            weights=np.ones(n),
        )

    given = TrainOptions(**{"seed": 3, "batch_size": 4, "epochs": 2, "warmup_epochs": 2, "patience": 0, **options})
    taxonomy, train, valid = build_taxonomy(CLASSES[:classes]), pictures(items), pictures(6)
    return Task(
        backbone=TinyBackbone(),
        taxonomy=taxonomy,
        preprocess=Preprocess(size=SIZE),
        train=train,
        valid=valid,
        symbols=torch.from_numpy(rng.integers(0, 255, (classes, 2, SIZE, SIZE, 3), dtype=np.uint8)),
        options=given,
        objective=ClassObjective(taxonomy=taxonomy, options=given, targets=train.targets),
        device=torch.device("cpu"),
    )


class CallAtStep(Silent):
    """A progress that calls a function after a number of steps."""

    def __init__(self, step: int, act: Callable[[], None]) -> None:
        self.left, self.act = step, act

    def advance(self, n: int = 1, note: str = "") -> None:
        if note:
            self.left -= 1
            if self.left == 0:
                self.act()


@contextmanager
def narrow_resnet() -> Iterator[None]:
    """Reduce `small-resnet` to a few channels, which takes a tenth of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(byte_text, "TEXT_WIDTH", 16)
        for name, narrow in {"STEM": 4, "WIDTHS": (4, 4, 8, 8), "DEPTHS": (1, 1, 1, 1)}.items():
            patch.setattr(small_resnet, name, narrow)
        yield


class Killed(BaseException):
    """An exception in place of SIGKILL: nothing catches it, and nothing is saved."""


def kill() -> None:
    raise Killed


def run_command(*args: object) -> tuple[int, str, str]:
    """Run a command in this process; return its exit status, stdout and stderr."""
    from galaxtool.cli.main import application

    out, err, code = io.StringIO(), io.StringIO(), 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            application()([str(arg) for arg in args])
        except SystemExit as ended:
            code = int(ended.code or 0)
    return code, out.getvalue(), err.getvalue()


def run_failing(*args: object, code: int = 1) -> str:
    """Run a command that must fail; return its error, which has one line and at most one line of advice."""
    found, _, err = run_command(*args)
    assert found == code, err
    lines = err.splitlines()
    at = [i for i, line in enumerate(lines) if line.startswith("Error: ")]
    assert code == 2 or (len(at) == 1 and len(lines) - at[0] <= 2), err
    return err if code == 2 else "\n".join(lines[at[0] :])


def write_class_folders(
    folder: Path, *, classes: Sequence[str] = ("ring", "disc"), each: int = 8, first: int = 0
) -> Path:
    """Write a folder with pictures for each class; the classes differ in the positions of bright and dark areas."""
    for k, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for i in range(each):
            picture = np.random.default_rng((first, k, i)).integers(0, 60, (24, 24, 3), dtype=np.uint8)
            picture[:, :, k % 3] += 120
            picture[8 + 4 * (k % 2) : 14, 8:14] += 60
            Image.fromarray(picture).save(folder / name / f"{i}.png")
    return folder


class SmoothBackbone(TinyBackbone):
    """A backbone without BatchNorm, whose output for an image does not depend on the others."""

    def __init__(self) -> None:
        super().__init__()
        self.image_tower.norm = nn.Identity()  # type: ignore[assignment]

    def blocks(self) -> list[list[nn.Parameter]]:
        return [list(self.image_tower.convolve.parameters()), list(self.image_tower.project.parameters())]


def make_smooth_task(**options: Any) -> Task:
    torch.manual_seed(1)
    return replace(make_task(**options), backbone=SmoothBackbone())
