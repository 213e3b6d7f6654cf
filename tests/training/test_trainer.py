"""The trainer: what is resumed is what was never stopped, and nothing good is lost when something goes wrong."""

from __future__ import annotations

import csv
import errno
import random
import resource
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.training_helpers import DIM, CallAtStep, Killed, kill, make_task
from torch import nn

from galaxtool.errors import GalaxtoolError, ModelError, TrainingError
from galaxtool.methods.galaxalign import stages as galaxalign_stages
from galaxtool.methods.supervised import stages as supervised_stages
from galaxtool.training import checkpoint as checkpoints
from galaxtool.training.checkpoint import get_random_states, load_checkpoint, restore_random_states, save_checkpoint
from galaxtool.training.interrupt import InterruptHandler
from galaxtool.training.optimizer import decay_by_cosine
from galaxtool.training.sampling import draw_epoch_order
from galaxtool.training.stage import Stage
from galaxtool.training.task import Batch, PictureSet, Task
from galaxtool.training.trainer import Trainer
from galaxtool.types import Silent

STEPS = 12  # 2 + 2 epochs of 3 steps
METHODS = {"galaxalign": galaxalign_stages, "supervised": supervised_stages}


def trainer(folder: Path, method: str = "galaxalign", progress: Any = None, **options: Any) -> Trainer:
    task = make_task(**options)
    return Trainer(task, METHODS[method](task), folder, progress)


def left(folder: Path) -> dict[str, torch.Tensor]:
    """Return every weight at the end of a training, not that of the best epoch."""
    return load_checkpoint(folder / "checkpoints" / "last.pt")["modules"]


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(value, b[key]) for key, value in a.items())


def history(folder: Path) -> list[dict[str, str]]:
    with (folder / "history.csv").open() as stream:
        return [
            {key: value for key, value in row.items() if key not in ("images_per_s", "seconds")}
            for row in csv.DictReader(stream)
        ]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, torch.Tensor], Any]:
    """A training that was never stopped: its folder, the weights of its best epoch, what it came to."""
    folder = tmp_path_factory.mktemp("whole")
    one = trainer(folder)
    outcome = one.fit()
    return folder, one.stages.state_dict(), outcome


# --- resume ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(1, marks=pytest.mark.slow),
        pytest.param(3, marks=pytest.mark.slow),
        6,
        pytest.param(7, marks=pytest.mark.slow),
        pytest.param(12, marks=pytest.mark.slow),
    ],
)
def test_interrupted_and_resumed_is_as_never_stopped(step: int, whole: Any, tmp_path: Path) -> None:
    folder, best, outcome = whole
    try:
        trainer(tmp_path, progress=CallAtStep(step, lambda: signal.raise_signal(signal.SIGINT))).fit()
        stopped = False
    except KeyboardInterrupt:
        stopped = True
    assert stopped
    assert load_checkpoint(tmp_path / "checkpoints" / "last.pt")["position"]["step"] == (step - 1) % 3 + 1
    random.seed(step)
    torch.manual_seed(99)  # what the next process happens to have
    again = trainer(tmp_path)
    resumed = again.fit(resume=True)
    assert same(left(tmp_path), left(folder)) and same(again.stages.state_dict(), best)
    assert history(tmp_path) == history(folder)
    assert torch.equal(resumed.head(torch.ones(1, DIM)), outcome.head(torch.ones(1, DIM)))
    assert {**resumed.best, "images_per_s": 0, "seconds": 0} == {**outcome.best, "images_per_s": 0, "seconds": 0}


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(1, marks=pytest.mark.slow),
        pytest.param(6, marks=pytest.mark.slow),
        7,
        pytest.param(11, marks=pytest.mark.slow),
    ],
)
def test_killed_and_resumed_is_as_never_stopped(step: int, whole: Any, tmp_path: Path) -> None:
    folder, best, _ = whole
    with pytest.raises(Killed):
        trainer(tmp_path, progress=CallAtStep(step, kill)).fit()
    again = trainer(tmp_path)
    again.fit(resume=True)
    assert same(left(tmp_path), left(folder)) and same(again.stages.state_dict(), best)
    assert history(tmp_path) == history(folder)


