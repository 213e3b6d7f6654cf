"""DINO: the loss is the printed one, the teacher follows, labels are not read, and a resumed run is the same."""

from __future__ import annotations

import copy
import math
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from support.training_helpers import DIM, SIZE, CallAtStep, make_task
from torch import nn

from galaxtool.backbones.create import create_backbone
from galaxtool.errors import ConfigError, DependencyMissing, TrainingError
from galaxtool.finetuning.settings import parse_method_options
from galaxtool.methods.dino_crops import choose_local_size
from galaxtool.methods.dino_lora import DinoStage, stages
from galaxtool.methods.dino_loss import ProjectionHead, dino_loss, normalized_entropy, teacher_momentum, warm_up
from galaxtool.methods.dino_options import DinoOptions
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import MethodSpec
from galaxtool.training.checkpoint import load_checkpoint
from galaxtool.training.stage import embed_pictures
from galaxtool.training.step import Stepper
from galaxtool.training.task import Batch, PictureSet, Task
from galaxtool.training.trainer import Trainer
from galaxtool.vision.multicrop import MultiCrop

SMALL = {"out_dim": 16, "hidden_dim": 12, "local_crops": 2, "rank": 2, "warmup_teacher_epochs": 1}


def make_dino_task(*, labelled: bool = True, backbone: Any = None, method: Any = None, **options: Any) -> Task:
    """Make a task whose targets are all -1 where it is not labelled."""
    task = make_task(method={**SMALL, **(method or {})}, **options)
    if backbone is not None:
        task = replace(task, backbone=backbone)
    if labelled:
        return task

    def without(pictures: PictureSet) -> PictureSet:
        return replace(pictures, targets=np.full_like(pictures.targets, -1))

    return replace(task, train=without(task.train), valid=without(task.valid))


def make_stage(task: Task) -> DinoStage:
    (stage,) = stages(task)
    assert isinstance(stage, DinoStage)
    return stage.train()


def make_batch(stage: DinoStage, items: list[int], *, epoch: int = 0) -> Batch:
    task, chosen = stage.task, np.array(items)
    return Batch(
        images=stage.inputs(task, chosen, epoch),
        targets=torch.from_numpy(task.train.targets[chosen]),
        items=torch.from_numpy(chosen),
        counts=torch.zeros(len(task.taxonomy)),
        epoch=epoch,
        step=0,
    )


def last(folder: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(folder / "checkpoints" / "last.pt")["modules"]


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(value, b[key]) for key, value in a.items())


# --- the loss ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("locals_", [0, 1, 3])
def test_loss_is_the_printed_one(locals_: int) -> None:
    rng = np.random.default_rng(locals_)
    n_items, n_out, ts, tt = 4, 7, 0.1, 0.05
    student = rng.uniform(-1, 1, (2 + locals_, n_items, n_out))
    teacher = rng.uniform(-1, 1, (2, n_items, n_out))
    center = rng.uniform(-0.2, 0.2, n_out)
    total = 0.0
    for item in range(n_items):
        terms = []
        for t in range(2):
            for v in range(2 + locals_):
                if t == v:
                    continue
                p = np.exp((teacher[t, item] - center) / tt)
                q = np.exp(student[v, item] / ts)
                terms.append(-(p / p.sum() * np.log(q / q.sum())).sum())
        assert len(terms) == 2 * (1 + locals_)
        total += np.mean(terms) / n_items
    given = torch.from_numpy(student).requires_grad_()
    taught = torch.from_numpy(teacher).requires_grad_()
    found = dino_loss(given, taught, torch.from_numpy(center), student_temperature=ts, teacher_temperature=tt)
    assert found.item() == pytest.approx(total, rel=1e-12)
    found.backward()
    assert taught.grad is None and given.grad is not None and bool((given.grad != 0).any())


def test_head_compares_with_normalised_prototypes() -> None:
    head = ProjectionHead(5, 9, hidden_dim=6, bottleneck=4).double()
    features = torch.randn(3, 5, dtype=torch.float64)
    normed = nn.utils.parametrizations.weight_norm(nn.Linear(4, 9, bias=False).double())
    normed.parametrizations.weight.original0.data.fill_(1)
    normed.parametrizations.weight.original1.data.copy_(head.prototypes)
    hidden = head.layers(features)
    expected = normed(hidden / hidden.norm(dim=1, keepdim=True))
    assert torch.allclose(head(features), expected, atol=1e-12)
    head(features, frozen=True).sum().backward()
    assert head.prototypes.grad is None
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert head.float()(features.float()).dtype == torch.float32


