"""Figures of a training, read back from their files."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from galaxtool.reports.figures import draw_confusion, draw_history


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that were saved."""
    figures: list[Figure] = []
    save = Figure.savefig

    def saving(self: Figure, *args: object, **options: object) -> None:
        figures.append(self)
        save(self, *args, **options)

    monkeypatch.setattr(Figure, "savefig", saving)
    return figures


def test_each_stage_has_a_panel_for_its_loss(tmp_path: Path, drawn: list[Figure]) -> None:
    history = [{"stage": "one", "loss": 1.0 / (i + 1), "valid_accuracy": 0.1 * i} for i in range(3)]
    history += [{"stage": "two $x$", "loss": 5.0 / (i + 1), "valid_accuracy": 0.4 + 0.1 * i} for i in range(4)]
    draw_history(history, 5, tmp_path / "history.png")
    first, second, scores = drawn[0].axes
    assert [axes.get_title() for axes in drawn[0].axes] == ["one", "two $x$", "validation"]
    assert first.lines[0].get_xydata().tolist() == [[i + 1, 1.0 / (i + 1)] for i in range(3)]
    assert second.lines[0].get_xydata().tolist() == [[i + 4, 5.0 / (i + 1)] for i in range(4)]
    assert scores.lines[0].get_ydata().tolist() == pytest.approx([0, 0.1, 0.2, 0.4, 0.5, 0.6, 0.7])
    assert scores.lines[-1].get_xdata() == [5, 5]  # the fifth of all epochs was kept


def test_figures_are_written_as_png_and_as_vectors(tmp_path: Path) -> None:
    targets = np.repeat([0, 1, 2], 5)
    draw_confusion(targets, np.roll(targets, 2), ["S$_0$", "[bold]", "E"], tmp_path / "confusion.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["confusion.pdf", "confusion.png"]
    assert Image.open(tmp_path / "confusion.png").convert("L").getextrema() == (0, 255)
    content = (tmp_path / "confusion.pdf").read_bytes()
    assert content.startswith(b"%PDF") and b"/Type3" not in content and b"CreationDate" not in content
    pages = [zlib.decompress(part.partition(b"endstream")[0].strip(b"\r\n")) for part in _streams(content)]
    assert any(b" re\n" in page or b" l\n" in page for page in pages)  # lines and boxes, not one picture


def _streams(content: bytes) -> list[bytes]:
    """Return what follows each ``stream`` of compressed page content in a PDF file."""
    return [part for part in content.split(b"stream\n")[1:] if part.startswith(b"x\x9c") or part.startswith(b"x\xda")]
