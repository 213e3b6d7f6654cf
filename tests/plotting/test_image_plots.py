"""`galaxtool plot` of images and embeddings, on files as they are on the disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from PIL import Image
from support.training_helpers import run_command

import galaxtool
from galaxtool.errors import ConfigError, IndexMismatch, InputError, UnknownName
from galaxtool.inference.embeddings.file import EmbeddedImage, open_embedding_writer
from galaxtool.plotting.charts.projection import UNKNOWN, Panel, draw_projection
from galaxtool.plotting.charts.retrieval import RetrievalQuery, ShownNeighbor, draw_retrieval
from galaxtool.plotting.charts.samples import Sample, draw_samples
from galaxtool.plotting.embedded import find_files, open_embedded, open_gallery, sample_images
from galaxtool.plotting.images import PlotImages, add_catalogue, index_classes, open_images, to_texts
from galaxtool.plotting.kinds.projection import plot_tsne
from galaxtool.plotting.kinds.retrieval import find_nearest
from galaxtool.plotting.request import PlotRequest
from galaxtool.types import Silent

N = 24
CLASSES = ("spiral", "edge_on", "smooth_round")


class Listener(Silent):
    """Keeps the messages."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def say(self, message: str) -> None:
        self.messages.append(message)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 pictures with labels, a file of their embeddings, and an evaluation directory of them."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    truth = [CLASSES[i % 3] for i in range(N)]
    vectors = np.eye(8)[[i % 3 for i in range(N)]] + 0.2 * rng.normal(size=(N, 8))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    vectors[5] = np.nan
    rows = []
    for i in range(N):
        Image.fromarray(rng.integers(0, 255, (20, 20, 3), dtype=np.uint8)).save(folder / f"g{i}.png")
        rows.append(EmbeddedImage(f"g{i}", str(folder / f"g{i}.png"), None, None, "broken" if i == 5 else ""))
    (folder / "ev").mkdir()
    for path in (folder / "e.parquet", folder / "e.npy", folder / "ev" / "embeddings.parquet"):
        with open_embedding_writer(path, count=N, dim=8, meta={}) as writer:
            writer.write(rows, vectors)
    order = rng.permutation(N)
    pq.write_table(
        pa.table(
            {
                "id": [f"g{i}" for i in order],
                "mag": [None if i == 7 else 14 + i / 10 for i in order],
                "truth": [None if i == 8 else truth[i] for i in order],
            }
        ),
        folder / "ev" / "predictions.parquet",
    )
    (folder / "catalog.csv").write_text("id,mag\n" + "".join(f"g{i},{i / 10}\n" for i in range(N - 2)))
    return folder


def test_the_rows_of_an_evaluation_belong_to_its_embeddings(folder: Path) -> None:
    listener = Listener()
    embedded = open_embedded(str(folder / "ev"), listener)
    assert embedded.images.ids == tuple(f"g{i}" for i in range(N) if i != 5)
    assert any(message.startswith("1 image of") for message in listener.messages)
    truth, mag = embedded.images.column("truth"), embedded.images.column("mag")
    for row, name in enumerate(embedded.images.ids):
        number = int(name[1:])
        assert truth[row] == ("" if number == 8 else CLASSES[number % 3])
        assert np.isnan(mag[row]) if number == 7 else mag[row] == pytest.approx(14 + number / 10)


def test_a_file_of_embeddings_takes_the_columns_of_a_catalogue(folder: Path) -> None:
    for name in ("e.parquet", "e.npy"):
        embedded = open_embedded(str(folder / name), Silent(), table=str(folder / "catalog.csv"))
        mag = embedded.images.column("mag")
        assert [None if np.isnan(value) else value for value in mag] == [
            i / 10 if i < N - 2 else None for i in range(N) if i != 5
        ]
    labels = folder / "classes.csv"
    labels.write_text("path,class\n" + "".join(f"all/g{i}.png,{CLASSES[i % 3]}\n" for i in range(N)))
    classes = open_embedded(str(folder / "e.parquet"), Silent(), table=str(labels)).images.column("truth")
    assert classes.tolist() == [CLASSES[i % 3] for i in range(N) if i != 5]
    names = folder / "names.csv"  # a decimal point is not the beginning of a suffix
    names.write_text("id,class\ng1.5,spiral\ng2.png,spiral\n")
    classes = open_embedded(str(folder / "e.parquet"), Silent(), table=str(names)).images.column("truth")
    assert classes.tolist() == ["spiral" if i == 2 else "" for i in range(N) if i != 5]
    images = PlotImages(name="x", ids=("12", "13"), paths=("", ""), read=lambda *_: pytest.fail())
    names.write_text("id,class\n12.0,disc\n13.0,ring\n,bar\n")  # as pandas writes integers beside a missing one
    assert add_catalogue(images, str(names), Silent()).column("truth").tolist() == ["disc", "ring"]
    names.write_text("id,class\ng2,disc\ng2,spiral\ng3,disc\n")
    listener = Listener()
    classes = open_embedded(str(folder / "e.parquet"), listener, table=str(names)).images.column("truth")
    assert classes.tolist()[2] == "spiral" and any("1 image more than once" in said for said in listener.messages)
    with pytest.raises(InputError, match="no column 'mag'"):
        open_embedded(str(folder / "e.parquet"), Silent()).images.column("mag")


