"""The page of `galaxtool classify --html`: it stands alone, has every row, and escapes what it shows."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from support.helpers import make_model, write_png
from support.training_helpers import run_command, run_failing

import galaxtool
from galaxtool.models.record import ModelRecord
from galaxtool.reports.html import gallery
from galaxtool.reports.outputs import describe_calibration


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    here = tmp_path_factory.mktemp("page")
    model = make_model(here / "tiny")
    for i in range(3):
        write_png(here / "in" / f"p{i}.png", i)
    write_png(here / "in" / "<script>alert(1)<" / 'b"ä.png', 4)
    (here / "in" / "damaged.png").write_bytes(b"no")
    table, html = here / "p.csv", here / "p.html"
    code, _, err = run_command("classify", here / "in", "--model", model, "-o", table, "--html", html, "--quiet")
    assert code == 0, err
    return html.read_text(encoding="utf-8")


class Outline(HTMLParser):
    """Elements that must be closed, links, scripts, titles and the names of attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.scripts = 0
        self.titles: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action")]
        self.titles += [value or "" for name, value in attrs if name == "title"]
        self.attributes |= {name for name, _ in attrs}
        if tag in ("section", "table", "main", "figure", "script"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("section", "table", "main", "figure", "script"):
            assert self.open.pop() == tag


def test_it_is_whole_and_stands_alone(page: str) -> None:
    outline = Outline()
    outline.feed(page)
    assert outline.open == [] and outline.links
    assert all(link.startswith(("#", "data:image/")) for link in outline.links)
    assert sum(link.startswith("data:image/") for link in outline.links) >= 4


def test_names_are_escaped(page: str) -> None:
    assert "<script>alert(1)" not in page and "&lt;script&gt;alert(1)" in page
    assert len(re.findall(r"<script\b", page)) == len(re.findall(r"</script>", page))


def test_quotes_in_names_do_not_end_attributes(page: str) -> None:
    outline = Outline()
    outline.feed(page)
    assert any('b"ä' in title for title in outline.titles)
    assert all(re.fullmatch(r"[a-z][a-z0-9:-]*", name) and not name.startswith("on") for name in outline.attributes)


def test_what_could_not_be_read_is_named(page: str) -> None:
    assert "damaged.png" in page and re.search(r"5\b.*?images", page, re.DOTALL)


def test_a_page_has_the_name_of_one(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", 1)
    assert "not the name of an HTML page" in run_failing("classify", tmp_path, "--html", tmp_path / "p.txt")


@pytest.mark.parametrize(
    ("temperature", "metrics", "says"),
    [
        (1.0, {}, "not calibrated"),
        (1.5, {}, "calibrated on the validation images (temperature 1.5)"),
        (
            1.5,
            {"n": 1500, "ece": {"value": 0.0312, "low": 0.02, "high": 0.05}},
            "calibrated on 1,500 validation images (temperature 1.5); expected calibration error on these: 0.031 (95 % "
            "interval 0.020 to 0.050)",
        ),
        (
            1.0,
            {"n": 20, "ece": {"value": 0.1, "low": 0.05, "high": 0.2}},
            "not calibrated; 20 images are too few to measure the calibration error",
        ),
        (
            1.5,
            {
                "n": 20,
                "ece": {"value": 0.1, "low": 0.05, "high": 0.2},
                "test": {"n": 2000, "ece": {"value": 0.02, "low": 0.01, "high": 0.03}},
            },
            "calibrated on 20 validation images (temperature 1.5); expected calibration error on 2,000 test images: "
            "0.020 (95 % interval 0.010 to 0.030)",
        ),
    ],
)
def test_calibration_is_told(temperature: float, metrics: dict[str, Any], says: str, tmp_path: Path) -> None:
    record = ModelRecord.read(make_model(tmp_path / "tiny") / "model.json")
    assert describe_calibration(replace(record, temperature=temperature, metrics=metrics)) == says


def test_the_page_tells_of_calibration(page: str) -> None:
    assert "They were not calibrated, and may be too sure or not sure enough." in page


def test_the_page_of_the_bundled_model_tells_how_true_it_is(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", 1)
    code, _, err = run_command("classify", tmp_path, "-o", tmp_path / "p.csv", "--html", tmp_path / "p.html", "--quiet")
    assert code == 0, err
    text = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert "calibrated on 369 validation images" in text
    assert "expected calibration error on 769 test images: 0.0" in text


def test_a_page_of_very_many_pictures_says_what_it_leaves_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "MOST_CARDS", 5)

    def write(*counts: int) -> str:
        made.clear()
        sections = [
            galaxtool.GallerySection(
                title=f"cluster {at}", groups=[[galaxtool.GalleryCard(row=10 * at + k, id="x") for k in range(count)]]
            )
            for at, count in enumerate(counts)
        ]
        page = tmp_path / "page.html"
        galaxtool.write_gallery(page, title="t", summary="s", sections=sections, make_picture=made.append)
        return page.read_text(encoding="utf-8")

    made: list[int] = []
    assert "left out" not in write(2, 3) and len(made) == 5
    text = write(2, 2, 2, 2)
    assert "The page shows the first 4 of 8 pictures and 2 of 4 sections; the others are left out." in text
    assert made == [0, 1, 10, 11] and "cluster 1" in text and "cluster 2" not in text
    text = write(7)
    assert "The page shows the first 5 of 7 pictures; the others are left out." in text
    assert made == list(range(5)) and "<small>7</small>" in text
