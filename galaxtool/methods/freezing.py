"""Train the head and a part of the image tower."""

from __future__ import annotations

from torch import nn

from galaxtool.methods.supervised import SupervisedStage


class PartlyFrozenStage(SupervisedStage):
    """A stage that trains the head and the parameters of the image tower that require a gradient.

    Frozen modules are in evaluation mode: BatchNorm normalizes by the running statistics and does not update them, and
    dropout is off.
    """

    def train(self, mode: bool = True) -> PartlyFrozenStage:
        """Set the mode; frozen modules stay in evaluation mode."""
        super().train(mode)
        if mode:
            for module in self.tower.modules():
                if not is_trainable(module):
                    module.eval()
        return self

    def finish(self) -> None:
        """Unfreeze the image tower."""
        self.tower.requires_grad_(True)


def is_trainable(module: nn.Module) -> bool:
    """Return whether a module has a parameter that requires a gradient, or no parameters at all."""
    parameters = list(module.parameters())
    return not parameters or any(p.requires_grad for p in parameters)