class Bar(Silent):
    """Records the total and the position of each bar."""

    def __init__(self) -> None:
        self.bars: list[list[int]] = []

    def start(self, what: str, total: int | None = None) -> None:
        self.bars.append([total or 0, 0])

    def advance(self, n: int = 1, note: str = "") -> None:
        self.bars[-1][1] += n


@pytest.mark.parametrize("step", [pytest.param(0, marks=pytest.mark.slow), 7])
def test_the_bar_is_that_of_the_whole_run(step: int, tmp_path: Path) -> None:
    bar, images = Bar(), 10
    if step:
        with pytest.raises(Killed):
            trainer(tmp_path, progress=CallAtStep(step, kill)).fit()
    trainer(tmp_path, progress=bar).fit(resume=True)
    expected = [[4 * images, 2 * images], [4 * images, 4 * images]]  # two stages of two epochs
    assert bar.bars == expected


def test_killed_between_checkpoint_and_the_rest_of_an_epoch(whole: Any, tmp_path: Path) -> None:
    """The best weights and the history are already those of an epoch that the last checkpoint does not know."""
    folder, best, _ = whole
    count = [0]
    save = Trainer._save

    def dies(self: Trainer, *parts: Any) -> None:
        count[0] += 1
        if count[0] == 3:
            raise Killed
        save(self, *parts)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "_save", dies)
        with pytest.raises(Killed):
            trainer(tmp_path).fit()
    assert len(history(tmp_path)) == 3
    again = trainer(tmp_path)
    again.fit(resume=True)
    assert same(left(tmp_path), left(folder)) and same(again.stages.state_dict(), best)
    assert history(tmp_path) == history(folder)


def test_resuming_what_had_ended_trains_no_further(whole: Any, tmp_path: Path) -> None:
    _, best, _ = whole
    trainer(tmp_path).fit()
    again = trainer(tmp_path, progress=CallAtStep(1, kill))
    outcome = again.fit(resume=True)
    assert same(again.stages.state_dict(), best) and len(outcome.history) == 4


def test_resume_without_a_checkpoint_begins_anew(whole: Any, tmp_path: Path) -> None:
    trainer(tmp_path).fit(resume=True)
    assert same(left(tmp_path), left(whole[0]))


def test_another_seed_is_another_training(whole: Any, tmp_path: Path) -> None:
    trainer(tmp_path, seed=4).fit()
    assert not same(left(tmp_path), left(whole[0]))


