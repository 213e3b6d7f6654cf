"""The spec of a measure of oddness."""

from __future__ import annotations

from dataclasses import dataclass

from galaxtool.plugins.base_spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class AnomalyMethodSpec(Spec):
    """A measure of oddness, for ``galaxtool anomalies --method NAME``.

    ``factory(vectors, neighbors=..., seed=..., progress=...)`` returns a score for each of N vectors, a float array of
    shape (N,) without NaN, higher for odder ones. `vectors` is a float32 array of shape (N, dim), N at least 2, whose
    values are finite; `neighbors` is below N; `progress` is a `galaxtool.Progress`.

    Parameters
    ----------
    meaning : str
        What the score is, a sentence for the page. ``{k}`` stands for the number of neighbours.
    uses : tuple of str
        Settings that it depends on: ``"neighbors"``, ``"seed"`` or both.
    """

    meaning: str = ""
    uses: tuple[str, ...] = ()
