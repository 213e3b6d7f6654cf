"""Where a network looks: attention of vision transformers, and saliency of any network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from galaxtool.backbones.abilities import extract_attention
from galaxtool.backbones.create import create_backbone, parse_name
from galaxtool.errors import ConfigError, InputError, UnknownName
from galaxtool.models.directory import load_network
from galaxtool.models.find import find_model
from galaxtool.models.network import GalaxyModel
from galaxtool.models.record import ModelRecord
from galaxtool.plotting.class_names import name_classes
from galaxtool.vision.preprocess import Preprocess

LAYER_CAM, GRAD_CAM, GRADIENT = "layer-cam", "grad-cam", "gradient"

_FEWEST_CELLS = 6  # of a map of Grad-CAM in each direction
_NOISY, _NOISE = 16, 0.1  # images that a gradient is averaged over, and their noise in units of the range of values


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A network to look into.

    Parameters
    ----------
    name : str
        Name of the model or backbone.
    backbone : galaxtool.backbones.protocols.Backbone
        Its backbone, in evaluation mode.
    preprocess : Preprocess
        Its preprocessing.
    model : GalaxyModel or None
        The whole model; None for a backbone by itself.
    record : ModelRecord or None
        Record of the model.
    """

    name: str
    backbone: torch.nn.Module
    preprocess: Preprocess
    model: GalaxyModel | None = None
    record: ModelRecord | None = None

    def normalize(self, pictures: np.ndarray) -> torch.Tensor:
        """Return the input of the backbone for pictures, uint8 (N, size, size, C)."""
        return torch.from_numpy(self.preprocess.normalize(pictures))


def open_network(name: str, like: Network | None = None) -> Network:
    """Open a model, or a backbone by itself.

    Parameters
    ----------
    name : str
        A model, as for ``--model``, or a backbone, such as ``dinov1-s``.
    like : Network, optional
        Network whose field of view and stretch a backbone by itself takes over.

    Raises
    ------
    UnknownName
        If it is neither a model nor a backbone.
    ModelError
        If the model has no weights that PyTorch loads.
    """
    try:
        files = find_model(name)
    except UnknownName as error:
        try:
            parsed = parse_name(name)
        except UnknownName:
            raise error from None
        backbone = create_backbone(parsed).eval()
        weights = parsed.weights or parsed.spec  # as `finetune` chooses the normalization
        own = Preprocess(
            size=backbone.image_size,
            mean=getattr(backbone, "mean", None) or weights.mean or parsed.spec.mean,
            std=getattr(backbone, "std", None) or weights.std or parsed.spec.std,
        )
        if like is not None:
            shown = like.preprocess
            own = replace(own, crop=shown.crop, stretch=shown.stretch, size_arcsec=shown.size_arcsec)
        return Network(name, backbone, own)
    model, record = load_network(files)
    return Network(name, model.backbone, record.make_preprocess(), model, record)


def compute_attention(network: Network, pictures: np.ndarray) -> np.ndarray:
    """Return where the class token of the last block looks, for each head.

    Parameters
    ----------
    network : Network
        A vision transformer. Without a class token, the attention is averaged over all patches.
    pictures : ndarray of uint8, shape (N, size, size, C)
        Pictures as `Preprocess.picture` returns them.

    Returns
    -------
    ndarray of float32, shape (N, heads, h, w)
        Attention of each patch in units of an even attention to all tokens, row 0 on top.

    Raises
    ------
    ConfigError
        If the network has no attention.
    """
    with torch.no_grad():
        weights = extract_attention(network.backbone, network.normalize(pictures)).float()
    n_tokens, prefix = weights.shape[-1], int(getattr(network.backbone, "prefix_tokens", 0))
    has_class_token = bool(prefix) and _has_class_token(network.backbone)
    seen = (weights[:, :, 0] if has_class_token else weights[:, :, prefix:].mean(dim=2))[..., prefix:] * n_tokens
    patch = getattr(network.backbone, "patch", None) or network.preprocess.size // round(seen.shape[-1] ** 0.5)
    side = network.preprocess.size // int(patch)
    return seen.numpy().reshape(*seen.shape[:2], side, side)


def _has_class_token(backbone: Any) -> bool:
    """Tell whether the first token of a vision transformer is a class token, rather than a register."""
    find = getattr(getattr(backbone, "image", backbone), "find_transformer", None)
    parts = find() if callable(find) else None
    return True if parts is None else bool(parts.class_token)


