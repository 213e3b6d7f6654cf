"""The methods: what each trains, what it leaves alone, and that it learns."""

from __future__ import annotations

import csv
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.training_helpers import DIM, CallAtStep, TinyBackbone, make_task
from torch import nn

from galaxtool.backbones.abilities import find_classifier, group_by_block
from galaxtool.backbones.create import create_backbone
from galaxtool.errors import ConfigError, DependencyMissing, TrainingError
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.finetuning.settings import make_train_options, parse_method_options
from galaxtool.methods.feature_cache import compute_digest, load_or_compute_features, remove_oldest
from galaxtool.methods.linear_probe import fold_standardization
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import MethodSpec
from galaxtool.training.checkpoint import load_checkpoint
from galaxtool.training.optimizer import make_optimizer
from galaxtool.training.stage import Stage, embed_pictures
from galaxtool.training.task import Batch, PictureSet, Task
from galaxtool.training.trainer import Trainer

METHODS = (
    "galaxalign", "galaxalign-v1", "galaxalign-v2", "galaxalign-v3", "clip", "supervised", "linear-probe", "shallow",
    "deep", "lora",
)  # fmt: skip
ONE_STAGE = tuple(name for name in METHODS if name != "galaxalign")


class Blocks(TinyBackbone):
    """Says that its blocks are the convolution, the BatchNorm and the projection."""

    def blocks(self) -> list[list[nn.Parameter]]:
        tower = self.image_tower
        return [list(part.parameters()) for part in (tower.convolve, tower.norm, tower.project)]


class AttentionTower(nn.Module):
    """Patches, one attention as CLIP's transformers have it, and a projection."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, stride=4)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.project = nn.Linear(8, DIM)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.patches(images).flatten(2).transpose(1, 2)
        x = x + self.attention(x, x, x, need_weights=False)[0]
        return self.project(x.mean(dim=1))


class Attention(TinyBackbone):
    def __init__(self) -> None:
        super().__init__()
        self.image_tower = AttentionTower()  # type: ignore[assignment]


def spec_of(method: str) -> MethodSpec:
    spec = get_registry().methods.find(method).spec
    assert isinstance(spec, MethodSpec)
    return spec


def task_for(method: str, *given: str, backbone: Callable[[], nn.Module] = Blocks, **options: Any) -> Task:
    """Make a task whose classes are colours, with a method's own settings as the command line gives them."""
    task = make_task(items=24, method=parse_method_options(spec_of(method), given), **options)
    torch.manual_seed(4)
    symbols = torch.from_numpy(coloured(3, seed=2).pictures[:, None])
    return replace(task, backbone=backbone(), train=coloured(24, seed=0), valid=coloured(9, seed=1), symbols=symbols)


def coloured(n: int, seed: int) -> PictureSet:
    targets = np.arange(n) % 3
    pictures = np.random.default_rng(seed).integers(0, 80, (n, 8, 8, 3), dtype=np.uint8)
    pictures[np.arange(n), :, :, targets] += 150
    return PictureSet(pictures=pictures, targets=targets, weights=np.ones(n))


def stages_of(method: str, task: Task) -> list[Stage]:
    if method == "lora":
        pytest.importorskip("peft")
    registry = get_registry()
    made: list[Stage] = registry.methods.find(method).create(task)
    return made


def stage_of(method: str, task: Task) -> Any:
    (stage,) = stages_of(method, task)
    return stage


def batch_of(stage: Stage, task: Task, items: list[int]) -> Batch:
    rows = np.array(items)
    targets = torch.from_numpy(task.train.targets[rows])
    return Batch(
        images=stage.inputs(task, rows, 0), targets=targets, items=torch.from_numpy(rows),
        counts=torch.bincount(targets, minlength=3).float(), epoch=0, step=0,
    )  # fmt: skip


def copied(module: nn.Module) -> dict[str, torch.Tensor]:
    return {key: value.detach().clone() for key, value in module.state_dict().items()}


