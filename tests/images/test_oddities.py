"""Odd but honest files, and dishonest ones that once cost more than a row: what `classify` makes of each."""

from __future__ import annotations

import csv
import gc
import gzip
import io
import os
import re
import resource
import socket
import struct
import subprocess
import sys
import tracemalloc
import warnings
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from PIL import Image
from support.mutant_seeds import make_catalogues, make_images, make_pixels

import galaxtool
from galaxtool.datasets.splits.by_position import split_items
from galaxtool.errors import GalaxtoolError, UnreadableImage
from galaxtool.images.reading import read_file
from galaxtool.inputs.gather import gather
from galaxtool.inputs.read_item import read_item
from galaxtool.inputs.walk import walk_images
from galaxtool.tables.read import read_table
from galaxtool.tables.write import write_table
from galaxtool.types import BLANK, NAN_PIXELS, Item

PLANE = make_pixels(24, 24)


def classified(*inputs: Path, output: Path) -> list[dict[str, str]]:
    galaxtool.classify(list(inputs), output=output, executor="threads", workers=1)
    with output.open(newline="") as stream:
        return list(csv.DictReader(stream))


def fits_of(data: np.ndarray, **cards: object) -> bytes:
    held = io.BytesIO()
    unit = fits.PrimaryHDU(data)
    unit.header.update(cards)
    unit.writeto(held)
    return held.getvalue()


def with_card(content: bytes, keyword: str, value: object) -> bytes:
    """Return a FITS file whose first card of a keyword says something else."""
    at = content.index(f"{keyword:8}=".encode())
    return content[:at] + f"{keyword:8}= {value:>20}".ljust(80).encode("latin-1") + content[at + 80 :]


def alone(path: Path, code: str) -> str:
    """Run code about a file in a process of 4 GB and 60 seconds; return what it prints."""
    start = f"from pathlib import Path\npath = Path({str(path)!r})\n"

    def bounds() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))

    done = subprocess.run(
        [sys.executable, "-c", start + code],
        capture_output=True, text=True, timeout=60, preexec_fn=bounds, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


READ = """
from galaxtool.errors import GalaxtoolError
from galaxtool.images.reading import read_file
from galaxtool.tables.read import read_table
try:
    cutout = read_file(path)
    print(cutout.data.shape, cutout.ra)
except GalaxtoolError as error:
    print(error.message)
"""
READ_EACH = """
from galaxtool.errors import GalaxtoolError
from galaxtool.images.reading import read_file
from galaxtool.tables.read import read_table
for file in sorted(path.iterdir()):
    try:
        (read_file if file.suffix == ".fz" else read_table)(file)
    except GalaxtoolError as error:
        print(file.name, error.message)
"""

# --- values and shapes ------------------------------------------------------------------------------------------------


def spoilt(*, value: float, n: int = 5) -> np.ndarray:
    data = PLANE.astype(np.float64 if value == 1e300 else np.float32)
    data[:n] = value
    return data


@pytest.mark.parametrize(
    ("data", "flag"),
    [
        (PLANE[:1, :1], BLANK),
        pytest.param(np.full((20, 20), 7, np.int64), BLANK, marks=pytest.mark.slow),
        (np.zeros((20, 20)), BLANK),
        (spoilt(value=np.inf), NAN_PIXELS),
        pytest.param(spoilt(value=-np.inf), NAN_PIXELS, marks=pytest.mark.slow),
        pytest.param(spoilt(value=1e300), NAN_PIXELS, marks=pytest.mark.slow),
        pytest.param(spoilt(value=3.4e38), "", marks=pytest.mark.slow),
        (np.where(PLANE > 0.5, np.iinfo(np.int64).max, np.iinfo(np.int64).min), ""),
        pytest.param(np.arange(400, dtype=np.uint64).reshape(20, 20) + 2**63, "", marks=pytest.mark.slow),
        pytest.param(PLANE[:, :1], "", marks=pytest.mark.slow),
        pytest.param(PLANE[:1], "", marks=pytest.mark.slow),
    ],
    ids=["1x1", "equal int64", "zeros", "inf", "-inf", "beyond float32", "largest", "int64", "uint64", "line", "row"],
)
def test_odd_values_are_classified(tmp_path: Path, data: np.ndarray, flag: str) -> None:
    fits.writeto(tmp_path / "a.fits", data)
    np.save(tmp_path / "stack.npy", np.stack([data, data[::-1]]))
    first, *rest = classified(tmp_path / "a.fits", tmp_path / "stack.npy", output=tmp_path / "p.csv")
    for row in (first, *rest):
        assert row["error"] == "" and flag in row["flags"]
        assert sum(float(row[name]) for name in row if name.startswith("p_")) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    "value", [np.nan, pytest.param(np.inf, marks=pytest.mark.slow), pytest.param(-np.inf, marks=pytest.mark.slow)]
)
def test_nothing_finite_is_an_error(tmp_path: Path, value: float) -> None:
    fits.writeto(tmp_path / "a.fits", np.full((9, 9), value))
    with pytest.raises(GalaxtoolError, match="could not be read"):
        classified(tmp_path / "a.fits", output=tmp_path / "p.csv")
    assert read_table(tmp_path / "p.csv")["error"].tolist() == [
        f"'{tmp_path}/a.fits' has no pixel with a value: all are NaN."
    ]


