"""`galaxtool plot` on directories as they are on the disk."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from matplotlib.figure import Figure
from PIL import Image
from support.training_helpers import run_command

import galaxtool
from galaxtool.plotting.charts.confusion import draw_confusion
from galaxtool.plotting.save import SUFFIXES, save_figure
from galaxtool.plugins.registry import get_registry

CLASSES = ["S$_0$", "[bold]", "E"]


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An evaluation directory with 60 images, two of them without a prediction and one without a true class."""
    rng = np.random.default_rng(0)
    truth = rng.integers(3, size=60)
    probabilities = rng.dirichlet(np.ones(3), size=60)
    probabilities[np.arange(60), truth] += 1
    probabilities[:2] = np.nan
    columns = {f"p_{slug}": probabilities[:, k] / 2 for k, slug in enumerate(CLASSES)}
    slugs = [None if i == 2 else CLASSES[k] for i, k in enumerate(truth)]
    folder = tmp_path_factory.mktemp("evaluation")
    pq.write_table(
        pa.table({**columns, "mag": rng.uniform(14, 18, 60), "truth": slugs}), folder / "predictions.parquet"
    )
    return folder


def test_a_figure_is_one_column_wide_with_text_as_text(evaluation: Path, tmp_path: Path) -> None:
    for name in ("c.png", "c.pdf", "c.svg"):
        result = galaxtool.plot("confusion", evaluation, output=tmp_path / name)
        assert result.output == tmp_path / name
    assert read_width(tmp_path / "c.png") == 3.4 * 300
    pdf = (tmp_path / "c.pdf").read_bytes()
    assert pdf.startswith(b"%PDF") and b"/Type3" not in pdf and b"CreationDate" not in pdf
    pages = [zlib.decompress(part.partition(b"endstream")[0].strip(b"\r\n")) for part in _streams(pdf)]
    assert any(b" re\n" in page or b" l\n" in page for page in pages)  # lines and boxes, not one picture
    svg = (tmp_path / "c.svg").read_text()
    assert ">S$_0$</text>" in svg and "predicted class" in svg


def test_the_same_figure_is_the_same_file(tmp_path: Path) -> None:
    for suffix in (".png", ".pdf", ".svg"):
        for name in "ab":
            figure = Figure(figsize=(1, 1))
            figure.add_subplot().plot([1, 2])
            save_figure(figure, tmp_path / f"{name}{suffix}")
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_the_settings_of_the_user_change_nothing(evaluation: Path, tmp_path: Path) -> None:
    galaxtool.plot("confusion", evaluation, output=tmp_path / "a.png")
    with mpl.rc_context({"font.size": 30, "savefig.dpi": 20, "image.origin": "lower"}):
        galaxtool.plot("confusion", evaluation, output=tmp_path / "b.png")
        assert mpl.rcParams["font.size"] == 30
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    sheet = tmp_path / "journal.mplstyle"
    sheet.write_text("savefig.dpi: 50\n")
    galaxtool.plot("confusion", evaluation, output=tmp_path / "c.png", style=sheet, columns=2)
    assert read_width(tmp_path / "c.png") == 7 * 50


@pytest.mark.parametrize("suffix", sorted({*SUFFIXES} - {".png", ".pdf", ".svg"}))
def test_every_suffix_can_be_written(suffix: str, tmp_path: Path) -> None:
    save_figure(Figure(figsize=(1, 1)), tmp_path / f"empty{suffix}")
    assert (tmp_path / f"empty{suffix}").stat().st_size > 100


def test_confusion_counts_images_by_true_and_predicted_class() -> None:
    targets, predicted = np.array([0, 0, 0, 1, 2, 2]), np.array([0, 0, 1, 1, 0, 2])
    figure = draw_confusion(targets, predicted, ["a", "b", "c"])
    image = figure.axes[0].images[0].get_array()
    assert image.tolist() == pytest.approx(np.array([[2 / 3, 1 / 3, 0], [0, 1, 0], [0.5, 0, 0.5]]))
    cells = {tuple(map(int, text.get_position())): text.get_text() for text in figure.axes[0].texts}
    assert cells == {(0, 0): "2", (1, 0): "1", (1, 1): "1", (0, 2): "1", (2, 2): "1"}  # (column, row)


def test_the_list_says_what_each_kind_takes(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run_command("plot", "--list", "--json")
    rows = {row["name"]: row for row in json.loads(out)["plots"]}
    assert code == 0 and list(rows) == [spec.name for spec in get_registry().plots.specs()]
    assert rows["confusion"]["takes"] == ["truth"] and rows["confusion"]["options"] == ["numbers=count"]
    assert all(row["summary"].endswith(".") and row["inputs"] for row in rows.values())
    code, out, _ = run_command("plot", "confusion", "--list")
    assert code == 0 and "count, percent or none" in " ".join(out.split()) and "roc" not in out
    for registered in get_registry().plots:
        assert callable(registered.load())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("confussion", "x"), "no plot called 'confussion'. Did you mean 'confusion'?"),
        (("confusion", "{here}", "-o", "c.docx"), "'.docx' is not a format of figures. End the name with one of .png"),
        (("confusion", "{here}", "-o", "c"), "'c' has no suffix"),
        (("confusion", "nothing"), "nothing at 'nothing'"),
        (("confusion",), "'confusion' draws one input, and 0 were given"),
        (("confusion", "{here}", "{here}"), "draws one input, and 2 were given"),
        (("confusion", "{here}", "--by", "mag"), "'confusion' does not take --by. Options that it takes: --truth"),
        (("confusion", "{here}", "--columns", "3"), "--columns is 3"),
        (("confusion", "{here}", "--truth", "mga"), "no column 'mga'. Did you mean 'mag'?"),
        (("confusion", "{here}", "--truth", "mag"), "58 classes that the predictions do not have: 14."),
        (("confusion", "{here}", "--option", "numbers=some"), "must be one of count, percent, none"),
        (("confusion", "{here}", "--option", "bins=3"), "no option of the plot 'confusion' called 'bins'"),
        (("confusion", "{here}", "--style", "none.mplstyle"), "no style sheet at 'none.mplstyle'"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_one_sentence(
    arguments: tuple[str, ...], message: str, evaluation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run_command("plot", *(text.format(here=evaluation) for text in arguments))
    assert code == 1 and message in " ".join(err.split()), err
    assert list(tmp_path.iterdir()) == []


def test_a_figure_does_not_replace_the_picture_that_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "saliency.png")
    before = (tmp_path / "saliency.png").read_bytes()
    monkeypatch.chdir(tmp_path)
    for given in (["-o", tmp_path / "saliency.png"], []):  # the second is the default
        code, _, err = run_command("plot", "saliency", "saliency.png", *given)
        assert code == 1 and "is the input, and would be overwritten" in " ".join(err.split()), err
    assert (tmp_path / "saliency.png").read_bytes() == before


def read_width(path: Path) -> int:
    with Image.open(path) as image:
        return image.size[0]


def _streams(content: bytes) -> list[bytes]:
    """Return what follows each ``stream`` of compressed page content in a PDF file."""
    return [part for part in content.split(b"stream\n")[1:] if part.startswith(b"x\x9c") or part.startswith(b"x\xda")]
