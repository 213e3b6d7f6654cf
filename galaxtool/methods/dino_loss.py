r"""What DINO minimises and how its teacher moves (Caron et al. 2021, arXiv:2104.14294, section 3.1).

The student's views v of an item and the teacher's views t, which are the global crops alone, give logits over K
prototypes. With the teacher's centred by c and sharpened,

.. math::
    P_t = \mathrm{softmax}((z_t - c) / \tau_t), \qquad Q_v = \mathrm{softmax}(z_v / \tau_s),

the loss is the cross-entropy :math:`-\sum_k P_{tk} \log Q_{vk}`, averaged over the pairs of different views and over
the items. Centring keeps one prototype from winning everywhere, sharpening keeps all from being alike: together they
keep the teacher from collapsing.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn


class ProjectionHead(nn.Module):
    """Features to logits over prototypes: three linear layers, unit length, cosine to each prototype.

    The prototypes are normalised rows of a matrix: the paper's weight-normalised last layer, with its norms fixed at 1.

    Parameters
    ----------
    dim : int
        Length of a feature.
    out_dim : int
        Prototypes.
    hidden_dim, bottleneck : int
        Width of the two hidden layers, and of what the prototypes are compared with.
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
        """Map features (N, dim) to cosines (N, out_dim), float32 at least.

        Parameters
        ----------
        features : Tensor
        frozen : bool
            Give the prototypes no gradient.
        """
        x = self.layers(features)
        # half precision has too coarse steps for what is divided by a temperature
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
    """Return the loss, a mean over items and pairs of different views.

    Parameters
    ----------
    student : Tensor, shape (V, N, K)
        Logits of every view, the global ones first.
    teacher : Tensor, shape (G, N, K)
        Logits of the G global views, in the same order; G is at most V, and V at least 2. No gradient flows into it.
    center : Tensor, shape (K,)
    student_temperature, teacher_temperature : float
    """
    wanted = teacher_probabilities(teacher, center, teacher_temperature)
    log_found = F.log_softmax(student / student_temperature, dim=-1)
    n_global, n_views = len(teacher), len(student)
    # a teacher's view goes with all of the student's but its own: sum them once instead of pair by pair
    others = log_found.sum(dim=0) - log_found[:n_global]
    return -(wanted * others).sum(dim=-1).mean(dim=1).sum() / (n_global * (n_views - 1))


def teacher_probabilities(teacher: torch.Tensor, center: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return the centred and sharpened softmax of a teacher's logits (..., K), without gradient."""
    return torch.softmax((teacher.detach() - center) / temperature, dim=-1)


def entropy(probabilities: torch.Tensor) -> float:
    """Return the mean entropy of rows (..., K), in parts of the greatest possible, log K: 0 to 1.

    Near 0 for the mean over many items, one prototype has won everywhere; near 1 for each item, all are alike: either
    is a collapse.
    """
    found = torch.special.entr(probabilities).sum(dim=-1).mean()
    return float(found) / math.log(probabilities.shape[-1])


def teacher_momentum(progress: float, base: float) -> float:
    """Return what the teacher keeps of itself: from `base` by half a cosine to 1 as `progress` goes from 0 to 1."""
    return 1 - (1 - base) * (1 + math.cos(math.pi * progress)) / 2


def warmed_up(epoch: int, *, start: float, end: float, epochs: int) -> float:
    """Return a value that goes in equal steps from `start` in epoch 0 to `end` in epoch `epochs` and stays there."""
    return end if epoch >= epochs else start + (end - start) * epoch / epochs


@torch.no_grad()
def follow(teacher: nn.Module, student: nn.Module, momentum: float) -> None:
    """Move a teacher's parameters to ``momentum * teacher + (1 - momentum) * student``, where the student trains.

    Buffers are left alone: BatchNorm's statistics are the teacher's own.
    """
    students = dict(student.named_parameters())
    for name, parameter in teacher.named_parameters():
        if students[name].requires_grad:
            parameter.lerp_(students[name], 1 - momentum)
