"""The probabilities of classes in tables of predictions, beside columns of catalogues and of users."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table

from galaxtool.errors import TableError
from galaxtool.plotting.scored import read_scored
from galaxtool.tables.class_probabilities import read_class_probabilities
from galaxtool.types import Silent

OWN = {"p_s": [0.9, 0.1, 0.8], "p_e": MaskedColumn([0.1, 0.9, 0.2], mask=[False, False, True])}
FIRST = {"p_value": [0.99, 0.98, 0.97], "p_note": ["x", "y", "z"], "label_2": ["s"] * 3}
SCORED = {"truth": ["s", "e", "s"], "label": ["s", "e", "s"], "probability": [0.9, 0.9, 0.8]}


@pytest.mark.parametrize(
    ("columns", "classes"),
    [
        ({**FIRST, **SCORED, **OWN}, ("s", "e")),
        ({**FIRST, **SCORED, **OWN, "p_mine": ["a"] * 3}, ("s", "e")),
        ({**FIRST, **SCORED}, ()),  # a model of numbers
        ({"p_value": [1, 2, 3], "label": ["s"] * 3, **OWN}, ("s", "e")),
        ({"probability": [1, 2, 3], **OWN, "label": ["s"] * 3}, ("s", "e")),
        (OWN, ("s", "e")),
        ({"label": ["s"] * 3}, ()),
    ],
)
def test_columns_of_the_catalogue_are_no_classes(columns: dict[str, object], classes: tuple[str, ...]) -> None:
    found, probabilities = read_class_probabilities(Table(columns), Path("t.csv"))
    assert found == classes and probabilities.shape == (3, len(classes))
    if classes:
        np.testing.assert_array_equal(probabilities, [[0.9, 0.1], [0.1, 0.9], [0.8, np.nan]])


def test_figures_show_the_classes_of_the_model(tmp_path: Path) -> None:
    path = tmp_path / "predictions.parquet"
    Table({**FIRST, **SCORED, **OWN}).write(path)
    found = read_scored(path, Silent())
    assert found.classes == ("s", "e")
    assert found.predicted.tolist() == found.targets.tolist() == [0, 1]


def test_text_in_a_table_of_the_user_is_refused() -> None:
    with pytest.raises(TableError, match=r"'p_b' of 't\.csv' is not numeric"):
        read_class_probabilities(Table({"p_a": [0.1], "p_b": ["x"]}), Path("t.csv"))
