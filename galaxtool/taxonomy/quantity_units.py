"""Units of the columns that hold the true values of quantities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from astropy.units import Unit, UnitConversionError, dimensionless_unscaled

from galaxtool.errors import InputError
from galaxtool.taxonomy.quantity import Quantity
from galaxtool.utils.unit_texts import is_computable_unit

Units = Sequence[Mapping[str, str]]
"""For each item, the units of its columns."""


def parse_unit(text: str) -> Any:
    """Return a unit of astropy.

    Raises
    ------
    ValueError
        If astropy does not know it, or cannot compute it.
    """
    if not is_computable_unit(text):
        raise ValueError(f"the unit {text[:40]} has a power that cannot be computed")
    return Unit(text)


def adopt_units(quantities: Sequence[Quantity], units: Units) -> tuple[tuple[Quantity, ...], tuple[str, ...]]:
    """Return quantities with the unit of their column, if they have none, and a sentence on each such unit."""
    found, notes = [], []
    for quantity in quantities:
        stated = [text for text in _list_stated(quantity, units) if _parse_known(text) is not None]
        if stated and not quantity.unit:
            quantity = replace(quantity, unit=stated[0])
            notes.append(f"The unit of '{quantity.column}' is {quantity.unit}, as the catalogue states.")
        found.append(quantity)
    return tuple(found), tuple(notes)


def group_by_unit(quantity: Quantity, units: Units) -> dict[str, np.ndarray]:
    """Return the numbers of the items whose value is in each unit, empty for an unknown one."""
    texts = [row.get(quantity.column, "") for row in units]
    return {text: np.array([n for n, one in enumerate(texts) if one == text]) for text in dict.fromkeys(texts)}


def convert_values(values: np.ndarray, stated: str, quantity: Quantity) -> np.ndarray:
    """Return values in the unit of a quantity; as they are where one of the units is unknown.

    Raises
    ------
    InputError
        If the unit that the catalogue states cannot be converted.
    """
    unit = _parse_known(stated)
    if unit is None or not quantity.unit or unit == (wanted := parse_unit(quantity.unit)):
        return values
    is_alike = getattr(unit, "function_unit", unit) == getattr(wanted, "function_unit", wanted)
    if is_alike and (_lacks_zero_point(unit) or _lacks_zero_point(wanted)):
        return values  # mag and mag(AB), but not dex(cm / s2) and dex(m / s2)
    try:
        converted: np.ndarray = np.asarray(unit.to(wanted, values))
    except UnitConversionError as error:
        raise InputError(
            f"The column '{quantity.column}' is in {stated}, which cannot be converted to {quantity.unit}, the unit "
            "of the model.",
            hint="Correct the unit in the catalogue, or train with --target 'COLUMN[UNIT]' in its unit.",
        ) from error
    return converted


def _lacks_zero_point(unit: Any) -> bool:
    """Tell whether a logarithmic unit does not say of which unit it is the logarithm."""
    return bool(getattr(unit, "physical_unit", dimensionless_unscaled) == dimensionless_unscaled)


def _list_stated(quantity: Quantity, units: Units) -> list[str]:
    return [text for text in dict.fromkeys(row.get(quantity.column, "") for row in units) if text]


def _parse_known(text: str) -> Any:
    """Return the unit of a catalogue, or None if it has none, or one that astropy does not know."""
    try:
        return parse_unit(text) if text else None
    except (TypeError, ValueError):
        return None
