"""Check that a backbone follows `galaxtool.backbones.protocols.Backbone`."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from galaxtool.backbones.create import create_backbone, parse_name
from galaxtool.errors import ConfigError
from galaxtool.testing.inner_results import check_inner_results
from galaxtool.testing.same import check_result, check_same

_CHANNELS = (1, 5)
_TEXTS = ("A picture of a spiral galaxy", "A picture of an edge-on galaxy with a long and dusty disc", "ring")


def check_backbone(name: str, *, seed: int = 0) -> None:
    """Check a registered backbone on the CPU.

    In evaluation mode, the backbone embeds three random images and, if its spec says `text`, three texts of different
    lengths. The checks are:

    - `dim`, `image_size` and `image_tower` exist and agree with the spec.
    - Results are finite, of shape (N, dim), reproducible, and the same alone as in a batch (within a relative 1e-5). If
      they are so in float64 only, because a deep network with random weights amplifies rounding, float64 is used.
    - Different images have different embeddings.
    - `image_tower` and a copy of it return the same as `embed`.
    - A loss has gradients in the image tower (and in the text encoder).
    - All tensors are in the ``state_dict``.
    - `blocks`, if any, contain each parameter of the image tower once.
    - `set_checkpointing`, if any, changes neither gradients nor running statistics.
    - `features`, `cls_tokens` and `attention`, if the spec says that it has them, return finite values of the shapes
      that `galaxtool.backbones.protocols.Backbone` states, the same alone as in a batch, and leave `embed` as it was;
      feature maps pass gradients, and rows of attention have the sum 1.
    - If the image tower can be adapted to one channel and to five, it embeds such images.

    Parameters
    ----------
    name : str
        Name, as on the command line; ``NAME@none`` needs no weights.
    seed : int
        Random seed of the images and the weights.

    Raises
    ------
    AssertionError
        If a check fails.
    """
    spec = parse_name(name).spec
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        backbone = create_backbone(name)
        _check_attributes(backbone, name, spec.image_size)
        backbone.eval()
        images = torch.randn(3, 3, backbone.image_size, backbone.image_size)
        images = images.to(_find_precision(backbone, images))
        _check_images(backbone, name, images)
        if spec.text:
            _check_texts(backbone, name)
        _check_state(backbone, create_backbone(name), name, images)
        _check_gradients(backbone, name, images, text=spec.text)
        _check_blocks(backbone, name)
        _check_checkpointing(backbone, name, images)
        check_inner_results(backbone.eval(), name, images, spec)
        for n in _CHANNELS:
            _check_channels(name, n)


def _check_attributes(backbone: Any, name: str, image_size: int | None) -> None:
    assert isinstance(backbone, nn.Module), f"'{name}' is a {type(backbone).__name__}, not a torch.nn.Module."
    for attribute in ("dim", "image_size"):
        value = getattr(backbone, attribute, None)
        assert isinstance(value, int) and value > 0, f"'{name}' has {attribute} = {value!r}, not a positive integer."
    assert image_size in (None, backbone.image_size), (
        f"'{name}' takes images of {backbone.image_size} pixels, but its spec says {image_size}."
    )
    tower = getattr(backbone, "image_tower", None)
    assert isinstance(tower, nn.Module), f"'{name}' has no image_tower, or one that is not a torch.nn.Module."


@torch.no_grad()
def _find_precision(backbone: Any, images: torch.Tensor) -> torch.dtype:
    """Return the precision to check a backbone in, and convert it: float64 if rounding alone spoils float32."""
    for precision in (torch.float32, torch.float64):
        try:
            backbone.to(precision)
            converted = images.to(precision)
            check_same(backbone.embed(converted), _embed_alone(backbone, converted), "")
        except (AssertionError, RuntimeError, TypeError):  # _check_images says what is wrong
            continue
        return precision
    backbone.to(torch.float32)
    return torch.float32


@torch.no_grad()
def _check_images(backbone: Any, name: str, images: torch.Tensor) -> None:
    whole = backbone.embed(images)
    check_result(whole, (len(images), backbone.dim), f"embed of '{name}'")
    check_same(whole, backbone.embed(images), f"'{name}' embeds the same images differently the second time")
    alone = _embed_alone(backbone, images)
    check_same(whole, alone, f"'{name}' embeds an image in a batch differently from the image alone")
    assert not torch.allclose(whole[0], whole[1]), f"'{name}' embeds different images as the same."
    check_same(whole, backbone.image_tower(images), f"image_tower of '{name}' does not return what embed returns")
    copied = copy.deepcopy(backbone.image_tower)
    check_same(whole, copied(images), f"A copy of the image_tower of '{name}' does not return what embed returns")


def _embed_alone(backbone: Any, images: torch.Tensor) -> torch.Tensor:
    return torch.cat([backbone.embed(images[i : i + 1]) for i in range(len(images))])


@torch.no_grad()
def _check_texts(backbone: Any, name: str) -> None:
    assert callable(getattr(backbone, "embed_text", None)), f"The spec of '{name}' says text, but it has no embed_text."
    whole = backbone.embed_text(list(_TEXTS))
    check_result(whole, (len(_TEXTS), backbone.dim), f"embed_text of '{name}'")
    check_same(whole, backbone.embed_text(list(_TEXTS)), f"'{name}' embeds the same texts differently the second time")
    alone = torch.cat([backbone.embed_text([text]) for text in _TEXTS])
    check_same(whole, alone, f"'{name}' embeds a text in a batch differently from the text alone")
    assert not torch.allclose(whole[0], whole[1]), f"'{name}' embeds different texts as the same."


@torch.no_grad()
def _check_state(backbone: Any, other: Any, name: str, images: torch.Tensor) -> None:
    other.to(images.dtype).eval().load_state_dict(backbone.state_dict())
    check_same(backbone.embed(images), other.embed(images), f"'{name}' has tensors that are not in its state_dict")


def _check_gradients(backbone: Any, name: str, images: torch.Tensor, *, text: bool) -> None:
    backbone.train()
    _check_gradient_of(backbone.embed(images), list(backbone.image_tower.parameters()), f"image_tower of '{name}'")
    if text:
        _check_gradient_of(backbone.embed_text(list(_TEXTS)), list(backbone.parameters()), f"text encoder of '{name}'")


def _check_gradient_of(result: torch.Tensor, parameters: list[nn.Parameter], what: str) -> None:
    wanted = [p for p in parameters if p.requires_grad]
    assert wanted, f"The {what} has no trainable parameter."
    assert result.requires_grad, f"The {what} passes no gradient."
    # project on a random direction: plain sums can cancel after a normalization
    found = torch.autograd.grad((result * torch.randn_like(result)).sum(), wanted, allow_unused=True)
    reached = [g for g in found if g is not None]
    assert all(bool(torch.isfinite(g).all()) for g in reached), f"The {what} has gradients that are not finite."
    assert any(bool((g != 0).any()) for g in reached), f"The {what} passes no gradient."


def _check_blocks(backbone: Any, name: str) -> None:
    if not callable(getattr(backbone, "blocks", None)):
        return
    try:
        groups = backbone.blocks()
    except ConfigError:
        return
    assert all(len(group) for group in groups), f"blocks of '{name}' has a group without parameters."
    found = sorted(id(parameter) for group in groups for parameter in group)
    wanted = sorted(id(parameter) for parameter in backbone.image_tower.parameters())
    assert found == wanted, (
        f"The blocks of '{name}' contain {len(found)} parameters ({len(set(found))} different ones), not each of the "
        f"{len(wanted)} of image_tower once."
    )


def _check_checkpointing(backbone: Any, name: str, images: torch.Tensor) -> None:
    if not callable(getattr(backbone, "set_checkpointing", None)):
        return
    try:
        backbone.set_checkpointing(True)
    except ConfigError:
        return
    backbone.train()
    before = {key: value.clone() for key, value in backbone.image_tower.state_dict().items()}
    found = []
    for on in (True, False):
        backbone.image_tower.load_state_dict(before)
        backbone.set_checkpointing(on)
        with torch.random.fork_rng(devices=[]):
            # dropout must drop the same units
            torch.manual_seed(0)
            result = backbone.embed(images)
            wanted = [p for p in backbone.image_tower.parameters() if p.requires_grad]
            gradients = torch.autograd.grad(result.square().sum(), wanted, allow_unused=True)
        state = {key: value.clone() for key, value in backbone.image_tower.state_dict().items()}
        found.append(([torch.zeros_like(p) if g is None else g for p, g in zip(wanted, gradients, strict=True)], state))
    (with_it, state_with_it), (without, state_without) = found
    for one, other in zip(with_it, without, strict=True):
        check_same(one, other, f"'{name}' has different gradients with checkpointing")
    for key, value in state_with_it.items():
        check_same(value.double(), state_without[key].double(), f"checkpointing of '{name}' changes its '{key}'")


@torch.no_grad()
def _check_channels(name: str, n: int) -> None:
    try:
        backbone = create_backbone(name, channels=n).eval()
    except ConfigError:
        return
    images = torch.randn(2, n, backbone.image_size, backbone.image_size)
    whole = backbone.embed(images)
    check_result(whole, (2, backbone.dim), f"embed of '{name}' for {n} channels")
    check_same(whole, backbone.image_tower(images), f"image_tower of '{name}' for {n} channels differs from embed")
    assert not torch.allclose(whole[0], whole[1]), f"'{name}' embeds different images of {n} channels as the same."
