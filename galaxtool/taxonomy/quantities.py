"""The quantities that a model of numbers predicts, such as a redshift, each with error bars.

They take the place of classes: a quantity ``z`` has the three outputs ``z_low``, ``z`` and ``z_high``, which are the
quantiles 0.16, 0.5 and 0.84 of its distribution. The true value is between the first and the last for 68 % of the
objects.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from galaxtool.errors import ConfigError, InputError, ModelError, suggest_name
from galaxtool.taxonomy.classes import Class, Taxonomy
from galaxtool.taxonomy.names import slugify
from galaxtool.taxonomy.quantity import QUANTILES, Quantity
from galaxtool.taxonomy.quantity_units import Units, convert_values, group_by_unit, parse_unit
from galaxtool.taxonomy.sentinels import find_sentinels

_SLUG = re.compile(r"[a-z0-9_-]{1,60}")
_WITH_UNIT = re.compile(r"^(?P<column>.*?)(?:\[(?P<unit>[^\[\]]*)\])?$")


def parse_targets(texts: Sequence[str]) -> tuple[Quantity, ...]:
    """Parse ``--target`` options such as ``z`` and ``bar_length[arcsec]``.

    Raises
    ------
    ConfigError
        If a name is empty, or two columns would have the same name in the table of predictions.
    """
    found: list[Quantity] = []
    for text in texts:
        parts = _WITH_UNIT.match(text.strip())
        column = parts["column"].strip() if parts else ""
        slug = slugify(column)[:58]
        if parts is None or not slug:
            raise ConfigError(f"--target '{text}' names no column.", hint="Example: --target 'bar_length[arcsec]'")
        if slug in {other.slug for other in found}:
            raise ConfigError(f"--target names '{column}' twice.", hint="Name each column once.")
        quantity = Quantity(column=column, slug=slug, unit=_check_unit((parts["unit"] or "").strip(), text))
        for other in found:
            if both := [name for name in other.outputs if name in quantity.outputs]:
                raise ConfigError(
                    f"--target '{other.column}' and '{column}' would both give predictions called '{both[0]}'.",
                    hint="Rename one of the columns, or train a model for each.",
                )
        found.append(quantity)
    return tuple(found)


def _check_unit(unit: str, text: str) -> str:
    """Return a unit that astropy knows."""
    try:
        parse_unit(unit)
    except ValueError as error:
        raise ConfigError(
            f"The unit '{unit}' of --target '{text}' is not one that astropy knows.",
            hint="Write it as in FITS headers, such as arcsec or km/s, or leave the brackets out.",
        ) from error
    return unit


def read_values(
    columns: Sequence[Mapping[str, Any]], quantities: Sequence[Quantity], units: Units = ()
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Read the values of quantities from the columns of N items.

    Parameters
    ----------
    columns : sequence of N mapping
        Columns of each item, name -> value.
    quantities : sequence of T Quantity
        Quantities, in whose units the values are returned.
    units : sequence of N mapping, optional
        Units of the columns of each item, as far as they are stated.

    Returns
    -------
    values : ndarray of float64, shape (N, T)
        NaN where an item has no value, or a number that stands for none, see
        `galaxtool.taxonomy.sentinels.find_sentinels`.
    notes : tuple of str
        A sentence on each quantity with such numbers, or with values that are converted.

    Raises
    ------
    InputError
        If a column does not exist, holds something other than numbers, is in a unit that cannot be converted, or has
        no value.
    """
    values, notes = np.full((len(columns), len(quantities)), np.nan), []
    known = dict.fromkeys(name for row in columns for name in row)
    for number, quantity in enumerate(quantities):
        if quantity.column not in known:
            suggestion = suggest_name(quantity.column, known)
            raise InputError(
                f"No data set has a column '{quantity.column}' to learn."
                + (f" Did you mean '{suggestion}'?" if suggestion else ""),
                hint=f"Columns: {', '.join(list(known)[:12])}." if known else "Give a catalogue, or a labels.csv.",
            )
        for row, given in enumerate(columns):
            values[row, number] = _to_number(given.get(quantity.column), quantity.column)
        own, missing = values[:, number].copy(), np.zeros(len(columns), bool)
        groups = group_by_unit(quantity, units or [{}] * len(columns))
        for unit, rows in groups.items():
            missing[rows] = find_sentinels(own[rows])
            values[rows, number] = convert_values(own[rows], unit, quantity)
        for unit, rows in groups.items():
            if not np.array_equal(values[rows, number], own[rows], equal_nan=True):
                notes.append(f"The values of '{quantity.column}' in {unit} are converted to {quantity.unit}.")
        if missing.any():
            numbers = ", ".join(f"{one:g}" for one in np.unique(own[missing]))
            notes.append(
                f"{int(missing.sum())} of the {len(columns)} values of '{quantity.column}' are taken for missing ones: "
                f"{numbers}."
            )
            values[missing, number] = np.nan
        if not np.isfinite(values[:, number]).any():
            raise InputError(f"The column '{quantity.column}' has no value.", hint="Check --target and --where.")
    return values, tuple(notes)