def test_schedules() -> None:
    assert teacher_momentum(0.0, 0.9) == pytest.approx(0.9) and teacher_momentum(1.0, 0.9) == 1
    assert teacher_momentum(0.5, 0.9) == pytest.approx(0.95)
    assert [warm_up(e, start=0.04, end=0.07, epochs=3) for e in range(5)] == pytest.approx(
        [0.04, 0.05, 0.06, 0.07, 0.07]
    )
    assert warm_up(0, start=0.04, end=0.07, epochs=0) == 0.07
    assert normalized_entropy(torch.full((2, 8), 1 / 8)) == pytest.approx(1) and normalized_entropy(torch.eye(8)) == 0


def test_stage_loss_equals_the_formula_with_warmed_up_temperature() -> None:
    stage = make_stage(make_dino_task(labelled=False, method={"warmup_teacher_epochs": 4}))
    stage.center.uniform_(-0.1, 0.1)
    batch = make_batch(stage, [4, 0, 7], epoch=1)
    whole = torch.cat(batch.images[:2])
    with torch.no_grad():
        student = stage.head(torch.cat([stage.tower(whole), stage.tower(torch.cat(batch.images[2:]))]))
        teacher = stage.teacher_head(stage.teacher_tower(whole))
        expected = dino_loss(
            student.view(4, 3, -1), teacher.view(2, 3, -1), stage.center,
            student_temperature=0.1, teacher_temperature=0.04 + 0.03 / 4,
        )  # fmt: skip
    assert stage.loss(batch).item() == pytest.approx(expected.item(), rel=1e-6)


# --- teacher and centre ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("steps", "kept"), [(0, 0.0), (3, 0.75), (30, 0.9)])
def test_centre_and_teacher_move_by_the_formulas_whatever_the_parts(steps: int, kept: float) -> None:
    stage = make_stage(make_dino_task(labelled=False, method={"rank": 0, "momentum": 0.8}))
    stage.center.uniform_(-0.1, 0.1)
    stage.steps.fill_(steps)
    before = {k: v.clone() for k, v in stage.state_dict().items()}
    outputs = []
    for items in ([1, 2, 3], [5, 8]):  # two parts of one step
        batch = make_batch(stage, items)
        with torch.no_grad():
            outputs.append(stage.teacher_head(stage.teacher_tower(torch.cat(batch.images[:2]))))
        stage.loss(batch)
    with torch.no_grad():
        for parameter in stage.trainable():
            parameter.add_(torch.randn_like(parameter))
    moved = {k: v.clone() for k, v in stage.state_dict().items()}
    stage.after_step(0.25)
    after = stage.state_dict()
    center = kept * before["center"] + (1 - kept) * torch.cat(outputs).mean(dim=0)
    assert torch.allclose(after["center"], center, atol=1e-6) and after["steps"] == steps + 1
    m = 1 - 0.2 * (math.cos(math.pi * 0.25) + 1) / 2
    followed = [name for name, _ in stage.named_parameters() if name.startswith("teacher_")]
    assert len(followed) == 6 + 7
    for name in followed:
        expected = m * before[name] + (1 - m) * moved[name.removeprefix("teacher_")]
        assert torch.allclose(after[name], expected, atol=1e-6), name
    stage.loss(make_batch(stage, [0, 1]))  # the next step's centre knows nothing of the last step's outputs
    assert stage._n_outputs == 4


def test_only_adapters_and_head_train_and_the_teacher_has_no_dropout() -> None:
    stage = make_stage(make_dino_task(labelled=False, method={"dropout": 0.5}))
    trained = [name for name, p in stage.named_parameters() if p.requires_grad]
    assert all("lora_" in name or name.startswith("head.") for name in trained)
    assert sum("lora_" in name for name in trained) == 4  # two layers, two matrices each
    modes = {type(m).__name__: m.training for m in stage.teacher_tower.modules()}
    assert modes["BatchNorm2d"] and not modes["Dropout"]
    assert not any(m.training for m in stage.eval().teacher_tower.modules())
    frozen = {k: v.clone() for k, v in stage.state_dict().items() if "base_layer" in k}
    stage.train().loss(make_batch(stage, [0, 1, 2])).backward()
    assert all(stage.get_parameter(name).grad is None for name in frozen)


