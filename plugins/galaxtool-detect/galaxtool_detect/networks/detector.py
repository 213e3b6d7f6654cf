"""Faster R-CNN (Ren et al. 2017, arXiv:1506.01497), of torchvision's parts, on a pyramid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops import MultiScaleRoIAlign

from galaxtool import create_backbone
from galaxtool_detect.networks.config import STRIDES, NetworkConfig
from galaxtool_detect.networks.ignoring import IgnoringHeads, IgnoringProposals
from galaxtool_detect.networks.pyramid import PyramidBackbone

Targets = list[dict[str, torch.Tensor]]
_POOL = 7


class Detector(nn.Module):
    """A detector: images with values in [0, 1] to boxes, scores and labels.

    Boxes have torchvision's coordinates: the outer corner of the first pixel is (0, 0). Labels count from 1, because 0
    is the background.

    Parameters
    ----------
    config : NetworkConfig
        Settings of the architecture.
    body : PyramidBackbone
        Backbone with its pyramid.

    Attributes
    ----------
    keeps_statistics : bool
        Whether BatchNorm layers of the backbone keep their statistics while the rest learns.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, config: NetworkConfig, body: PyramidBackbone) -> None:
        super().__init__()
        self.config = config
        self.body = body
        self.keeps_statistics = False
        shape = (1, 3, 1, 1)
        self.register_buffer("mean", torch.tensor(config.mean).reshape(shape), persistent=False)
        self.register_buffer("std", torch.tensor(config.std).reshape(shape), persistent=False)
        self.rpn = _make_proposals(config)
        self.heads = _make_heads(config)

    def forward(self, images: torch.Tensor, targets: Targets | None = None) -> dict[str, torch.Tensor] | Targets:
        """Return the four losses if there are targets, else a dict of ``boxes``, ``scores``, ``labels`` for each image.

        Parameters
        ----------
        images : Tensor of float, shape (N, 3, size, size)
            Values in [0, 1].
        targets : list of dict, optional
            ``boxes``, float (M, 4), and ``labels``, int64 (M,), of each image, and possibly ``ignored``, float (K, 4):
            what is on these boxes counts neither as a source nor as background.
        """
        levels = self.body((images - self.mean) / self.std)
        # anchors, boxes and losses need float32
        with torch.autocast(images.device.type, enabled=False):
            maps = {name: level.float() for name, level in levels.items()}
            sizes = [(images.shape[-2], images.shape[-1])] * images.shape[0]
            proposals, proposal_losses = self.rpn(ImageList(images, sizes), maps, targets)
            found, head_losses = self.heads(maps, proposals, sizes, targets)
        if targets is None:
            results: Targets = found
            return results
        losses: dict[str, torch.Tensor] = {**proposal_losses, **head_losses}
        return losses

    def compute_losses(self, images: torch.Tensor, targets: Targets) -> dict[str, torch.Tensor]:
        """Return the four losses, in evaluation mode too."""
        modes = self.rpn.training, self.heads.training
        self.rpn.training = self.heads.training = True
        try:
            losses = self(images, targets)
        finally:
            self.rpn.training, self.heads.training = modes
        assert isinstance(losses, dict)
        return losses


def _make_proposals(config: NetworkConfig) -> IgnoringProposals:
    sizes = tuple(tuple(stride * scale for scale in config.anchor_scales) for stride in STRIDES)
    anchors = AnchorGenerator(sizes, (tuple(config.anchor_ratios),) * len(sizes))
    return IgnoringProposals(
        anchors,
        RPNHead(config.channels, anchors.num_anchors_per_location()[0]),
        fg_iou_thresh=0.7,
        bg_iou_thresh=0.3,
        batch_size_per_image=256,
        positive_fraction=0.5,
        pre_nms_top_n={"training": 1000, "testing": 500},
        post_nms_top_n={"training": 500, "testing": 300},
        nms_thresh=0.7,
    )


def _make_heads(config: NetworkConfig) -> IgnoringHeads:
    pool = MultiScaleRoIAlign([str(i) for i in range(len(STRIDES))], output_size=_POOL, sampling_ratio=2)
    return IgnoringHeads(
        pool,
        TwoMLPHead(config.channels * _POOL**2, config.representation),
        FastRCNNPredictor(config.representation, len(config.classes) + 1),
        fg_iou_thresh=0.5,
        bg_iou_thresh=0.5,
        batch_size_per_image=512 if config.head == "standard" else 128,
        positive_fraction=0.25,
        bbox_reg_weights=None,
        score_thresh=0.05,
        nms_thresh=0.5,
        detections_per_img=300,
    )


def create_detector(
    backbone: str, classes: Sequence[str], image_size: int, *, head: str = "standard", **settings: Any
) -> Detector:
    """Create a detector on a backbone with its weights; pyramid and heads have random ones.

    Parameters
    ----------
    backbone : str
        Name of the backbone with its weights, as for ``galaxtool finetune``.
    classes : sequence of str
        Names of the classes.
    image_size : int
        Side of the images in pixels.
    head : {"standard", "small"}
        Size of the pyramid and of what classifies boxes.
    **settings
        Further fields of `NetworkConfig`.

    Raises
    ------
    ConfigError
        If the backbone has no maps for a pyramid, or does not take images of that size.
    """
    made = create_backbone(backbone, image_size=image_size)
    mean, std = made.normalization
    config = NetworkConfig(
        backbone=str(made.registered_name).partition("@")[0],
        classes=tuple(classes),
        image_size=image_size,
        head=head,
        mean=mean,
        std=std,
        **settings,
    )
    return assemble(config, made)


def restore_detector(config: NetworkConfig) -> Detector:
    """Create the detector that a model file describes, with random weights."""
    made = create_backbone(f"{config.backbone.partition('@')[0]}@none", image_size=config.image_size)
    return assemble(config, made)


def assemble(config: NetworkConfig, backbone: Any) -> Detector:
    """Put a detector together from its backbone."""
    for tower in ("text_tower", "text"):  # of no use here, and it would be stored and decayed
        if isinstance(getattr(backbone, tower, None), nn.Module):
            setattr(backbone, tower, nn.Identity())
    return Detector(config, PyramidBackbone(backbone, config.image_size, config.channels))
