"""Image towers of which only a part learns."""

from __future__ import annotations

from torch import nn

from galaxtool.methods.supervised import SupervisedStage


class PartlyFrozenStage(SupervisedStage):
    """Trains the head and whatever of the image tower requires a gradient; all else stays as it is.

    What is frozen is in evaluation mode: its BatchNorms normalise by the running statistics and keep them, and there
    is no dropout in it.
    """

    def train(self, mode: bool = True) -> PartlyFrozenStage:
        """Switch to training, but for what is frozen."""
        super().train(mode)
        if mode:
            for module in self.tower.modules():
                if not learns(module):
                    module.eval()
        return self

    def finish(self) -> None:
        """Leave nothing frozen."""
        self.tower.requires_grad_(True)


def learns(module: nn.Module) -> bool:
    """Say whether a module has a parameter that requires a gradient; one without parameters goes with its parent."""
    parameters = list(module.parameters())
    return not parameters or any(p.requires_grad for p in parameters)
