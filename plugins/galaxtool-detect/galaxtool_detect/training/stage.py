"""The stage of a detector's training, for galaxtool's Trainer."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from galaxtool import Batch, Loss, Stage, Task
from galaxtool_detect.inference.scan import detect_field
from galaxtool_detect.networks.detector import Detector, Targets
from galaxtool_detect.networks.freezing import set_training
from galaxtool_detect.networks.ignoring import IGNORED
from galaxtool_detect.training.augmentation import Augmentation
from galaxtool_detect.training.validation import score_detections
from galaxtool_detect.training.windows import FieldCache, Window, cut_window, draw_place
from galaxtool_detect.windows import find_side

_SALT = 0x44455445


class DetectionStage(Stage):
    """Train a detector on windows of fields.

    Parameters
    ----------
    detector : Detector
        Detector whose learning weights are set.
    train, valid : FieldCache
        Fields of the two splits.
    epochs : int
        Number of epochs.
    upscale : float
        Factor by which windows are enlarged.
    augmentation : Augmentation
        Random changes of the windows.
    """

    def __init__(
        self,
        detector: Detector,
        train: FieldCache,
        valid: FieldCache,
        *,
        epochs: int,
        upscale: float,
        augmentation: Augmentation,
    ) -> None:
        super().__init__("detection", epochs)
        self.detector = detector
        self.fields, self.validation = train, valid
        self.upscale = upscale
        self.augmentation = augmentation

    def train(self, mode: bool = True) -> DetectionStage:
        """Switch to training, except for what is frozen, or to evaluation."""
        super().train(mode)
        if mode:
            set_training(self.detector)
        return self

    def inputs(self, task: Task, items: np.ndarray, epoch: int) -> tuple[torch.Tensor, Targets]:
        """Return augmented windows of fields, drawn from the seed, the epoch and the field."""
        windows = []
        for item in items.tolist():
            rng = np.random.default_rng((task.options.seed, epoch, item, _SALT))
            field = self.fields[item]
            size = self.detector.config.image_size
            place = draw_place(field, find_side(size, self.upscale), rng)
            windows.append(cut_window(field, *place, size, self.upscale, self.augmentation, rng))
        return collate(windows, task.device)

    def loss(self, batch: Batch) -> Loss:
        """Return the sum of the four losses, each a mean over the images."""
        images, targets = batch.images
        terms = self.detector(images, targets)
        return Loss(sum(terms.values()), {name.removeprefix("loss_"): term for name, term in terms.items()})

    def get_validated_encoder(self, task: Task) -> nn.Module:
        """Return the backbone."""
        backbone: nn.Module = self.detector.body.backbone
        return backbone

    def run_encoder(self, task: Task, items: np.ndarray, epoch: int) -> None:
        """Pass windows through the backbone, to estimate its BatchNorm statistics."""
        images, _ = self.inputs(task, items, epoch)
        self.detector.body.backbone.features((images - self.detector.mean) / self.detector.std)

    def make_head(self) -> nn.Module:
        """Return the detector."""
        return self.detector

    def validate(self, task: Task) -> dict[str, float]:
        """Return the loss of the middle of each field, and the mean average precision of the whole fields."""
        losses, found, truth = [], [], []
        size = self.detector.config.image_size
        for index in range(len(self.validation)):
            field = self.validation[index]
            window = cut_window(field, *draw_place(field, find_side(size, self.upscale), None), size, self.upscale)
            with torch.random.fork_rng(devices=[]), torch.no_grad():
                torch.manual_seed(index)  # the losses are those of a random choice of boxes
                terms = self.detector.compute_losses(*collate([window], task.device))
            losses.append(float(sum(terms.values())))
            found.append(detect_field(self.detector, field, upscale=self.upscale, device=task.device))
            truth.append(field)
        scores = score_detections(truth, found, len(self.detector.config.classes))
        return {"valid_loss": float(np.mean(losses)), **scores}

    def score(self, task: Task, row: dict[str, Any]) -> tuple[float, ...]:
        """Rank by mAP@50, then by the loss."""
        return (row["valid_map50"], -row["valid_loss"])


def collate(windows: list[Window], device: torch.device) -> tuple[torch.Tensor, Targets]:
    """Return windows as a batch of images and the targets of each."""
    images = torch.from_numpy(np.stack([window.image for window in windows])).to(device)
    targets = [
        {
            "boxes": torch.from_numpy(w.boxes).to(device),
            "labels": torch.from_numpy(w.labels + 1).to(device),
            IGNORED: torch.from_numpy(w.ignored).to(device),
        }
        for w in windows
    ]
    return images, targets
