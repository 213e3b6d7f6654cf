"""The chart of differences between evaluations, and its kind."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from support.training_helpers import run_command, run_failing

from galaxtool.plotting.charts.differences import draw_differences

DIFFERENCES = [
    {"first": first, "second": "c", "metric": metric, "difference": value, "low": value - 0.1, "high": value + 0.2}
    | {"p_holm": p}
    for first, metric, value, p in (
        ("a", "accuracy", 0.3, 0.01),
        ("b", "accuracy", 0.05, 0.4),
        ("a", "f1_macro", -0.2, 0.001),
        ("b", "f1_macro", 0.0, None),
    )
] + [dict.fromkeys(("difference", "low", "high", "p_holm")) | {"first": "a", "second": "c", "metric": "broken"}]


def test_each_difference_has_a_marker_and_its_interval() -> None:
    figure = draw_differences(DIFFERENCES)
    (axes,) = figure.axes
    drawn = [(container.lines[0], container.lines[2][0].get_segments()[0]) for container in axes.containers]
    assert len(drawn) == 4
    for one, (marker, segment) in zip(DIFFERENCES, drawn, strict=False):
        assert marker.get_xdata()[0] == one["difference"]
        np.testing.assert_allclose(segment[:, 0], (one["low"], one["high"]))
        white = to_rgba(marker.get_markerfacecolor()) == (1, 1, 1, 1)
        assert white == (one["p_holm"] is None or one["p_holm"] >= 0.05)
    # the rows of a pair are together, whatever the order of the metrics
    assert [line.get_ydata()[0] for line, _ in drawn] == [0, 2, 1, 3]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["c \N{MINUS SIGN} a", "c \N{MINUS SIGN} b"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["accuracy", "macro F1"]


def test_one_pair_is_named_on_the_axis() -> None:
    (axes,) = draw_differences([one for one in DIFFERENCES if one["first"] == "a"]).axes
    assert axes.get_xlabel() == "difference, c \N{MINUS SIGN} a"
    assert [text.get_text() for text in axes.get_yticklabels()] == ["accuracy", "macro F1"]


def test_a_comparison_is_drawn_by_command(tmp_path: Path) -> None:
    (tmp_path / "comparison.json").write_text(json.dumps({"differences": DIFFERENCES}))
    target = tmp_path / "d.svg"
    code, _, said = run_command("plot", "differences", tmp_path, "-o", target, "--option", "metrics=f1_macro")
    assert code == 0, said
    assert "difference in macro F1" in target.read_text()


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        (None, (), "Write one with: galaxtool compare"),
        ("{}", (), "is not a comparison"),
        (json.dumps({"differences": DIFFERENCES}), ("--option", "metrics=acuracy"), "Did you mean 'accuracy'?"),
    ],
)
def test_what_is_no_comparison(content: str | None, options: tuple[str, ...], said: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "comparison.json").write_text(content)
    assert said in run_failing("plot", "differences", tmp_path, "-o", tmp_path / "d.png", *options)
