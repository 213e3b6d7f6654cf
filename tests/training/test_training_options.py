"""What the trainer can do besides: averages, parts of a batch, rates by layer, rules to stop, memory that runs out."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.training_helpers import TinyBackbone, make_smooth_task, make_task
from torch import nn

from galaxtool.errors import ConfigError, ModelError, TrainingError
from galaxtool.methods.galaxalign import stages as galaxalign_stages
from galaxtool.methods.supervised import stages as supervised_stages
from galaxtool.training.batchnorm import update_batchnorm_stats
from galaxtool.training.checkpoint import load_checkpoint, save_checkpoint
from galaxtool.training.ema import AveragedModel
from galaxtool.training.memory import is_out_of_memory
from galaxtool.training.objective import ClassObjective
from galaxtool.training.optimizer import compute_layer_scales, make_optimizer
from galaxtool.training.options import TrainOptions
from galaxtool.training.precision import suggest_precision
from galaxtool.training.sampling import split_batch, split_epoch
from galaxtool.training.stage import Stage, embed_pictures
from galaxtool.training.step import Stepper
from galaxtool.training.stopping import count_epochs_since_best, find_stop_reason
from galaxtool.training.task import Batch, Task
from galaxtool.training.trainer import Trainer

# --- a batch in parts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [galaxalign_stages, supervised_stages])
@pytest.mark.parametrize("contrast", ["instance", "class"])
@pytest.mark.parametrize("class_weights", ["none", "inverse"])
def test_parts_of_a_batch_add_up_to_the_whole(make: Any, contrast: str, class_weights: str) -> None:
    found = []
    for accumulate in (1, 3):
        task = make_smooth_task(accumulate=accumulate, contrast=contrast, class_weights=class_weights)
        torch.manual_seed(2)
        stage = make(task)[-1]
        stage.begin()
        stepper = Stepper(task, stage, make_optimizer(stage, task.backbone, task.options))
        loss, _ = stepper.step(np.arange(10), epoch=0, step=0)
        gradient = torch.cat([p.grad.flatten() for p in stage.trainable() if p.grad is not None])
        found.append((loss, stepper.norm, gradient))
    (loss, norm, gradient), (loss_3, norm_3, gradient_3) = found
    assert loss_3 == pytest.approx(loss, rel=1e-6) and norm_3 == pytest.approx(norm, rel=1e-5)
    torch.testing.assert_close(gradient_3, gradient, rtol=1e-4, atol=1e-6)


def test_parts_and_processes_share_out_every_item() -> None:
    batch = np.arange(11)
    shares = [np.concatenate(split_batch(batch, 4, rank, 3)) for rank in range(3)]
    assert sorted(np.concatenate(shares)) == list(range(11))
    assert [len(part) for part in split_batch(batch[:2], 4)] == [1, 1]
    for n in range(3, 20):  # each process waits for the others in every part
        assert len({len(split_batch(np.arange(n), 4, rank, 3)) for rank in range(3)}) == 1
    assert [len(b) for b in split_epoch(np.arange(9), 4)] == [4, 4, 1]
    assert [len(b) for b in split_epoch(np.arange(9), 4, processes=2)] == [4, 4]


# --- class weights ---------------------------------------------------------------------------------------------------


def test_weighted_smoothed_cross_entropy_is_the_formula() -> None:
    task = make_task()
    targets = np.array([0, 0, 0, 1, 1, 2])
    options = TrainOptions(class_weights="inverse", label_smoothing=0.2)
    objective = ClassObjective(taxonomy=task.taxonomy, options=options, targets=targets)
    logits = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    p = torch.softmax(logits.double(), dim=1).log().numpy()
    weights = np.array([6 / 9, 6 / 6, 6 / 3])[targets]
    smoothed = 0.8 * np.eye(3)[targets] + 0.2 / 3
    wanted = (weights * -(smoothed * p).sum(axis=1)).sum() / 6
    assert float(objective.loss(logits, torch.from_numpy(targets))) == pytest.approx(wanted, rel=1e-6)
    assert weights.mean() == pytest.approx(1)


def test_no_weight_for_a_class_without_an_image() -> None:
    with pytest.raises(TrainingError, match="There is no training image of smudge"):
        ClassObjective(
            taxonomy=make_task().taxonomy, options=TrainOptions(class_weights="inverse"), targets=np.array([0, 1])
        )


def test_a_checkpoint_of_another_architecture(tmp_path: Path) -> None:
    task = make_task()
    Trainer(task, supervised_stages(task), tmp_path).fit()
    for content in ({"position": {"stage": 0}, "modules": {}}, {"weights": {}}):
        save_checkpoint(tmp_path / "checkpoints" / "last.pt", content)
        with pytest.raises(ModelError, match="belongs to another method or architecture"):
            Trainer(task, supervised_stages(task), tmp_path).fit(resume=True)


# --- averaged weights ------------------------------------------------------------------------------------------------


def test_the_average_is_the_formula() -> None:
    layer = nn.Linear(2, 2)
    averaged = AveragedModel(layer, decay=0.6)
    wanted = layer.weight.detach().double().clone()
    for step in range(1, 9):
        with torch.no_grad():
            layer.weight += step
        averaged.update()
        kept = min(0.6, (1 + step) / (10 + step))
        wanted = kept * wanted + (1 - kept) * layer.weight.detach().double()
    own = layer.weight.detach().clone()
    with averaged.swap_in():
        torch.testing.assert_close(layer.weight.detach().double(), wanted, rtol=1e-5, atol=1e-5)
    assert torch.equal(layer.weight, own)


def test_averaged_weights_are_kept_and_resumed(tmp_path: Path) -> None:
    def run(folder: Path, **how: Any) -> Any:
        task = make_task(ema=0.9)
        return Trainer(task, supervised_stages(task), folder).fit(**how)

    whole = run(tmp_path / "whole")
    last = load_checkpoint(tmp_path / "whole" / "checkpoints" / "last.pt")
    best = load_checkpoint(tmp_path / "whole" / "checkpoints" / "best.pt")
    key = "0.head.weight"
    assert not torch.equal(best["modules"][key], last["modules"][key])
    if whole.best["epoch"] == 2:
        assert torch.equal(best["modules"][key], last["averaged"]["shadow"]["head.weight"])
    again = run(tmp_path / "whole", resume=True)
    assert torch.equal(again.head.weight, whole.head.weight)


# --- learning rates by layer -----------------------------------------------------------------------------------------


def test_learning_rates_fall_towards_the_stem() -> None:
    task = make_smooth_task(layer_decay=0.5, lr=0.1)
    stage = galaxalign_stages(task)[-1]
    scales = compute_layer_scales(stage, task.backbone, 0.5)
    tower, copied = task.backbone.image_tower, stage.symbol_tower()
    assert copied is not None
    for one in (tower, copied):
        assert scales[one.convolve.weight] == 0.5 and scales[one.project.bias] == 1.0  # type: ignore[union-attr,index]
    optimizer = make_optimizer(stage, task.backbone, task.options)
    stepper = Stepper(task, stage, optimizer)
    stepper.lr = 0.01
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert rates[id(tower.convolve.weight)] == pytest.approx(0.005)
    assert rates[id(task.backbone.words.weight)] == pytest.approx(0.01)
    assert stepper.lr == pytest.approx(0.01)
    assert len(rates) == len(stage.trainable())


def test_layer_decay_that_changes_nothing_is_refused(tmp_path: Path) -> None:
    task = make_smooth_task(layer_decay=0.5)
    task.backbone.image_tower.convolve.requires_grad_(False)  # only the last block learns
    with pytest.raises(ConfigError, match="--layer-decay changes nothing"):
        Trainer(task, supervised_stages(task), tmp_path)
    task = make_smooth_task(layer_decay=0.5)
    assert Trainer(task, supervised_stages(task), tmp_path).stage_epochs == [2]


def test_checkpointing_that_changes_nothing_is_refused(tmp_path: Path) -> None:
    task = make_smooth_task(checkpointing=True)
    task.backbone.image_tower.requires_grad_(False)
    with pytest.raises(ConfigError, match="--checkpointing changes nothing") as caught:
        Trainer(task, supervised_stages(task), tmp_path)
    assert "--accumulate" in caught.value.hint


# --- when to stop ----------------------------------------------------------------------------------------------------


def test_loss_margin_counts_epochs_above_the_lowest_loss_and_never_resets() -> None:
    losses = [1.0, 0.5, 0.54, 0.4, 0.42, 0.44, 0.3, 0.29]  # 0.54 and 0.44 are more than 0.03 above the lowest so far
    scores = [(0.0,)] * len(losses)
    assert not find_stop_reason("loss-margin", losses, scores, patience=1)
    assert find_stop_reason("loss-margin", [*losses, 0.33], scores, patience=0)
    assert not find_stop_reason("loss-margin", [*losses, 0.31], scores, patience=0)
    assert not find_stop_reason("loss-margin", [], [], patience=0)


def test_patience_counts_epochs_without_a_better_score() -> None:
    scores = [(0.1, 0.0), (0.3, -1.0), (0.3, -2.0), (0.2, 0.0)]
    assert count_epochs_since_best(scores) == 2
    assert find_stop_reason("best", [1.0] * 4, scores, patience=2) and not find_stop_reason(
        "best", [1.0] * 4, scores, patience=3
    )
    assert not find_stop_reason("best", [1.0] * 4, scores, patience=0)


def test_a_training_stops_by_loss_margin(tmp_path: Path) -> None:
    class Worse(Stage):
        def __init__(self, task: Task) -> None:
            super().__init__("worse", 20)
            self.task, self.head, self.epoch = task, nn.Linear(5, 3), 0

        def loss(self, batch: Batch) -> torch.Tensor:
            return self.head(self.task.backbone.embed(batch.images)).square().mean()

        def make_head(self) -> nn.Module:
            return self.head

        def validate(self, task: Task) -> dict[str, float]:
            self.epoch += 1
            return {"valid_loss": float(self.epoch), "valid_f1_macro": 0.0}

    task = make_task(stopping="loss-margin", patience=0)
    assert len(Trainer(task, [Worse(task)], tmp_path).fit().history) == 4


# --- memory ----------------------------------------------------------------------------------------------------------


class Greedy(Stage):
    """Takes three images at a time and no more."""

    def __init__(self, task: Task, most: int = 3) -> None:
        super().__init__("greedy", 1)
        self.task, self.head, self.most = task, nn.Linear(5, 3), most

    def loss(self, batch: Batch) -> torch.Tensor:
        if len(batch.images) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return self.head(self.task.backbone.embed(batch.images)).square().mean()

    def make_head(self) -> nn.Module:
        return self.head


def test_out_of_memory_names_what_fits(tmp_path: Path) -> None:
    task = make_task(batch_size=8)
    with pytest.raises(TrainingError) as caught:
        Trainer(task, [Greedy(task)], tmp_path).fit()
    assert "8 images at a time do not fit into memory; 2 do" in caught.value.message
    assert "--accumulate 4" in str(caught.value.hint)
    task = make_task(batch_size=8, accumulate=4)
    assert Trainer(task, [Greedy(task)], tmp_path).fit().history


@pytest.mark.slow
def test_out_of_memory_for_a_single_image(tmp_path: Path) -> None:
    task = make_task()
    with pytest.raises(TrainingError, match="Not even one image"):
        Trainer(task, [Greedy(task, most=0)], tmp_path).fit()


class Sized(TinyBackbone):
    """Embeds three images at a time and no more; notes how many."""

    def __init__(self, most: int = 3) -> None:
        super().__init__()
        self.most = most
        self.sizes: list[int] = []

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        self.sizes.append(len(images))
        if len(images) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return super().embed(images)


@pytest.mark.parametrize(("batch_size", "accumulate", "sizes"), [(3, 1, [3, 3]), (8, 4, [2, 2, 2]), (2, 4, [1] * 6)])
def test_pictures_are_embedded_as_many_at_a_time_as_in_a_step(
    batch_size: int, accumulate: int, sizes: list[int]
) -> None:
    backbone = Sized()
    task = replace(make_task(batch_size=batch_size, accumulate=accumulate), backbone=backbone)
    found = embed_pictures(task, task.valid)
    assert backbone.sizes == sizes and found.shape == (6, 5)
    one_by_one = embed_pictures(replace(task, options=replace(task.options, batch_size=1)), task.valid)
    torch.testing.assert_close(found, one_by_one)


@pytest.mark.slow
def test_out_of_memory_without_gradients_names_what_fits() -> None:
    task = replace(make_task(batch_size=8), backbone=Sized())
    with pytest.raises(TrainingError) as caught:
        embed_pictures(task, task.valid)
    assert "6 images at a time do not fit into memory; 3 do" in caught.value.message
    assert "--accumulate 3" in caught.value.hint and "--batch-size 3" in caught.value.hint
    assert "--checkpointing" not in caught.value.hint  # nothing is kept that could be computed again
    task = replace(task, backbone=Sized(most=0))
    with pytest.raises(TrainingError, match="Not even one image") as caught:
        embed_pictures(task, task.valid)
    assert "--checkpointing" not in caught.value.hint


def test_what_the_cpu_says_is_understood() -> None:
    asked = 1 << 60
    with pytest.raises(RuntimeError) as caught:
        torch.empty(asked, dtype=torch.uint8)
    assert is_out_of_memory(caught.value) and not is_out_of_memory(ValueError("not enough memory"))


def test_other_errors_are_not_taken_for_it(tmp_path: Path) -> None:
    class Wrong(Greedy):
        def loss(self, batch: Batch) -> torch.Tensor:
            raise RuntimeError("shapes differ")

    task = make_task()
    with pytest.raises(RuntimeError, match="shapes differ"):
        Trainer(task, [Wrong(task)], tmp_path).fit()


# --- records ---------------------------------------------------------------------------------------------------------


def test_tensorboard_holds_the_history(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    task = make_task()
    outcome = Trainer(task, supervised_stages(task), tmp_path, tensorboard=True).fit()
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    shown = [scalar.value for scalar in events.Scalars("valid_loss")]
    assert shown == pytest.approx([row["valid_loss"] for row in outcome.history])
    with (tmp_path / "history.csv").open() as stream:
        kept = [float(row["valid_loss"]) for row in csv.DictReader(stream)]
    assert kept == pytest.approx(shown, abs=1e-6)


@pytest.mark.slow
def test_a_compiled_tower_trains_as_it_would(tmp_path: Path) -> None:
    def first_losses(compiled: bool) -> Sequence[float]:
        task = make_smooth_task(compile=compiled, epochs=1)
        outcome = Trainer(task, supervised_stages(task), tmp_path / str(compiled)).fit()
        return [outcome.history[0]["loss"], outcome.history[0]["valid_loss"]]

    assert first_losses(True) == pytest.approx(first_losses(False), rel=1e-4)


# --- BatchNorm -------------------------------------------------------------------------------------------------------


class Held(Stage):
    """Trains the image tower."""

    def __init__(self, task: Task) -> None:
        super().__init__("held", 1)
        self.tower = task.backbone.image_tower


def test_running_statistics_are_those_of_the_present_weights() -> None:
    task = make_task(items=12, batch_size=4)
    tower = task.backbone.image_tower.train()
    with torch.no_grad():
        tower.norm.running_mean.fill_(1e6)  # what weights of long ago left
    seen: list[torch.Tensor] = []
    handle = tower.convolve.register_forward_hook(lambda module, given, found: seen.append(found.detach().double()))
    update_batchnorm_stats(task, Held(task), epoch=3)
    handle.remove()
    assert [len(x) for x in seen] == [4, 4, 4]
    mean = torch.stack([x.mean(dim=(0, 2, 3)) for x in seen]).mean(dim=0)
    variance = torch.stack([x.var(dim=(0, 2, 3)) for x in seen]).mean(dim=0)
    torch.testing.assert_close(tower.norm.running_mean.double(), mean, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(tower.norm.running_var.double(), variance, rtol=1e-5, atol=1e-6)
    assert tower.norm.momentum == 0.1
    again = tower.norm.running_mean.clone()
    update_batchnorm_stats(task, Held(task), epoch=3)
    assert torch.equal(tower.norm.running_mean, again)


@pytest.mark.parametrize("accumulate", [1, 4])
def test_a_small_image_alone_in_a_step_uses_the_running_statistics(accumulate: int, tmp_path: Path) -> None:
    task = make_task(items=5, batch_size=4, accumulate=accumulate, epochs=1)
    tower = task.backbone.image_tower
    tower.convolve = nn.Conv2d(3, 4, 8)  # its map has one pixel, so that one image has one value of each channel
    trainer = Trainer(task, supervised_stages(task), tmp_path)
    stage = trainer.stages[0].train()
    before = tower.norm.running_mean.clone()
    loss, _ = Stepper(task, stage, make_optimizer(stage, task.backbone, task.options)).step(np.arange(1), 0, 0)
    assert loss > 0 and tower.convolve.weight.grad.isfinite().all() and tower.norm.training
    assert torch.equal(tower.norm.running_mean, before)
    assert trainer.fit().history[0]["loss"] > 0


def test_frozen_statistics_stay() -> None:
    task = make_task()
    tower = task.backbone.image_tower.train()
    tower.norm.eval()
    before = tower.norm.running_mean.clone()
    update_batchnorm_stats(task, Held(task), epoch=0)
    tower.norm.train()
    update_batchnorm_stats(task, Stage("probe", 1), epoch=0)  # a stage that does not hold the tower, such as a probe
    assert torch.equal(tower.norm.running_mean, before)


@pytest.mark.parametrize(
    ("amx", "precision", "expected"), [(True, "auto", True), (False, "auto", False), (True, "fp32", False)]
)
def test_a_note_where_bf16_may_train_faster(
    amx: bool, precision: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("galaxtool.training.precision.has_amx", lambda: amx)
    note = suggest_precision(torch.device("cpu"), precision)
    assert ("--precision bf16" in note and "4.5 times" in note) == expected and bool(note) == expected
    monkeypatch.setattr("galaxtool.training.precision.find_fastest_precision", lambda _: "bf16")
    assert ("GPU" in suggest_precision(torch.device("cuda"), precision)) == (precision == "auto")
