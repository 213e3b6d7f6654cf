"""Tests that an image in a cell of a table is that of its row, in damaged files and among several tables too."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table
from PIL import Image

from galaxtool.containers.parquet_images import OpenParquet
from galaxtool.datasets.open import open_dataset
from galaxtool.errors import TableError, UnreadableImage
from galaxtool.images.image_file import ImageFile
from galaxtool.images.read_options import PLAIN, ReadOptions
from galaxtool.inputs.gather import gather
from galaxtool.inputs.read_item import read_item


def encode(number: int) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def test_damage_in_a_row_group_does_not_give_later_rows_the_images_of_earlier_ones(tmp_path: Path) -> None:
    cells = [encode(number) for number in range(200)]
    path = tmp_path / "a.parquet"
    pq.write_table(
        pa.table({"image": pa.array(cells)}), path, compression="gzip", use_dictionary=False, row_group_size=100,
        data_page_size=5000, write_batch_size=10,
    )  # fmt: skip
    content = bytearray(path.read_bytes())
    where = len(content) * 3 // 8  # in the first row group
    content[where : where + 500] = b"\xff" * 500
    path.write_bytes(content)
    opened = OpenParquet(path)
    found = {}
    for row in range(200):
        try:
            image = opened.read(f"image/{row}", PLAIN)
        except UnreadableImage:
            continue
        assert isinstance(image, ImageFile)
        found[row] = image.content()
    assert all(found[row] == cells[row] for row in found)
    assert 20 <= len([row for row in found if row < 100]) < 100
    assert set(range(100, 200)) <= set(found)
    with pytest.raises(UnreadableImage, match="cannot be read"):
        opened.read("image/99", PLAIN)
    opened.close()


@pytest.mark.parametrize(("table", "value"), [("R", 200), ("2", 200), ("G", 100)])
def test_images_are_in_the_table_that_was_asked_for(table: str, value: int, tmp_path: Path) -> None:
    path = tmp_path / "bands.fits"
    noise = np.random.default_rng(0).normal(0, 1, (4, 24, 24))
    tables = [
        fits.BinTableHDU(
            Table({"id": [f"{name}{row}" for row in range(4)], "VIGNET": (noise + level).astype(np.float32)}), name=name
        )
        for name, level in (("G", 100), ("R", 200))
    ]
    fits.HDUList([fits.PrimaryHDU(), *tables]).writeto(path)
    found = gather([path], table=table)
    assert round(float(read_item(found.items[0]).data.mean())) == value
    assert found.items[0].id[0] == ("G" if value == 100 else "R")


@pytest.mark.parametrize("name", ["a.parquet", "a.fits"])
def test_the_option_says_what_the_pixels_of_cells_are(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    pixels = np.arange(2 * 256).reshape(2, 16, 16) % 256
    if name.endswith(".fits"):
        Table({"image": pixels.astype(np.int16)}).write(path)
    else:
        pq.write_table(pa.table({"image": pixels.tolist()}), path)
    item = gather([path]).items[1]
    for options in (PLAIN, ReadOptions(pixels="data")):
        cutout = read_item(item, options)
        assert cutout.data.dtype == np.float32 and np.array_equal(cutout.data[0], pixels[1])
    picture = read_item(item, ReadOptions(pixels="picture"))
    assert picture.unit == "display" and np.array_equal(picture.data[0], pixels[1, ::-1])


def test_colours_in_cells_are_measured_data_if_the_option_says_so(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3))
    pq.write_table(pa.table({"image": pixels.tolist()}), tmp_path / "a.parquet")
    item = gather([tmp_path / "a.parquet"]).items[0]
    shown = pixels[0].transpose(2, 0, 1)
    for kind in ("auto", "picture"):
        assert np.array_equal(read_item(item, ReadOptions(pixels=kind)).data, shown[:, ::-1])
    measured = read_item(item, ReadOptions(pixels="data"))
    assert measured.unit == "" and np.array_equal(measured.data, shown)


def test_cells_that_are_no_pictures_are_not_read_as_such(tmp_path: Path) -> None:
    pq.write_table(pa.table({"image": np.full((2, 16, 16), -7.0).tolist()}), tmp_path / "a.parquet")
    item = gather([tmp_path / "a.parquet"]).items[0]
    with pytest.raises(UnreadableImage, match=r"a.parquet\[image/0\]' has values from -7 to -7"):
        read_item(item, ReadOptions(pixels="picture"))


def test_a_table_may_have_no_column_but_that_of_images(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).normal(size=(3, 24, 24)).astype(np.float32)
    for name in "ab":
        Table({"VIGNET": pixels}).write(tmp_path / f"{name}.fits")
    found = gather([tmp_path / "a.fits"])
    assert [item.id for item in found.items] == ["a/0", "a/1", "a/2"] and found.columns is None
    assert np.array_equal(read_item(found.items[2]).data[0], pixels[2])
    unlabelled = open_dataset(tmp_path / "a.fits", needs_labels=False)
    assert [(item.id, item.label, item.split) for item in unlabelled.items] == [
        (f"a/{row}", None, "") for row in range(3)
    ]
    with pytest.raises(TableError, match="label"):
        open_dataset(tmp_path / "a.fits")
    Table({"mag": [20.0, 21.0, 22.0], "VIGNET": pixels}).write(tmp_path / "c.fits")
    both = gather([tmp_path / "a.fits", tmp_path / "c.fits", tmp_path / "b.fits"])
    magnitudes = np.ma.filled(both.columns["mag"], 0)
    assert magnitudes.tolist() == [0, 0, 0, 20, 21, 22, 0, 0, 0]
