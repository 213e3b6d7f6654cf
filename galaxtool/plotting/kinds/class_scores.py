"""The kind ``class-f1``."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure

from galaxtool.errors import ConfigError, InputError
from galaxtool.evaluation.resamples import StratifiedResamples, make_resampled_entry
from galaxtool.evaluation.weighted_scores import weigh_f1
from galaxtool.plotting.charts.class_scores import ClassScores, draw_class_scores
from galaxtool.plotting.class_names import name_classes
from galaxtool.plotting.kinds.classification import read_each
from galaxtool.plotting.request import PlotRequest
from galaxtool.plotting.scored import ScoredImages
from galaxtool.plugins.registry import get_registry
from galaxtool.taxonomy.classes import Taxonomy
from galaxtool.taxonomy.coarse import coarsen, find_parents

_SEED = 0  # that of `galaxtool evaluate`, so that the figure has the intervals of its tables


def plot_class_f1(request: PlotRequest) -> Figure:
    """Draw F1 per class, and F1 in the coarser classes of other taxonomies, for one or more evaluations.

    An evaluation of a model that was trained on the coarser classes goes into their panel. Inputs with the same label
    are trainings that differ in their seed: their means are drawn, and the means of both ends of their intervals.
    """
    coarser = [_load(name.strip()) for name in str(request.options["relabel"]).split(",") if name.strip()]
    titles = {taxonomy.slugs: taxonomy.name for taxonomy in coarser}
    every = read_each(request)
    names = list(request.label) or request.name_inputs()
    panels: dict[tuple[str, ...], dict[str, list[np.ndarray]]] = {}
    for name, scored in zip(names, every, strict=True):
        _add(panels, _match(scored.classes, coarser), name, scored)
    for taxonomy in coarser:
        converted = [_relabel(scored, taxonomy) for scored in every]
        if not any(converted):
            raise InputError(
                f"No class of the evaluations has a counterpart in the taxonomy '{taxonomy.name}'.",
                hint="Leave --option relabel out, or see `galaxtool taxonomies` on which classes are coarser.",
            )
        for name, found in zip(names, converted, strict=True):
            if found is not None:
                _add(panels, found.classes, name, found)
                titles[found.classes] = taxonomy.name
    if len(panels) > 1:
        titles = {**{one.slugs: one.name for one in _load_all()}, **titles}
    drawn = [
        ClassScores(
            titles.get(classes, ""),
            tuple(name_classes(classes)),
            {name: np.mean(own[name], axis=0) for name in dict.fromkeys(names) if name in own},
        )
        for classes, own in panels.items()
    ]
    return draw_class_scores(drawn, columns=request.columns)


def _add(
    panels: dict[tuple[str, ...], dict[str, list[np.ndarray]]],
    classes: tuple[str, ...],
    name: str,
    scored: ScoredImages,
) -> None:
    """Add the scores of an input to the panel of its classes."""
    order = [scored.classes.index(slug) for slug in classes]
    panels.setdefault(classes, {}).setdefault(name, []).append(_measure(scored)[order])


def _load(name: str) -> Taxonomy:
    registered = get_registry().taxonomies.find(name)
    taxonomy: Taxonomy = registered.create(registered.spec)
    return taxonomy


def _load_all() -> Iterator[Taxonomy]:
    """Yield every registered taxonomy."""
    yield from (registered.create(registered.spec) for registered in get_registry().taxonomies)


def _match(classes: tuple[str, ...], coarser: list[Taxonomy]) -> tuple[str, ...]:
    """Return the classes, in the order of the coarser taxonomy that has the same ones."""
    return next((taxonomy.slugs for taxonomy in coarser if {*taxonomy.slugs} == {*classes}), classes)


def _measure(scored: ScoredImages) -> np.ndarray:
    """Return F1 of each class with its interval, (K, 3), as ``galaxtool evaluate`` computes it."""
    f1 = weigh_f1(scored.probabilities, scored.targets)
    value = f1(np.ones(len(scored.targets)))
    (resampled,) = StratifiedResamples(scored.targets, seed=_SEED).apply([f1])
    counts = np.bincount(scored.targets, minlength=len(value)).tolist()
    entries = [
        make_resampled_entry(one, draws, share_of=n) for one, draws, n in zip(value, resampled.T, counts, strict=True)
    ]
    return np.array([[entry[key] for key in ("value", "low", "high")] for entry in entries], dtype=float)


def _relabel(scored: ScoredImages, coarse: Taxonomy) -> ScoredImages | None:
    """Return the images scored in coarser classes; None if their classes have no counterparts there."""
    if {*scored.classes} <= {*coarse.slugs}:
        return None
    for taxonomy in _load_all():
        if not {*scored.classes} <= {*taxonomy.slugs} or not find_parents(taxonomy, coarse):
            continue
        fine = taxonomy.subset(scored.classes)
        if fine.slugs != scored.classes:
            raise ConfigError(
                f"The classes are not in the order of the taxonomy '{taxonomy.name}'.", hint="Evaluate the model again."
            )
        probabilities, _, kept = coarsen(scored.probabilities, fine, coarse)
        parents = find_parents(fine, coarse)
        number = {slug: kept.index(parent) for slug, parent in parents.items()}
        targets = np.array([number.get(slug, -1) for slug in scored.classes])[scored.targets]
        known = (targets >= 0) & np.isfinite(probabilities).all(axis=1)
        return ScoredImages(kept, probabilities[known], targets[known])
    return None