def _to_number(value: Any, column: str) -> float:
    """Return a value as a number, NaN where there is none."""
    if value is None or np.ma.is_masked(value) or (isinstance(value, str) and not value.strip()):
        return math.nan
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InputError(
            f"The column '{column}' contains '{value}', which is not a number.",
            hint="Empty cells and NaN mean that there is no value; --where leaves rows out.",
        ) from None
    return number if math.isfinite(number) else math.nan


def measure_quantities(quantities: Sequence[Quantity], values: np.ndarray) -> tuple[Quantity, ...]:
    """Return the quantities with center and scale of the values (N, T) of the training split.

    Raises
    ------
    InputError
        If a quantity has no two different values there.
    """
    measured = []
    for quantity, column in zip(quantities, values.T, strict=True):
        known = column[np.isfinite(column)]
        if len(np.unique(known)) < 2:
            raise InputError(
                f"The column '{quantity.column}' has {len(known)} values in the training split, all the same.",
                hint="There is nothing to learn; check --target, --where and the splits.",
            )
        low, center, high = np.quantile(known, QUANTILES)
        scale = (high - low) / 2 or float(known.std())
        measured.append(replace(quantity, center=float(center), scale=float(scale)))
    return tuple(measured)


def build_quantity_taxonomy(quantities: Sequence[Quantity]) -> Taxonomy:
    """Build a taxonomy whose classes are the outputs for these quantities, three for each."""
    return Taxonomy(
        name="quantities",
        title="Quantities",
        classes=tuple(Class(slug=slug, name=slug, prompt=slug) for slug in _list_outputs(quantities)),
        quantities=tuple(quantities),
    )


def _list_outputs(quantities: Sequence[Quantity]) -> Iterator[str]:
    for quantity in quantities:
        yield from quantity.outputs


def quantities_to_dict(quantities: Sequence[Quantity]) -> dict[str, Any]:
    """Return plain values for ``model.json``; `quantities_from_dict` reads them."""
    return {"quantities": [asdict(quantity) for quantity in quantities], "quantiles": list(QUANTILES)}


def quantities_from_dict(values: Mapping[str, Any], where: str) -> tuple[Quantity, ...]:
    """Read the quantities of a model.

    Raises
    ------
    ModelError
        If they are not whole, or have names or units that no table could have.
    """
    try:
        return tuple(_read_quantity(entry) for entry in values["quantities"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"'{where}' does not say which quantities the model predicts: {error}.",
            hint="Copy the whole model again from where it was trained.",
        ) from error


def _read_quantity(entry: Mapping[str, Any]) -> Quantity:
    """Return a quantity from its record."""
    slug, unit = str(entry["slug"]), str(entry.get("unit", ""))
    center, scale = float(entry["center"]), float(entry["scale"])
    if not _SLUG.fullmatch(slug):
        raise ValueError("a name has other characters than small letters, digits and _")
    if not (math.isfinite(center) and math.isfinite(scale) and scale > 0):
        raise ValueError(f"center and scale of '{slug}' are not numbers")
    parse_unit(unit)
    return Quantity(column=str(entry["column"]), slug=slug, unit=unit, center=center, scale=scale)
