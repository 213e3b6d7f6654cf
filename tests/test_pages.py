"""The page of `galaxtool classify --html`: it stands alone, has every row, and escapes what it shows."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from helpers import make_model, write_png
from training_helpers import complaint, galaxtool


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    here = tmp_path_factory.mktemp("page")
    model = make_model(here / "tiny")
    for i in range(3):
        write_png(here / "in" / f"p{i}.png", i)
    write_png(here / "in" / "<script>alert(1)<" / 'b"ä.png', 4)
    (here / "in" / "damaged.png").write_bytes(b"no")
    table, html = here / "p.csv", here / "p.html"
    code, _, err = galaxtool("classify", here / "in", "--model", model, "-o", table, "--html", html, "--quiet")
    assert code == 0, err
    return html.read_text(encoding="utf-8")


class Outline(HTMLParser):
    """Elements that must be closed, links and scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action")]
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


def test_what_could_not_be_read_is_named(page: str) -> None:
    assert "damaged.png" in page and re.search(r"5\b.*?images", page, re.DOTALL)


def test_a_page_has_the_name_of_one(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", 1)
    assert "not the name of a page" in complaint("classify", tmp_path, "--html", tmp_path / "p.txt")
