"""One type and one unit for columns of the same name that come from several tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

_EXACT = 2**53


def loses_digits(values: np.ndarray) -> bool:
    """Tell whether integers, shape (N,), are too large for floats of double precision to hold all digits."""
    if values.dtype.kind not in "iu" or not values.size:
        return False
    return int(values.max()) > _EXACT or int(values.min()) < -_EXACT


def find_common_unit(units: Sequence[Any]) -> Any:
    """Return the unit for columns that are joined: the first that is stated, if the others can be converted to it.

    Parameters
    ----------
    units : sequence of Unit or None
        Unit of each column; a column without a unit is taken to be in that of the others.

    Returns
    -------
    Unit or None
        None if no column has a unit, or if units such as mag and Jy cannot be converted.
    """
    stated = [unit for unit in units if unit is not None]
    if not stated or not all(unit == stated[0] or unit.is_equivalent(stated[0]) for unit in stated):
        return None
    return stated[0]


def convert_values(values: np.ndarray, unit: Any, common: Any) -> np.ndarray:
    """Return numbers in a common unit; as they are where nothing is to be converted."""
    if unit is None or common is None or unit == common:
        return values
    converted: np.ndarray = np.asarray(unit.to(common, values.astype(np.result_type(values, np.float64))))
    return converted


def describe_units(name: str, units: Sequence[Any], common: Any) -> str:
    """Return a sentence on a column that is in different units."""
    stated = " and ".join(dict.fromkeys(str(unit) for unit in units if unit is not None))
    then = f"is given in {common} for all" if common is not None else "is given as it was, without a unit"
    return f"The column '{name}' is in {stated} in different catalogues, and {then}."
