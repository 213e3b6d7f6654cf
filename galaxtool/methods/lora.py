"""LoRA: low-rank changes to the matrices of a frozen image tower are learned (Hu et al. 2021)."""

from __future__ import annotations

from galaxtool.methods.adapters import add_adapters, merge_adapters
from galaxtool.methods.freezing import PartlyFrozenStage
from galaxtool.training.stage import Stage
from galaxtool.training.task import Task


class LoraStage(PartlyFrozenStage):
    """A stage that trains adapters in the image tower, and the head.

    Parameters
    ----------
    task : Task
        Data, model and settings. The options of the method are those of `galaxtool.methods.adapters.add_adapters`,
        which also lists the exceptions.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task, "adapters")
        options = task.options.method
        names = ("rank", "alpha", "dropout", "targets", "bias")
        add_adapters(self.tower, **{name: options[name] for name in names})

    def finish(self) -> None:
        """Merge the adapters into the weights, which restores the original layers of the image tower."""
        merge_adapters(self.tower)


def stages(task: Task) -> list[Stage]:
    """Create the only stage."""
    return [LoraStage(task)]
