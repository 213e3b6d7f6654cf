"""Files with very many HDUs, arrays or groups: listed in little time, or refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.io import fits

from galaxtool.containers.hdus import HduContainer
from galaxtool.containers.reading import read_image
from galaxtool.errors import GalaxtoolError
from galaxtool.images.read_options import PLAIN
from galaxtool.inputs.fits_tables import holds_only_tables
from galaxtool.types import ImageRef


def nest(file: h5py.File) -> None:
    file.create_group("/".join("g" * 150))


def spread(file: h5py.File) -> None:
    group = file.create_group("g")
    for n in range(20_001):
        group[f"{n}"] = h5py.SoftLink("/images")


@pytest.mark.parametrize(
    ("write", "what"),
    [(nest, "more than 100 groups inside each other"), (spread, "more than 20,000 arrays and groups")],
)
def test_hdf5_with_too_many_objects(write: Callable[[h5py.File], None], what: str, tmp_path: Path) -> None:
    path = tmp_path / "s.h5"
    with h5py.File(path, "w", libver="latest") as file:
        file["images"] = np.ones((2, 16, 16), dtype=np.uint8)
        write(file)
    with pytest.raises(GalaxtoolError, match=what) as caught:
        read_image(ImageRef(path, "hdf5", "images/0"))
    assert "single array" in caught.value.hint


def make_hdus(count: int) -> list[fits.hdu.base.ExtensionHDU]:
    """Return plain, compressed, scaled and empty images, and tables."""
    lists = fits.Column("x", "PJ()", array=np.array([[1], [2, 3]], dtype=object))
    kinds = [
        lambda n: fits.ImageHDU(np.full((3, 4 + n), n, dtype=np.int16), name=f"N{n}"),
        lambda n: fits.CompImageHDU(np.arange(400, dtype=np.int16).reshape(20, 20) + n, name="C"),
        lambda n: fits.ImageHDU(),
        lambda n: fits.BinTableHDU.from_columns([lists]),
        lambda n: fits.ImageHDU(np.zeros((2, 2)), fits.Header([("EXTNAME", f"it's {n}"), ("EXTVER", 2)])),
    ]
    return [kinds[n % len(kinds)](n) for n in range(count)]


def list_with_astropy(path: Path) -> list[tuple[str, int, int]]:
    with fits.open(path, disable_image_compression=True) as hdus:
        places = [(str(n), hdu.fileinfo()) for n, hdu in enumerate(hdus)]
        return [(n, place["hdrLoc"], place["datLoc"] + place["datSpan"] - place["hdrLoc"]) for n, place in places]


def test_hdus_are_where_astropy_finds_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "many.fits"
    fits.HDUList([fits.PrimaryHDU(), *make_hdus(15)]).writeto(path)
    expected = list_with_astropy(path)
    monkeypatch.setattr(fits, "open", None)  # it is not needed
    file = HduContainer().open(path)
    for number, start, size in expected[1:]:
        if (int(number) - 1) % 5 in (0, 1, 4):
            content = file.read(number, PLAIN).content()
            assert content[-size:] == path.read_bytes()[start : start + size]
    file.close()
    members = [(member.key, member.name) for member in HduContainer().members(path)]
    assert members[:4] == [("1", "N0"), ("2", "C"), ("5", "it's 4-2"), ("6", "N5")]
    assert [key for key, _ in members] == [str(n + 1) for n in range(15) if n % 5 in (0, 1, 4)]


def test_masks_and_weights_of_a_hdu_are_those_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    images = [np.arange(16, dtype=np.float32).reshape(4, 4) - 8 * n for n in range(2)]
    weights = np.ones((4, 4), np.float32)
    weights[0, 0] = 0
    units = [fits.ImageHDU(image) for image in images]
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(weights, name="WHT"), *units]).writeto(path)
    for key, image in zip(("2", "3"), images, strict=True):
        for options in ({"weight_hdu": "WHT"}, {"weight_hdu": 1}):
            cutout = read_image(ImageRef(path, "fits-hdus", key), **options)
            assert np.array_equal(np.isnan(cutout.data[0]), weights == 0) and cutout.source == f"{path}[{key}]"
            assert np.array_equal(cutout.data[0, 1:], image[1:])
    with pytest.raises(GalaxtoolError, match="has no HDU 'MASK'"):
        read_image(ImageRef(path, "fits-hdus", "2"), mask_hdu="MASK")


@pytest.mark.parametrize("tail", [b"XTENSION", b"\0" * 2880, b"XTENSION= 'IMAGE   '".ljust(80) * 36])
def test_odd_ends_are_left_to_astropy(tail: bytes, tmp_path: Path) -> None:
    path = tmp_path / "odd.fits"
    fits.HDUList([fits.PrimaryHDU(), *make_hdus(3)]).writeto(path)
    path.write_bytes(path.read_bytes() + tail)
    container = HduContainer()
    try:
        keys = [member.key for member in container.members(path)]
    except GalaxtoolError as error:
        assert "after" in error.message
    else:
        assert keys == ["1", "2"]


def test_a_table_is_looked_for_in_the_first_thousand_hdus(tmp_path: Path) -> None:
    path = tmp_path / "empty.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU()]).writeto(path)
    content = path.read_bytes()
    table = fits.BinTableHDU.from_columns([fits.Column("x", "J", array=[1])])
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(tmp_path / "table.fits")
    table_bytes = (tmp_path / "table.fits").read_bytes()[2880:]
    for count, expected in ((10, True), (1200, False)):
        path.write_bytes(content[:2880] + content[2880:] * count + table_bytes)
        assert holds_only_tables(path) is expected