def changed(module: nn.Module, before: dict[str, torch.Tensor]) -> set[str]:
    now = module.state_dict()
    assert now.keys() == before.keys()
    return {key for key, value in now.items() if not torch.equal(value, before[key])}


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "history.csv").open() as stream:
        return [
            {key: value for key, value in row.items() if key not in ("images_per_s", "seconds")}
            for row in csv.DictReader(stream)
        ]


# --- every method ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_every_method_learns_colours(method: str, tmp_path: Path) -> None:
    given = ["blocks=1"] if method == "shallow" else []
    task = task_for(method, *given, lr=0.05, epochs=8, warmup_epochs=8, batch_size=8)
    keys = set(task.backbone.state_dict())
    outcome = Trainer(task, stages_of(method, task), tmp_path).fit()
    assert outcome.best["valid_accuracy"] == 1.0
    assert set(task.backbone.state_dict()) == keys and all(p.requires_grad for p in task.backbone.parameters())
    with torch.inference_mode():
        logits = outcome.head(embed_pictures(task, task.valid))
    assert (logits.argmax(dim=1).numpy() == task.valid.targets).all()
    found = task.objective.validate(logits, task.valid.targets)
    assert found["valid_loss"] == pytest.approx(outcome.best["valid_loss"], abs=2e-5)


@pytest.mark.parametrize(
    ("method", "backbone"),
    [
        ("galaxalign-v2", Blocks), ("linear-probe", Blocks), ("shallow", Blocks), ("deep", Blocks), ("lora", Blocks),
        ("lora", Attention),
    ],
)  # fmt: skip
def test_interrupted_and_resumed_is_as_never_stopped(method: str, backbone: Any, tmp_path: Path) -> None:
    def run(folder: Path, step: int = 0, resume: bool = False) -> tuple[Task, Any]:
        task = task_for(method, backbone=backbone, lr=0.01, batch_size=8, ema=0.5, accumulate=2)
        progress = CallAtStep(step, lambda: signal.raise_signal(signal.SIGINT)) if step else None
        return task, Trainer(task, stages_of(method, task), folder, progress).fit(resume=resume)

    whole, outcome = run(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "stopped", step=4)
    torch.manual_seed(77)
    resumed, again = run(tmp_path / "stopped", resume=True)
    assert not changed(resumed.backbone, copied(whole.backbone))
    assert not changed(again.head, copied(outcome.head))
    assert rows_of(tmp_path / "stopped") == rows_of(tmp_path / "whole")


def test_every_method_is_registered_with_what_it_needs() -> None:
    for method in METHODS:
        spec = spec_of(method)
        aligned = method.startswith("galaxalign")
        assert spec.needs == (("labels", "text", "symbols") if aligned else ("labels", *["text"] * (method == "clip")))
        expected = ("prompt", ()) if aligned or method == "clip" else ("linear", ("class", "votes", "values"))
        assert (spec.head, spec.label_kinds) == expected
        assert (spec.citation is None) == (method == "supervised")


@pytest.mark.parametrize("method", ["supervised", "linear-probe", "shallow", "deep", "lora"])
def test_classes_weigh_as_the_objective_says(method: str) -> None:
    """And a batch's loss is the mean of its items' own."""
    losses = {}
    for weighting in ("none", "inverse"):
        task = task_for(method, class_weights=weighting)
        targets = task.train.targets.copy()
        targets[targets == 2] = 1  # eight of class 0, sixteen of 1
        targets[5] = 2
        train = replace(task.train, targets=targets)
        objective = type(task.objective)(taxonomy=task.taxonomy, options=task.options, targets=targets)
        task = replace(task, train=train, objective=objective)
        stage = stage_of(method, task).eval()
        losses[weighting] = float(stage.loss(batch_of(stage, task, [0, 1])).detach())
        each = [float(stage.loss(batch_of(stage, task, [i])).detach()) for i in (0, 1)]
        assert losses[weighting] == pytest.approx(sum(each) / 2, rel=1e-5)
        if weighting == "none":
            plain = each
    assert losses["inverse"] == pytest.approx((plain[0] * 24 / (3 * 8) + plain[1] * 24 / (3 * 15)) / 2, rel=1e-5)


