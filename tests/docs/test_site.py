"""The documentation as a site: it is built without warnings, its links lead somewhere, and its notebooks run."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
LARGEST = 200_000
"""Bytes that a figure or a notebook of the documentation may have."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it."""
    pytest.importorskip("sphinx")
    folder = tmp_path_factory.mktemp("site") / "html"
    words = ["-m", "sphinx", "-c", "docs", "--fail-on-warning", "--keep-going", "--quiet", ".", folder]
    run = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-4000:]
    return folder


@cache
def read_page(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def read_anchors(path: Path) -> set[str]:
    return {unescape(name) for name in re.findall(r'\bid="([^"]+)"', read_page(path))}


def find_dead_links(page: Path) -> Iterator[str]:
    for link in re.findall(r'\b(?:href|src)="([^"]+)"', read_page(page)):
        place, _, anchor = unquote(unescape(link)).partition("#")
        if re.match(r"[a-z]+:", place) or link == "#":
            continue
        target = (page.parent / place.partition("?")[0]).resolve() if place else page
        if not target.is_file() or (anchor and target.suffix == ".html" and anchor not in read_anchors(target)):
            yield link


@pytest.mark.slow
def test_links_of_the_site_lead_somewhere(site: Path) -> None:
    pages = [page for page in site.rglob("*.html") if not page.is_relative_to(site / "_static")]
    assert len(pages) > 100
    assert {str(page.relative_to(site)): dead for page in pages if (dead := list(find_dead_links(page)))} == {}


@pytest.mark.slow
def test_public_names_and_other_projects_are_linked(site: Path) -> None:
    assert 'href="api/classify.html#galaxtool.classify"' in read_page(site / "docs" / "api.html")
    reading = read_page(site / "docs" / "api" / "Cutout.html")
    assert "https://numpy.org/doc/stable/reference/generated/numpy.ndarray.html" in reading
    front = read_page(site / "docs" / "index.html")
    for card in ("mergers", "rare-objects", "radio-galaxies", "labels", "without-pytorch"):
        assert f'href="cases/{card}.html"' in front
    assert "docs/index.html" in read_page(site / "index.html")


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    run_notebook = runpy.run_path(str(ROOT / "scripts" / "run_notebooks.py"))["run_notebook"]
    cells = [cell for cell in run_notebook(path, tmp_path).cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells) and sum(bool(cell.outputs) for cell in cells) >= 5


def test_stored_notebooks_have_outputs_and_no_errors() -> None:
    assert len(NOTEBOOKS) >= 2
    for path in NOTEBOOKS:
        text = path.read_text(encoding="utf-8")
        assert '"output_type"' in text and '"output_type": "error"' not in text and str(ROOT) not in text


def test_figures_are_small() -> None:
    files = [*(ROOT / "docs" / "images").iterdir(), *NOTEBOOKS]
    assert [path.name for path in files if path.stat().st_size > LARGEST] == []