def test_an_index_has_the_columns_of_its_catalogue(folder: Path, tmp_path: Path) -> None:
    lines = [f"{folder}/g{i}.png,{CLASSES[i % 3]},{i / 10}" for i in range(6)]
    (tmp_path / "labels.csv").write_text("\n".join(["path,label,mag", *lines]) + "\n")
    galaxtool.index([tmp_path / "labels.csv"], output=tmp_path / "index")
    embedded = open_embedded(str(tmp_path / "index"), Silent())
    assert embedded.images.column("mag").tolist() == [i / 10 for i in range(6)]
    assert embedded.images.column("truth").tolist() == [CLASSES[i % 3] for i in range(6)]


def test_a_balanced_sample_has_the_same_number_of_each_class(folder: Path) -> None:
    embedded = open_embedded(str(folder / "ev"), Silent())
    drawn = sample_images(embedded, 0, Silent(), balanced=True)
    counts = np.unique(drawn.images.column("truth"), return_counts=True)
    assert dict(zip(*counts, strict=True)) == dict.fromkeys(CLASSES, 6)  # two of the last class have no label or vector
    fewer = sample_images(embedded, 10, Silent(), seed=1)
    assert len(fewer.images) == 10 and set(fewer.images.ids) < set(embedded.images.ids)
    np.testing.assert_array_equal(
        fewer.vectors, embedded.vectors[[embedded.images.ids.index(name) for name in fewer.images.ids]]
    )


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("tsne", {"option": ["perplexity=5", "pca=4"]}),
        ("tsne", {"by": "mag"}),
        ("pca-grid", {"option": ["side=3"]}),
        ("retrieval", {"option": ["k=2", "queries=g3,g4", "layout=columns"]}),
    ],
)
def test_a_figure_of_an_evaluation(folder: Path, tmp_path: Path, kind: str, options: dict[str, object]) -> None:
    style = tmp_path / "coarse.mplstyle"
    style.write_text("savefig.dpi: 60\n")
    log = Listener()
    galaxtool.plot(kind, folder / "ev", output=tmp_path / "a.png", style=style, progress=log, **options)  # type: ignore[arg-type]
    lowered = "perplexity 30 was lowered to 7.33, a third of 23 images."
    assert (lowered in log.messages) == (kind == "tsne" and "by" in options)
    with Image.open(tmp_path / "a.png") as image:
        assert image.width == 204
        assert len(np.unique(np.asarray(image.convert("L")))) > 20