@pytest.mark.parametrize("method", [name for name in METHODS if name not in ("linear-probe", "shallow")])
def test_layer_decay_changes_what_a_method_trains(method: str, tmp_path: Path) -> None:
    task = task_for(method, layer_decay=0.5)
    stages = stages_of(method, task)
    Trainer(task, stages, tmp_path)
    groups = [group for stage in stages for group in make_optimizer(stage, task.backbone, task.options).param_groups]
    assert len({group["scale"] for group in groups}) > 1


# --- GalaxAlign's variants -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "like", "epochs"), [("galaxalign-v1", 0, 2), ("galaxalign-v2", 1, 5), ("galaxalign-v3", 0, 5)]
)
def test_a_variant_is_one_of_the_stages(method: str, like: int, epochs: int) -> None:
    task = task_for(method, epochs=5, warmup_epochs=2)
    stage, whole = stage_of(method, task), stages_of("galaxalign", task)[like]
    assert stage.epochs == epochs and type(stage) is type(whole) and stage.name == whole.name
    for one in (stage, whole):
        one.begin()
        one.eval()
    batch = batch_of(stage, task, [0, 1, 2, 3, 6])
    assert torch.equal(stage.loss(batch).total, whole.loss(batch).total)
    assert float(stage.log_scale.detach()) == pytest.approx(np.log(1 / 0.07))


def test_v2_begins_with_a_copy_of_the_image_encoder_as_it_is() -> None:
    task = task_for("galaxalign-v2")
    stage = stage_of("galaxalign-v2", task)
    stage.begin()
    assert not changed(stage.symbol_tower(), copied(task.backbone.image_tower))
    assert stage.symbol_tower() is not task.backbone.image_tower


def test_v1_without_a_warm_up() -> None:
    with pytest.raises(TrainingError, match="--warmup-epochs is 0") as caught:
        stages_of("galaxalign-v1", task_for("galaxalign-v1", warmup_epochs=0))
    assert "galaxalign-v3" in caught.value.hint


@pytest.mark.parametrize(
    ("given", "wanted"), [({}, 11), ({"epochs": 3}, 3), ({"epochs": 30}, 30), ({"warmup_epochs": 4}, 4),
                          ({"epochs": 30, "warmup_epochs": 4}, 4)]
)  # fmt: skip
def test_how_long_v1_is(given: dict[str, Any], wanted: int) -> None:
    options = make_train_options(FinetuneConfig(**given), spec_of("galaxalign-v1"), lr=0.1, precision="fp32")
    assert options.warmup_epochs == wanted


@pytest.mark.parametrize("method", [name for name in METHODS if name.startswith("galaxalign")])
def test_symbols_are_missed_by_name(method: str) -> None:
    with pytest.raises(TrainingError, match="symbol for every class") as caught:
        stages_of(method, replace(task_for(method), symbols=None))
    assert "--symbols DIR" in caught.value.hint


# --- linear probe ----------------------------------------------------------------------------------------------------


class Counting(Blocks):
    """Counts the images it embeds."""

    def __init__(self) -> None:
        super().__init__()
        self.embedded = 0

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        self.embedded += len(images)
        return super().embed(images)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GALAXTOOL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "features"


def test_probe_embeds_each_picture_once_ever(cache: Path, tmp_path: Path) -> None:
    embedded = []
    for run in ("first", "second"):
        task = task_for("linear-probe", backbone=Counting, epochs=3, lr=0.1)
        before = copied(task.backbone)
        Trainer(task, stages_of("linear-probe", task), tmp_path / run).fit()
        assert not changed(task.backbone, before)
        embedded.append(task.backbone.embedded)
    assert embedded == [24 + 9, 0] and len(list(cache.iterdir())) == 2
    assert rows_of(tmp_path / "first") == rows_of(tmp_path / "second")
    held = load_checkpoint(tmp_path / "first" / "checkpoints" / "last.pt")["modules"]
    assert {key.partition(".")[2] for key in held} == {"head.weight", "head.bias", "centre", "spread"}


def test_kept_features_are_those_of_the_backbone(cache: Path) -> None:
    task = task_for("linear-probe")
    for _ in range(2):
        found = load_or_compute_features(task, task.train)
        assert not found.is_inference()  # autograd could not keep it
        torch.testing.assert_close(found, embed_pictures(task, task.train).clone(), rtol=0, atol=0)


