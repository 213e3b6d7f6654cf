r"""The loss of DINO and the update of its teacher (Caron et al. 2021, arXiv:2104.14294, section 3.1).

The student's views v of an item, and the teacher's views t, which are only the global crops, give logits over K
prototypes. With the teacher's logits centred by c and sharpened,

.. math::
    P_t = \mathrm{softmax}((z_t - c) / \tau_t), \qquad Q_v = \mathrm{softmax}(z_v / \tau_s),

the loss is the cross-entropy :math:`-\sum_k P_{tk} \log Q_{vk}`, averaged over the pairs of different views and over
the items. Centring prevents one prototype from winning everywhere, and sharpening prevents all from being equal;
together they keep the teacher from collapsing.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn


class ProjectionHead(nn.Module):
    """From features to logits over prototypes: three linear layers, unit length, and the cosine with each prototype.

    The prototypes are the normalized rows of a matrix: the paper's weight-normalized last layer with norms fixed at 1.

    Parameters
    ----------
    dim : int
        Length of a feature.
    out_dim : int
        Number of prototypes.
    hidden_dim, bottleneck : int
        Width of the two hidden layers, and length of the vectors that are compared with the prototypes.
    """

    def __init__(self, dim: int, out_dim: int, hidden_dim: int = 2048, bottleneck: int = 256) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(dim, hidden_dim), nn.GELU(), nn.Linear(hidden_dim, hidden_dim), nn.GELU(),
            nn.Linear(hidden_dim, bottleneck),
        )  # fmt: skip
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                nn.init.trunc_normal_(layer.weight, std=0.02)
                nn.init.zeros_(layer.bias)
        self.prototypes = nn.Parameter(nn.init.trunc_normal_(torch.empty(out_dim, bottleneck), std=0.02))

    def forward(self, features: torch.Tensor, *, frozen: bool = False) -> torch.Tensor:
        """Return the cosines (N, out_dim), at least in float32, for features (N, dim).

        Parameters
        ----------
        features : Tensor, shape (N, dim)
            Features from the image tower.
        frozen : bool
            Whether the prototypes get no gradient.
        """
        x: torch.Tensor = self.layers(features)
        # half precision is too coarse for values that are divided by a temperature
        with torch.autocast(x.device.type, enabled=False):
            x = F.normalize(x.to(torch.promote_types(x.dtype, torch.float32)), dim=1)
            prototypes = self.prototypes.detach() if frozen else self.prototypes
            return x @ F.normalize(prototypes, dim=1).T


def dino_loss(
    student: torch.Tensor,
    teacher: torch.Tensor,
    center: torch.Tensor,
    *,
    student_temperature: float,
    teacher_temperature: float,
) -> torch.Tensor:
    """Return the loss of DINO, a mean over items and pairs of different views.

    Parameters
    ----------
    student : Tensor, shape (V, N, K)
        Logits of all views, the global ones first.
    teacher : Tensor, shape (G, N, K)
        Logits of the G global views, in the same order; G is at most V, and V at least 2. No gradient flows into it.
    center : Tensor, shape (K,)
        Centre of the teacher's logits.
    student_temperature, teacher_temperature : float
        Temperatures of the two softmax functions.
    """
    targets = teacher_probabilities(teacher, center, teacher_temperature)
    log_predictions = F.log_softmax(student / student_temperature, dim=-1)
    n_global, n_views = len(teacher), len(student)
    # each view of the teacher is paired with all other views of the student: sum them once, not pair by pair
    others = log_predictions.sum(dim=0) - log_predictions[:n_global]
    return -(targets * others).sum(dim=-1).mean(dim=1).sum() / (n_global * (n_views - 1))


def teacher_probabilities(teacher: torch.Tensor, center: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return the softmax of the teacher's centred and sharpened logits (..., K), without gradient."""
    return torch.softmax((teacher.detach() - center) / temperature, dim=-1)


def normalized_entropy(probabilities: torch.Tensor) -> float:
    """Return the mean entropy of rows (..., K) as a fraction of its maximum, log K.

    A value near 0 for the mean over many items means that one prototype has won everywhere, and a value near 1 for each
    item that all prototypes are equal. Either is a collapse.
    """
    entropy = torch.special.entr(probabilities).sum(dim=-1).mean()
    return float(entropy) / math.log(probabilities.shape[-1])


def teacher_momentum(progress: float, base: float) -> float:
    """Return the teacher's momentum, which rises from `base` to 1 by half a cosine as `progress` goes from 0 to 1."""
    return 1 - (1 - base) * (1 + math.cos(math.pi * progress)) / 2


def warm_up(epoch: int, *, start: float, end: float, epochs: int) -> float:
    """Return a value that changes linearly from `start` in epoch 0 to `end` in epoch `epochs`, and then stays there."""
    return end if epoch >= epochs else start + (end - start) * epoch / epochs


@torch.no_grad()
def update_teacher(teacher: nn.Module, student: nn.Module, momentum: float) -> None:
    """Move a teacher's parameters to ``momentum * teacher + (1 - momentum) * student``.

    Only parameters that the student trains are moved. Buffers stay: the teacher has its own statistics of BatchNorm.
    """
    students = dict(student.named_parameters())
    for name, parameter in teacher.named_parameters():
        if students[name].requires_grad:
            parameter.lerp_(students[name], 1 - momentum)