def test_sigterm_puts_the_run_away_too(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        trainer(tmp_path, "supervised", CallAtStep(2, lambda: signal.raise_signal(signal.SIGTERM))).fit()
    assert load_checkpoint(tmp_path / "checkpoints" / "last.pt")["position"]["step"] == 2


class InterruptAfterEpoch(Silent):
    """Sends Ctrl-C when an epoch of the last stage has been validated."""

    def __init__(self, text: str) -> None:
        self.text = text

    def say(self, message: str) -> None:
        if self.text in message:
            signal.raise_signal(signal.SIGINT)


def test_an_interrupt_in_the_last_validation_is_one_too(whole: Any, tmp_path: Path) -> None:
    """No step is left that would notice it, and a command of several trainings would begin the next one."""
    folder, best, _ = whole
    with pytest.raises(KeyboardInterrupt):
        trainer(tmp_path, progress=InterruptAfterEpoch("epoch 4/4")).fit()
    again = trainer(tmp_path)
    again.fit(resume=True)
    assert same(left(tmp_path), left(folder)) and same(again.stages.state_dict(), best)
    assert history(tmp_path) == history(folder)


def test_second_interrupt_does_not_wait() -> None:
    before = signal.getsignal(signal.SIGINT)
    with InterruptHandler() as interrupt:
        signal.raise_signal(signal.SIGINT)
        assert interrupt.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_training_in_a_thread(whole: Any, tmp_path: Path) -> None:
    """A notebook's or a server's thread cannot catch signals."""
    thread = threading.Thread(target=lambda: trainer(tmp_path).fit())
    thread.start()
    thread.join()
    assert same(left(tmp_path), left(whole[0]))


# --- stages for the occasion -----------------------------------------------------------------------------------------


class Scripted(Stage):
    """Its head is right for `score[epoch]` of the validation items; its loss is what a function says."""

    def __init__(self, task: Task, right: list[int], *, loss: Any = None, first: int = 0) -> None:
        super().__init__("scripted", len(right))
        self.task, self.right, self.script, self.first = task, right, loss, first
        self.weight = nn.Parameter(torch.ones(3))
        self.register_buffer("epoch", torch.tensor(-1))

    def loss(self, batch: Batch) -> torch.Tensor:
        self.get_buffer("epoch").fill_(batch.epoch)
        return self.script(self.weight, batch) if self.script else self.weight.square().sum()

    def make_head(self) -> nn.Module:
        return Fixed(self.task.valid.targets, self.right[int(self.get_buffer("epoch")) - self.first])


class Fixed(nn.Module):
    """Says the right class for the first n items, and the next one for the others."""

    def __init__(self, targets: np.ndarray, n: int) -> None:
        super().__init__()
        said = torch.from_numpy(np.where(np.arange(len(targets)) < n, targets, (targets + 1) % 3))
        self.n, self.logits = n, nn.functional.one_hot(said, 3).float()

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.logits[: len(features)]


def test_best_epoch_is_given_back(tmp_path: Path) -> None:
    task = make_task()
    one = Trainer(task, [Scripted(task, [1, 4, 2])], tmp_path)
    outcome = one.fit()
    assert outcome.best["epoch"] == 2 and int(one.stages[0].get_buffer("epoch")) == 1
    assert outcome.head.n == 4  # type: ignore[union-attr]
    assert [row["epoch"] for row in outcome.history] == [1, 2, 3]
    assert outcome.history[1]["valid_accuracy"] == pytest.approx(4 / 6)
    assert int(left(tmp_path)["0.epoch"]) == 2


class Recorder(Silent):
    """A progress that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, message: str) -> None:
        self.lines.append(message)


def test_the_kept_epoch_counts_over_all_stages_and_is_told(tmp_path: Path) -> None:
    task, told = make_task(), Recorder()
    outcome = Trainer(task, [Scripted(task, [5, 1, 1]), Scripted(task, [1, 4, 2], first=3)], tmp_path, told).fit()
    assert outcome.best["epoch"] == 5 and outcome.history[4] == outcome.best
    assert [row["epoch"] for row in history(tmp_path)] == list("123456")
    assert [line.split(" epoch ")[1].split()[0] for line in told.lines[:6]] == [f"{i}/6" for i in range(1, 7)]
    assert told.lines[-1].startswith("Kept epoch 5 of 6, the best of 3 on the validation images: valid loss ")
    assert f"F1 {outcome.best['valid_f1_macro']:.4f}" in told.lines[-1]


def test_epochs_that_an_older_version_counted_by_stage_are_counted_over_all(tmp_path: Path) -> None:
    def stages(task: Any) -> list[Stage]:
        return [Scripted(task, [5, 1]), Scripted(task, [4, 1, 2], first=2)]

    task = make_task()
    whole = Trainer(task, stages(task), tmp_path).fit()
    for name in ("last.pt", "best.pt"):
        content = load_checkpoint(tmp_path / "checkpoints" / name)
        for row in [content["row"]] if "row" in content else content["position"]["history"]:
            row["epoch"] -= 2 * (row["epoch"] > 2)
        save_checkpoint(tmp_path / "checkpoints" / name, content)
    task = make_task()
    again = Trainer(task, stages(task), tmp_path).fit(resume=True)
    assert again.best == whole.best and again.best["epoch"] == 3 and again.history == whole.history


@pytest.mark.parametrize(("patience", "epochs"), [(1, 3), (2, 4), (0, 8)])
def test_early_stopping(patience: int, epochs: int, tmp_path: Path) -> None:
    task = make_task(patience=patience)
    right = [1, 4, 4, 4, 4, 4, 4, 4]
    outcome = Trainer(task, [Scripted(task, right)], tmp_path).fit()
    assert len(outcome.history) == epochs and outcome.best["epoch"] == 2
    again = Trainer(task, [Scripted(task, right)], tmp_path, CallAtStep(1, kill)).fit(resume=True)
    assert len(again.history) == epochs


def test_early_stopping_counts_the_last_stage_only(tmp_path: Path) -> None:
    task = make_task(patience=1)
    stages = [Scripted(task, [4, 4, 4, 4]), Scripted(task, [4] * 8)]
    outcome = Trainer(task, stages, tmp_path).fit()
    assert len(outcome.history) == 4 + 2 and outcome.best["epoch"] == 4 + 1


def test_the_last_epoch_is_kept_whatever_the_scores(tmp_path: Path) -> None:
    task, told, right = make_task(patience=1, select="last"), Recorder(), [1, 4, 4, 4, 2]
    outcome = Trainer(task, [Scripted(task, right)], tmp_path, told).fit()
    assert len(outcome.history) == 5 and outcome.best == outcome.history[-1]
    assert outcome.head.n == 2  # type: ignore[union-attr]
    assert told.lines[-1].startswith("Kept epoch 5 of 5: valid loss ")
    again = Trainer(task, [Scripted(task, right)], tmp_path, CallAtStep(1, kill)).fit(resume=True)
    assert again.best == outcome.best


def spoilt(weight: torch.Tensor, batch: Batch) -> torch.Tensor:
    bad = batch.epoch == 1 and batch.step == 2
    return weight.square().sum() * (float("nan") if bad else 1.0)


def spoilt_gradient(weight: torch.Tensor, batch: Batch) -> torch.Tensor:
    bad = batch.epoch == 1 and batch.step == 2
    return ((weight - weight.detach()) if bad else weight.square()).sum().sqrt()


@pytest.mark.parametrize("loss", [spoilt, spoilt_gradient])
def test_what_is_not_finite_ends_the_training_and_keeps_the_last_good_checkpoint(loss: Any, tmp_path: Path) -> None:
    task = make_task(lr=0.01)
    one = Trainer(task, [Scripted(task, [1, 2, 3], loss=loss)], tmp_path)
    with pytest.raises(TrainingError, match=r"(nan|inf) in stage 'scripted', epoch 2, after 2 steps") as caught:
        one.fit()
    assert "--lr 0.001" in caught.value.hint
    kept = load_checkpoint(one.last_checkpoint)
    assert kept["position"]["epoch"] == 1 and bool(torch.isfinite(kept["modules"]["0.weight"]).all())


def test_a_method_without_stages(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no stages"):
        Trainer(make_task(), [], tmp_path)


@pytest.mark.parametrize("warmup", [0, 1])
def test_a_stage_may_have_no_epochs(warmup: int, tmp_path: Path) -> None:
    outcome = trainer(tmp_path, warmup_epochs=warmup).fit()
    assert [row["stage"] for row in outcome.history] == ["shared encoder"] * warmup + ["three encoders"] * 2


def test_learning_rate_falls_over_the_whole_training(tmp_path: Path) -> None:
    outcome = trainer(tmp_path, lr=0.01, epochs=3, warmup_epochs=3).fit()
    rates = [row["lr"] for row in outcome.history]
    assert rates == sorted(rates, reverse=True) and 0 < rates[-1] < 0.002 and 0.008 < rates[0] <= 0.01
    assert (decay_by_cosine(0), decay_by_cosine(0.5), decay_by_cosine(1)) == pytest.approx((1, 0.5, 0))


def test_learning_rate_ends_at_its_floor(tmp_path: Path) -> None:
    outcome = trainer(tmp_path, lr=0.01, min_lr=0.002, epochs=3, warmup_epochs=1).fit()
    done = (np.arange(4) + 2 / 3) / 4  # at the last of three steps of each epoch
    expected = 0.002 + (0.01 - 0.002) * (1 + np.cos(np.pi * done)) / 2
    assert [row["lr"] for row in outcome.history] == pytest.approx(list(expected))


def test_history_has_a_row_an_epoch(whole: Any) -> None:
    folder, _, outcome = whole
    rows = history(folder)
    assert [(row["stage"], row["epoch"]) for row in rows] == [
        ("shared encoder", "1"), ("shared encoder", "2"), ("three encoders", "3"), ("three encoders", "4"),
    ]  # fmt: skip
    for row, kept in zip(rows, outcome.history, strict=True):
        assert float(row["loss"]) == pytest.approx(kept["loss"], abs=1e-6) and 0 <= float(row["valid_f1_macro"]) <= 1


# --- a full disk -----------------------------------------------------------------------------------------------------


def full_disk(patch: pytest.MonkeyPatch) -> None:
    """Let no file grow beyond a kilobyte, as far as the system is concerned."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    save = torch.save

    def limited(*args: Any) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        try:
            save(*args)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    patch.setattr(checkpoints.torch, "save", limited)


def no_space(patch: pytest.MonkeyPatch) -> None:
    def fails(content: Any, path: Path) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    patch.setattr(checkpoints.torch, "save", fails)


@pytest.mark.parametrize("fill", [full_disk, pytest.param(no_space, marks=pytest.mark.slow)])
def test_full_disk_leaves_the_earlier_checkpoint(fill: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = trainer(tmp_path, progress=CallAtStep(4, lambda: fill(monkeypatch)))
    with pytest.raises(GalaxtoolError, match=r"Cannot write '.*last\.pt': .*(disk may be full|No space)"):
        one.fit()
    monkeypatch.undo()
    kept = load_checkpoint(one.last_checkpoint)
    assert kept["position"]["epoch"] == 1
    assert [file.name for file in (tmp_path / "checkpoints").iterdir()] == ["last.pt"]
    assert trainer(tmp_path).fit(resume=True).history[0]["epoch"] == 1


def test_random_states_come_back(tmp_path: Path) -> None:
    def draw() -> list[float]:
        return [random.random(), float(np.random.rand()), float(torch.rand(())), random.gauss(0, 1)]  # noqa: NPY002

    draw()
    save_checkpoint(tmp_path / "c.pt", {"random": get_random_states()})
    first = draw()
    draw()
    restore_random_states(load_checkpoint(tmp_path / "c.pt")["random"])
    assert draw() == first


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 half"])
def test_damaged_checkpoint(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "last.pt").write_bytes(content)
    with pytest.raises(ModelError, match=r"last\.pt' cannot be read") as caught:
        trainer(tmp_path).fit(resume=True)
    assert "--overwrite" in caught.value.hint and "\n" not in caught.value.message


class _Trap:
    """An object whose pickle writes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.path, "code ran")


def test_a_checkpoint_that_runs_code_is_refused(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    torch.save({"step": 0, "network": _Trap(tmp_path / "ran")}, tmp_path / "checkpoints" / "last.pt")
    with pytest.raises(ModelError, match=r"last\.pt' cannot be read"):
        trainer(tmp_path).fit(resume=True)
    assert not (tmp_path / "ran").exists()


# --- order and batches -----------------------------------------------------------------------------------------------


def pictures(weights: list[float]) -> PictureSet:
    n = len(weights)
    return PictureSet(
        pictures=np.zeros((n, 1, 1, 3), dtype=np.uint8), targets=np.zeros(n, dtype=np.int64), weights=np.array(weights)
    )


@settings(max_examples=50, deadline=None)
@given(
    weights=st.lists(st.floats(0.01, 5), min_size=1, max_size=20),
    seed=st.integers(0, 2**31),
    epoch=st.integers(0, 99),
)
def test_order_of_an_epoch(weights: list[float], seed: int, epoch: int) -> None:
    order = draw_epoch_order(pictures(weights), seed, epoch)
    times = np.bincount(order, minlength=len(weights))
    assert (np.floor(weights) <= times).all() and (times <= np.ceil(weights)).all()
    assert (order == draw_epoch_order(pictures(weights), seed, epoch)).all()


def test_weights_hold_on_average_and_epochs_differ() -> None:
    weights = [1.0, 0.25, 2.5, 3.0] * 25
    every = [draw_epoch_order(pictures(weights), 0, epoch) for epoch in range(200)]
    mean = np.mean([np.bincount(order, minlength=100) for order in every], axis=0).reshape(25, 4).mean(axis=0)
    assert mean == pytest.approx(weights[:4], abs=0.03)
    assert not np.array_equal(every[0], every[1])


def test_an_image_is_changed_by_seed_epoch_and_item_only(tmp_path: Path) -> None:
    """Whatever the batch size, so whichever worker makes it and whenever a run is resumed."""

    def seen(size: int) -> dict[tuple[int, int], torch.Tensor]:
        task = make_task(batch_size=size)
        found: dict[tuple[int, int], torch.Tensor] = {}

        def look(weight: torch.Tensor, batch: Batch) -> torch.Tensor:
            order = draw_epoch_order(task.train, task.options.seed, batch.epoch)[batch.step * size :]
            for item, image, target in zip(order, batch.images, batch.targets, strict=False):
                found[batch.epoch, int(item)] = image
                assert int(target) == task.train.targets[item]
            return weight.square().sum()

        Trainer(task, [Scripted(task, [1, 2], loss=look)], tmp_path / str(size)).fit()
        return found

    threes, sevens = seen(3), seen(7)
    assert threes.keys() == sevens.keys() and len(threes) == 2 * 10
    assert all(torch.allclose(image, sevens[key], atol=1e-6) for key, image in threes.items())
    assert not torch.allclose(threes[0, 1], threes[1, 1], atol=1e-3)


def test_progress_is_told_every_step(tmp_path: Path) -> None:
    class Heard(Silent):
        steps = 0
        lines: list[str]

        def __init__(self) -> None:
            self.lines = []

        def advance(self, n: int = 1, note: str = "") -> None:
            self.steps += bool(note)

        def say(self, message: str) -> None:
            self.lines.append(message)

    heard = Heard()
    trainer(tmp_path, progress=heard).fit()
    assert heard.steps == STEPS
    assert [line.partition("  ")[0] for line in heard.lines[:-1]] == [
        "shared encoder, 1 of 2: epoch 1/4", "shared encoder, 1 of 2: epoch 2/4",
        "three encoders, 2 of 2: epoch 3/4", "three encoders, 2 of 2: epoch 4/4",
    ]  # fmt: skip


@pytest.mark.slow
def test_convolutions_train_in_the_fast_layout_with_the_same_result(tmp_path: Path) -> None:
    fast, plain = trainer(tmp_path / "fast"), trainer(tmp_path / "plain")
    plain.stages.to(memory_format=torch.contiguous_format)
    for one, layout in ((fast, torch.channels_last), (plain, torch.contiguous_format)):
        one.fit()
        weight = one.task.backbone.image_tower.convolve.weight
        assert weight.is_contiguous(memory_format=layout)
    found, expected = history(tmp_path / "fast"), history(tmp_path / "plain")
    assert len(found) == len(expected) == 4
    for k, (row, wanted) in enumerate(zip(found, expected, strict=True)):  # steps of Adam enlarge what was rounded
        assert float(row["loss"]) == pytest.approx(float(wanted["loss"]), rel=1e-2 if k else 1e-4)
