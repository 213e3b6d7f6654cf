"""The inverse hyperbolic sine of brightness, beside that of numpy in float64."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from galaxtool.vision.arcsinh import compute_arcsinh


@given(hnp.arrays(np.float32, st.integers(0, 20), elements=st.floats(0, width=32)))
def test_it_is_that_of_numpy(values: np.ndarray) -> None:
    np.testing.assert_allclose(compute_arcsinh(values), np.arcsinh(values.astype(np.float64)), rtol=5e-7, atol=2e-7)


def test_a_missing_value_stays_missing() -> None:
    shown = compute_arcsinh(np.array([0, np.nan, 1], dtype=np.float32))
    assert shown[0] == 0 and np.isnan(shown[1]) and shown[2] > 0
