"""The losses of GalaxAlign against their formulas written out as N x N loops, in float64."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.training_helpers import DIM, SIZE, Tower, make_smooth_task, make_task

from galaxtool.methods.clip import stages as clip_stages
from galaxtool.methods.galaxalign import stages as galaxalign_stages
from galaxtool.methods.losses import classes_to_classes_loss, contrastive_losses, items_to_classes_loss, normalize_rows
from galaxtool.training.domain_norm import DomainStatistics
from galaxtool.training.options import TrainOptions
from galaxtool.training.task import Batch, Task
from galaxtool.vision.augment import standardize
from galaxtool.vision.device import autocast

CONTRASTS = ("instance", "class")


def log_softmax(row: list[torch.Tensor], own: int) -> torch.Tensor:
    """Return log(exp(row[own]) / sum_j exp(row[j])), as printed."""
    largest = max(float(s.detach()) for s in row)
    total = sum((s - largest).exp() for s in row)
    return row[own] - largest - torch.as_tensor(total).log()


def cosine(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a * b).sum() / (a.square().sum().sqrt() * b.square().sum().sqrt())


def pair_loss(
    a: list[torch.Tensor], b: list[torch.Tensor], every_b: list[torch.Tensor], targets: list[int],
    scale: torch.Tensor, contrast: str, weights: list[float] | None = None,
) -> torch.Tensor:  # fmt: skip
    """Return -1/N sum_i w_i log softmax_j(sim(a_i, b_j) / tau)[i], w_i = 1 where not given.

    `a` and `b` have one entry an item. j runs over the items of the batch (instance), or over all K classes, each once,
    whether in the batch or not (class): `every_b`.
    """
    total = torch.zeros((), dtype=torch.float64)
    for i, target in enumerate(targets):
        if contrast == "instance":
            each = log_softmax([scale * cosine(a[i], b_j) for b_j in b], i)
        else:
            each = log_softmax([scale * cosine(a[i], b_k) for b_k in every_b], target)
        total = total + (weights[i] if weights else 1.0) * each
    return -total / len(targets)


def written_out(
    stage: int, images: list[torch.Tensor], symbols: list[torch.Tensor], prompts: list[torch.Tensor],
    every_symbol: list[torch.Tensor], every_prompt: list[torch.Tensor], targets: list[int], scale: torch.Tensor,
    contrast: str, weights: list[float] | None = None,
) -> torch.Tensor:  # fmt: skip
    """Return L1 or L2; images, symbols and prompts have one entry an item."""
    image_prompt = pair_loss(images, prompts, every_prompt, targets, scale, contrast, weights)
    symbol_prompt = pair_loss(symbols, prompts, every_prompt, targets, scale, contrast, weights)
    if stage == 1:
        return 0.5 * (image_prompt + symbol_prompt)
    return image_prompt + pair_loss(images, symbols, every_symbol, targets, scale, contrast, weights) + symbol_prompt


def short(
    stage: int, images: torch.Tensor, symbols: torch.Tensor, prompts: torch.Tensor, targets: torch.Tensor,
    scale: torch.Tensor, contrast: str, *, counts: torch.Tensor | None = None, weights: torch.Tensor | None = None,
) -> torch.Tensor:  # fmt: skip
    """Return the same by what the stages are made of, from embeddings that are not yet of unit length.

    `counts` are by default those of the targets: of a batch in one part.
    """
    images, symbols, prompts = normalize_rows(images), normalize_rows(symbols), normalize_rows(prompts)
    if contrast == "class":
        counts = None
    elif counts is None:
        counts = torch.bincount(targets, minlength=len(prompts)).float()
    image_prompt = items_to_classes_loss(images, prompts, targets, scale, counts, weights)
    symbol_prompt = classes_to_classes_loss(symbols, prompts, targets, scale, counts, weights)
    if stage == 1:
        return 0.5 * (image_prompt + symbol_prompt)
    return image_prompt + items_to_classes_loss(images, symbols, targets, scale, counts, weights) + symbol_prompt


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[int], int, int]:
    """Return targets, the number of classes, and a seed: with classes lacking, each once, or one only."""
    k = draw(st.integers(1, 5))
    targets = draw(
        st.one_of(
            st.lists(st.integers(0, k - 1), min_size=1, max_size=7),
            st.permutations(range(k)),
            st.integers(0, k - 1).flatmap(lambda one: st.lists(st.just(one), min_size=1, max_size=4)),
        )
    )
    return list(targets), k, draw(st.integers(0, 2**31))


@pytest.mark.parametrize("contrast", CONTRASTS)
@pytest.mark.parametrize("stage", [1, 2])
@settings(max_examples=25, deadline=None)
@example(drawn=([0, 1, 2], 3, 0))  # N == K, each class once: the two contrasts are the same
@example(drawn=([2, 2, 2], 4, 1))
@example(drawn=([0], 1, 2))
@given(drawn=batches())
def test_losses_equal_the_written_out_form(drawn: tuple[list[int], int, int], stage: int, contrast: str) -> None:
    targets, k, seed = drawn
    generator = torch.Generator().manual_seed(seed)

    def leaves() -> list[torch.Tensor]:
        generator.manual_seed(seed)
        shapes = ((len(targets), DIM), (k, DIM), (k, DIM))
        made = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
        made.append(torch.tensor(math.log(1 / 0.07), dtype=torch.float64))
        return [leaf.requires_grad_() for leaf in made]

    ours = leaves()
    value = short(stage, *ours[:3], torch.tensor(targets), ours[3].exp(), contrast)
    value.backward()

    theirs = leaves()
    x, symbols, prompts, log_scale = theirs
    wanted = written_out(
        stage, list(x), [symbols[t] for t in targets], [prompts[t] for t in targets], list(symbols), list(prompts),
        targets, log_scale.exp(), contrast,
    )  # fmt: skip
    wanted.backward()
    torch.testing.assert_close(value, wanted, rtol=1e-10, atol=1e-10)
    for name, mine, reference in zip(("image", "symbol", "prompt", "log-scale"), ours, theirs, strict=True):
        expected = torch.zeros_like(mine) if reference.grad is None else reference.grad
        assert mine.grad is not None or stage == 1
        torch.testing.assert_close(mine.grad, expected, rtol=1e-8, atol=1e-9, msg=lambda m, n=name: f"{n}: {m}")


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("contrast", CONTRASTS)
@pytest.mark.parametrize("stage", [1, 2])
@pytest.mark.parametrize("sizes", [(7,), (1, 6), (4, 2, 1), (1,) * 7], ids=str)
def test_a_batch_in_unequal_parts_is_the_whole_batch(
    sizes: tuple[int, ...], stage: int, contrast: str, weighted: bool
) -> None:
    """In value and gradient; a part may lack classes that others have, and a class may lack altogether."""
    k, targets = 5, torch.tensor([2, 0, 0, 4, 2, 2, 1])
    class_weights = torch.tensor([0.5, 1.5, 0.25, 2.0, 3.0], dtype=torch.float64)
    weights = class_weights[targets] if weighted else None

    def leaves() -> list[torch.Tensor]:
        generator = torch.Generator().manual_seed(5)
        made = [torch.randn(n, DIM, generator=generator, dtype=torch.float64) for n in (len(targets), k, k)]
        made.append(torch.tensor(math.log(1 / 0.07), dtype=torch.float64))
        return [leaf.requires_grad_() for leaf in made]

    theirs = leaves()
    wanted = written_out(
        stage, list(theirs[0]), list(theirs[1][targets]), list(theirs[2][targets]), list(theirs[1]), list(theirs[2]),
        targets.tolist(), theirs[3].exp(), contrast, weights.tolist() if weights is not None else None,
    )  # fmt: skip
    wanted.backward()
    ours = leaves()
    counts, total, first = torch.bincount(targets, minlength=k).float(), 0.0, 0
    for size in sizes:
        part = slice(first, first + size)
        x, symbols, prompts, log_scale = ours
        own = weights[part] if weights is not None else None
        loss = short(
            stage, x[part], symbols, prompts, targets[part], log_scale.exp(), contrast, counts=counts, weights=own
        )
        loss = loss * (size / len(targets))
        loss.backward()
        total, first = total + float(loss.detach()), first + size
    assert total == pytest.approx(float(wanted.detach()), rel=1e-10)
    for mine, reference in zip(ours, theirs, strict=True):
        expected = torch.zeros_like(mine) if reference.grad is None else reference.grad
        torch.testing.assert_close(mine.grad, expected, rtol=1e-8, atol=1e-9)


def test_the_contrasts_are_one_where_every_class_occurs_once() -> None:
    generator = torch.Generator().manual_seed(3)
    x, symbols, prompts = (torch.randn(4, DIM, generator=generator, dtype=torch.float64) for _ in range(3))
    targets, scale = torch.tensor([2, 0, 3, 1]), torch.tensor(10.0, dtype=torch.float64)
    instance, by_class = (short(2, x, symbols, prompts, targets, scale, contrast) for contrast in CONTRASTS)
    torch.testing.assert_close(instance, by_class)


def test_items_of_one_class_are_negatives_of_each_other_by_instance_only() -> None:
    rows = torch.zeros(1, 2, dtype=torch.float64)
    targets = torch.tensor([0])
    counts = torch.tensor([4.0, 0.0], dtype=torch.float64)
    assert float(contrastive_losses(rows, targets, counts)) == pytest.approx(math.log(4))
    assert float(contrastive_losses(rows, targets, None)) == pytest.approx(math.log(2))


def test_loss_under_autocast_keeps_the_similarities_in_full_precision() -> None:
    generator = torch.Generator().manual_seed(0)
    x, symbols, prompts = (torch.randn(n, 64, generator=generator) for n in (6, 3, 3))
    targets, scale = torch.tensor([0, 1, 2, 2, 1, 0]), torch.tensor(100.0)
    wanted = short(2, x, symbols, prompts, targets, scale, "instance")
    with autocast(torch.device("cpu"), "bf16"):
        found = short(2, x, symbols, prompts, targets, scale, "instance")
    torch.testing.assert_close(found, wanted)


# --- whole stages ----------------------------------------------------------------------------------------------------


def make_batch(targets: list[int], epoch: int = 2, step: int = 1) -> Batch:
    generator = torch.Generator().manual_seed(9)
    images = torch.randn(len(targets), 3, SIZE, SIZE, generator=generator, dtype=torch.float64)
    return Batch(
        images=images, targets=torch.tensor(targets), items=torch.arange(len(targets)),
        counts=torch.bincount(torch.tensor(targets), minlength=3).float(), epoch=epoch, step=step,
    )  # fmt: skip


def three_encoder_form(number: int, stage: Any, task: Task, batch: Batch) -> torch.Tensor:
    """Return the stage's loss with every item's symbol and prompt passed through its encoder by itself.

    The drawings of a class are the same for all its items, as in the stage. Both redraws of every class pass in one
    batch, which updates statistics of their own.
    """
    targets = batch.targets.tolist()
    every_prompt = [stage.backbone.embed_text([prompt])[0] for prompt in task.taxonomy.prompts]
    prompts = [stage.backbone.embed_text([task.taxonomy.prompts[t]])[0] for t in targets]
    tower = copy.deepcopy(stage.backbone.image_tower) if number == 1 else stage.symbols
    if number == 1:  # shared weights, other running statistics
        for own, shared in zip(tower.modules(), stage.backbone.image_tower.modules(), strict=True):
            own._parameters = shared._parameters
    images = list(stage.backbone.image_tower(batch.images))
    k = len(task.taxonomy)
    redrawn = task.augmentation.symbols(task.symbols, seed=3, epoch=batch.epoch, step=batch.step, copies=2)
    every = tower(standardize(redrawn, task.preprocess.mean, task.preprocess.std))
    if number == 1:
        stage.symbol_statistics = DomainStatistics(tower)
    total = torch.zeros((), dtype=torch.float64)
    for every_symbol in (list(every[:k]), list(every[k:])):
        total = total + written_out(
            number, images, [every_symbol[t] for t in targets], prompts, every_symbol, every_prompt, targets,
            stage.log_scale.double().exp(), task.options.contrast, weights_of(task, batch),
        )  # fmt: skip
    return total / 2


def weights_of(task: Task, batch: Batch) -> list[float] | None:
    found = task.objective.weights(batch.targets)
    return None if found is None else found.tolist()


@pytest.mark.parametrize("class_weights", ["none", "inverse"])
@pytest.mark.parametrize("targets", [[0, 1, 2], [1, 1, 0, 1, 0], [2, 2]], ids=str)
@pytest.mark.parametrize("contrast", CONTRASTS)
@pytest.mark.parametrize("number", [1, 2])
def test_stage_equals_the_three_encoder_form(
    number: int, contrast: str, targets: list[int], class_weights: str
) -> None:
    task = make_task(contrast=contrast, class_weights=class_weights, method={"symbol_copies": 2})
    stage: Any = galaxalign_stages(task)[number - 1].double()
    stage.begin()
    stage.train()
    batch = make_batch(targets)
    reference = copy.deepcopy(stage)

    value = stage.loss(batch).total
    value.backward()
    wanted = three_encoder_form(number, reference, task, batch)
    wanted.backward()
    torch.testing.assert_close(value, wanted, rtol=1e-9, atol=1e-9)
    theirs = dict(reference.named_parameters())
    assert theirs.keys() == dict(stage.named_parameters()).keys()
    for name, parameter in stage.named_parameters():
        mine, expected = parameter.grad, theirs[name].grad
        zero = torch.zeros_like(parameter)
        torch.testing.assert_close(
            zero if mine is None else mine, zero if expected is None else expected, rtol=1e-7, atol=1e-9
        )
    for name, buffer in stage.named_buffers():
        torch.testing.assert_close(buffer, dict(reference.named_buffers())[name])


@pytest.mark.parametrize("class_weights", ["none", "inverse"])
def test_clip_is_the_image_prompt_part_of_the_loss(class_weights: str) -> None:
    task = make_task(class_weights=class_weights)
    (stage,) = clip_stages(task)
    stage.double().train()
    batch = make_batch([0, 0, 2, 1])
    reference: Any = copy.deepcopy(stage)
    images = list(reference.backbone.image_tower(batch.images))
    every = list(reference.backbone.embed_text(list(task.taxonomy.prompts)))
    targets = batch.targets.tolist()
    wanted = pair_loss(
        images, [every[t] for t in targets], every, targets, reference.log_scale.double().exp(), "instance",
        weights_of(task, batch),
    )  # fmt: skip
    torch.testing.assert_close(stage.loss(batch).total, wanted)


def test_second_stage_begins_with_a_copy_of_the_image_tower() -> None:
    task = make_task()
    first, second = galaxalign_stages(task)
    with torch.no_grad():
        for parameter in task.backbone.image_tower.parameters():
            parameter.add_(1.0)
    second.begin()
    tower: Any = second.symbol_tower()
    assert tower is not task.backbone.image_tower and first.symbol_tower() is None
    for ours, theirs in zip(tower.parameters(), task.backbone.image_tower.parameters(), strict=True):
        assert torch.equal(ours, theirs) and ours.data_ptr() != theirs.data_ptr()
    assert first.log_scale is second.log_scale


@pytest.mark.parametrize("number", [1, 2])
def test_symbols_have_statistics_of_their_own(number: int) -> None:
    task = make_task()
    stage: Any = galaxalign_stages(task)[number - 1]
    stage.begin()
    stage.double().train()
    tower = task.backbone.image_tower
    alone = copy.deepcopy(tower)
    batch = make_batch([0, 1, 1])
    stage.loss(batch)
    alone(batch.images)
    torch.testing.assert_close(tower.norm.running_mean, alone.norm.running_mean)
    torch.testing.assert_close(tower.norm.running_var, alone.norm.running_var)
    assert int(tower.norm.num_batches_tracked) == 1 and tower.norm.training
    own = stage.symbols.norm.running_mean if number == 2 else stage.symbol_statistics.running_mean_0
    assert stage.copies == 6 and not torch.equal(own, torch.zeros(4, dtype=torch.float64))

    stage.update_symbol_stats(task, epoch=0)
    convolve = (tower if number == 1 else stage.symbols).convolve
    with torch.no_grad():
        spread = convolve(torch.cat([stage._redraw(0, step, 6) for step in range(8)]).double())
    own = stage.symbols.norm if number == 2 else stage.symbol_statistics
    mean, var = (own.running_mean, own.running_var) if number == 2 else (own.running_mean_0, own.running_var_0)
    torch.testing.assert_close(mean, spread.mean(dim=(0, 2, 3)))
    torch.testing.assert_close(var, spread.var(dim=(0, 2, 3)), rtol=0.05, atol=1e-3)  # the mean over batches
    torch.testing.assert_close(tower.norm.running_mean, alone.norm.running_mean)


def test_a_tower_that_fails_keeps_its_statistics() -> None:
    tower = Tower().train()
    statistics, before = DomainStatistics(tower), tower.norm.running_mean
    with pytest.raises(RuntimeError), statistics.use(tower):
        tower(torch.zeros(1, 2, SIZE, SIZE))
    assert tower.norm.running_mean is before


def test_without_batchnorm_each_symbol_is_drawn_once() -> None:
    first, second = galaxalign_stages(make_smooth_task())
    assert first.copies == second.copies == 1 and first.get_symbol_statistics() is None


def test_temperature_is_clamped_as_in_clip() -> None:
    task = make_task()
    stage: Any = galaxalign_stages(task)[0]
    with torch.no_grad():
        stage.log_scale.fill_(9.0)
    assert float(stage.scale().detach()) == pytest.approx(100.0)
    assert float(stage.make_head().log_scale) == pytest.approx(math.log(100.0))


def test_head_scores_as_the_loss_does(monkeypatch: pytest.MonkeyPatch) -> None:
    task = make_task()
    stage: Any = galaxalign_stages(task)[1].double()
    stage.begin()
    stage.eval()
    scores: dict[str, torch.Tensor] = {}
    features = stage.backbone.embed(make_batch([0, 1, 2]).images).float().detach()
    make: Callable[[], Any] = stage.make_head
    for score in ("prompt", "symbol", "both"):
        monkeypatch.setattr(stage, "task", SimpleNamespace(**{**vars(task), "options": TrainOptions(score=score)}))
        with torch.no_grad():
            scores[score] = make()(features)
    torch.testing.assert_close(scores["both"], (scores["prompt"] + scores["symbol"]) / 2)
    prompts = F.normalize(stage.backbone.embed_text(list(task.taxonomy.prompts)).float(), dim=1)
    torch.testing.assert_close(scores["prompt"], F.normalize(features, dim=1) @ prompts.T / 0.07, rtol=1e-5, atol=1e-5)
    assert scores["symbol"].shape == (3, 3)
