"""Simulated images that show no galaxy in the middle."""

from __future__ import annotations

import numpy as np
import pytest

from galaxtool.errors import UnknownName
from galaxtool.simulation.artefacts import ARTEFACTS, simulate_artefact


@pytest.mark.parametrize("kind", ARTEFACTS)
def test_artefacts_are_reproducible_cutouts(kind: str) -> None:
    first, again, other = (simulate_artefact(kind, np.random.default_rng(seed), size=48) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.data, again.data)
    assert not np.array_equal(first.data, other.data, equal_nan=True)
    assert first.data.shape == (3, 48, 48) and first.data.dtype == np.float32 and first.bands == ("g", "r", "z")
    assert np.isfinite(first.data).all() == (kind != "chip edge")
    middle = first.data[:, 20:28, 20:28].sum()
    if "star" in kind:
        assert middle > 10 * np.abs(np.median(first.data)) * 192


def test_a_trail_crosses_the_image_and_a_ray_is_sharp() -> None:
    empty, trail, rays = (
        simulate_artefact(kind, np.random.default_rng(3), size=128).data
        for kind in ("empty sky", "satellite trail", "cosmic rays")
    )
    assert (trail > 0.04).sum() > (empty > 0.04).sum() + 100
    assert (rays > 0.3).sum() > (empty > 0.3).sum() + 3


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UnknownName, match="sattelite"):
        simulate_artefact("sattelite trail", np.random.default_rng(0))
