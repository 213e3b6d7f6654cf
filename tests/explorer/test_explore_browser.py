"""The page of `explore` in headless Chromium: keys, lasso, canvas, drop, and what a hostile name does: nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from PIL import Image
from support.chromium import Tab, open_chromium
from support.helpers import make_model, write_fits

import galaxtool
from galaxtool.webserver.served_page import ServedPage

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("loopback")]

HOSTILE = "<img src=x onerror=alert(1)>"
COUNT = 24


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index with a tiny model; one object, and one column, have hostile names."""
    folder = tmp_path_factory.mktemp("browsed")
    for i in range(COUNT):
        write_fits(folder / f"g{i}.fits", i, ra=150 + 0.01 * i, dec=2.0)
    ids = [HOSTILE if i == 0 else f"g{i}" for i in range(COUNT)]
    table = Table({"id": ids, "path": [f"g{i}.fits" for i in range(COUNT)], "z": np.linspace(0, 1, COUNT)})
    table["<script>alert(2)</script>"] = [HOSTILE] * COUNT
    table.write(folder / "cat.csv")
    galaxtool.index([folder / "cat.csv"], model=make_model(folder / "tiny"), output=folder / "idx", engine="torch")
    (folder / "g5.fits").write_bytes(b"broken since")
    return folder / "idx"


@pytest.fixture(scope="module")
def page(index: Path) -> Iterator[ServedPage]:
    with galaxtool.explore(index, browser=False, engine="torch") as found:
        yield found


@pytest.fixture
def tab(page: ServedPage, tmp_path: Path) -> Iterator[Tab]:
    with open_chromium(tmp_path / "profile") as found:
        found.open(page.address)
        wait_for_map(found)
        yield found
        # Chromium also reports requests that are refused, which some tests send on purpose
        assert [text for text in found.complaints() if "400 (Bad Request)" not in text] == []


def wait_for_map(tab: Tab) -> None:
    tab.wait(
        "document.querySelector('#map-state').textContent === '' && document.querySelector('#map-legend').textContent"
    )


def texts(tab: Tab, selector: str) -> list[str]:
    found: list[str] = tab.run(f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.textContent)")
    return found


def wait_for_search(tab: Tab, parts: int) -> list[int]:
    tab.wait(
        f"document.querySelectorAll('#parts .part').length === {parts}"
        " && document.querySelector('#status').textContent.includes(' ms')"
    )
    rows: list[int] = tab.run("[...document.querySelectorAll('#found [data-row]')].map(e => Number(e.dataset.row))")
    return rows


def test_keys_search_magnify_and_mark(tab: Tab) -> None:
    assert tab.run("location.search") == ""  # the token is not left in the address
    assert texts(tab, ".tile figcaption div:first-child")[0] == HOSTILE
    assert (
        tab.run(
            "document.querySelectorAll('#found img[src=x]').length + document.querySelectorAll('#found script').length"
        )
        == 0
    )
    tab.press("ArrowRight")
    tab.press("ArrowRight")
    tab.press("m")
    tab.wait("document.querySelectorAll('#marked li img').length === 1")
    assert "g1" in texts(tab, "#marked li")[0]
    tab.press("Enter")
    assert wait_for_search(tab, 1)[0] == 1
    tab.press(" ")
    tab.wait("document.querySelector('#viewer').open && document.querySelectorAll('#viewer-links a').length === 3")
    assert tab.run("[...document.querySelectorAll('#viewer-links a')].every(a => a.rel === 'noopener noreferrer')")
    assert texts(tab, "#viewer-cells td")[-2:] == ["<script>alert(2)</script>", HOSTILE]
    tab.press(" ")
    tab.wait("!document.querySelector('#viewer').open")
    tab.press("t")
    tab.wait("document.querySelectorAll('#found table.rows tbody tr').length > 5")
    assert texts(tab, "#found th")[-1] == "<script>alert(2)</script>"
    tab.press("g")
    tab.press("/")
    tab.type("ring galaxy")
    tab.press("Enter")
    assert len(wait_for_search(tab, 2)) == COUNT
    tab.run("history.back()")
    assert wait_for_search(tab, 1)[0] == 1