@pytest.mark.parametrize("content", [b"", b"not features", b"\x08\0\0\0\0\0\0\0{}      "], ids=str)
def test_damaged_features_are_computed_again(content: bytes, cache: Path) -> None:
    task = task_for("linear-probe")
    wanted = load_or_compute_features(task, task.train)
    (file,) = cache.iterdir()
    whole = file.read_bytes()
    file.write_bytes(content)
    assert torch.equal(load_or_compute_features(task, task.train), wanted) and file.read_bytes() == whole


def sized_files(folder: Path, n: int) -> list[Path]:
    """Make files of 100 bytes, each used a second after the one before."""
    folder.mkdir(parents=True)
    files = [folder / f"{i:03d}.safetensors" for i in range(n)]
    for i, file in enumerate(files):
        file.write_bytes(bytes(100))
        os.utime(file, (1e9 + i, 1e9 + i))
    return files


def test_features_longest_unused_are_removed(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = task_for("linear-probe")
    wanted = load_or_compute_features(task, task.train)
    (own,) = cache.iterdir()
    monkeypatch.setattr("galaxtool.methods.feature_cache.MAX_CACHE_BYTES", 2 * own.stat().st_size)
    os.utime(own, (1e9, 1e9))
    load_or_compute_features(task, replace(task.train, pictures=task.train.pictures[:, ::-1].copy()))
    assert len(list(cache.iterdir())) == 2
    assert torch.equal(load_or_compute_features(task, task.train), wanted)  # which counts as used now
    (newer,) = (file for file in cache.iterdir() if file != own)
    os.utime(newer, (1e9, 1e9))
    load_or_compute_features(task, replace(task.train, pictures=255 - task.train.pictures))
    assert own.exists() and not newer.exists() and len(list(cache.iterdir())) == 2


def test_features_larger_than_all_that_is_kept_are_not_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("galaxtool.methods.feature_cache.MAX_CACHE_BYTES", 100)
    (kept,) = sized_files(cache, 1)
    task = task_for("linear-probe")
    assert load_or_compute_features(task, task.train).shape == (24, DIM) and list(cache.iterdir()) == [kept]


def test_what_is_being_written_is_left_alone(tmp_path: Path) -> None:
    sized_files(tmp_path / "features", 2)
    now, abandoned = (tmp_path / "features" / f".unfinished-{name}.safetensors" for name in ("now", "abandoned"))
    for file in (now, abandoned):
        file.write_bytes(bytes(10))
    os.utime(abandoned, (1e9, 1e9))
    remove_oldest(tmp_path / "features", 0)
    assert list((tmp_path / "features").iterdir()) == [now]


def test_several_remove_at_once(tmp_path: Path) -> None:
    files = sized_files(tmp_path / "features", 200)
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(remove_oldest, tmp_path / "features", 5050) for _ in range(16)]:
            done.result()
    assert sorted((tmp_path / "features").iterdir()) == files[150:]


def test_features_that_cannot_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("GALAXTOOL_CACHE", str(tmp_path / "file"))
    task = task_for("linear-probe")
    assert torch.equal(load_or_compute_features(task, task.train), embed_pictures(task, task.train).clone())


def test_whatever_decides_the_features_names_them() -> None:
    task = task_for("linear-probe")
    other, text = task_for("linear-probe"), task_for("linear-probe")
    with torch.no_grad():
        other.backbone.image_tower.norm.running_mean[0] += 1e-6
        text.backbone.words.weight += 1
    digest = compute_digest(task, task.train)
    different = [
        compute_digest(task, task.valid),
        compute_digest(other, task.train),
        compute_digest(replace(task, preprocess=replace(task.preprocess, crop=0.5)), task.train),
    ]
    assert len({digest, *different}) == 4
    flipped = replace(task.train, targets=task.train.targets[::-1].copy())
    assert compute_digest(text, flipped) == digest == compute_digest(task_for("linear-probe"), task.train)
    # features are in fp32 whatever the precision of the steps
    lower = task_for("linear-probe", precision="bf16")
    assert compute_digest(lower, lower.train) == digest


