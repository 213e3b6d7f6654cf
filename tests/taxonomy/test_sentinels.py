"""Numbers that catalogues have in place of a missing value."""

from __future__ import annotations

import numpy as np
import pytest

from galaxtool.taxonomy.quantities import parse_targets, read_values
from galaxtool.taxonomy.sentinels import find_sentinels


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ([0.1, 0.5, -99, -9999], [2, 3]),
        ([14.0, 21.5, 99, 99], [2, 3]),
        ([14.0, 21.5, 99], []),  # once, so it may be a value
        ([10.0, 98.0, 99, 99], []),
        ([-300.0, -99, 250], []),  # velocities
        ([-99.0, -99], []),
        ([np.nan, -999, 0.2], [1]),
    ],
)
def test_what_stands_for_a_missing_value(values: list[float], missing: list[int]) -> None:
    assert np.flatnonzero(find_sentinels(np.array(values))).tolist() == missing


def test_missing_redshifts_are_not_learned() -> None:
    rows = [{"z": z, "v": v} for z, v in ((0.1, -99), (-99.0, 120), ("0.3", -400), (-99, 99))]
    values, notes = read_values(rows, parse_targets(["z", "v"]))
    np.testing.assert_array_equal(values, [(0.1, -99), (np.nan, 120), (0.3, -400), (np.nan, 99)])
    assert notes == ("2 of the 4 values of 'z' are taken for missing ones: -99.",)