def test_one_image_of_each_class_is_a_query(folder: Path, tmp_path: Path) -> None:
    code, stdout, _ = run_command(
        "plot", "retrieval", folder / "ev", "-o", tmp_path / "a.svg", "--option", "k=5", "--columns", 2
    )
    assert code == 0 and stdout.strip() == str(tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text()
    assert all(f">{name}</text>" in text for name in ("spiral", "edge-on"))
    assert text.count("✓") + text.count("✗") >= 3 * 4  # a neighbour without a class has no mark


def test_queries_are_looked_up_in_a_gallery(folder: Path, tmp_path: Path) -> None:
    gallery = tmp_path / "gallery.parquet"
    near = np.eye(8, dtype=np.float32)[[0, 0, 1, 1, 1]] + np.float32(0.01) * np.arange(5, dtype=np.float32)[:, None]
    names = ["g3", "a", "b", "c", "d"]  # the query itself, and four others
    for name in names[1:]:
        Image.new("RGB", (20, 20)).save(tmp_path / f"{name}.png")
    with open_embedding_writer(gallery, count=5, dim=8, meta={}) as writer:
        paths = [str(folder / "g3.png"), *(str(tmp_path / f"{name}.png") for name in names[1:])]
        writer.write([EmbeddedImage(n, p, None, None, "") for n, p in zip(names, paths, strict=True)], near)
    asked = open_embedded(str(folder / "e.parquet"), Silent())
    others = open_gallery(str(gallery), Silent(), asked)
    own = find_files(others.images.paths, [str(folder / "g3.png"), str(folder / "g4.png"), ""])
    assert own.tolist() == [0, -1, -1]
    found, _ = find_nearest(asked.vectors[[3, 4]], others.vectors, own[:2], 2)
    assert found[0, 0] == 1 and set(found[1]) < {2, 3, 4}
    option = ["k=3", "queries=g3,g4", f"gallery={gallery}"]
    out = galaxtool.plot("retrieval", folder / "ev", output=tmp_path / "a.svg", option=option)
    assert (tmp_path / "a.svg").read_text().count("<image") == 2 * (1 + 3), out
    with open_embedding_writer(gallery, count=1, dim=8, meta={"model": "other", "model_digest": "0" * 64}) as writer:
        writer.write([EmbeddedImage("a", "", None, None, "")], near[:1])
    with pytest.raises(IndexMismatch, match=r"a model without a name, those of the gallery .* 'other'"):
        galaxtool.plot("retrieval", folder / "ev", output=tmp_path / "b.svg", option=option)


@pytest.mark.parametrize(("digest", "is_other"), [("a", False), ("", False), ("b", True)])
def test_a_gallery_of_other_views_is_noticed(digest: str, is_other: bool, tmp_path: Path) -> None:
    meta = {"model": "m", "model_digest": "0" * 64}
    for name, own in (("queries", "a"), ("gallery", digest)):
        path = tmp_path / f"{name}.parquet"
        with open_embedding_writer(path, count=1, dim=8, meta={**meta, "preprocess_digest": own}) as writer:
            writer.write([EmbeddedImage("a", "", None, None, "")], np.eye(8, dtype=np.float32)[:1])
    log = Listener()
    open_gallery(str(tmp_path / "gallery.parquet"), log, open_embedded(str(tmp_path / "queries.parquet"), log))
    assert any("another number of views" in line for line in log.messages) == is_other


def test_right_and_wrong_neighbours_differ_without_colour() -> None:
    picture = np.zeros((8, 8, 3), dtype=np.uint8)
    neighbors = tuple(ShownNeighbor(picture=picture, similarity=0.5, is_right=right) for right in (True, False, None))
    figure = draw_retrieval([RetrievalQuery(picture=picture, caption="spiral", neighbors=neighbors)])
    texts = [[text.get_text() for text in axes.texts] for axes in figure.axes]
    assert texts == [["spiral"], ["0.50", "✓"], ["0.50", "✗"], ["0.50"]]
    frames = [[patch.get_linestyle() for patch in axes.patches] for axes in figure.axes]
    assert frames == [["-"], [], ["--"], []]


def test_points_have_a_colour_and_a_marker_by_class() -> None:
    points = np.random.default_rng(0).normal(size=(30, 2))
    values = np.array([0, 1, UNKNOWN] * 10)
    figure = draw_projection([Panel(points=points, values=values)], "UMAP", classes=("spiral", "edge_on", "absent"))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["spiral", "edge on", "no class"]
    handles = figure.legends[0].legend_handles
    assert len({handle.get_marker() for handle in handles[:2]}) == len({h.get_color() for h in handles}) - 1 == 2
    drawn = np.concatenate([one.get_offsets() for one in figure.axes[0].collections])
    assert {tuple(row) for row in np.asarray(drawn)} == {tuple(row) for row in points}


def test_a_scale_of_colours_leaves_outliers_out() -> None:
    values = np.array([*np.linspace(10, 20, 500), 1e6, np.nan])
    figure = draw_projection([Panel(points=np.zeros((502, 2)), values=values)], "UMAP", quantity="mag")
    low, high = figure.axes[1].get_xlim()
    assert low == 10 and high < 21 and figure.axes[1].get_xlabel() == "mag"


def test_a_missing_number_is_no_text(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    lines = [f"{folder}/g{i}.png,{'' if i == 3 else i / 10},{'' if i % 4 == 3 else i % 4}" for i in range(N)]
    table.write_text("\n".join(["path,mag,arms", *lines]) + "\n")
    images = open_images(str(table), Silent())
    mag, arms = images.column("mag"), images.column("arms")
    np.testing.assert_array_equal(mag, [np.nan if i == 3 else i / 10 for i in range(N)])
    assert to_texts(arms).tolist() == ["0", "1", "2", ""] * (N // 4)
    embedded = open_embedded(str(folder / "e.parquet"), Silent(), table=str(table))
    drawn = sample_images(embedded, 0, Silent(), truth="arms", balanced=True)
    assert sorted(drawn.images.column("arms").tolist()) == [0] * 5 + [1] * 5 + [2] * 5  # an image has no vector


def test_numbers_in_place_of_missing_values_have_no_colour(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    lines = [f"{folder}/g{i}.png,{-99 if i in (1, 2) else 15 + i / 10},nan" for i in range(N)]
    table.write_text("\n".join(["path,mag,z", *lines]) + "\n")
    options = {"perplexity": 5, "pca": 0, "most": 0, "balanced": False, "seed": 0, "table": str(table)}
    request = PlotRequest(kind="tsne", inputs=(str(folder / "e.parquet"),), by="mag", options=options)
    assert plot_tsne(request).axes[1].get_xlim() == (15, 15 + (N - 1) / 10)
    with pytest.raises(InputError, match="No image has a value of 'z'"):
        plot_tsne(replace(request, by="z"))


def test_classes_come_in_the_order_of_their_taxonomy() -> None:
    classes, indices = index_classes(["edge_on", "smooth_cigar", "", "smooth_round", "spiral", "edge_on"])
    assert classes == ("smooth_round", "smooth_cigar", "edge_on", "spiral")
    assert indices.tolist() == [2, 1, UNKNOWN, 0, 3, 2]
    assert index_classes(["b", "a", "a"])[0] == ("a", "b")


def test_a_histogram_has_the_values_of_the_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    data = rng.normal(5e-9, 1e-9, (2, 30, 30)).astype(np.float32)
    data[:, :2] = np.nan
    for number in range(2):
        header = fits.Header({"BUNIT": "nanomaggy"})
        fits.writeto(tmp_path / f"{number}.fits", data[number], header)
    galaxtool.plot("samples", tmp_path, output=tmp_path / "a.svg", option=["n=2"])
    assert ">pixel value (nanomaggy)</text>" in (tmp_path / "a.svg").read_text()
    sample = Sample(name="a", pictures=(None,), values={"": np.repeat([1.0, 2.0, 3.0, 200.0], 25)}, unit="Jy")
    axes = draw_samples([sample]).axes[-1]
    values, edges, _ = axes.patches[0].get_data()
    assert values.sum() == pytest.approx(1) and edges[0] < 1 and edges[-1] > 200
    assert values[np.searchsorted(edges, 200) - 1] == pytest.approx(0.25)


def test_a_sheet_of_classes_shows_symbols_prompts_and_examples(folder: Path, tmp_path: Path) -> None:
    galaxtool.plot("class-sheet", output=tmp_path / "a.svg", option=["taxonomy=radio-fr"])
    text = (tmp_path / "a.svg").read_text()
    assert text.count("<image") == 4 and "A picture of" in text
    table = folder / "labels.csv"
    table.write_text("id,path,label\n" + "".join(f"g{i},g{i}.png,{CLASSES[i % 3]}\n" for i in range(N)))
    galaxtool.plot("class-sheet", table, output=tmp_path / "b.svg", option=["taxonomy=gz2-5", "n=2"])
    assert (tmp_path / "b.svg").read_text().count("<image") == 3 * 3
    images = open_images(str(table), Silent())
    assert images.column("truth").tolist() == [CLASSES[i % 3] for i in range(N)]


def test_bad_input_is_one_sentence_with_the_next_step(folder: Path, tmp_path: Path) -> None:
    evaluation, out = folder / "ev", tmp_path / "a.png"
    with pytest.raises(InputError, match="no column 'z'"):
        galaxtool.plot("tsne", evaluation, output=out, by="z")
    with pytest.raises(UnknownName, match="g33"):
        galaxtool.plot("retrieval", evaluation, output=out, option=["queries=g33"])
    with pytest.raises(InputError, match="a query needs 40 others"):
        galaxtool.plot("retrieval", evaluation, output=out, option=["k=40"])
    with pytest.raises(ConfigError, match="at most 20 queries"):
        galaxtool.plot("retrieval", evaluation, output=out, option=["n=21"])
    with pytest.raises(ConfigError, match="side is 1"):
        galaxtool.plot("pca-grid", evaluation, output=out, option=["side=1"])
    with pytest.raises(InputError, match="has none of the"):
        (tmp_path / "c.csv").write_text("id,mag\nx,1\n")
        galaxtool.plot("tsne", evaluation, output=out, option=[f"table={tmp_path / 'c.csv'}"])
    with pytest.raises(ConfigError, match="neither was given"):
        galaxtool.plot("class-sheet", output=out)
    with pytest.raises(ConfigError, match="no input was given"):
        galaxtool.plot("tsne", output=out)
    assert not out.exists()