@pytest.mark.parametrize(
    "dtype",
    [
        np.complex64,
        pytest.param(np.complex128, marks=pytest.mark.slow),
        pytest.param("U3", marks=pytest.mark.slow),
        pytest.param("V4", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("suffix", [".npy", ".npz", ".h5"])
def test_types_that_are_no_brightness(tmp_path: Path, suffix: str, dtype: object) -> None:
    data = np.zeros((4, 9, 9), dtype)
    path = tmp_path / f"a{suffix}"
    if suffix == ".h5":
        if dtype == "U3":
            pytest.skip("HDF5 has no such type")
        with h5py.File(path, "w") as file:
            file["images"] = data
    elif suffix == ".npz":
        np.savez(path, images=data)
    else:
        np.save(path, data)
    Image.new("RGB", (9, 9)).save(tmp_path / "good.png")
    rows = classified(tmp_path, output=tmp_path / "p.csv")
    assert [(row["id"], row["error"] == "") for row in rows] == [("a", False), ("good", True)]
    assert re.search("not a type of pixels|no array of images", rows[0]["error"])


@pytest.mark.parametrize(
    "name",
    [
        "deep.png",
        pytest.param("alpha.png", marks=pytest.mark.slow),
        pytest.param("palette.png", marks=pytest.mark.slow),
        pytest.param("bits.png", marks=pytest.mark.slow),
        "cmyk.jpg",
        pytest.param("frames.gif", marks=pytest.mark.slow),
    ],
)
def test_pictures_of_every_depth_are_classified(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(make_images()[name])
    (row,) = classified(tmp_path, output=tmp_path / "p.csv")
    assert row["error"] == "" and row["label"]


def test_a_cmyk_jpeg_shows_its_colours(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16), (200, 100, 50)).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    np.testing.assert_allclose(read_file(tmp_path / "a.jpg").data[:, 8, 8], [200, 100, 50], atol=6)


def test_twenty_thousand_pixels_square_are_not_loaded(tmp_path: Path) -> None:
    """A real FITS file of 400 million pixels, with holes; and pictures that say they are as large."""
    head = with_card(with_card(fits_of(np.zeros((2, 2), np.int16)), "NAXIS1", 20000), "NAXIS2", 20000)[:2880]
    with (tmp_path / "a.fits").open("wb") as stream:
        stream.write(head)
        stream.truncate(2880 + -(-20000 * 20000 * 2 // 2880) * 2880)
    for name, place in (("gray.png", 16), ("colour.bmp", 18)):
        content = bytearray(make_images()[name])
        struct.pack_into(">2L" if name == "gray.png" else "<2l", content, place, 20000, 20000)
        if name == "gray.png":
            struct.pack_into(">L", content, 29, zlib.crc32(content[12:29]))
        (tmp_path / name).write_bytes(content)
    (tmp_path / "good.jpg").write_bytes(make_images()["colour.jpg"])
    tracemalloc.start()
    rows = classified(tmp_path, output=tmp_path / "p.csv")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    errors = {Path(row["path"]).name: row["error"] for row in rows}
    assert "20000 x 20000 pixels, more than an image of one object" in errors["a.fits"]
    assert "more pixels than a picture should have" in errors["gray.png"]
    assert "more pixels than a picture should have" in errors["colour.bmp"]
    assert errors["good.jpg"] == "" and peak < 200e6


# --- positions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ra", "dec"), [(0.0, 0.0), (359.99999, 10.0), (120.0, 90.0), (240.0, -90.0), (360.0, -30.0)])
def test_headers_at_the_edges_of_the_sky(tmp_path: Path, ra: float, dec: float) -> None:
    wcs = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": ra, "CRVAL2": dec, "CDELT1": -1e-4, "CDELT2": 1e-4}
    for offset in (0.0, 30.0, -30.0):
        (tmp_path / "a.fits").write_bytes(fits_of(PLANE, **wcs, CRPIX1=12.5 + offset, CRPIX2=12.5))
        cutout = read_file(tmp_path / "a.fits")
        assert cutout.ra is not None and 0 <= cutout.ra < 360
        assert cutout.dec == pytest.approx(dec, abs=0.0031) and abs(cutout.dec) <= 90
        apart = (cutout.ra - ra + 180) % 360 - 180
        if abs(dec) < 90:
            assert apart * np.cos(np.radians(dec)) == pytest.approx(offset * 1e-4, abs=1e-6)


def test_a_catalogue_at_the_edges_of_the_sky(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(
        "path,ra,dec\na.png,-0.001,0\nb.png,360,90\nc.png,720.5,-90\nd.png,1,90.0001\ne.png,-1e-20,0\nf.png,inf,0\n"
    )
    found = [(item.ra, item.dec) for item in gather([tmp_path / "c.csv"]).items]
    assert found == [(359.999, 0), (0, 90), (None, None), (None, None), (0, 0), (None, None)]


@pytest.mark.parametrize(
    "pair",
    [((0.001, 10.0), (359.999, 10.0)), ((0.0, 89.999), (180.0, 89.999)), ((90.0, -90.0), (270.0, -89.999))],
    ids=["RA 0", "north pole", "south pole"],
)
def test_neighbours_across_the_edges_stay_on_one_side(pair: tuple[tuple[float, float], ...]) -> None:
    far = [Item(id=str(i), label="a", ra=10.0 * i + 5, dec=0.0) for i in range(30)]
    near = [Item(id=f"n{i}", label="a", ra=ra, dec=dec) for i, (ra, dec) in enumerate(pair)]
    items = [*far, *near]
    sides = {split_items(items, ["a"] * len(items), valid_fraction=0.5, seed=seed)[-2:].tobytes() for seed in range(20)}
    assert all(len(set(np.frombuffer(side, f"U{len(side) // 8}"))) == 1 for side in sides) and len(sides) == 2


# --- names ------------------------------------------------------------------------------------------------------------


def test_names_with_ends_of_lines_come_back_from_the_table(tmp_path: Path) -> None:
    names = ["a\nb.png", "a\rb.png", 'quote"d, and\r\nmore.png', "銀河.png", "e\u0301.png", " blank .png", "tab\t.png"]
    folder = tmp_path / "in"
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(make_images()["colour.png"])
    rows = classified(folder, output=tmp_path / "p.csv")
    assert sorted(Path(row["path"]).name for row in rows) == sorted(names)
    assert {row["error"] for row in rows} == {""}
    again = classified(tmp_path / "p.csv", output=tmp_path / "q.csv")
    assert [row["id"] for row in again] == [row["id"].strip() for row in rows]
    assert [row["path"] for row in again] == [row["path"] for row in rows]
    assert {row["error"] for row in again} == {""}


def test_errors_about_names_with_ends_of_lines_are_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a\nb\u2028.fits").write_bytes(b"")
    write_table(Table({"path": ["no\r\nsuch.png", "c.png"]}), tmp_path / "c.csv")
    (tmp_path / "c.png").write_bytes(make_images()["colour.png"])
    errors = [row["error"] for row in classified(tmp_path, tmp_path / "c.csv", output=tmp_path / "p.csv")]
    assert errors == [
        f"'{tmp_path}/a\\nb\\u2028.fits' is an empty file.",
        "",
        f"There is no file '{tmp_path}/no\\r\\nsuch.png'.",
        "",
    ]


def test_identifiers_that_come_twice(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(make_images()["colour.png"])
    write_table(Table({"id": ["x", "x", "x-2", "x"], "path": ["a.png"] * 4}), tmp_path / "c.csv")
    rows = classified(tmp_path / "c.csv", output=tmp_path / "p.csv")
    assert [row["id"] for row in rows] == ["x", "x-3", "x-2", "x-4"]
    assert [row["in_id"] for row in rows] == ["x", "x", "x-2", "x"]


# --- what is no file --------------------------------------------------------------------------------------------------


def test_folders_sockets_and_pipes_named_by_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # as the path of a socket may not be long
    os.mkfifo("pipe.fits")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "good.png").write_bytes(make_images()["colour.png"])
    (tmp_path / "folder.fits").mkdir()
    (tmp_path / "list.txt").write_text("pipe.fits\nsocket.fits\nempty.png\nfolder.fits\ngood.png\n")
    (tmp_path / "c.csv").write_text("path\nfolder.fits\npipe.fits\ngood.png\n")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.fits")
        rows = classified(Path("@list.txt"), output=tmp_path / "p.csv")
        named = classified(Path("c.csv"), output=tmp_path / "q.csv")
    errors = {row["id"]: row["error"] for row in rows}
    assert list(errors) == ["pipe", "socket", "empty", "good"]
    assert "it is a pipe, a socket or a device" in errors["pipe"] and "it is a pipe, a socket" in errors["socket"]
    assert "is an empty file" in errors["empty"] and errors["good"] == ""
    assert "is a folder, not an image" in named[0]["error"] and named[2]["error"] == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_and_folders_that_may_not_be_read(tmp_path: Path) -> None:
    for name in ("a.fits", "b.png", "c.zip", "good.png"):
        (tmp_path / name).write_bytes(make_images()["colour.png"])
    for name in ("a.fits", "b.png", "c.zip"):
        (tmp_path / name).chmod(0)
    (tmp_path / "shut").mkdir(mode=0)
    errors = {row["id"]: row["error"] for row in classified(tmp_path, output=tmp_path / "p.csv")}
    assert errors.pop("good") == "" and all("permission denied" in error for error in errors.values())


# --- once more than a row ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "byte", [pytest.param(b"\x80", marks=pytest.mark.slow), b"\xe6", pytest.param(b"\xff", marks=pytest.mark.slow)]
)
def test_a_card_that_wcslib_never_gets_through(tmp_path: Path, byte: bytes) -> None:
    wcs = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0, "CDELT1": -1e-4, "CDELT2": 1e-4}
    content = fits_of(PLANE, **wcs, CRPIX1=12.5, CRPIX2=12.5, XYZ=1)
    at = content.index(b"XYZ     =")
    (tmp_path / "a.fits").write_bytes(content[:at] + byte * 80 + content[at + 80 :])
    assert alone(tmp_path / "a.fits", READ) == "(1, 24, 24) 150.0\n"


@pytest.mark.parametrize("number", [pytest.param(1000, marks=pytest.mark.slow), 2**31])
def test_headers_that_claim_many_columns_or_axes(tmp_path: Path, number: int) -> None:
    packed, catalogue = make_images()["rice_1.fits.fz"], make_catalogues()["catalogue.fits"]
    for keyword in ("TFIELDS", "NAXIS", "ZNAXIS"):
        (tmp_path / f"{keyword}.fits.fz").write_bytes(with_card(packed, keyword, number))
        if keyword != "ZNAXIS":
            (tmp_path / f"{keyword}.fits").write_bytes(with_card(catalogue, keyword, number))
    said = alone(tmp_path, READ_EACH).splitlines()
    assert len(said) == 5
    for line in said:
        columns_or_axes = "columns" if line.startswith("TFIELDS") else "axes"
        assert f"claims to have {number} {columns_or_axes}" in line


@pytest.mark.slow
def test_tiles_larger_than_their_image_do_not_overwrite_memory(tmp_path: Path) -> None:
    """The decoders in C believed the tile, which ended the process, perhaps some files later."""
    packed = make_images()["hcompress_1.fits.fz"]
    plio = make_images()["plio_1.fits.fz"]
    words = struct.pack(">4h", 0, 7, -100, 31)
    assert packed.count(b"\xdd\x99\0\0\0\x18\0\0\0\x18") == 1 and words in plio
    lies = {
        "less.fits.fz": with_card(packed, "ZNAXIS2", 3),
        "more.fits.fz": packed.replace(b"\xdd\x99\0\0\0\x18", b"\xdd\x99\0\0\x18\x18"),
        "words.fits.fz": plio.replace(words, struct.pack(">4h", 0, 7, -100, 32767)),
    }
    many = "import sys\nfor _ in range(60):\n    junk = [bytearray(j) for j in range(1, 700)]\n    "
    for name, content in lies.items():
        (tmp_path / name).write_bytes(content)
        said = set(alone(tmp_path / name, many + READ.strip().replace("\n", "\n    ")).splitlines())
        assert len(said) == 1 and "claims to have" in said.pop()


@pytest.mark.slow
def test_a_header_without_an_end_in_a_small_gzip(tmp_path: Path) -> None:
    (tmp_path / "a.fits.gz").write_bytes(gzip.compress(b"SIMPLE  =                    T".ljust(80) + b" " * (1 << 28)))
    assert "a header has no end" in alone(tmp_path / "a.fits.gz", READ)
    each = "from galaxtool.containers.hdus import HduContainer as C\ntry:\n list(C().members(path))\n"
    each += "except Exception as e: print(type(e).__name__, e)"
    assert "UnreadableImage" in alone(tmp_path / "a.fits.gz", each)


def test_a_tiff_whose_strips_do_not_fill_it(tmp_path: Path) -> None:
    for name in ("gray.tif", "deep.tiff", "float.tif"):
        content = bytearray(make_images()[name])
        at = struct.unpack_from("<L", content, 4)[0]
        tags = {struct.unpack_from("<H", content, at + 2 + 12 * i)[0]: at + 2 + 12 * i for i in range(content[at])}
        struct.pack_into("<HLL", content, tags[257] + 2, 4, 1, 3000)  # ImageLength
        struct.pack_into("<HLL", content, tags[278] + 2, 4, 1, 24)  # RowsPerStrip
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UnreadableImage, match="damaged or cut short"):
            read_file(tmp_path / name)


def test_the_largest_and_the_smallest_value_beside_nan(tmp_path: Path) -> None:
    data = np.zeros((2, 9, 9), np.float32)
    data[:, 0], data[:, 1], data[:, 2] = 3.4e38, -3.4e38, np.nan
    np.save(tmp_path / "a.npy", data)
    assert read_item(gather([tmp_path / "a.npy"]).items[0]).flags == (NAN_PIXELS,)


def test_damaged_fits_files_are_closed_when_a_folder_was_walked(tmp_path: Path) -> None:
    broken = with_card(make_images()["plio_1.fits.fz"], "NAXIS", "'two'")
    for content in (make_images()["plio_1.fits.fz"], broken, make_images()["masked.fits"][:9000]):
        (tmp_path / f"{len(list(tmp_path.iterdir()))}.fits").write_bytes(content.replace(b"ZIMAGE", b"XIMAGE"))
    walk_images(tmp_path)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        gc.collect()  # what is left open says so
    assert not [one for one in said if issubclass(one.category, ResourceWarning)]


@pytest.mark.slow
def test_cutouts_do_not_count_columns_to_the_end_of_memory(tmp_path: Path) -> None:
    table = io.BytesIO()
    fits.BinTableHDU.from_columns([fits.Column("a", "J", array=[1])]).writeto(table)
    (tmp_path / "lie.fits").write_bytes(with_card(table.getvalue(), "TFIELDS", "2000000000"))
    code = """
from galaxtool.cutting.sources import ImageSource
from galaxtool.cutting.images import read_images
from galaxtool.errors import GalaxtoolError
try:
    read_images(ImageSource(path))
except GalaxtoolError as error:
    print(error.message)
"""
    assert "2000000000 columns" in alone(tmp_path / "lie.fits", code)
