"""The sketches that measure queries by drawing: ``benchmarks/sketches.py``."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from support.benchmarks import import_benchmark

from galaxtool.taxonomy.load import load_taxonomy
from galaxtool.taxonomy.plugin import register_taxonomies


@pytest.fixture(scope="module")
def sketches() -> ModuleType:
    return import_benchmark("sketches")


def test_every_class_of_a_bundled_model_can_be_sketched(sketches: ModuleType) -> None:
    taxonomies = [load_taxonomy(spec) for spec in register_taxonomies()]
    needed = {slug for one in taxonomies if not one.name.startswith("rgz") for slug in one.slugs}
    assert needed == set(sketches.SKETCHES)


def test_a_sketch_depends_on_its_class_style_and_seed_only(sketches: ModuleType) -> None:
    assert len(sketches.STYLES) >= 5
    drawn = {
        (slug, style, seed): sketches.draw_sketch(slug, style, seed, 48)
        for slug in ("merging", "fri") for style in sketches.STYLES for seed in (0, 1)
    }  # fmt: skip
    for (slug, style, seed), picture in drawn.items():
        assert picture.shape == (48, 48, 3) and picture.dtype == np.uint8
        border = np.median(np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]]))
        assert border == 255 if style in ("ink", "marker", "shaded") else border < 20
        ink = np.abs(picture.mean(axis=2) - border) > 60
        assert 0.01 < ink.mean() < 0.4, (slug, style)
        assert np.array_equal(picture, sketches.draw_sketch(slug, style, seed, 48))
    different = {picture.tobytes() for picture in drawn.values()}
    assert len(different) == len(drawn)