def compute_saliency(
    network: Network, pictures: np.ndarray, *, method: str = LAYER_CAM, label: str = "", seed: int = 0
) -> tuple[np.ndarray, list[str]]:
    """Return which pixels speak for a class.

    Parameters
    ----------
    network : Network
        A model with classes.
    pictures : ndarray of uint8, shape (N, size, size, C)
        Pictures as `Preprocess.picture` returns them.
    method : {"layer-cam", "grad-cam", "gradient"}
        LayerCAM (Jiang et al. 2021) or Grad-CAM (Selvaraju et al. 2017) on the last map with at least 6 x 6 cells; or
        the gradient of the score by the pixels (Simonyan et al. 2014), averaged over noisy copies of the image
        (SmoothGrad, Smilkov et al. 2017).
    label : str
        Slug of the class; by default the predicted one of each image.
    seed : int
        Random seed of the noise.

    Returns
    -------
    maps : ndarray of float32, shape (N, h, w)
        From 0 to 1, row 0 on top.
    titles : list of str
        Name of the class of each map, and its probability.

    Raises
    ------
    ConfigError
        If the network has no classes, or no map for Grad-CAM.
    UnknownName
        If the model has no such class.
    """
    model, record = network.model, network.record
    if model is None or record is None or not record.slugs:
        raise ConfigError(
            f"'{network.name}' has no classes, and saliency is that of a class.",
            hint="Give a model that classifies. `galaxtool plot attention` shows where a backbone looks.",
        )
    if label and label not in record.slugs:
        raise UnknownName(f"class of the model '{network.name}'", label, record.slugs)
    images = network.normalize(pictures)
    with torch.no_grad():
        probabilities = model(images)[2]
    given = record.slugs.index(label) if label else None
    targets = probabilities.argmax(dim=1) if given is None else torch.full((len(images),), given)
    if method == GRADIENT:
        maps = _compute_gradient(model, images, targets, seed)
    else:
        maps = _compute_activation_map(network.name, model, images, targets, each_cell=method == LAYER_CAM)
    maps /= np.maximum(maps.max(axis=(1, 2), keepdims=True), 1e-12)
    shares = probabilities[torch.arange(len(images)), targets].tolist()
    names = name_classes(record.slugs)
    return maps, [f"{names[int(k)]} {share:.2f}" for k, share in zip(targets, shares, strict=True)]


def _compute_activation_map(
    name: str, model: GalaxyModel, images: torch.Tensor, targets: torch.Tensor, *, each_cell: bool
) -> np.ndarray:
    """Return a map weighted by its gradients: of each cell (LayerCAM), or averaged over a channel (Grad-CAM)."""
    if getattr(model.backbone, "patch", None):
        raise ConfigError(
            f"'{name}' is a vision transformer, whose only map is that of its patches before the first block.",
            hint="Give --option method=gradient, or draw its attention with `galaxtool plot attention`.",
        )
    images = images.clone().requires_grad_(True)
    with torch.enable_grad(), _record_maps(model.backbone) as found:
        scores = model.head(model.backbone.embed(images).float())
        fine = [one for one in found if min(one.shape[-2:]) >= _FEWEST_CELLS and one.shape[1] > images.shape[1]]
        if not fine:
            raise ConfigError(
                f"'{name}' has no map of features of at least {_FEWEST_CELLS} x {_FEWEST_CELLS} cells.",
                hint="Give --option method=gradient.",
            )
        score = scores.gather(1, targets[:, None]).sum()
        gradients = torch.autograd.grad(score, fine, allow_unused=True)
    feature, gradient = next((f, g) for f, g in zip(fine[::-1], gradients[::-1], strict=True) if g is not None)
    weights = gradient.clamp(min=0) if each_cell else gradient.mean(dim=(2, 3), keepdim=True)
    cam = (weights * feature).sum(dim=1).clamp(min=0)
    maps: np.ndarray = cam.detach().float().numpy()
    return maps


def _compute_gradient(model: GalaxyModel, images: torch.Tensor, targets: torch.Tensor, seed: int) -> np.ndarray:
    generator = torch.Generator().manual_seed(seed)
    spread = _NOISE * (images.amax(dim=(1, 2, 3), keepdim=True) - images.amin(dim=(1, 2, 3), keepdim=True))
    total = torch.zeros_like(images)
    for _ in range(_NOISY):
        noisy = images + spread * torch.randn(images.shape, generator=generator)
        noisy.requires_grad_(True)
        with torch.enable_grad():
            scores = model.head(model.backbone.embed(noisy).float())
            total += torch.autograd.grad(scores.gather(1, targets[:, None]).sum(), noisy)[0]
    maps: np.ndarray = total.abs().amax(dim=1).numpy()
    top = np.percentile(maps, 99.5, axis=(1, 2), keepdims=True)  # single pixels would leave the rest dark
    clipped: np.ndarray = np.minimum(maps, top)
    return clipped


@contextmanager
def _record_maps(backbone: nn.Module) -> Iterator[list[torch.Tensor]]:
    """Record the maps (N, channels, h, w) that the modules of a backbone return, in order."""
    found: list[torch.Tensor] = []

    def keep(_module: nn.Module, _inputs: object, output: object) -> None:
        if isinstance(output, torch.Tensor) and output.ndim == 4 and output.requires_grad:
            found.append(output)

    handles = [module.register_forward_hook(keep) for module in backbone.modules()]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def choose_heads(text: str, n: int) -> list[int] | None:
    """Return the numbers of heads, from 0, that a setting names; None for the mean of all.

    Examples
    --------
    >>> choose_heads("1,3", 6), choose_heads("all", 2), choose_heads("mean", 6)
    ([0, 2], [0, 1], None)
    """
    if text in ("mean", "all"):
        return None if text == "mean" else list(range(n))
    numbers = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and 1 <= int(part) <= n for part in numbers):
        raise ConfigError(f"heads is '{text}'.", hint=f"Give mean, all, or numbers from 1 to {n}, such as heads=1,2")
    return [int(part) - 1 for part in numbers]


def check_same_field(networks: Sequence[Network]) -> None:
    """Raise `InputError` if networks see different parts of an image, whose maps could not be compared."""
    fields = {(one.preprocess.crop, one.preprocess.size_arcsec) for one in networks}
    if len(fields) > 1:
        raise InputError(
            f"{' and '.join(repr(one.name) for one in networks)} see different fields of an image.",
            hint="Compare a model with the backbone that it was trained from.",
        )
