"""Specs of the built-in heads."""

from __future__ import annotations

from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import Citation, HeadSpec

_NEIGHBORS = Citation(
    text="Wu, Xiong, Yu & Lin 2018, Unsupervised feature learning via non-parametric instance discrimination, CVPR",
    doi="10.1109/CVPR.2018.00393",
    arxiv="1805.01978",
)
_VOTES = Citation(
    text="Walmsley, M. et al. 2022, Galaxy Zoo DECaLS: Detailed visual morphology measurements from volunteers and "
    "deep learning for 314,000 galaxies, MNRAS 509, 3966",
    doi="10.1093/mnras/stab2093",
    arxiv="2102.08414",
)
_QUANTILES = Citation(
    text="Koenker, R. & Bassett, G. 1978, Regression quantiles, Econometrica 46, 33", doi="10.2307/1913643"
)


@hookimpl
def register_heads() -> list[HeadSpec]:
    return [
        HeadSpec(
            name="prompt",
            summary="Similarity to the prompt of each class, its symbol, or both.",
            factory="galaxtool.heads.prompt:build",
            needs=("text",),
        ),
        HeadSpec(
            name="linear",
            summary="A linear layer on the features.",
            factory="galaxtool.heads.linear:build",
        ),
        HeadSpec(
            name="knn",
            summary="A vote of the 20 nearest training images; works with every method that has classes.",
            factory="galaxtool.heads.knn:build",
            fitted=True,
            citation=_NEIGHBORS,
        ),
        HeadSpec(
            name="logistic",
            summary="Logistic regression on the trained features; works with every method that has classes.",
            factory="galaxtool.heads.logistic:build",
            fitted=True,
        ),
        HeadSpec(
            name="votes",
            summary="Votes of volunteers for the answers of a decision tree, with --votes.",
            factory="galaxtool.heads.votes:build",
            label_kinds=("votes",),
            objective="galaxtool.training.votes:VoteObjective",
            citation=_VOTES,
        ),
        HeadSpec(
            name="regression",
            summary="Numbers with error bars, such as redshifts, with --target.",
            factory="galaxtool.heads.regression:build",
            label_kinds=("values",),
            objective="galaxtool.training.regression:RegressionObjective",
            citation=_QUANTILES,
        ),
        HeadSpec(
            name="none",
            summary="No classes; for a model that has learned without labels.",
            factory="galaxtool.heads.none:build",
            label_kinds=("none",),
            objective="galaxtool.heads.none:NoObjective",
        ),
    ]
