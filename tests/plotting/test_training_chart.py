"""Curves of a training, read back from the figure."""

from __future__ import annotations

import pytest

from galaxtool.plotting.charts.training import draw_training


def test_each_stage_has_a_panel_for_its_loss() -> None:
    history = [{"stage": "one", "loss": 1.0 / (i + 1), "valid_accuracy": 0.1 * i, "valid_loss": i} for i in range(3)]
    history += [
        {"stage": "two $x$", "loss": 5.0 / (i + 1), "valid_accuracy": 0.4 + 0.1 * i, "valid_loss": 3 + i}
        for i in range(4)
    ]
    figure = draw_training(history, 5)
    first, second, valid, scores = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ["one", "two $x$", "", ""]
    assert first.lines[0].get_xydata().tolist() == [[i + 1, 1.0 / (i + 1)] for i in range(3)]
    assert second.lines[0].get_xydata().tolist() == [[i + 4, 5.0 / (i + 1)] for i in range(4)]
    assert valid.lines[0].get_ydata().tolist() == list(range(7))
    assert scores.lines[0].get_ydata().tolist() == pytest.approx([0, 0.1, 0.2, 0.4, 0.5, 0.6, 0.7])
    assert [axes.get_ylabel() for axes in (first, valid, scores)] == [
        "training loss", "validation loss", "validation score",
    ]  # fmt: skip
    assert scores.lines[-1].get_xdata() == [5, 5]  # the fifth of all epochs was kept


def test_a_single_stage_has_both_losses_in_one_panel() -> None:
    losses, scores = draw_training([{"stage": "one", "loss": 2.0, "valid_loss": 3.0, "valid_f1_macro": 0.5}]).axes
    assert [line.get_ydata().tolist() for line in losses.lines] == [[2.0], [3.0]]
    assert [line.get_marker() for line in losses.lines] == ["o", "o"]  # a line of one point cannot be seen
    assert [line.get_label() for line in scores.lines] == ["macro F1"]
