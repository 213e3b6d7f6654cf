"""Check that a head does what the training and the inference need."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from galaxtool.plugins.registry import get_registry
from galaxtool.taxonomy.load import Taxonomy
from galaxtool.testing.label_kinds import find_label_kind, fit_outputs, make_taxonomy
from galaxtool.testing.same import TOLERANCE, check_result, check_same

_SIZES = ((16, 5), (7, 2))
_IMAGES = 30  # number of images to fit a fitted head to


def check_head(name: str, *, seed: int = 0) -> None:
    """Check a registered head on the CPU, with two lengths of features and numbers of classes.

    The checks are:

    - The factory returns a `torch.nn.Module`.
    - Features (N, dim) become finite logits (N, n_classes), reproducible, and the same alone as in a batch (within a
      relative 1e-5).
    - A second head with the ``state_dict`` of the first returns the same, whatever the values in it.
    - A head with parameters passes gradients.
    - A fitted head, which is fitted first, ignores images without a class.
    - ``probabilities``, if any, are not negative and add up to 1, over all classes or, for a head of votes, over the
      answers of each question. Those of a head of values are the quantiles of each quantity, in ascending order.

    Parameters
    ----------
    name : str
        Name, as on the command line.
    seed : int
        Random seed of the features and the values.

    Raises
    ------
    AssertionError
        If a check fails.
    """
    registry = get_registry()
    found = registry.heads.find(name)
    build, spec = found.load(), found.spec
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        kind = find_label_kind(spec)
        for dim, n in _SIZES:
            n_classes = fit_outputs(n, kind)
            head, other = build(dim=dim, n_classes=n_classes), build(dim=dim, n_classes=n_classes)
            assert isinstance(head, nn.Module), f"The head '{name}' is a {type(head).__name__}, not a torch.nn.Module."
            taxonomy = make_taxonomy(n_classes, kind)
            if callable(set_taxonomy := getattr(head, "set_taxonomy", None)):
                set_taxonomy(taxonomy)
            if spec.fitted:
                _check_fit(head, build(dim=dim, n_classes=n_classes), name, dim, n_classes)
            else:
                _randomize(head)
            _check_one(head, other, name, torch.randn(4, dim), n_classes)
            _check_probabilities(head, other, name, torch.randn(4, dim), taxonomy)


def _check_fit(head: Any, other: Any, name: str, dim: int, n_classes: int) -> None:
    assert callable(getattr(head, "fit", None)), f"The spec of the head '{name}' says fitted, but it has no fit."
    features, targets = torch.randn(_IMAGES, dim), torch.arange(_IMAGES) % n_classes
    head.fit(features, targets)
    with_unknown = torch.cat([targets, torch.full((3,), -1)])
    other.fit(torch.cat([features, torch.randn(3, dim)]), with_unknown.numpy())
    with torch.no_grad():
        check_same(
            head.eval()(features),
            other.eval()(features),
            f"The head '{name}' is also fitted to images without a class, or treats arrays and tensors differently",
        )


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
        assert reached[0], f"The head '{name}' passes no gradient to the features."
        assert any(reached[1:]), f"The head '{name}' has parameters without a gradient."


@torch.no_grad()
def _check_probabilities(head: Any, other: Any, name: str, features: torch.Tensor, taxonomy: Taxonomy) -> None:
    if not callable(getattr(head, "probabilities", None)):
        return
    logits = head.eval()(features)
    found = head.probabilities(logits, 2.0)
    check_result(found, (len(features), len(taxonomy)), f"probabilities of the head '{name}'")
    check_same(found, other.probabilities(logits, 2.0), f"probabilities of '{name}' need more than its state_dict")
    if taxonomy.quantities:
        factors = torch.full((len(taxonomy.quantities),), 2.0)
        check_same(found, head.probabilities(logits, factors), f"'{name}' takes factors for each quantity differently")
        quantiles = found.unflatten(1, (len(taxonomy.quantities), -1))
        assert bool((quantiles.diff(dim=-1) >= 0).all()), (
            f"The quantiles of the head '{name}' cross; make the distances to the median positive."
        )
        return
    groups = torch.tensor(taxonomy.votes.question_of_answer if taxonomy.votes else [0] * len(taxonomy))
    sums = torch.stack([found[:, groups == q].sum(dim=1) for q in range(int(groups.max()) + 1)])
    assert float(found.min()) >= 0 and float((sums - 1).abs().max()) <= 10 * TOLERANCE, (
        f"The probabilities of the head '{name}' are negative, or do not add up to 1 within {10 * TOLERANCE:.0e}."
    )


@torch.no_grad()
def _randomize(head: nn.Module) -> None:
    """Fill every floating-point tensor with random values, so that a head that starts with zeros is checked too."""
    for value in head.state_dict().values():
        if value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.5)
