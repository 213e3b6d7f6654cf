"""The spec of a training method."""

from __future__ import annotations

from dataclasses import dataclass

from galaxtool.plugins.base_spec import Spec
from galaxtool.plugins.head_spec import HeadSpec
from galaxtool.plugins.options import MethodOption


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodSpec(Spec):
    """A training method; ``factory(task)`` returns a list of `galaxtool.Stage`.

    Parameters
    ----------
    needs : tuple of str
        Parts that the task must have: any of ``"labels"``, ``"text"``, ``"symbols"``.
    head : str
        Head that a trained model classifies with unless another is chosen.
    heads : tuple of str
        Names of further heads that it can train; a fitted head (see `HeadSpec`) works with every method.
    label_kinds : tuple of str
        Labels of `HeadSpec.label_kinds`: it can train every head that learns from one of them. Set it for a method
        whose stages use ``task.make_head()`` and ``task.objective``.
    lr : float
        Default peak learning rate; 0 for the one that the backbone suggests.
    options : tuple of MethodOption
        Its own settings, in ``task.options.method``.
    lengths : tuple of str
        Settings of ``finetune`` for the length of its stages: ``"warmup_epochs"``, ``"epochs"`` or both. Any other is
        refused, except that ``--epochs`` means ``warmup_epochs`` where that is the only one.
    ignores : tuple of str
        Further settings of ``finetune`` that would have no effect, and are refused: ``"layer_decay"``.
    """

    needs: tuple[str, ...] = ("labels",)
    head: str = "prompt"
    heads: tuple[str, ...] = ()
    label_kinds: tuple[str, ...] = ()
    lr: float = 0.0
    options: tuple[MethodOption, ...] = ()
    lengths: tuple[str, ...] = ("warmup_epochs", "epochs")
    ignores: tuple[str, ...] = ()

    def can_train(self, head: HeadSpec) -> bool:
        """Return whether a model trained by this method can have a head."""
        if head.fitted or head.name in (self.head, *self.heads):
            return True
        return bool({*self.label_kinds} & {*head.label_kinds}) and {*head.needs} <= {*self.needs}
