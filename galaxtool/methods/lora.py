"""LoRA: the image tower stays as it is, and low-rank changes to its matrices are learned (Hu et al. 2021)."""

from __future__ import annotations

from galaxtool.methods.adapters import add_adapters, merge_adapters
from galaxtool.methods.freezing import PartlyFrozenStage
from galaxtool.training.stage import Stage
from galaxtool.training.task import Task


class LoraStage(PartlyFrozenStage):
    """Adapters in the image tower, and the head.

    Parameters
    ----------
    task : Task
        Its method options are those of `galaxtool.methods.adapters.add_adapters`, which says what it raises.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task, "adapters")
        given = task.options.method
        add_adapters(self.tower, rank=given["rank"], alpha=given["alpha"], dropout=given["dropout"])

    def finish(self) -> None:
        """Add the adapters to the weights; the image tower has the layers again that it came with."""
        merge_adapters(self.tower)


def stages(task: Task) -> list[Stage]:
    """Make the one stage."""
    return [LoraStage(task)]
