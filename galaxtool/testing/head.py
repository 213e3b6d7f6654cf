"""Whether a head keeps its side."""

from __future__ import annotations

import torch
from torch import nn

from galaxtool.registry import get_registry
from galaxtool.testing.same import check_result, check_same

_SIZES = ((16, 5), (7, 2))


def check_head(name: str, *, seed: int = 0) -> None:
    """Check a registered head on the CPU, with two lengths of features and numbers of classes.

    What is checked: the factory gives a `torch.nn.Module`; features (N, dim) become finite logits (N, n_classes), the
    same each time and the same alone as in a batch (within a relative 1e-5); a second head with the first one's
    ``state_dict`` gives the same, whatever the values in it; a head with parameters lets gradients through.

    Parameters
    ----------
    name : str
        As on the command line.
    seed : int
        Of the features and the values.

    Raises
    ------
    AssertionError
        With one sentence.
    """
    registry = get_registry()
    build = registry.factory(registry.find("head", name))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for dim, n_classes in _SIZES:
            head, other = build(dim=dim, n_classes=n_classes), build(dim=dim, n_classes=n_classes)
            assert isinstance(head, nn.Module), f"The head '{name}' is a {type(head).__name__}, not a torch.nn.Module."
            _randomise(head)
            _check_one(head, other, name, torch.randn(4, dim), n_classes)


def _check_one(head: nn.Module, other: nn.Module, name: str, features: torch.Tensor, n_classes: int) -> None:
    head.eval()
    with torch.no_grad():
        whole = head(features)
        check_result(whole, (len(features), n_classes), f"The head '{name}'")
        check_same(whole, head(features), f"The head '{name}' scores the same features differently the second time")
        alone = torch.cat([head(features[i : i + 1]) for i in range(len(features))])
        check_same(whole, alone, f"The head '{name}' scores an object in a batch differently from the object alone")
        other.eval().load_state_dict(head.state_dict())
        check_same(whole, other(features), f"The head '{name}' has tensors that are not in its state_dict")
    parameters = [p for p in head.parameters() if p.requires_grad]
    if parameters:
        head.train()
        result = head(features.requires_grad_())
        found = torch.autograd.grad(
            (result * torch.randn_like(result)).sum(), [features, *parameters], allow_unused=True
        )
        reached = [g is not None and bool(torch.isfinite(g).all()) and bool((g != 0).any()) for g in found]
        assert reached[0], f"The head '{name}' lets no gradient through to the features."
        assert any(reached[1:]), f"The head '{name}' has parameters that no loss moves."


@torch.no_grad()
def _randomise(head: nn.Module) -> None:
    """Give every floating-point tensor values of its own, so that a fresh head of zeros is checked too."""
    for value in head.state_dict().values():
        if value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.5)