def test_filters_and_notes(tab: Tab) -> None:
    tab.run("document.querySelector('#where').focus()")
    tab.type("z > 0.5")
    tab.press("Enter")
    tab.wait("document.querySelector('#status').textContent.startsWith('12 objects')")
    tab.run(
        "document.querySelector('#where').value = 'nothing > 1'; document.querySelector('#filters').requestSubmit()"
    )
    tab.wait("document.querySelector('#message').textContent.includes(\"no column 'nothing'\")")
    tab.click("#clear")
    tab.wait("document.querySelector('#status').textContent.startsWith('24 objects')")
    tab.run("document.querySelector('[data-row=\"3\"]').focus()")
    tab.press("n")
    tab.wait("document.activeElement.id === 'viewer-note'")
    tab.type("<b>odd</b>")
    tab.press("Escape")
    tab.wait("document.querySelector('#marked').textContent.includes('<b>odd</b>')")


def test_a_lasso_selects_grid_and_table(tab: Tab) -> None:
    left, top, width, height = tab.box("#map-points")
    tab.press("l")
    assert tab.run("document.querySelector('#lasso').getAttribute('aria-pressed')") == "true"
    corners = [(0.02, 0.02), (0.5, 0.02), (0.5, 0.98), (0.02, 0.98)]
    tab.drag([(left + width * x, top + height * y) for x, y in corners])
    tab.wait("document.querySelector('#parts').textContent.includes('lasso')")
    rows = wait_for_search(tab, 1)
    # the same objects by the numbers of the map
    points = tab.run("fetch('/api/map/pca/points').then(a => a.arrayBuffer()).then(b => [...new Float32Array(b)])")
    places = np.array(points).reshape(COUNT, 2)
    assert set(rows) == set(np.flatnonzero((places[:, 0] < 0) & (np.abs(places) < 2).all(axis=1)).tolist())
    tab.wait(
        "(() => { const c = document.querySelector('#map-overlay');"
        " return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.every((value) => value === 0); })()"
    )
    tab.press("Escape")
    assert len(wait_for_search(tab, 0)) == COUNT


def test_a_sketch_and_a_dropped_image_are_searched_for(tab: Tab, index: Path, tmp_path: Path) -> None:
    tab.press("d")
    tab.wait("document.querySelector('#sketcher').open")
    left, top, width, height = tab.box("#sketch")
    tab.drag([(left + width * x, top + height * 0.5) for x in np.linspace(0.2, 0.8, 9)])
    lit = tab.run(
        "(() => { const c = document.querySelector('#sketch');"
        " const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        " return d.filter((value, k) => k % 4 === 0 && value > 128).length; })()"
    )
    assert 384 * 0.6 * 12 * 0.9 < lit < 384 * 0.6 * 12 * 1.2  # a line as long as it was drawn, as wide as the pen
    tab.click("#sketch-search")
    assert len(wait_for_search(tab, 1)) == COUNT
    tab.click("#clear")
    wait_for_search(tab, 0)
    tab.drop("#found", index.parent / "g7.fits")
    assert wait_for_search(tab, 1)[0] == 7
    bad = tmp_path / "bad.fits"
    bad.write_text("no image")
    tab.drop("#found", bad)
    tab.wait("document.querySelector('#message').textContent.length > 20")
    assert len(texts(tab, "#parts .part")) == 1


def test_a_broken_image_has_a_placeholder_and_hovering_shows_a_picture(tab: Tab) -> None:
    tab.wait("[...document.querySelectorAll('.tile img')].every(i => i.complete && i.naturalWidth > 0)")
    assert tab.run("fetch('/api/picture/5').then(a => a.headers.get('X-Missing'))") == "1"
    points = tab.run("fetch('/api/map/pca/points').then(a => a.arrayBuffer()).then(b => [...new Float32Array(b)])")
    left, top, width, height = tab.box("#map-points")
    side = min(width, height) * 0.46
    x, y = left + width / 2 + points[8] * side, top + height / 2 - points[9] * side
    tab.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    tab.wait(
        "!document.querySelector('#map-hover').hidden && document.querySelector('#map-hover figcaption').textContent"
    )
    assert texts(tab, "#map-hover figcaption") == ["g4"]


def test_a_second_browser_needs_the_token(page: ServedPage, tmp_path: Path) -> None:
    with open_chromium(tmp_path / "second", dark=True) as tab:
        tab.open(page.address.partition("?")[0], ready="true")
        assert "token" in tab.run("document.body.textContent")
        tab.open(page.address)
        wait_for_map(tab)
        dark = tab.run("getComputedStyle(document.body).backgroundColor")
        tab.screenshot(tmp_path / "dark.png")
        picture = np.asarray(Image.open(tmp_path / "dark.png").convert("L"))
        assert dark == "rgb(18, 20, 23)" and np.median(picture) < 60
