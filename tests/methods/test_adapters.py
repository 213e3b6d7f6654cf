"""Low-rank adapters: which matrices and biases train, and that a merged tower is the adapted one."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from support.training_helpers import DIM
from torch import nn

from galaxtool.backbones import small_resnet
from galaxtool.errors import ConfigError, TrainingError
from galaxtool.methods.adapters import add_adapters, merge_adapters


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(value, b[key]) for key, value in a.items())


class Attending(nn.Module):
    """torch's own attention, whose projections are no layers that are called."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)
        self.out = nn.Linear(6, DIM)
        self.out.bias.requires_grad_(False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = images.flatten(2).permute(0, 2, 1).repeat(1, 1, 2)
        return self.out(self.attention(x, x, x, need_weights=False)[0].mean(dim=1))


@pytest.mark.parametrize("make", [lambda: small_resnet.ImageTower(DIM), Attending], ids=["convolutions", "attention"])
def test_adapters_merge_into_the_same_keys(make: Any) -> None:
    torch.manual_seed(0)
    tower, images = make().eval(), torch.randn(3, 3, 32, 32)
    plain = {name: (value.clone(), value.requires_grad) for name, value in tower.state_dict(keep_vars=True).items()}
    at_first = tower(images)
    add_adapters(tower, rank=2, alpha=4, dropout=0.3)
    assert torch.allclose(tower(images), at_first, atol=1e-6)
    tower(images).sum().backward()
    with torch.no_grad():
        for name, parameter in tower.named_parameters():
            assert parameter.requires_grad == ("lora_" in name)
            if parameter.requires_grad:
                assert parameter.grad is not None, name
                parameter.normal_(0, 0.3)
    with torch.inference_mode():
        adapted = tower(images)
    base = {k.replace("base_layer.", ""): v for k, v in tower.state_dict().items() if "lora_" not in k}
    assert same(base, {name: value for name, (value, _) in plain.items()})
    merge_adapters(tower)
    merge_adapters(tower)  # nothing is left to merge
    assert tower.state_dict().keys() == plain.keys()
    assert all(v.requires_grad == plain[k][1] for k, v in tower.state_dict(keep_vars=True).items())
    assert torch.allclose(tower(images), adapted, atol=1e-5) and not torch.allclose(adapted, at_first, atol=1e-2)


def test_adapters_refuse_what_they_cannot() -> None:
    with pytest.raises(TrainingError, match="no layer that LoRA can adapt"):
        add_adapters(nn.Sequential(nn.BatchNorm2d(3)), rank=2, alpha=2)
    for wrong in ({"rank": 0, "alpha": 1}, {"rank": 1, "alpha": 0}, {"rank": 1, "alpha": 1, "dropout": 1.0}):
        with pytest.raises(ConfigError, match="LoRA cannot have"):
            add_adapters(small_resnet.ImageTower(), **wrong)


@pytest.mark.parametrize(
    ("targets", "bias", "count"),
    [
        ("all", "none", lambda d, m, r: (12 + d + 2 * (4 * d + 2 * d + 2 * (d + m)) + d + DIM) * r),
        ("qkv", "none", lambda d, m, r: 2 * 3 * 2 * d * r),
        ("q", "none", lambda d, m, r: 2 * 2 * d * r),
        ("mlp,proj", "none", lambda d, m, r: 2 * (2 * (d + m) + 2 * d) * r),
        ("kv", "lora", lambda d, m, r: 2 * (2 * 2 * d * r + 3 * d)),
        ("patch+v", "none", lambda d, m, r: (12 + d) * r + 2 * 2 * d * r),
    ],
)
@pytest.mark.parametrize("fused", [True, False], ids=["fused", "separate"])
def test_adapters_train_only_the_matrices_that_are_named(targets: str, bias: str, count: Any, fused: bool) -> None:
    if not fused and (targets == "all" or bias == "lora"):
        pytest.skip("numbers of a fused matrix")
    torch.manual_seed(0)
    tower, d, m, rank = Transformer(fused).eval(), 6, 10, 2
    images = torch.randn(3, 3, 8, 8)
    plain, at_first = {k: v.clone() for k, v in tower.state_dict().items()}, tower(images).detach()
    add_adapters(tower, rank=rank, alpha=3, targets=targets, bias=bias)
    optimizer = torch.optim.AdamW([p for p in tower.parameters() if p.requires_grad], lr=0.1, weight_decay=0.1)
    started = {name: p.detach().clone() for name, p in tower.named_parameters()}
    torch.testing.assert_close(tower(images), at_first)
    for _ in range(2):  # the first step moves only the second of the thin matrices
        optimizer.zero_grad()
        (tower(images) * torch.arange(1.0, 1 + DIM)).square().sum().backward()
        optimizer.step()
    moved = sum(int((p != started[name]).sum()) for name, p in tower.named_parameters())
    assert moved == count(d, m, rank)
    adapted = tower(images).detach()
    merge_adapters(tower)
    torch.testing.assert_close(tower(images), adapted, atol=1e-5, rtol=1e-4)
    changed = {name for name, value in tower.state_dict().items() if not torch.equal(value, plain[name])}
    if targets == "q" and fused:
        for i in range(2):
            name = f"blocks.{i}.attn.qkv.weight"
            assert bool((tower.state_dict()[name] != plain[name])[:d].all())
            assert torch.equal(tower.state_dict()[name][d:], plain[name][d:])
    if targets == "q" and not fused:
        assert changed == {f"blocks.{i}.attn.q_proj.weight" for i in range(2)}


def test_parts_of_the_attention_of_torch() -> None:
    torch.manual_seed(0)
    tower, images = Attending().eval(), torch.randn(3, 3, 4, 4)
    plain = tower.attention.in_proj_weight.detach().clone()
    add_adapters(tower, rank=2, alpha=2, targets="v", bias="lora")
    trained = {name for name, p in tower.named_parameters() if p.requires_grad}
    lora = {f"attention.lora_{x}.default.weight" for x in "AB"}
    assert trained == {*lora, "attention.base_layer.in_proj_bias"}
    optimizer = torch.optim.SGD([p for p in tower.parameters() if p.requires_grad], lr=0.1)
    tower(images).square().sum().backward()
    optimizer.step()
    merge_adapters(tower)
    found = tower.attention.in_proj_weight
    assert torch.equal(found[:12], plain[:12]) and not torch.equal(found[12:], plain[12:])


@pytest.mark.parametrize(
    ("targets", "error", "said"),
    [
        ("keys", ConfigError, "keys is not a kind of matrix"),
        (",", ConfigError, "nothing is not a kind of matrix"),
        ("qv", TrainingError, "has no matrix for --option targets=q that LoRA can adapt"),
        ("mlp", TrainingError, "has no matrix for --option targets=mlp that LoRA can adapt"),
    ],
)
def test_targets_that_a_tower_does_not_have(targets: str, error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        add_adapters(small_resnet.ImageTower(), rank=2, alpha=2, targets=targets)


class Mixing(nn.Module):
    """Attention as timm writes it, with one matrix or with three."""

    def __init__(self, dim: int, fused: bool) -> None:
        super().__init__()
        self.fused = fused
        if fused:
            self.qkv = nn.Linear(dim, 3 * dim)
        else:
            self.q_proj, self.k_proj, self.v_proj = (nn.Linear(dim, dim) for _ in range(3))
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = self.qkv(x).chunk(3, dim=-1) if self.fused else (self.q_proj(x), self.k_proj(x), self.v_proj(x))
        return self.proj(torch.softmax(q @ k.mT, dim=-1) @ v)


class Transformer(nn.Module):
    """Two blocks over patches of 2 x 2 pixels."""

    def __init__(self, fused: bool, dim: int = 6, hidden: int = 10) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, dim, 2, stride=2)
        self.blocks = nn.ModuleList()
        for _ in range(2):
            block = nn.Module()
            block.attn = Mixing(dim, fused)
            block.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim))
            self.blocks.append(block)
        self.out = nn.Linear(dim, DIM)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.patches(images).flatten(2).mT
        for block in self.blocks:
            x = x + block.attn(x)
            x = x + block.mlp(x)
        return self.out(x.mean(dim=1))
