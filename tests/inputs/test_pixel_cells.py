"""Tests of images in the cells of tables: Parquet files as Hugging Face has them, and VIGNETs in FITS tables."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table
from PIL import Image

from galaxtool import classify, similar
from galaxtool.containers.parquet_images import OpenParquet, list_image_columns
from galaxtool.containers.reading import read_image
from galaxtool.datasets.open import open_dataset
from galaxtool.errors import InputError, TableError, UnreadableImage
from galaxtool.images.fits import bounded_stream
from galaxtool.images.read_options import PLAIN
from galaxtool.inputs.control_columns import find_path_column
from galaxtool.inputs.gather import Inputs, gather
from galaxtool.inputs.read_item import read_item
from galaxtool.tables.read import read_table

N = 7
PIXELS = np.random.default_rng(0).integers(0, 256, (N, 12, 10, 3), dtype=np.uint8)
"""Pictures with the top row first."""

STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def encode(pixels: np.ndarray, form: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, form)
    return stream.getvalue()


def structs(path: str | None = "{}.png") -> pa.Array:
    cells = [{"bytes": encode(p), "path": path and path.format(f"g{i}")} for i, p in enumerate(PIXELS)]
    return pa.array(cells, type=STRUCT)


def nested(kind: pa.DataType, values: np.ndarray) -> pa.Array:
    for _ in range(values.ndim - 1):
        kind = pa.list_(kind)
    return pa.array(values.tolist(), type=kind)


def write(path: Path, columns: dict[str, Any], *, rows: int = 3, features: dict[str, Any] | None = None) -> Path:
    table = pa.table(columns)
    if features:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pq.write_table(table, path, row_group_size=rows)
    return path


def assert_pixels(found: Inputs) -> None:
    """Check the pixels, from the bottom row, in an order that jumps between row groups."""
    assert len(found.items) == N
    for row in (0, 6, 2, 1, 5, 4, 3, 3):
        data = read_item(found.items[row]).data
        np.testing.assert_array_equal(data, np.moveaxis(PIXELS[row][::-1], -1, 0))


def test_lists_of_numbers_are_not_paths(tmp_path: Path) -> None:
    path = write(tmp_path / "flat.parquet", {"image": pa.array([[0.5] * 64] * 2), "ra": pa.array([1.0, 2.0])})
    with pytest.raises(TableError, match="'image' does not hold any"):
        find_path_column(read_table(path), None, path)
    with pytest.raises(TableError, match="a list of numbers in each cell"):
        find_path_column(read_table(path), "image", path)


@pytest.mark.parametrize("name", ["image", "img", "image_crop", "data", "Picture"])
@pytest.mark.parametrize("kind", ["struct", "bytes", "lists"])
def test_pictures_in_parquet(kind: str, name: str, tmp_path: Path) -> None:
    if kind == "lists" and name == "Picture":
        name = "pixel_values"
    cells = {
        "struct": structs,
        "bytes": lambda: pa.array([encode(p) for p in PIXELS]),
        "lists": lambda: nested(pa.uint8(), PIXELS),
    }[kind]()
    path = write(
        tmp_path / "train.parquet", {"z": np.arange(N) / 10, name: cells, "ra": np.arange(N) + 10.0, "dec": [2] * N}
    )
    found = gather([path])
    assert_pixels(found)
    assert found.columns is not None and found.columns["z"].tolist() == (np.arange(N) / 10).tolist()
    assert [item.id for item in found.items[:2]] == (["g0", "g1"] if kind == "struct" else ["train/0", "train/1"])
    assert str(found.items[4].ref) == f"{path}[{name}/4]" and found.items[4].ra == 14
    assert f"'{name}'" in found.notes[0]
    np.testing.assert_array_equal(read_image(f"{path}[{name}/4]").data, read_item(found.items[4]).data)


def test_measured_arrays_in_parquet(tmp_path: Path) -> None:
    values = PIXELS[..., 0].astype(np.float32) / 7
    path = write(tmp_path / "a.parquet", {"image": nested(pa.float32(), values), "source_id": np.arange(N) + 10**17})
    found = gather([path])
    np.testing.assert_array_equal(read_item(found.items[3]).data, values[3][None])  # the bottom row first, as in FITS
    assert [item.id for item in found.items[:2]] == ["100000000000000000", "100000000000000001"]


def test_matrices_that_are_no_images_stay_in_the_table(tmp_path: Path) -> None:
    columns = {"path": ["a.png"] * N, "covariance": nested(pa.float64(), PIXELS[..., 0]), "name": [b"abc"] * N}
    path = write(tmp_path / "a.parquet", columns)
    assert list_image_columns(path) == []
    assert read_table(path).colnames == ["path", "covariance", "name"]
    assert gather([path]).items[0].ref.path == tmp_path / "a.png"


def test_cells_without_an_image(tmp_path: Path) -> None:
    cells = [
        {"bytes": encode(PIXELS[0]), "path": None},
        None,
        {"bytes": None, "path": "b.png"},
        {"bytes": b"", "path": ""},
    ]
    path = write(
        tmp_path / "a.parquet", {"image": pa.array([*cells, {"bytes": b"junk" * 9, "path": None}], type=STRUCT)}
    )
    items = gather([path]).items
    assert read_item(items[0]).data.shape == (3, 12, 10)
    for row in (1, 2, 3):
        with pytest.raises(UnreadableImage, match=rf"a.parquet\[image/{row}\]': the cell is empty"):
            read_item(items[row])
    with pytest.raises(UnreadableImage, match="not an image"):
        read_item(items[4])
    with pytest.raises(UnreadableImage, match="which has 5 rows"):
        read_image(f"{path}[image/5]")


def test_a_cell_does_not_lead_out_of_the_folder_of_its_table(tmp_path: Path) -> None:
    (tmp_path / "mailed").mkdir()
    (tmp_path / "private.png").write_bytes(encode(PIXELS[0]))
    (tmp_path / "mailed" / "own.png").write_bytes(encode(PIXELS[1]))
    (tmp_path / "mailed" / "link.png").symlink_to(tmp_path / "private.png")
    names = ["../private.png", str(tmp_path / "private.png"), "link.png", "own.png"]
    cells = [{"bytes": encode(PIXELS[2]), "path": "a.png"}, *({"bytes": None, "path": name} for name in names)]
    path = write(tmp_path / "mailed" / "a.parquet", {"image": pa.array(cells, type=STRUCT)})
    for row in (1, 2, 3):
        with pytest.raises(UnreadableImage, match="outside the folder of the table"):
            read_image(f"{path}[image/{row}]")
    assert read_image(f"{path}[image/4]").data.shape == (3, 12, 10)


def write_vignets(path: Path) -> Path:
    column = fits.Column("VIGNET", "256E", dim="(16,16)", array=np.ones((3, 16, 16), "f4"))
    fits.BinTableHDU.from_columns([column]).writeto(path)
    return path


@pytest.mark.parametrize("card", ["NAXIS1  =               -1E308", "PCOUNT  =                1E400"])
def test_headers_without_end_are_not_followed_for_ever_from_a_path_in_brackets(card: str, tmp_path: Path) -> None:
    path = write_vignets(tmp_path / "t.fits")
    content = path.read_bytes()
    start = content.index(card[:8].encode(), 2880)
    path.write_bytes(content[:start] + card.ljust(80).encode() + content[start + 80 :])
    with pytest.raises(UnreadableImage):
        read_image(f"{path}[1/VIGNET/0]")


def test_vignets_of_a_packed_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.fits.gz"
    path.write_bytes(gzip.compress(write_vignets(tmp_path / "t.fits").read_bytes()))
    assert read_image(f"{path}[1/VIGNET/2]").data.shape == (1, 16, 16)
    monkeypatch.setattr(bounded_stream.open_bounded, "__defaults__", (5000,))
    path.rename(tmp_path / "other.fits.gz")
    with pytest.raises(UnreadableImage, match="unpacks to more than"):
        read_image(f"{tmp_path / 'other.fits.gz'}[1/VIGNET/2]")


def test_a_row_group_is_read_in_batches(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", {"id": np.arange(200), "image": pa.array([encode(PIXELS[0])] * 200)}, rows=200)
    with_cells = OpenParquet(path)
    with_cells.read("image/150", PLAIN)
    assert with_cells._batch is not None and len(with_cells._batch) < 50
    with_cells.close()


def test_predictions_have_no_bytes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", {"image": structs("x/{}.png"), "label": np.arange(N) % 2})
    for output in ("p.csv", "p.parquet", "p.fits"):
        result = classify([path], output=tmp_path / output)
        assert result.errors == 0 and b"IHDR" not in (tmp_path / output).read_bytes()
    table = read_table(tmp_path / "p.csv")
    assert table["image"].tolist()[:2] == ["x/g0.png", "x/g1.png"] and table["path"][1] == f"{path}[image/1]"


def test_search_among_cells(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", {"image": structs(None)})
    result = similar(f"{path}[image/2]", among=[path], k=2, output=tmp_path / "s.csv")
    assert result.neighbors[0].id == "a/2" and result.neighbors[0].similarity > 0.9999


def test_labels_of_hugging_face(tmp_path: Path) -> None:
    features = {"label": {"names": ["spiral", "round", "ring"], "_type": "ClassLabel"}, "image": {"_type": "Image"}}
    path = write(tmp_path / "a.parquet", {"image": structs(), "label": np.arange(N) % 3}, features=features)
    dataset = open_dataset(path)
    assert [item.label for item in dataset.items][:4] == ["spiral", "round", "ring", "spiral"]
    np.testing.assert_array_equal(dataset.cutout(5).data, np.moveaxis(PIXELS[5][::-1], -1, 0))


def test_shards(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    whole = {"image": structs(), "label": np.arange(N) % 3}
    for number, (split, rows) in enumerate((("train", slice(0, 4)), ("train", slice(4, 6)), ("test", slice(6, 7)))):
        write(tmp_path / "data" / f"{split}-0000{number}-of-00003.parquet", {k: v[rows] for k, v in whole.items()})
    for text in (tmp_path, f"{tmp_path}/data/*.parquet", f"{tmp_path}/**/*.parquet"):
        found = gather([text])
        assert {item.id for item in found.items} == {f"g{i}" for i in range(N)} and len(found.notes) == 1
        assert found.columns is not None and len(found.columns) == N
        dataset = open_dataset(text)
        splits = {item.id: item.split for item in dataset.items}
        assert splits == {**{f"g{i}": "train" for i in range(6)}, "g6": "test"}
    assert [item.split for item in open_dataset(f"{tmp_path}/data/train-*.parquet").items] == [""] * 6
    with pytest.raises(InputError, match="not an image suffix"):  # a folder of plain tables is not one of images
        (tmp_path / "plain").mkdir()
        write(tmp_path / "plain" / "a.parquet", {"z": [1, 2]})
        gather([tmp_path / "plain"])


@pytest.fixture
def vignets(tmp_path: Path) -> Path:
    """A catalogue of SExtractor: a table of header cards, and one of objects with a stamp in each row."""
    stamps = np.arange(N * 9 * 11, dtype=np.float32).reshape(N, 9, 11)
    stamps[1, :2] = -1e30
    columns = [
        fits.Column("NUMBER", "J", array=np.arange(N) + 1),
        fits.Column("ALPHA_J2000", "D", unit="deg", array=150 + np.arange(N) / 10),
        fits.Column("DELTA_J2000", "D", unit="deg", array=np.full(N, 2.0)),
        fits.Column("VIGNET", "99E", dim="(11, 9)", array=stamps),
        fits.Column("COV", "4E", dim="(2, 2)", array=np.zeros((N, 2, 2))),
    ]
    cards = fits.BinTableHDU.from_columns([fits.Column("Field Header Card", "80A", array=["x"])], name="LDAC_IMHEAD")
    objects = fits.BinTableHDU.from_columns(columns, name="LDAC_OBJECTS")
    fits.HDUList([fits.PrimaryHDU(), cards, objects]).writeto(tmp_path / "cat.fits")
    return tmp_path / "cat.fits"


def test_vignets(vignets: Path) -> None:
    found = gather([vignets])
    assert str(found.items[2].ref) == f"{vignets}[2/VIGNET/2]" and found.items[2].ra == 150.2
    np.testing.assert_array_equal(read_item(found.items[2]).data[0], np.arange(198, 297).reshape(9, 11))
    missing = read_item(found.items[1]).data[0]
    assert np.isnan(missing[:2]).all() and missing[2, 0] == 121  # -1e30 is no value
    assert found.columns is not None and found.columns.colnames == ["NUMBER", "ALPHA_J2000", "DELTA_J2000", "COV"]
    np.testing.assert_array_equal(read_image(f"{vignets}[2/VIGNET/2]").data, read_item(found.items[2]).data)
    with pytest.raises(UnreadableImage, match="There is no image '2/VIGNET/7'"):
        read_image(f"{vignets}[2/VIGNET/7]")


@pytest.mark.parametrize("dtype", [np.uint8, ">i2", ">f4", ">f8"])
def test_stamps_of_any_type(dtype: Any, tmp_path: Path) -> None:
    stamps = PIXELS[..., 0].astype(dtype)
    Table({"objid": np.arange(N), "stamp": stamps}).write(tmp_path / "a.fits")
    found = gather([tmp_path / "a.fits"])
    expected = stamps[:, ::-1] if dtype is np.uint8 else stamps  # bytes are a picture, with the top row first
    for row in range(N):
        np.testing.assert_array_equal(read_item(found.items[row]).data[0], expected[row])


def test_paths_come_before_stamps(vignets: Path) -> None:
    with fits.open(vignets) as hdus:
        table = Table(hdus[2].data)
    table["path"] = [f"{i}.png" for i in range(N)]
    table.write(vignets.parent / "both.fits")
    assert gather([vignets.parent / "both.fits"]).items[0].ref.path.name == "0.png"
    named = gather([vignets.parent / "both.fits"], image_column="VIGNET")
    assert str(named.items[0].ref).endswith("both.fits[1/VIGNET/0]")


def test_cells_with_only_the_path_of_a_file(tmp_path: Path) -> None:
    for i in range(2):
        Image.fromarray(PIXELS[i]).save(tmp_path / f"g{i}.png")
    cells = [{"bytes": None, "path": f"g{i}.png"} for i in range(2)]
    path = write(tmp_path / "paths.parquet", {"image": pa.array(cells, type=STRUCT)})
    found = gather([path])
    assert found.items[1].ref.path == tmp_path / "g1.png"
    cells[0]["bytes"] = encode(PIXELS[0])
    found = gather([write(tmp_path / "mixed.parquet", {"image": pa.array(cells, type=STRUCT)})])
    np.testing.assert_array_equal(read_item(found.items[1]).data, np.moveaxis(PIXELS[1][::-1], -1, 0))
