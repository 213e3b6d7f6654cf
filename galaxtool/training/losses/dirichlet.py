r"""The likelihood of volunteers' votes under a Dirichlet-multinomial distribution.

For one question of an image, let :math:`x_a` of n volunteers have given the answer a. The network of Walmsley et al.
2022 (Galaxy Zoo DECaLS, MNRAS 509, 3966, arXiv:2102.08414) predicts a concentration :math:`\alpha_a` for each answer,
and its training minimizes the negative logarithm of

.. math:: P(x \mid \alpha) = \frac{n!\,\Gamma(\alpha_0)}{\Gamma(n + \alpha_0)}
          \prod_a \frac{\Gamma(x_a + \alpha_a)}{x_a!\,\Gamma(\alpha_a)}, \qquad \alpha_0 = \sum_a \alpha_a .

A question that nobody was asked has n = 0 and P = 1, and does not contribute. As in Zoobot, the authors' code, the
concentrations are between 1 and 101: :math:`\alpha = 1 + 100 / (1 + e^{-z})` for a logit z. The expected share of the
votes for an answer is :math:`\alpha_a / \alpha_0`.

``questions``, int64 of shape (A,), holds the number of the question that each of the A answers belongs to, from 0.
"""

from __future__ import annotations

import torch

LEAST, RANGE = 1.0, 100.0


def compute_concentrations(logits: torch.Tensor) -> torch.Tensor:
    """Return the concentrations for logits of any shape, between 1 and 101."""
    return LEAST + RANGE * torch.sigmoid(logits)


def compute_expected_fractions(alpha: torch.Tensor, questions: torch.Tensor) -> torch.Tensor:
    """Return the expected share of the votes for each answer.

    Parameters
    ----------
    alpha : Tensor, shape (N, A)
        Concentrations.
    questions : Tensor of int64, shape (A,)

    Returns
    -------
    Tensor, shape (N, A)
        The shares of one question add up to 1.
    """
    same_question = (questions[:, None] == questions).to(alpha.dtype)
    # not a matrix product, because an export to eight-bit integers would round it
    return alpha / (alpha[:, None, :] * same_question).sum(dim=2)


def dirichlet_multinomial_nll(alpha: torch.Tensor, votes: torch.Tensor, questions: torch.Tensor) -> torch.Tensor:
    """Return the negative log-probability of each question's votes.

    Parameters
    ----------
    alpha : Tensor, shape (N, A)
        Concentrations.
    votes : Tensor, shape (N, A)
        Numbers of votes, in the type of `alpha`.
    questions : Tensor of int64, shape (A,)

    Returns
    -------
    Tensor, shape (N, Q)
        As ``-scipy.stats.dirichlet_multinomial.logpmf``; 0 where nobody was asked.
    """
    # on the device of the questions, so that nothing waits for a GPU
    belongs = (questions[:, None] == torch.arange(int(questions.max()) + 1, device=questions.device)).to(alpha)
    n, total = votes @ belongs, alpha @ belongs
    whole = torch.lgamma(n + 1) + torch.lgamma(total) - torch.lgamma(n + total)
    each = torch.lgamma(votes + alpha) - torch.lgamma(alpha) - torch.lgamma(votes + 1)
    return -(whole + each @ belongs)
