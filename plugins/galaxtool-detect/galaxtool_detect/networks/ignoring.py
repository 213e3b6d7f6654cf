"""Proposals and heads of torchvision's Faster R-CNN that leave ignored boxes out of the losses.

An ignored box has a source that is not labelled, such as one too faint to be expected. It is no background either, so
anchors and proposals on it count neither way, as detections of it do in the measures.
"""

from __future__ import annotations

import torch
from torchvision.models.detection._utils import Matcher
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork
from torchvision.ops import box_area, box_iou

IGNORED = "ignored"
"""Key of the ignored boxes, float (K, 4), in the targets of an image."""

_LEAST_OVERLAP = 0.3
"""Intersection over union from which an anchor is no background for torchvision."""

_LEAST_SHARE = 0.5
"""Share of its area within an ignored box from which a detection counts neither way in the measures."""

_LEFT_OUT = -1.0


class IgnoringProposals(RegionProposalNetwork):  # type: ignore[misc]  # torchvision has no types
    """Region proposals; an anchor is background only if it would be so with the ignored boxes as sources."""

    def assign_targets_to_anchors(
        self, anchors: list[torch.Tensor], targets: list[dict[str, torch.Tensor]]
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Return labels (1, 0, or -1 for what is left out) and boxes for the anchors of each image."""
        labels, boxes = super().assign_targets_to_anchors(anchors, targets)
        return [self._leave_out(*one) for one in zip(labels, anchors, targets, strict=True)], boxes

    def _leave_out(self, labels: torch.Tensor, anchors: torch.Tensor, target: dict[str, torch.Tensor]) -> torch.Tensor:
        ignored = target.get(IGNORED)
        if ignored is None or not len(ignored):
            return labels
        # the anchor that fits an ignored box best is no background, however small its overlap
        matched = self.proposal_matcher(box_iou(ignored, anchors))
        near = (matched != Matcher.BELOW_LOW_THRESHOLD) | find_near(anchors, ignored)
        changed = torch.where((labels == 0) & near, _LEFT_OUT, labels)
        return changed if (changed >= 0).any() else labels


class IgnoringHeads(RoIHeads):  # type: ignore[misc]
    """Heads that learn from proposals that are a source, or are not near an ignored box."""

    def select_training_samples(
        self, proposals: list[torch.Tensor], targets: list[dict[str, torch.Tensor]]
    ) -> tuple[list[torch.Tensor], list[torch.Tensor], list[torch.Tensor], list[torch.Tensor]]:
        """Return a sample of the proposals of each image, with the indices, labels and offsets of their sources."""
        kept = [self._leave_out(*one) for one in zip(proposals, targets, strict=True)]
        samples: tuple[list[torch.Tensor], list[torch.Tensor], list[torch.Tensor], list[torch.Tensor]]
        samples = super().select_training_samples(kept, targets)
        return samples

    def _leave_out(self, proposals: torch.Tensor, target: dict[str, torch.Tensor]) -> torch.Tensor:
        ignored = target.get(IGNORED)
        if ignored is None or not len(ignored) or not len(proposals):
            return proposals
        kept = ~find_near(proposals, ignored)
        if len(target["boxes"]):
            threshold = self.proposal_matcher.high_threshold
            kept |= box_iou(proposals, target["boxes"]).amax(dim=1) >= threshold
        return proposals[kept] if kept.any() else proposals


def find_near(boxes: torch.Tensor, ignored: torch.Tensor) -> torch.Tensor:
    """Return which boxes (N, 4) overlap one of the ignored boxes (K, 4) too much to be background, bool (N,)."""
    overlap = box_iou(boxes, ignored)
    low = torch.maximum(boxes[:, None, :2], ignored[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], ignored[None, :, 2:])
    shared = (high - low).clamp(min=0).prod(dim=2)
    share = shared / box_area(boxes).clamp(min=torch.finfo(boxes.dtype).tiny)[:, None]
    near: torch.Tensor = ((overlap >= _LEAST_OVERLAP) | (share >= _LEAST_SHARE)).any(dim=1)
    return near