def test_probe_standardises_by_the_training_split() -> None:
    task = task_for("linear-probe")
    stage = stage_of("linear-probe", task)
    stage.begin()
    rows = np.arange(24)
    inputs = stage.inputs(task, rows, 0).double()
    torch.testing.assert_close(inputs.mean(dim=0), torch.zeros(DIM, dtype=torch.float64), rtol=0, atol=1e-5)
    torch.testing.assert_close(inputs.std(dim=0, correction=0), torch.ones(DIM, dtype=torch.float64), rtol=1e-5, atol=0)
    head = stage.make_head()
    assert type(head) is nn.Linear
    raw = stage.features(task, task.train).clone()
    torch.testing.assert_close(head(raw), stage.head(inputs.float()), rtol=1e-4, atol=1e-4)


def test_probe_of_features_that_do_not_vary() -> None:
    task = task_for("linear-probe", backbone=Blocks)
    with torch.no_grad():
        task.backbone.image_tower.project.weight.zero_()
    stage = stage_of("linear-probe", task)
    stage.begin()
    assert torch.isfinite(stage.inputs(task, np.arange(4), 0)).all() and (stage.spread == 1).all()
    one = task_for("linear-probe")
    with torch.no_grad():
        one.backbone.image_tower.project.weight[2] = 0
    stage = stage_of("linear-probe", one)
    stage.begin()
    assert stage.inputs(one, np.arange(24), 0)[:, 2].abs().max() < 1e-2


def test_probe_of_plain_features() -> None:
    task = task_for("linear-probe", "standardise=no")
    stage = stage_of("linear-probe", task)
    stage.begin()
    torch.testing.assert_close(
        stage.inputs(task, np.arange(24), 0), stage.features(task, task.train), atol=1e-5, rtol=1e-4
    )
    assert stage.make_head() is stage.head


def test_standardising_goes_into_the_first_layer_of_any_head() -> None:
    torch.manual_seed(0)
    head = nn.Sequential(nn.Linear(DIM, 4), nn.ReLU(), nn.Linear(4, 3))
    centre, spread, x = 3 * torch.randn(DIM), torch.rand(DIM) + 0.1, 5 * torch.randn(7, DIM)
    folded = fold_standardization(head, centre, spread)
    torch.testing.assert_close(folded(x), head((x - centre) / spread), rtol=1e-4, atol=1e-4)


def test_a_head_that_cannot_take_the_standardising(monkeypatch: pytest.MonkeyPatch) -> None:
    class Cosine(nn.Linear):
        def forward(self, features: torch.Tensor) -> torch.Tensor:
            return super().forward(nn.functional.normalize(features, dim=-1))

    monkeypatch.setattr(Task, "make_head", lambda self: Cosine(DIM, 3))
    with pytest.raises(ConfigError, match="does not begin with a linear layer") as caught:
        stages_of("linear-probe", task_for("linear-probe"))
    assert "standardise=false" in caught.value.hint
    assert stages_of("linear-probe", task_for("linear-probe", "standardise=false"))


# --- part of the layers ----------------------------------------------------------------------------------------------

CONVOLVE, NORM, PROJECT = (
    {f"image_tower.{layer}.{name}" for name in ("weight", "bias")} for layer in ("convolve", "norm", "project")
)
STATISTICS = {f"image_tower.norm.{name}" for name in ("running_mean", "running_var", "num_batches_tracked")}


@pytest.mark.parametrize(
    ("method", "given", "trained"),
    [
        ("shallow", [], PROJECT),
        ("shallow", ["blocks=0"], set()),
        ("shallow", ["blocks=2"], PROJECT | NORM | STATISTICS),
        ("shallow", ["blocks=3"], PROJECT | NORM | STATISTICS | CONVOLVE),
        ("deep", [], PROJECT | NORM | STATISTICS),
        ("deep", ["frozen=2"], PROJECT),
        ("deep", ["frozen=0"], PROJECT | NORM | STATISTICS | CONVOLVE),
    ],
)
def test_only_these_blocks_are_trained(method: str, given: list[str], trained: set[str], tmp_path: Path) -> None:
    task = task_for(method, *given, lr=0.05)
    before = copied(task.backbone)
    outcome = Trainer(task, stages_of(method, task), tmp_path).fit()
    assert changed(task.backbone, before) == trained
    assert len(outcome.history) == 2 and outcome.history[1]["loss"] < outcome.history[0]["loss"]


