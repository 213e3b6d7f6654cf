"""The network of weights that were written before `mini` became an EfficientNet.

Until then `mini` was the residual network that is now `small-resnet`, and ``model.json``, ``config.toml`` and the names
of users' files say ``mini@...`` for both. The version of galaxtool cannot tell them apart, because a model can be
trained from either; the names of the tensors can.
"""

from __future__ import annotations

from collections.abc import Iterable


def is_former_mini(names: Iterable[str]) -> bool:
    """Return whether tensors are those of the residual network, whose stem has convolutions in pairs with BatchNorm."""
    return any(name.endswith("image_tower.stem.0.0.weight") for name in names)


def get_network_name(backbone: str, names: Iterable[str]) -> str:
    """Return the present name of the backbone that a model or a run was trained with.

    Parameters
    ----------
    backbone : str
        Full name as it was recorded, with ``@`` and weights.
    names : iterable of str
        Names of the trained tensors.
    """
    base, _, _ = backbone.partition("@")
    return "small-resnet@none" if base == "mini" and is_former_mini(names) else backbone