# rank 32 on the query, value and projection matrices, alpha 1, all biases, frozen weights of the head
PUBLISHED = (
    "rank=32", "alpha=1", "targets=qv,proj", "bias=all", "head=freeze", "teacher_temperature=0.04",
    "teacher_momentum=0.9995", "local_crops=8", "local_min=0.05", "local_max=0.4", "out_dim=16", "hidden_dim=12",
)  # fmt: skip


@pytest.mark.slow
def test_published_settings_train_exactly_these_parameters(tmp_path: Path) -> None:
    """As Alberghi et al. 2024 published them, on a transformer of timm, which holds q, k and v in one matrix."""
    spec = get_registry().methods.find("dino-lora").spec
    assert isinstance(spec, MethodSpec)
    task = make_task(items=6, method=parse_method_options(spec, PUBLISHED), epochs=2, weight_decay=0.1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        backbone = create_backbone("timm:test_vit@none")
    task = replace(task, backbone=backbone, preprocess=replace(task.preprocess, size=160))
    big = {"pictures": np.zeros((6, 160, 160, 3), dtype=np.uint8) + task.train.pictures[:6].repeat(20, 1).repeat(20, 2)}
    task = replace(task, train=replace(task.train, **big), valid=replace(task.valid, **big))
    stage = make_stage(task)
    assert (stage.options.momentum, stage.options.teacher_temperature) == (0.9995, 0.04)
    assert (stage.multicrop.local_crops, stage.multicrop.local_scale) == (8, (0.05, 0.4))
    before = {name: p.detach().clone() for name, p in stage.named_parameters()}
    trained = {name for name, p in stage.named_parameters() if p.requires_grad}
    Trainer(task, [stage], tmp_path).fit()
    after = load_checkpoint(tmp_path / "checkpoints" / "last.pt")["modules"]
    moved = {
        name: int((after[f"0.{name}"] != old).sum()) for name, old in before.items() if not name.startswith("teacher")
    }
    dim, rank, depth = 64, 32, 6
    biases = {name: old.numel() for name, old in before.items() if name.endswith("bias") and name in moved}
    thin = {name: n for name, n in moved.items() if "lora_" in name}
    wanted = {
        # query and value have an adapter each; the rows of the key stay zero, and so do the blocks beside
        **{f"tower.blocks.{i}.attn.qkv.lora_A.default.weight": 2 * rank * dim for i in range(depth)},
        **{f"tower.blocks.{i}.attn.qkv.lora_B.default.weight": 2 * dim * rank for i in range(depth)},
        **{f"tower.blocks.{i}.attn.proj.lora_A.default.weight": rank * dim for i in range(depth)},
        **{f"tower.blocks.{i}.attn.proj.lora_B.default.weight": dim * rank for i in range(depth)},
    }
    assert thin.keys() == wanted.keys()
    assert all(n - 5 <= thin[name] <= n for name, n in wanted.items())  # a step may be too small for a large value
    assert {name for name, n in moved.items() if n} == {*wanted, *(name for name in biases if moved[name])}
    assert trained == {*wanted, *biases}
    assert {"head.layers.0.bias", "tower.norm.bias", "tower.patch_embed.proj.bias"} <= {n for n in biases if moved[n]}
    for i in range(depth):  # the key's own rows are those of the start
        thin_b = after[f"0.tower.blocks.{i}.attn.qkv.lora_B.default.weight"]
        assert not thin_b[dim : 2 * dim].any() and not thin_b[:dim, rank:].any() and not thin_b[2 * dim :, :rank].any()


def test_an_earlier_name_of_the_momentum() -> None:
    spec = get_registry().methods.find("dino-lora").spec
    assert isinstance(spec, MethodSpec)
    assert parse_method_options(spec, ["teacher_momentum=0.9"]) == parse_method_options(spec, ["momentum=0.9"])
    for wrong, said in (("bias=some", "one of none, all, lora"), ("head=thaw", "one of train, freeze")):
        with pytest.raises(ConfigError, match=f"--option {wrong}: it must be {said}"):
            parse_method_options(spec, [wrong])


def test_schedules_of_the_rate_and_the_weight_decay(tmp_path: Path) -> None:
    task = make_dino_task(
        labelled=False, method={"lr_warmup_epochs": 2.0, "weight_decay_end": 0.4}, epochs=4, lr=0.01, min_lr=0.001,
        weight_decay=0.04,
    )  # fmt: skip
    seen: list[tuple[float, float, float]] = []
    stage = make_stage(task)
    trainer = Trainer(task, [stage], tmp_path)

    class Watching(Stepper):
        def update(self) -> None:
            decays = {group["weight_decay"] for group in self.optimizer.param_groups}
            seen.append((self.lr, max(decays), min(decays)))
            super().update()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("galaxtool.training.trainer.Stepper", Watching)
        trainer.fit()
    assert len(seen) == 12
    done = np.arange(12) / 3  # epochs, each of three steps
    cosine = 0.001 + 0.009 * (1 + np.cos(np.pi * (done - 2) / 2)) / 2
    np.testing.assert_allclose([lr for lr, _, _ in seen], np.where(done < 2, 0.01 * done / 2, cosine), rtol=1e-12)
    np.testing.assert_allclose([d for _, d, _ in seen], 0.4 - 0.36 * (1 + np.cos(np.pi * done / 4)) / 2, rtol=1e-12)
    assert all(none == 0 for _, _, none in seen)
    with pytest.raises(ConfigError, match="lr_warmup_epochs of dino-lora is 4, and the training has 4 epochs"):
        make_stage(make_dino_task(method={"lr_warmup_epochs": 4.0}, epochs=4))


def test_prototypes_are_frozen_at_first() -> None:
    stage = make_stage(make_dino_task(labelled=False))
    stage.loss(make_batch(stage, [0, 1], epoch=0)).backward()
    assert stage.head.prototypes.grad is None
    stage.loss(make_batch(stage, [0, 1], epoch=1)).backward()
    assert stage.head.prototypes.grad is not None


def test_a_short_training_does_not_collapse(tmp_path: Path) -> None:
    colours = np.array([[200, 40, 40], [40, 200, 40], [40, 40, 200], [180, 180, 40]])

    def painted(pictures: PictureSet) -> PictureSet:
        noise = np.random.default_rng(0).normal(0, 10, pictures.pictures.shape)
        plain = colours[np.arange(len(pictures)) % 4, None, None, :]
        return replace(pictures, pictures=np.clip(plain + noise, 0, 255).astype(np.uint8))

    method = {"rank": 0, "momentum": 0.9, "hidden_dim": 512, "local_crops": 4}
    task = make_dino_task(labelled=False, epochs=6, items=24, batch_size=8, lr=5e-4, method=method)
    task = replace(task, train=painted(task.train), valid=painted(task.valid))
    outcome = Trainer(task, stages(task), tmp_path).fit()
    rows = outcome.history
    # the teacher says something about each picture, and not the same of all
    assert all(0.1 < row["teacher_entropy"] < row["prototype_entropy"] <= 1 for row in rows)
    assert rows[-1]["prototype_entropy"] - rows[-1]["teacher_entropy"] > 0.15
    assert outcome.best["epoch"] == 6  # without labels, the last


# --- crops -----------------------------------------------------------------------------------------------------------


def crops_of(items: list[int], *, seed: int = 3, epoch: int = 1, **settings: Any) -> list[torch.Tensor]:
    pictures = torch.from_numpy(np.random.default_rng(0).integers(0, 255, (9, 20, 20, 3), dtype=np.uint8))
    multicrop = MultiCrop(**{"size": 20, "local_size": 9, "local_crops": 3, "blur": 0.05, **settings})
    return multicrop.crops(pictures[items], seed=seed, epoch=epoch, items=items)


def test_crops_do_not_depend_on_the_batch() -> None:
    many, one = crops_of([5, 0, 8, 2, 7]), crops_of([2])
    assert [tuple(c.shape) for c in many] == [(5, 3, 20, 20)] * 2 + [(5, 3, 9, 9)] * 3
    assert all(torch.equal(a[3], b[0]) for a, b in zip(many, one, strict=True))
    assert all(c.dtype == torch.float32 and c.min() >= 0 and c.max() <= 1 for c in many)


def test_crops_differ_by_seed_epoch_item_and_view() -> None:
    first = crops_of([2])
    assert not torch.equal(first[0], first[1]) and not torch.equal(first[2], first[3])
    for other in (crops_of([2], seed=4), crops_of([2], epoch=2)):
        assert all(not torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_crops_show_parts_of_the_picture() -> None:
    plain = {"rotate": False, "gain": 0.0, "blur": 0.0, "noise": 0.0}
    picture = torch.arange(20, dtype=torch.uint8)[None, None, :, None].expand(1, 20, 20, 1) * 10  # x, in pixels
    for item in range(40):
        multicrop = MultiCrop(size=20, local_size=10, local_crops=1, **plain)
        first, _, local = multicrop.crops(picture, seed=0, epoch=0, items=[item])
        for crop, low, high in ((first, 0.4, 1.0), (local, 0.1, 0.4)):
            row = crop[0, 0, 5].double() * 25.5
            pitch = (row[-2] - row[1]) / (len(row) - 3)  # picture's pixels a crop's pixel
            side = pitch * len(row) / 20
            assert math.sqrt(low) - 0.01 <= side <= math.sqrt(high) + 0.01
            assert row.min() >= 0 and row.max() <= 19
    whole = MultiCrop(size=20, local_size=10, local_crops=0, global_scale=(1.0, 1.0), **plain)
    found = whole.crops(picture, seed=0, epoch=0, items=[0])[0]
    assert torch.allclose(found[0, 0], picture[0, :, :, 0] / 255, atol=1e-6)


def test_blur_and_noise_are_as_strong_as_said() -> None:
    still = {"rotate": False, "gain": 0.0, "global_scale": (1.0, 1.0), "local_crops": 0, "size": 33, "local_size": 9}
    point = torch.zeros(200, 33, 33, 1, dtype=torch.uint8)
    point[:, 16, 16] = 255
    blurred = MultiCrop(**still, blur=0.1, noise=0.0).crops(point, seed=0, epoch=0, items=range(200))[0]
    assert torch.allclose(blurred.sum(dim=(1, 2, 3)), torch.ones(200), atol=1e-3)
    x = torch.arange(33.0) - 16
    sigma = (blurred.sum(dim=(1, 2)) * x**2).sum(dim=1).sqrt()
    assert 0.4 < (sigma == 0).float().mean() < 0.6 and 3.0 < sigma.max() <= 3.3
    gray = torch.full((200, 33, 33, 1), 128, dtype=torch.uint8)
    noisy = MultiCrop(**still, blur=0.0, noise=0.05).crops(gray, seed=0, epoch=0, items=range(200))[0]
    spread = noisy.std(dim=(1, 2, 3))
    assert spread.max() == pytest.approx(0.05, rel=0.1) and spread.mean() == pytest.approx(0.025, rel=0.1)


class Fixed(nn.Module):
    """Takes images of one size only."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.project = nn.Linear(3 * size * size, DIM)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.project(images.flatten(1))


def test_local_crops_are_as_large_as_the_tower_takes() -> None:
    task = make_dino_task()
    assert choose_local_size(task) == 3
    task.backbone.image_tower = Fixed(SIZE)
    assert choose_local_size(task) == SIZE
    assert make_stage(task).inputs(task, np.array([0]), 0)[-1].shape == (1, 3, SIZE, SIZE)
    small = {"embed_dim": DIM, "depth": 1, "num_heads": 1, "num_classes": 0}
    for patch, dynamic, side in ((16, True, 96), (14, True, 98), (16, False, 224)):
        task.backbone.image_tower = timm.models.VisionTransformer(
            img_size=224, patch_size=patch, dynamic_img_size=dynamic, **small
        )
        assert choose_local_size(replace(task, preprocess=replace(task.preprocess, size=224))) == side


# --- what it needs ----------------------------------------------------------------------------------------------------


def test_without_peft_all_layers_can_train(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(DependencyMissing, match="LoRA needs the package 'peft'") as caught:
        DinoStage(make_dino_task())
    assert "galaxtool[lora]" in caught.value.hint
    stage = DinoStage(make_dino_task(method={"rank": 0}))
    assert {id(p) for p in stage.tower.parameters()} <= {id(p) for p in stage.trainable()}


@pytest.mark.parametrize(
    "wrong",
    [{"rank": -1}, {"out_dim": 1}, {"momentum": 1.5}, {"student_temperature": 0.0}, {"alpha": math.nan}],
)
def test_options_out_of_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"The option {next(iter(wrong))} of dino-lora is"):
        DinoOptions(**wrong)


# --- with the trainer ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, Task]:
    """A training with labels that was never stopped."""
    folder = tmp_path_factory.mktemp("whole")
    task = make_dino_task(accumulate=2)
    return folder, Trainer(task, stages(task), folder).fit(), task


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 3, pytest.param(4, marks=pytest.mark.slow)])
def test_resumed_is_as_never_stopped(step: int, whole: Any, tmp_path: Path) -> None:
    def trainer(progress: Any = None) -> Trainer:
        task = make_dino_task(accumulate=2)
        return Trainer(task, stages(task), tmp_path, progress)

    with pytest.raises(KeyboardInterrupt):
        trainer(CallAtStep(step, lambda: signal.raise_signal(signal.SIGINT))).fit()
    torch.manual_seed(step)
    outcome = trainer().fit(resume=True)
    assert same(last(tmp_path), last(whole[0]))
    timing = {"images_per_s", "seconds"}
    for row, other in zip(outcome.history, whole[1].history, strict=True):
        assert {k: v for k, v in row.items() if k not in timing} == {k: v for k, v in other.items() if k not in timing}


def test_no_label_is_read(whole: Any, tmp_path: Path) -> None:
    task = make_dino_task(accumulate=2, labelled=False)
    outcome = Trainer(task, stages(task), tmp_path).fit()
    assert same(last(tmp_path), last(whole[0]))
    assert not {"valid_f1_macro", "valid_accuracy"} & outcome.history[0].keys()
    assert outcome.head(torch.randn(2, DIM)).shape == (2, 3)


def test_history_has_the_same_columns_throughout(whole: Any) -> None:
    first, *others = whole[1].history
    assert {"valid_loss", "valid_accuracy", "valid_f1_macro", "teacher_entropy", "prototype_entropy"} <= first.keys()
    assert all(row.keys() == first.keys() for row in others)


def test_what_is_kept_is_the_teacher(whole: Any) -> None:
    folder, outcome, task = whole
    best = load_checkpoint(folder / "checkpoints" / "best.pt")
    assert best["row"] == outcome.best
    fresh = make_dino_task(accumulate=2)
    assert task.backbone.state_dict().keys() == copy.deepcopy(fresh.backbone).state_dict().keys()
    stage = make_stage(fresh).eval()
    stage.load_state_dict({k.removeprefix("0."): v for k, v in best["modules"].items()})
    found = embed_pictures(task, task.valid)
    assert torch.allclose(stage.features(fresh, fresh.valid), found, atol=1e-6)
    assert not torch.allclose(embed_pictures(fresh, fresh.valid), found, atol=1e-6)  # that is the student
    accuracy = (outcome.head(found).argmax(dim=1).numpy() == task.valid.targets).mean()
    assert accuracy == pytest.approx(outcome.best["valid_accuracy"])


def test_items_without_a_label_train_and_are_not_scored(tmp_path: Path) -> None:
    task = make_dino_task(epochs=1)
    for pictures in (task.train, task.valid):
        pictures.targets[1::2] = -1
    stage = make_stage(task)
    row = stage.eval().validate(task)
    thirds = 3 * row["valid_accuracy"]  # of six pictures three have a label
    assert thirds == pytest.approx(round(thirds))
    outcome = Trainer(task, [stage], tmp_path).fit()
    assert outcome.history[0].keys() >= row.keys()


def test_nothing_to_validate_on_is_said() -> None:
    task = make_dino_task()
    none = PictureSet(pictures=task.valid.pictures[:0], targets=task.valid.targets[:0], weights=task.valid.weights[:0])
    with pytest.raises(TrainingError, match="no pictures to validate on"):
        DinoStage(replace(task, valid=none))
