"""The class frequencies that probabilities assume: the work of ``classify --prior``."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.errors import ConfigError, InputError, ModelError, suggest_name
from galaxtool.evaluation.prior import TRAINING, UNIFORM, apply_factors, find_factors, find_scores_shares
from galaxtool.models.record import ModelRecord
from galaxtool.tables.column_names import LABEL_COLUMNS, find_column, list_columns
from galaxtool.taxonomy.classes import Taxonomy
from galaxtool.taxonomy.matching import match_labels
from galaxtool.utils.files.regular_files import read_regular_text
from galaxtool.utils.optional_imports import import_attribute
from galaxtool.utils.suggestions import suggest_path

_FRACTION_COLUMNS = ("fraction", "share", "prior", "probability", "weight", "count", "n")


@dataclass(frozen=True)
class ClassPrior:
    """The class frequencies that probabilities assume.

    Parameters
    ----------
    name : str
        ``training``, ``uniform``, or the shares of a file as ``spiral=0.3 elliptical=0.7``.
    factors : tuple of float
        Factor for each class of the model; empty if its own probabilities assume these already.
    """

    name: str = TRAINING
    factors: tuple[float, ...] = ()

    @property
    def header(self) -> str:
        """The entry PRIOR in the header of a table: empty if nothing was asked for and nothing done."""
        return self.name if self.factors or self.name != TRAINING else ""

    def correct(self, probabilities: np.ndarray) -> np.ndarray:
        """Return the probabilities, (N, K), of the classes in this mix."""
        return correct_probabilities(probabilities, self.factors)


def correct_probabilities(probabilities: np.ndarray, factors: tuple[float, ...]) -> np.ndarray:
    """Return probabilities (N, K) times a factor for each class, in rows that sum to 1; unchanged without factors."""
    return apply_factors(probabilities, np.array(factors)) if factors else probabilities


def choose_prior(record: ModelRecord, wanted: str) -> ClassPrior:
    """Return the class frequencies that a user wants the probabilities of a model to assume.

    Parameters
    ----------
    record : ModelRecord
        Record of the model.
    wanted : str
        ``training``, ``uniform``, or the path of a table, TOML or JSON file with the fraction of each class.

    Raises
    ------
    ConfigError
        If the model has answers to questions instead of classes.
    ModelError
        If the scores assume frequencies of a training set that the model does not state.
    InputError
        If the file cannot be read, names a class that the model does not have, lacks one, or has no valid fractions.
    """
    prior = np.array([record.prior.get(slug, 0.0) for slug in record.slugs])
    if wanted == TRAINING and (not record.prior or record.scores_prior == TRAINING):
        return ClassPrior()
    if record.votes is not None or record.regression is not None:
        what = "votes" if record.regression is None else "numbers"
        raise ConfigError(
            f"The model '{record.name}' predicts {what}, which have no class frequencies.", hint="Leave --prior out."
        )
    taxonomy = record.make_taxonomy()
    shares = prior
    if wanted != TRAINING:
        shares = np.full(len(prior), 1 / len(prior)) if wanted == UNIFORM else read_shares(Path(wanted), taxonomy)
    name = wanted if wanted in (TRAINING, UNIFORM) else _describe_shares(record.slugs, shares)
    if record.scores_prior == UNIFORM:
        scored = np.full(len(prior), 1 / len(prior))
    elif record.prior:
        scored = find_scores_shares(prior, record.scores_prior)
    else:
        raise ModelError(
            f"The model '{record.name}' does not state the class frequencies of its training set, so its "
            "probabilities cannot be corrected for another.",
            hint="Leave --prior out, or train the model again with this version of galaxtool.",
        )
    factors = find_factors(shares, scored)
    return ClassPrior(name, () if np.allclose(factors, factors[0]) else tuple(factors.tolist()))


def read_shares(path: Path, taxonomy: Taxonomy) -> np.ndarray:
    """Read the share of each class from a file.

    Parameters
    ----------
    path : Path
        JSON or TOML file in which each class has a number, or a table with a column of classes and one of fractions.
        Classes are named as in labels: by slug, name or alias.
    taxonomy : Taxonomy
        Classes of the model, each of which must be there.

    Returns
    -------
    ndarray of float64, shape (K,)
        Shares in the order of the classes, scaled to a sum of 1; a class can have the share 0.
    """
    numbers = _read_numbers(path)
    slug_of = match_labels(numbers, taxonomy)
    if len(set(slug_of.values())) < len(slug_of):
        raise InputError(f"'{path}' names a class twice.", hint="Give one fraction for each class.")
    if missing := [slug for slug in taxonomy.slugs if slug not in slug_of.values()]:
        raise InputError(
            f"'{path}' has no fraction for {', '.join(missing)}.",
            hint="Give each class of the model a fraction, 0 for one that does not occur.",
        )
    shares = {slug_of[name]: number for name, number in numbers.items()}
    total = math.fsum(shares.values())
    if not total > 0:
        raise InputError(f"All fractions in '{path}' are 0.", hint="Give at least one class a fraction above 0.")
    return np.array([shares[slug] / total for slug in taxonomy.slugs])


def _read_numbers(path: Path) -> dict[str, float]:
    """Return the number of each class as the file names it."""
    if not path.is_file():
        near = suggest_name(str(path), ("training", "uniform"))
        raise InputError(
            f"There is no prior '{path}'." + (f" Did you mean '{near}'?" if near else ""),
            hint=f"Give training, uniform or a file. {suggest_path(path)}",
        )
    pairs = list(_read_pairs(path))
    for name, number in pairs:
        is_number = isinstance(number, (int, float, np.number)) and not isinstance(number, bool)
        if not is_number or not 0 <= float(number) < math.inf:
            raise InputError(
                f"The fraction of '{name}' in '{path}' is {number}; it must be a number of at least 0.",
                hint="Fractions need not sum to 1, so counts will do.",
            )
    if len({name for name, _ in pairs}) < len(pairs):
        raise InputError(f"'{path}' names a class twice.", hint="Give one fraction for each class.")
    return {name: float(number) for name, number in pairs}


def _read_pairs(path: Path) -> list[tuple[str, Any]]:
    suffix = path.suffix.lower()
    if suffix in (".json", ".toml"):
        try:
            text = read_regular_text(path)
            values = json.loads(text) if suffix == ".json" else tomllib.loads(text)
        except (OSError, ValueError) as error:
            raise InputError(f"The prior '{path}' cannot be read: {error}.", hint="Check the file.") from error
        if isinstance(values, Mapping) and isinstance(values.get("prior"), Mapping):
            values = values["prior"]
        if not isinstance(values, Mapping):
            raise InputError(f"'{path}' does not name classes.", hint='Write {"spiral": 0.3, "elliptical": 0.7}.')
        return [(str(name), number) for name, number in values.items()]
    table = import_attribute("galaxtool.tables.read:read_table")(path)
    classes = find_column(table, None, (*LABEL_COLUMNS, "slug", "name"), path)
    fractions = find_column(table, None, _FRACTION_COLUMNS, path)
    if classes is None or fractions is None:
        raise InputError(
            f"The prior '{path}' needs a column 'class' and a column 'fraction'; it has {list_columns(table)}.",
            hint="Rename its columns.",
        )
    return list(zip(map(str, table[classes].tolist()), table[fractions].tolist(), strict=True))


def _describe_shares(slugs: list[str], shares: np.ndarray) -> str:
    return " ".join(f"{slug}={share:.4g}" for slug, share in zip(slugs, shares.tolist(), strict=True))