def test_frozen_blocks_are_in_evaluation_mode() -> None:
    stage = stage_of("deep", task_for("deep", "frozen=2")).train()
    tower = stage.tower
    assert not tower.convolve.training and not tower.norm.training
    assert tower.training and tower.project.training and stage.head.training
    assert not any(module.training for module in stage.eval().modules())


def test_deep_tuning_of_reset_layers() -> None:
    task, plain = task_for("deep", "reset=yes"), task_for("deep")
    before = copied(task.backbone)
    assert not changed(plain.backbone, before)
    with torch.no_grad():
        task.backbone.image_tower.norm.weight.fill_(3.0)
        task.backbone.image_tower.norm.running_mean.fill_(5.0)
    stages_of("deep", task)
    assert changed(task.backbone, before) == PROJECT  # the norm begins as a new one does
    stages_of("deep", plain)
    assert not changed(plain.backbone, before)


CONVOLUTIONS = [1_792, 73_856, 295_168, 590_080, 1_180_160, 2_359_808, 2_359_808, 2_359_808]
CONNECTED = 512 * 7 * 7 * 4096 + 4096 + 4096 * 4096 + 4096
NARROW, NARROW_CONNECTED = [896, *[9_248] * 7], 32 * 7 * 7 * 4096 + 4096 + 4096 * 4096 + 4096


@pytest.mark.parametrize(
    ("backbone", "method", "given", "trained", "is_new"),
    [
        # Alberghi et al. 2024: "only the classifier head is reinitialized and trained", which has three layers
        ("vgg11", "shallow", [], CONNECTED, True),
        ("vgg11", "shallow", ["reset=false"], CONNECTED, False),
        ("vgg11", "shallow", ["blocks=0"], 0, False),
        ("vgg11", "shallow", ["blocks=2"], CONNECTED + CONVOLUTIONS[-1], True),
        ("vgg11", "deep", [], CONNECTED + sum(CONVOLUTIONS[1:]), False),
        ("vgg11", "deep", ["frozen=3", "reset=true"], CONNECTED + sum(CONVOLUTIONS[3:]), True),
        ("timm:vgg11", "shallow", [], CONNECTED, True),
        ("vgg11-32", "shallow", [], NARROW_CONNECTED, True),
        ("vgg11-32", "deep", [], NARROW_CONNECTED + sum(NARROW[1:]), False),
        ("small-cnn", "shallow", [], 32 * 7 * 7 * 256 + 256 + 2 * 256, True),
        ("torchvision:alexnet", "shallow", [], 256 * 6 * 6 * 4096 + 4096 + 4096 * 4096 + 4096, True),
    ],
)
def test_layers_of_a_classic_network_that_train(
    backbone: str, method: str, given: list[str], trained: int, is_new: bool
) -> None:
    """The layers have no memory and no values, so that networks of 500 MB can be tested."""
    with torch.device("meta"):
        network = create_backbone(f"{backbone}@none")
    classifier = find_classifier(network)
    assert classifier is not None
    connected = [module for module in classifier.modules() if isinstance(module, (nn.Linear, nn.Conv2d))]
    drawn: list[nn.Module] = []
    for module in connected:
        module.reset_parameters = lambda module=module: drawn.append(module)  # type: ignore[method-assign, misc]
    task = replace(task_for(method, *given), backbone=network, device=torch.device("meta"))
    stage = stage_of(method, task)
    assert sum(p.numel() for p in network.image_tower.parameters() if p.requires_grad) == trained
    assert sum(p.numel() for p in stage.trainable()) == trained + (network.dim + 1) * 3
    assert drawn == (connected if is_new else [])


