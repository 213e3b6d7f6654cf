"""A query is read as the images of its index were read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image
from support.helpers import make_model

import galaxtool
from galaxtool.errors import ConfigError, InputError, UnreadableImage
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.search.queries.table import read_queries
from galaxtool.search.reading import choose_reading, find_band_files

N = 4


class Notes:
    """A progress that keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def start(self, what: str, total: int | None = None) -> None:
        self.notes += [what] if what != "Searching" else []  # as every query does

    def advance(self, n: int = 1, note: str = "") -> None:
        pass

    def say(self, message: str) -> None:
        self.notes.append(message)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_model(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files with a preview, an image of three bands, a mask and weights; the bands as files; and pictures."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:80, :80] - 40.0
    names = ("many", "bands", "pictures")
    for name in names:
        (folder / name).mkdir()
    header = fits.Header({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRPIX1": 40, "CRPIX2": 40, "CDELT1": -1e-4})
    header.update({"CDELT2": 1e-4, "CRVAL1": 10.0, "CRVAL2": 5.0, "BAND0": "g", "BAND1": "r", "BAND2": "z"})
    for i in range(N):
        planes = [np.exp(-np.hypot(x, y * (1 + i)) / (4 + 3 * b)) * (1 + i * b) for b in range(3)]
        cube = np.asarray(planes, dtype=np.float32) + rng.normal(0, 0.02, (3, 80, 80)).astype(np.float32)
        mask = np.zeros((80, 80), np.uint8)
        mask[30 + 3 * i :, :40] = 1
        fits.HDUList(
            [
                fits.PrimaryHDU(),
                fits.ImageHDU(rng.normal(0, 1, (64, 64)).astype(np.float32), name="PREVIEW"),
                fits.ImageHDU(cube, header, name="SCI"),
                fits.ImageHDU(mask, name="MASK"),
                fits.ImageHDU((1.0 - mask).astype(np.float32), name="WHT"),
            ]
        ).writeto(folder / "many" / f"g{i}.fits")
        for band, plane in zip("grz", cube, strict=True):
            fits.writeto(folder / "bands" / f"g{i}_{band}.fits", plane)
        picture = (255 * np.clip(np.moveaxis(cube, 0, -1), 0, 1)).astype(np.uint8)
        Image.fromarray(picture).save(folder / "pictures" / f"g{i}.png")
    return folder


def search(query: object, model: str, where: dict[str, Any], **options: Any) -> tuple[list[Any], list[str]]:
    """Return the neighbours and the notes of a query."""
    progress = Notes()
    if "among" in where:
        where = {**where, "model": model}
    found = galaxtool.similar(str(query), **where, k=N, progress=progress, **options)
    return found.neighbors, progress.notes


OPTIONS: list[tuple[str, str, dict[str, Any]]] = [
    ("many", "g2.fits", {"hdu": "SCI"}),
    ("many", "g2.fits", {"hdu": "2", "bands": ["z"]}),
    ("many", "g2.fits", {"hdu": "SCI", "bands": ["z,r,g"]}),
    ("many", "g2.fits", {"hdu": "SCI", "mask_hdu": "MASK"}),
    ("many", "g2.fits", {"hdu": "SCI", "weight_hdu": "WHT"}),
    ("many", "g2.fits", {"hdu": "SCI", "stretch": "linear"}),
    ("many", "g2.fits", {"hdu": "SCI", "size_arcsec": 10.0}),
    ("pictures", "g2.png", {"size_arcsec": 10.0, "pixel_scale": 0.4}),
    ("bands", "g2_r.fits", {"pattern": "{id}_{band}.fits"}),
    ("bands", "g2_z.fits", {"pattern": "{id}_{band}.fits", "bands": ["z", "g"]}),
    ("many", "g2.fits[2]", {"each_hdu": True}),
]


CASES = [("index", *case) for case in OPTIONS] + [("among", *case) for case in OPTIONS[::4]]


@pytest.mark.parametrize(("kind", "folder", "name", "options"), CASES, ids=[f"{c[0]} {c[3]}" for c in CASES])
def test_an_image_is_its_own_neighbour_whatever_the_options(
    images: Path, model: str, kind: str, folder: str, name: str, options: dict[str, Any], in_an_empty_folder: None
) -> None:
    if kind == "index":
        galaxtool.index([images / folder], output=Path("idx"), model=model, **options)
        neighbors, notes = search(images / folder / name, model, {"index": Path("idx")})
        assert not [note for note in notes if "read with" in note]
    else:
        neighbors, _ = search(images / folder / name, model, {"among": [images / folder]}, **options)
    assert neighbors[0].id.split("/")[0] == "g2" and neighbors[0].similarity > 0.99999
    assert neighbors[1].similarity < 0.99999
    tiles = np.asarray(Image.open("similar.png"))[52:244]
    query, first = tiles[5:-5, 21:203], tiles[5:-5, 229:411]
    assert query.std() > 5 and (query == first).all()


def test_columns_of_a_table_of_queries_beside_a_pattern(images: Path, model: str, in_an_empty_folder: None) -> None:
    galaxtool.index([images / "bands"], output=Path("idx"), model=model, pattern="{id}_{band}.fits")
    Path("queries.csv").write_text("name,file\nmine," + str(images / "bands/g2_r.fits") + "\n")
    columns = {"image_column": "file", "id_column": "name"}
    galaxtool.similar(index=Path("idx"), queries=Path("queries.csv"), output=Path("found.csv"), **columns)
    assert Path("found.csv").read_text().splitlines()[1].startswith("mine,")


def test_one_hdu_of_a_file_beside_an_index_of_each(images: Path, model: str, in_an_empty_folder: None) -> None:
    galaxtool.index([images / "many"], output=Path("idx"), model=model, each_hdu=True)
    neighbors, _ = search(images / "many/g2.fits", model, {"index": Path("idx")}, hdu="2")
    assert neighbors[0].similarity > 0.99999
    with pytest.raises(ConfigError, match="Both --each-hdu and --hdu are given"):
        galaxtool.embed([images / "many"], output=Path("e.parquet"), model=model, each_hdu=True, hdu="2")


def test_an_option_given_with_the_query_replaces_that_of_the_index(
    images: Path, model: str, in_an_empty_folder: None
) -> None:
    galaxtool.index([images / "many"], output=Path("idx"), model=model, hdu="SCI", bands=["g"])
    where = {"index": Path("idx")}
    neighbors, notes = search(images / "many/g1.fits", model, where, bands=["z"])
    assert neighbors[0].similarity < 0.99999
    assert "The query is read with --bands z; the index was built with --bands g." in notes
    same, notes = search(images / "many/g1.fits", model, where, bands=["g"], hdu="SCI")
    assert same[0].similarity > 0.99999 and notes == []
    progress = Notes()
    galaxtool.similar(id="g1", index=Path("idx"), hdu="1", progress=progress)
    assert progress.notes == ["--hdu 1 has no effect: only the image file of a query is read with it."]


def test_a_drawing_is_not_read_as_the_index_was(images: Path, model: str, in_an_empty_folder: None) -> None:
    galaxtool.index([images / "many"], output=Path("idx"), model=model, hdu="SCI", stretch="linear")
    drawing = Path(model) / "symbols" / "merging.png"
    galaxtool.index([images / "pictures"], output=Path("plain"), model=model)
    first = galaxtool.similar(symbol=str(drawing), index=Path("idx"), k=N)
    assert first.neighbors
    with pytest.raises(UnreadableImage) as caught:
        galaxtool.similar(images / "many" / "g1.fits", index=Path("idx"), hdu="NONE")
    assert "NONE" in caught.value.message and caught.value.hint


def test_the_cache_of_among_depends_on_the_options(
    images: Path, model: str, in_an_empty_folder: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GALAXTOOL_CACHE", "cache")
    where = {"among": [images / "many"]}
    query = images / "many" / "g3.fits"
    for options in ({"hdu": "SCI"}, {"hdu": "SCI", "stretch": "linear"}, {"hdu": "PREVIEW"}):
        neighbors, notes = search(query, model, where, **options)
        assert any("Embedding" in note for note in notes) and neighbors[0].similarity > 0.99999
        assert not any("Embedding" in note for note in search(query, model, where, **options)[1])


def test_a_query_that_is_several_images_is_refused(images: Path, model: str, in_an_empty_folder: None) -> None:
    np.save("stack.npy", np.random.default_rng(0).normal(size=(5, 40, 40)).astype(np.float32))
    galaxtool.index(["stack.npy"], output=Path("idx"), model=model)
    with pytest.raises(InputError, match="contains 5 images") as caught:
        galaxtool.similar("stack.npy", index=Path("idx"))
    assert "'stack.npy[0]'" in caught.value.hint
    assert galaxtool.similar("stack.npy[3]", index=Path("idx")).neighbors[0].id == "stack/3"
    left = galaxtool.similar("stack.npy[3]", index=Path("idx"), exclude_query=True, k=9).neighbors
    assert len(left) == 4 and "stack/3" not in [one.id for one in left]


def test_a_file_means_what_the_index_has_of_it(images: Path, model: str, in_an_empty_folder: None) -> None:
    """A catalogue with an HDU, or with the files of the bands, in each row."""
    files = [images / "many" / f"g{i}.fits" for i in range(N)]
    Path("hdus.csv").write_text("id,path,hdu\n" + "".join(f"{i},{file},2\n" for i, file in enumerate(files)))
    galaxtool.index(["hdus.csv"], output=Path("hdus"), model=model)
    found = galaxtool.similar(files[2], index=Path("hdus")).neighbors
    assert found[0].id == "2" and found[0].similarity > 0.99999
    rows = [",".join(str(images / "bands" / f"g{i}_{band}.fits") for band in "grz") for i in range(N)]
    Path("bands.csv").write_text("id,g_path,r_path,z_path\n" + "".join(f"{i},{row}\n" for i, row in enumerate(rows)))
    galaxtool.index(["bands.csv"], output=Path("bands"), model=model, image_column="{band}_path")
    for band in "grz":
        found = galaxtool.similar(images / "bands" / f"g2_{band}.fits", index=Path("bands")).neighbors
        assert found[0].id == "2" and found[0].similarity > 0.99999
    galaxtool.similar(id="2", index=Path("bands"))
    query = np.asarray(Image.open("similar.png"))[57:239, 21:203]
    assert np.ptp(query.astype(int), axis=-1).max() > 10  # in colour: all three bands are shown


def test_a_field_of_view_that_the_query_cannot_have_is_said(images: Path, model: str, in_an_empty_folder: None) -> None:
    galaxtool.index([images / "many"], output=Path("idx"), model=model, hdu="SCI", size_arcsec=10)
    progress = Notes()
    galaxtool.similar(images / "many" / "g1.fits", index=Path("idx"), hdu="1", progress=progress)
    assert any("NO_SCALE" in note for note in progress.notes)


def test_an_index_of_a_newer_version_is_refused_with_a_sentence(
    images: Path, model: str, in_an_empty_folder: None
) -> None:
    galaxtool.index([images / "pictures"], output=Path("idx"), model=model)
    record = json.loads(Path("idx/index.json").read_text())
    record["shown"] = {"moon_phase": 3}
    Path("idx/index.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match="--moon-phase") as caught:
        galaxtool.similar(images / "pictures" / "g1.png", index=Path("idx"))
    assert "upgrade" in caught.value.hint


@pytest.mark.parametrize(
    ("pattern", "bands", "query", "expected"),
    [
        ("{id}_{band}.fits", ["g", "r"], "a/m_1_g.fits", ["a/m_1_g.fits", "a/m_1_r.fits"]),
        ("{band}/{id}.fits", ["g", "r"], "top/g/sub/x.fits", ["top/g/sub/x.fits", "top/r/sub/x.fits"]),
        ("{id}/{band}.fits", ["r", "g"], "top/x/g.fits", ["top/x/r.fits", "top/x/g.fits"]),
        ("{id}_{band}.fits", ["g"], "a/m_1.fits", None),
    ],
)
def test_the_other_bands_are_found_beside_one(
    pattern: str, bands: Sequence[str], query: str, expected: list[str] | None, tmp_path: Path
) -> None:
    for name in expected or [query]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = find_band_files(tmp_path / query, ReadingOptions(pattern=pattern, bands=bands))
    assert (None if found is None else [str(p.relative_to(tmp_path)) for _, p in found.bands]) == expected


def test_given_options_are_compared_as_they_are_meant() -> None:
    stored = ReadingOptions(hdu="SCI", bands=("g", "r"))
    assert choose_reading(stored, ReadingOptions(bands=("g,r",))).note == ""
    assert choose_reading(stored, ReadingOptions()).options == stored
    changed = choose_reading(stored, ReadingOptions(hdu="2", size_arcsec=3.0))
    assert (changed.options.hdu, changed.options.size_arcsec, list(changed.options.bands)) == ("2", 3.0, ["g", "r"])
    assert changed.note == "The query is read with --hdu 2 --size-arcsec 3.0; the index was built with --hdu SCI."


def test_identifiers_in_a_table_of_queries_may_have_become_floats(tmp_path: Path) -> None:
    (tmp_path / "ask.csv").write_text("id,text\n12.0,\n,a ring\n")  # as pandas writes integers beside a missing one
    first, second = read_queries(tmp_path / "ask.csv")
    assert [one.value for one in first.examples] == ["12"] and [one.value for one in second.examples] == ["a ring"]
