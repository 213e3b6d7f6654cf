"""The head that predicts numbers with error bars: quantiles of each quantity."""

from __future__ import annotations

import torch
from torch import nn

from galaxtool.errors import ConfigError
from galaxtool.taxonomy.load import Taxonomy
from galaxtool.training.losses.quantiles import OUTPUTS, compute_quantiles


class RegressionHead(nn.Linear):
    """A linear layer with three outputs for each quantity: the median, and the distances to the quantiles beside it.

    Parameters
    ----------
    dim : int
        Length of the features.
    n_classes : int
        Number of outputs, three for each of T quantities.

    Attributes
    ----------
    center, scale : Tensor, shape (T,)
        Centre and scale of the training values; 0 and 1 until `set_taxonomy` is called.
    """

    center: torch.Tensor
    scale: torch.Tensor

    def __init__(self, dim: int, n_classes: int) -> None:
        super().__init__(dim, n_classes)
        n = max(1, n_classes // OUTPUTS)
        self.register_buffer("center", torch.zeros(n))
        self.register_buffer("scale", torch.ones(n))

    def set_taxonomy(self, taxonomy: Taxonomy) -> None:
        """Store the centre and scale of each quantity.

        Raises
        ------
        ConfigError
            If the taxonomy has classes instead of quantities.
        """
        if not taxonomy.quantities:
            raise ConfigError(
                f"'{taxonomy.name}' has classes, and the head 'regression' learns numbers.",
                hint="Name a column with --target, or use another --head.",
            )
        self.center.copy_(torch.tensor([quantity.center for quantity in taxonomy.quantities]))
        self.scale.copy_(torch.tensor([quantity.scale for quantity in taxonomy.quantities]))

    def probabilities(self, logits: torch.Tensor, temperature: float | torch.Tensor) -> torch.Tensor:
        """Return the quantiles of each quantity in its own unit, (N, 3 T), from the outputs (N, 3 T).

        Parameters
        ----------
        logits : Tensor, shape (N, 3 T)
            Outputs of the layer.
        temperature : float or Tensor, shape (T,)
            Factor for the lengths of all error bars, or of those of each quantity.
        """
        quantiles = compute_quantiles(logits, temperature)
        values = self.center[:, None] + self.scale[:, None] * quantiles
        return values.flatten(1)


def build(*, dim: int, n_classes: int) -> RegressionHead:
    """Create the head."""
    return RegressionHead(dim, n_classes)
