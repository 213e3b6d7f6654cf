r"""Votes for the answers to questions, as draws from a Dirichlet-multinomial distribution.

For one question of an image, let :math:`x_a` volunteers have given the answer a, n in all. Walmsley et al. 2022 (Galaxy
Zoo DECaLS, MNRAS 509, 3966, arXiv:2102.08414) let a network give a concentration :math:`\alpha_a` for each
answer, and minimise the negative logarithm of

.. math:: P(x \mid \alpha) = \frac{n!\,\Gamma(\alpha_0)}{\Gamma(n + \alpha_0)}
          \prod_a \frac{\Gamma(x_a + \alpha_a)}{x_a!\,\Gamma(\alpha_a)}, \qquad \alpha_0 = \sum_a \alpha_a .

A question that nobody was asked has n = 0 and P = 1, so it teaches nothing. As in Zoobot, the authors' code, the
concentrations lie between 1 and 101: :math:`\alpha = 1 + 100 / (1 + e^{-z})` of a logit z. The share of the votes that
an answer may expect is :math:`\alpha_a / \alpha_0`.

``questions``, int64 (A,), says which question each of A answers belongs to, from 0.
"""

from __future__ import annotations

import torch

LEAST, RANGE = 1.0, 100.0


def concentrations(logits: torch.Tensor) -> torch.Tensor:
    """Return the concentrations of logits, of the same shape, between 1 and 101."""
    return LEAST + RANGE * torch.sigmoid(logits)


def expected_fractions(alpha: torch.Tensor, questions: torch.Tensor) -> torch.Tensor:
    """Return the share of the votes that each answer may expect.

    Parameters
    ----------
    alpha : Tensor, shape (N, A)
        Concentrations.
    questions : Tensor of int64, shape (A,)

    Returns
    -------
    Tensor, shape (N, A)
        Those of one question add up to 1.
    """
    together = (questions[:, None] == questions).to(alpha.dtype)
    # no matrix product, which an export to eight-bit integers would round
    return alpha / (alpha[:, None, :] * together).sum(dim=2)


def dirichlet_multinomial_nll(alpha: torch.Tensor, votes: torch.Tensor, questions: torch.Tensor) -> torch.Tensor:
    """Return the negative log-probability of each question's votes.

    Parameters
    ----------
    alpha : Tensor, shape (N, A)
        Concentrations.
    votes : Tensor, shape (N, A)
        Whole numbers of at least 0, in the type of `alpha`.
    questions : Tensor of int64, shape (A,)

    Returns
    -------
    Tensor, shape (N, Q)
        As ``-scipy.stats.dirichlet_multinomial.logpmf``; 0 where nobody was asked.
    """
    # where the questions are, so that a GPU is not waited for
    belongs = (questions[:, None] == torch.arange(int(questions.max()) + 1, device=questions.device)).to(alpha)
    n, total = votes @ belongs, alpha @ belongs
    whole = torch.lgamma(n + 1) + torch.lgamma(total) - torch.lgamma(n + total)
    each = torch.lgamma(votes + alpha) - torch.lgamma(alpha) - torch.lgamma(votes + 1)
    return -(whole + each @ belongs)
