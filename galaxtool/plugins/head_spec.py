"""The spec of a head."""

from __future__ import annotations

from dataclasses import dataclass

from galaxtool.plugins.base_spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadSpec(Spec):
    """A head, which turns features into class scores; ``factory(dim=..., n_classes=...)`` returns a module.

    The module may have ``probabilities(logits, temperature)``, which then replaces the softmax, and
    ``set_taxonomy(taxonomy)``, which is called before training. The temperature is a number, or for several quantities
    a tensor (T,) of factors for their error bars.

    Parameters
    ----------
    label_kinds : tuple of str
        Labels that it can learn from: ``"class"``, ``"votes"``, ``"values"``, ``"none"``.
    fitted : bool
        Whether it is fitted once the backbone is trained rather than trained by gradients. The module then has
        ``fit(features, targets)``, with features (N, dim) and targets (N,) of the training split.
    objective : str
        ``"package.module:factory"`` of its loss and score; see `galaxtool.training.objective`.
    needs : tuple of str
        Parts of the task that it is made from: ``"text"``. Only methods that need them too can train it.
    """

    label_kinds: tuple[str, ...] = ("class",)
    needs: tuple[str, ...] = ()
    fitted: bool = False
    objective: str = "galaxtool.training.objective:ClassObjective"
