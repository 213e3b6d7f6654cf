"""Check what a backbone gives from within: feature maps, class tokens and attention."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from galaxtool.errors import ConfigError
from galaxtool.plugins.specs import BackboneSpec
from galaxtool.testing.same import check_result, check_same


def check_inner_results(backbone: Any, name: str, images: torch.Tensor, spec: BackboneSpec) -> None:
    """Check those of `features`, `cls_tokens` and `attention` that the spec of a backbone says it has.

    For a spec that stands for a whole source, an architecture may answer with a `ConfigError`.

    Raises
    ------
    AssertionError
        If a check fails.
    """
    with torch.no_grad():
        before = backbone.embed(images)
    for ability, check in (
        ("features", _check_features),
        ("cls_tokens", _check_tokens),
        ("attention", _check_attention),
    ):
        if getattr(spec, ability):
            assert callable(getattr(backbone, ability, None)), f"The spec of '{name}' says {ability}, but it has none."
            try:
                check(backbone, name, images)
            except ConfigError:
                if not spec.architectures:
                    raise
    with torch.no_grad():
        check_same(before, backbone.embed(images), f"'{name}' embeds differently after a look inside")


def _check_features(backbone: Any, name: str, images: torch.Tensor) -> None:
    maps = backbone.features(images)
    assert maps, f"'{name}' has no feature maps."
    for features, stride in maps:
        assert isinstance(stride, int) and stride > 0, f"features of '{name}' has the stride {stride!r}."
        assert features.ndim == 4, f"features of '{name}' has a map of shape {tuple(features.shape)}, not of four axes."
        check_result(features, (len(images), *features.shape[1:]), f"features of '{name}'")
        n, wanted = features.shape[-1], images.shape[-1] / stride
        assert abs(n - wanted) <= max(1, wanted / 4), (  # padding may add or take some pixels
            f"features of '{name}' has a map of {n} pixels with stride {stride} for images of {images.shape[-1]}."
        )
    strides = [stride for _, stride in maps]
    assert strides == sorted(strides), f"The strides of features of '{name}' are {strides}, not from fine to coarse."
    assert maps[-1][0].requires_grad, f"features of '{name}' passes no gradient."
    alone = backbone.features(images[:1])
    for (features, _), (again, _) in zip(maps, alone, strict=True):
        check_same(features[:1].detach(), again.detach(), f"features of '{name}' differs for an image alone")


@torch.no_grad()
def _check_tokens(backbone: Any, name: str, images: torch.Tensor) -> None:
    tokens = backbone.cls_tokens(images, 2)
    check_result(tokens, (len(images), 2, tokens.shape[-1]), f"cls_tokens of '{name}'")
    check_same(
        tokens[:, 1:], backbone.cls_tokens(images, 1), f"cls_tokens of '{name}' does not end with the last block"
    )
    _check_alone(lambda x: backbone.cls_tokens(x, 2), tokens, images, f"cls_tokens of '{name}'")
    assert not torch.allclose(tokens[0], tokens[1]), f"cls_tokens of '{name}' is the same for different images."


@torch.no_grad()
def _check_attention(backbone: Any, name: str, images: torch.Tensor) -> None:
    weights = backbone.attention(images)
    patch, prefix = getattr(backbone, "patch", None), getattr(backbone, "prefix_tokens", None)
    assert isinstance(patch, int) and patch > 0, f"'{name}' has attention, but its patch is {patch!r}."
    assert isinstance(prefix, int) and prefix >= 0, f"'{name}' has attention, but its prefix_tokens is {prefix!r}."
    n = prefix + (images.shape[-2] // patch) * (images.shape[-1] // patch)
    check_result(weights, (len(images), weights.shape[1], n, n), f"attention of '{name}'")
    assert bool((weights >= 0).all()), f"attention of '{name}' has negative weights."
    check_same(
        weights.sum(dim=-1), torch.ones(weights.shape[:-1]), f"Rows of attention of '{name}' do not have the sum 1"
    )
    _check_alone(backbone.attention, weights, images, f"attention of '{name}'")


def _check_alone(
    call: Callable[[torch.Tensor], torch.Tensor], whole: torch.Tensor, images: torch.Tensor, what: str
) -> None:
    check_same(whole[:1], call(images[:1]), f"{what} differs for an image alone")


_CHECKS = {"features": _check_features, "cls_tokens": _check_tokens, "attention": _check_attention}
