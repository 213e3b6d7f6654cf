"""Data sets whose labels are noisy: ``--noisy NAME`` or ``--noisy NAME=0.1``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from galaxtool.errors import ConfigError, UnknownName
from galaxtool.finetuning.labels.targets import Targets
from galaxtool.taxonomy.classes import Taxonomy
from galaxtool.taxonomy.coarse import find_parents
from galaxtool.training.losses.label_noise import NoisyLabels, make_start

_RATE = 0.1


def parse_noisy(given: Sequence[str], names: Sequence[str]) -> dict[str, float]:
    """Return the rate of wrong labels of each noisy data set, by name.

    Raises
    ------
    UnknownName
        If a data set has another name.
    ConfigError
        If a rate is not a number between 0 and 1.
    """
    rates: dict[str, float] = {}
    for text in given:
        name, equals, value = (text, "", "") if text in names else text.rpartition("=")
        name = name if equals else text
        if name not in names:
            raise UnknownName("data set in --noisy", name, names, note="Write --noisy NAME, or --noisy NAME=0.1.")
        try:
            rates[name] = float(value) if equals else _RATE
        except ValueError:
            raise ConfigError(f"--noisy {text}: '{value}' is not a number.") from None
        if not 0 < rates[name] < 1:
            raise ConfigError(f"--noisy {text}: the rate of wrong labels must be above 0 and below 1.")
    return rates


def separate_noisy(
    targets: Targets, sources: Sequence[int], names: Sequence[str], rates: Mapping[str, float]
) -> Targets:
    """Return targets in which the labels of noisy data sets are labels of their own, named ``dataset/label``.

    Parameters
    ----------
    targets : Targets
        What each item is labelled with.
    sources : sequence of int
        Number of the data set of each item.
    names : sequence of str
        Names of the data sets.
    rates : mapping of str to float
        Rate of wrong labels of each noisy data set.
    """
    if not rates:
        return targets
    chosen = targets.taxonomy
    terms = targets.terms or (chosen,) * len(names)
    labels, coarse = list(targets.labels), {}
    for number, dataset in enumerate(names):
        if dataset not in rates:
            continue
        term_of = find_parents(chosen, terms[number])  # a label that is a class, in the terms of the data set
        for i, source in enumerate(sources):
            label = labels[i]
            if source == number and label:
                labels[i] = f"{dataset}/{term_of.get(label, label.removeprefix(f'{terms[number].name}:'))}"
                coarse[labels[i]] = targets.coarse.get(label, (label,))
    kept = {label: classes for label, classes in targets.coarse.items() if label in set(labels)}
    notes = tuple(
        f"{dataset}: labels are noisy. The probability of each label given the class is learned, and starts with "
        f"{rate:g} for the wrong labels together."
        for dataset, rate in rates.items()
    )
    return replace(
        targets,
        labels=labels,
        coarse={**kept, **_sort(coarse, names, terms)},
        terms=terms,
        notes=(*targets.notes, *notes),
    )


def _sort(
    coarse: Mapping[str, tuple[str, ...]], names: Sequence[str], terms: Sequence[Taxonomy]
) -> dict[str, tuple[str, ...]]:
    """Return noisy labels in the order of the data sets and of their taxonomies."""
    order = [f"{dataset}/{slug}" for dataset, own in zip(names, terms, strict=True) for slug in own.slugs]
    return {label: coarse[label] for label in order if label in coarse}


def find_noisy(
    taxonomy: Taxonomy, coarse: Mapping[str, tuple[str, ...]], rates: Mapping[str, float], names: Sequence[str]
) -> tuple[NoisyLabels, ...]:
    """Return the noisy labels of each data set, in the order of their rows in the label sets."""
    found = []
    for dataset in dict.fromkeys(name for name in names if name in rates):
        labels = tuple(label for label in coarse if label.rpartition("/")[0] == dataset)
        is_right = np.array([[slug in coarse[label] for label in labels] for slug in taxonomy.slugs])
        if labels:
            found.append(NoisyLabels(dataset, rates[dataset], labels, make_start(is_right, rates[dataset])))
    return tuple(found)
