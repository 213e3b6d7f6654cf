"""What a user is told when labels do not fit the taxonomy that was named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.training_helpers import run_failing

from galaxtool.errors import InputError
from galaxtool.plugins.registry import get_registry
from galaxtool.taxonomy.classes import Taxonomy
from galaxtool.taxonomy.load import build_taxonomy
from galaxtool.taxonomy.matching import match_labels


def bundled(name: str) -> Taxonomy:
    registered = get_registry().taxonomies.find(name)
    return registered.create(registered.spec)


def told(labels: Sequence[str | None], taxonomy: Taxonomy, *, indices: bool = False) -> InputError:
    with pytest.raises(InputError) as caught:
        match_labels(labels, taxonomy, indices=indices)
    return caught.value


def test_strange_labels_are_counted_and_the_nearest_class_is_named() -> None:
    labels = ["spirals_x"] * 12 + ["edge-on"] * 3 + ["Smoth Rond", None, "spiral", "", "zebra", "zebra"]
    error = told(labels, bundled("gz2-5"))
    assert error.message == (
        "3 labels are not in the taxonomy 'gz2-5': 'spirals_x' (12 images; did you mean 'spiral'?), 'zebra' "
        "(2 images), 'Smoth Rond' (1 image; did you mean 'smooth_round'?)."
    )
    assert "--where" in error.hint and "smooth_round, smooth_inbetween, smooth_cigar, edge_on, spiral" in error.hint


def test_one_strange_label_is_one() -> None:
    error = told(["rng", "rng"], build_taxonomy(["ring", "lens"]))
    assert error.message == "1 label is not in the taxonomy 'own': 'rng' (2 images; did you mean 'ring'?)."


def test_no_count_is_told_where_each_label_is_given_once() -> None:
    assert told(["rng", "lens"], build_taxonomy(["ring", "lens"])).message == (
        "1 label is not in the taxonomy 'own': 'rng' (did you mean 'ring'?)."
    )


def test_five_of_many_are_named_the_most_frequent_first() -> None:
    labels = [f"zebra {i}" for i in range(8) for _ in range(i + 1)]
    message = told(labels, build_taxonomy(["ring", "lens"])).message
    assert message.startswith("8 labels are not in the taxonomy 'own': 'zebra 7' (8 images), 'zebra 6' (7 images), ")
    assert message.endswith("'zebra 3' (4 images) and 3 more.")


def test_numbers_beyond_the_classes_are_strange() -> None:
    taxonomy = bundled("galaxymnist")
    assert match_labels(["0", "3", "3"], taxonomy, indices=True) == {"0": "smooth_round", "3": "unbarred_spiral"}
    assert "'4' (2 images)" in told(["0", "4", "4"], taxonomy, indices=True).message
    assert "'0', '4'" in told(["0", "4"], taxonomy).message


def test_the_command_line_names_labels_that_do_not_fit(tmp_path: Path) -> None:
    for name in ("spiral", "spirals_x"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for i in range(4):
            pixels = np.random.default_rng((len(name), i)).integers(0, 255, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "set" / name / f"{i}.png")
    said = run_failing("finetune", tmp_path / "set", "--taxonomy", "gz2-5", "-o", tmp_path / "run")
    assert "1 label is not in the taxonomy 'gz2-5': 'spirals_x' (" in said and "did you mean 'spiral'?" in said
