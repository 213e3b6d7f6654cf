"""Alignment of images and prompts without symbols: the bimodal ablation of Wang et al. 2024."""

from __future__ import annotations

from galaxtool.heads.prompt import PromptHead
from galaxtool.methods.alignment import AlignmentStage, make_log_scale
from galaxtool.training.losses.loss import Loss
from galaxtool.training.stage import Stage
from galaxtool.training.task import Batch, Task


class ClipStage(AlignmentStage):
    """The only stage, which trains both towers and the temperature.

    Parameters
    ----------
    task : Task
        Data, model and settings.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task, make_log_scale(task), "images and prompts", task.options.epochs)

    def loss(self, batch: Batch) -> Loss:
        """Return the loss of the images against the prompts."""
        images = self.embed_images(batch)
        image_text = self.compare_items(images, self.embed_prompts(), batch)
        return self.add_captions(Loss(image_text, {"image_text": image_text}), images, batch)

    def make_head(self) -> PromptHead:
        """Return a head that scores by similarity to the prompts."""
        return self.fill_head(None)


def stages(task: Task) -> list[Stage]:
    """Create the only stage."""
    return [ClipStage(task)]
