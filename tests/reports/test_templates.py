"""The templates of pages escape what is inserted, and format numbers."""

from __future__ import annotations

import numpy as np
import pytest

from galaxtool.reports.html.environment import format_bar_width, make_environment
from galaxtool.reports.html.histogram import lay_out_histogram


def render(source: str, **values: object) -> str:
    return make_environment().from_string(source).render(**values)


HOSTILE = "</script><img src=x onerror='alert(1)'>\"\n\x7f"


def test_text_is_escaped_and_control_characters_are_shown() -> None:
    text = render("{{ name }}", name=HOSTILE)
    assert not set("<>'\"\n\x7f") & set(text) and text.endswith("␊␡")


def test_attributes_and_macros_are_escaped() -> None:
    source = '{% from "macros.html" import isolated %}<p title="{{ name }}">{{ isolated(name) }}</p>'
    text = render(source, name=HOSTILE)
    assert text.count("<") == 4 and text.count('"') == 2 and "onerror=&#39;" in text


def test_json_cannot_end_its_element() -> None:
    text = render("<script>{{ rows | tojson }}</script>", rows=["</script>", "é"])
    assert text == '<script>["\\u003c/script\\u003e","\\u00e9"]</script>'


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(Exception, match="'nothing' is undefined"):
        render("{{ nothing }}")


def test_widths_of_bars() -> None:
    widths = [format_bar_width(share) for share in (0.5, 2.0, -1.0, float("nan"))]
    assert widths == ["50.00%", "100.00%", "0.00%", "0.00%"]


def test_histogram() -> None:
    histogram = lay_out_histogram(np.array([0, 1, 0, 3]))
    assert [bar.height for bar in histogram.bars] == [0, 40, 0, 120]
    assert (histogram.largest, histogram.share_above_half) == (3, "75%")
    assert [tick.value for tick in histogram.ticks] == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