def test_another_value_of_reset() -> None:
    with pytest.raises(ConfigError, match="--option reset=perhaps: it must be one of auto, true, false"):
        task_for("shallow", "reset=perhaps")
    before = copied((task := task_for("shallow")).backbone)
    stages_of("shallow", task)
    assert not changed(task.backbone, before)
    task = task_for("shallow", "reset=True")
    stages_of("shallow", task)
    assert changed(task.backbone, before) == PROJECT


@pytest.mark.parametrize(
    ("method", "given", "wanted"),
    [("shallow", "blocks=4", "0 to 3"), ("shallow", "blocks=-1", "0 to 3"), ("deep", "frozen=3", "0 to 2")],
)
def test_more_blocks_than_there_are(method: str, given: str, wanted: str) -> None:
    with pytest.raises(ConfigError, match=f"--option {given}: with the backbone 'Blocks' it must be {wanted}"):
        stages_of(method, task_for(method, given))


def test_a_backbone_that_does_not_say_its_blocks() -> None:
    assert stages_of("shallow", task_for("shallow", "blocks=0", backbone=TinyBackbone))
    for method in ("shallow", "deep"):
        with pytest.raises(ConfigError, match="does not define its blocks"):
            stages_of(method, task_for(method, backbone=TinyBackbone))


# --- LoRA ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backbone", [Blocks, Attention])
def test_lora_trains_adapters_and_head_only_and_merges_them(backbone: Callable[[], nn.Module], tmp_path: Path) -> None:
    task = task_for("lora", "rank=2", "dropout=0.1", backbone=backbone, lr=0.05, ema=0.3)
    before, embedded = copied(task.backbone), embed_pictures(task, task.valid)
    stage = stage_of("lora", task)
    torch.testing.assert_close(embed_pictures(task, task.valid), embedded)  # B is zero
    learning = {name for name, p in stage.named_parameters() if p.requires_grad}
    assert all("lora_" in name or name.startswith("head.") for name in learning)
    assert sum(p.numel() for p in stage.trainable()) == sum(
        p.numel() for n, p in stage.named_parameters() if n in learning
    )
    finish, kept = stage.finish, []

    def looked_at() -> None:
        kept.append(embed_pictures(task, task.valid))
        finish()

    stage.finish = looked_at
    Trainer(task, [stage], tmp_path).fit()
    torch.testing.assert_close(embed_pictures(task, task.valid), kept[0], rtol=1e-5, atol=1e-5)
    assert not torch.allclose(kept[0], embedded, atol=1e-3)
    assert all(type(p) is nn.Parameter and p.requires_grad for p in task.backbone.parameters())
    matrices = {key for key, value in before.items() if value.ndim > 1 and key.startswith("image_tower")}
    left = {"image_tower.attention.out_proj.weight"}  # by the adapters of PyTorch's attention
    assert changed(task.backbone, before) == matrices - left
    again = backbone()
    again.load_state_dict(task.backbone.state_dict())  # what a model directory does
    stage.finish()
    torch.testing.assert_close(embed_pictures(task, task.valid), kept[0], rtol=1e-5, atol=1e-5)


def test_lora_keeps_the_running_statistics() -> None:
    task = task_for("lora")
    stage = stage_of("lora", task).train()
    before = copied(task.backbone.image_tower.norm)
    stage.loss(batch_of(stage, task, [0, 1, 2])).backward()
    assert not changed(task.backbone.image_tower.norm, before)


def test_lora_learns_by_blocks(tmp_path: Path) -> None:
    task = task_for("lora", lr=0.05, layer_decay=0.5)
    stages = stages_of("lora", task)
    assert len(group_by_block(task.backbone)) == 3
    outcome = Trainer(task, stages, tmp_path).fit()
    assert outcome.history[1]["loss"] < outcome.history[0]["loss"]


@pytest.mark.parametrize("given", ["rank=0", "alpha=0", "dropout=1"])
def test_lora_settings_that_cannot_be_meant(given: str) -> None:
    with pytest.raises(ConfigError, match="LoRA cannot have"):
        stages_of("lora", task_for("lora", given))


def test_lora_without_peft(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    registry = get_registry()
    with pytest.raises(DependencyMissing, match="peft") as caught:
        registry.methods.find("lora").create(task_for("lora"))
    assert "galaxtool[lora]" in caught.value.hint
