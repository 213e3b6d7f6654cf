"""The checks that every plugin can run on what it provides, and tests of the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from galaxtool_example.figure import plot_probabilities
from galaxtool_example.metric import worst_recall
from galaxtool_example.search_filter import in_declinations

from galaxtool import PlotRequest, check_backbone, check_dataset, check_head


def test_backbone() -> None:
    check_backbone("example-tiny")


def test_dataset() -> None:
    check_dataset("example-shapes")


def test_head() -> None:
    check_head("example-cosine")


def test_metric() -> None:
    assert worst_recall(np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]), np.array([0, 1, 1])) == 0.5


def test_search_filter() -> None:
    rows = {"dec": np.ma.masked_array([-1.0, 3.0, 9.0], mask=[False, False, True])}
    assert in_declinations("0,10")(rows).tolist() == [False, True, False]


def test_figure(tmp_path: Path) -> None:
    table = tmp_path / "predictions.csv"
    table.write_text("probability\n0.1\n0.9\n0.95\n")
    figure = plot_probabilities(PlotRequest(kind="example", inputs=(str(table),), options={"bins": 2}))
    assert [bar.get_height() for bar in figure.axes[0].patches] == [1, 2]
