"""Objects with a file for each band."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from galaxtool.errors import ConfigError, InputError, UnreadableImage
from galaxtool.images.read_options import PLAIN, ReadOptions
from galaxtool.inputs.band_files import Pattern, select_bands
from galaxtool.inputs.gather import Inputs, gather
from galaxtool.inputs.read_item import read_item


def band(path: Path, value: float = 1.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.PrimaryHDU(np.full((4, 4), value, dtype=np.float32)).writeto(path)


def ids(found: Inputs) -> list[str]:
    return [item.id for item in found.items]


def names(found: Inputs) -> tuple[str, ...]:
    return tuple(name for name, _ in found.items[0].ref.bands)


def test_a_file_for_each_band(tmp_path: Path) -> None:
    for name in ("a", "a_1", "sub/b"):
        for value, colour in enumerate("grz"):
            band(tmp_path / f"{name}_{colour}.fits", value)
    (tmp_path / "notes.txt").touch()
    found = gather([tmp_path], bands=("z", "g"), pattern="{id}_{band}.fits")
    assert ids(found) == ["a", "a_1", "sub/b"]
    assert found.items[2].ref.bands == (("z", tmp_path / "sub/b_z.fits"), ("g", tmp_path / "sub/b_g.fits"))
    assert found.items[2].ref.path == tmp_path / "sub/b_z.fits"
    cutout = read_item(found.items[2])
    assert cutout.bands == ("z", "g") and cutout.data[:, 0, 0].tolist() == [2, 0]
    assert found.skipped == {"does not match the pattern": 4} and found.columns is None


def test_the_pixel_scale_of_a_band_that_states_it_counts(tmp_path: Path) -> None:
    for colour in "gr":
        band(tmp_path / f"a_{colour}.fits")
        band(tmp_path / f"b_{colour}.fits")
    with fits.open(tmp_path / "a_r.fits", mode="update") as hdus:
        hdus[0].header.update(
            CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CRVAL1=150.0, CRVAL2=2.0, CRPIX1=2.5, CRPIX2=2.5,
            CDELT1=-0.2 / 3600, CDELT2=0.2 / 3600,
        )  # fmt: skip
    items = gather([tmp_path], pattern="{id}_{band}.fits").items
    for options, lacking in ((PLAIN, None), (ReadOptions(pixel_scale=0.5), 0.5)):
        stated, other = (read_item(item, options).pixel_scale for item in items)
        assert stated == pytest.approx(0.2) and other == lacking


def test_bands_in_folders_are_found_and_put_in_order(tmp_path: Path) -> None:
    for colour in ("z", "r", "g", "mask"):
        band(tmp_path / "one" / colour / "x.fits.gz")
        band(tmp_path / "two" / colour / "x.fits.gz")
    found = gather([tmp_path / "one", tmp_path / "two"], pattern="./{band}/{id}.fits.gz")
    assert ids(found) == ["x", "x-2"] and names(found) == ("g", "r", "z")
    assert found.items[1].ref.path == tmp_path / "two" / "g" / "x.fits.gz"
    assert found.skipped == {"unknown filter (if it is a band, name it with --bands)": 2}
    masked = gather([tmp_path / "one"], bands=["r", "mask"], pattern="{band}/{id}.fits.gz")
    assert names(masked) == ("r", "mask")


def test_bands_that_nobody_knows(tmp_path: Path) -> None:
    for colour in ("red", "blue"):
        band(tmp_path / f"x-{colour}.fits")
    assert names(gather([tmp_path], pattern="{id}-{band}.fits")) == ("blue", "red")
    assert select_bands(Counter(["F814W", "F606W", "segm"])) == ("F606W", "F814W")
    assert select_bands(Counter("yzirgu")) == tuple("ugrizy")


def test_an_object_that_lacks_a_band_is_a_row_that_says_so(tmp_path: Path) -> None:
    for name in ("a_g", "a_r", "b_g", "c_r"):
        band(tmp_path / f"{name}.fits")
    found = gather([tmp_path], pattern="{id}_{band}.fits")
    assert ids(found) == ["a", "b", "c"] and names(found) == ("g", "r")
    for item, missing in ((found.items[1], "b_r"), (found.items[2], "c_g")):
        with pytest.raises(UnreadableImage, match=rf"{missing}\.fits"):
            read_item(item)


def test_a_band_twice_in_the_pattern(tmp_path: Path) -> None:
    for name in ("g/x_g", "r/x_r", "r/x_g"):
        band(tmp_path / f"{name}.fits")
    found = gather([tmp_path], pattern="{band}/{id}_{band}.fits")
    assert ids(found) == ["x"] and found.skipped.total() == 1


@given(
    st.text(st.sampled_from("ab_/.é\n-g"), min_size=1, max_size=8),
    st.sampled_from(["g", "gr", "g_r", "F814W"]),
    st.sampled_from(["{id}_{band}.fits", "{band}/{id}.fits", "x[{id}]{{{band}}}.fits", "{id}/{id}_{band}_.fits.gz"]),
)
def test_a_pattern_finds_what_it_calls(name: str, colour: str, text: str) -> None:
    pattern = Pattern(text, ["g", "gr", "g_r", "F814W"])
    path = pattern.path(name, colour)
    parsed = pattern.parse(path)
    assert parsed is not None and pattern.path(*parsed) == path
    if not name.endswith(("_g", "_gr", "g")) and "_" not in text:
        assert parsed == (name, colour)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{id}.fits", r"no \{band\}"),
        ("{band}.fits", r"no \{id\}"),
        ("{id}_{bnad}.fits", r"Did you mean '\{band\}'"),
        ("{id!r}_{band}.fits", "has a field"),
        ("{id}_{}.fits", "has a field"),
        ("{id_{band}.fits", "pattern"),
        ("/data/{id}_{band}.fits", "absolute"),
    ],
)
def test_patterns_that_are_none(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        gather([tmp_path], pattern=text)
    assert caught.value.hint


@pytest.mark.parametrize(
    "options", [{"each_hdu": True}, {"id_column": "id"}, {"image_column": "file"}, {"ra_column": "RA"}, {"table": "2"}]
)
def test_options_that_a_pattern_makes_useless(tmp_path: Path, options: dict[str, Any]) -> None:
    band(tmp_path / "a_g.fits")
    with pytest.raises(ConfigError, match="Both --pattern and --"):
        gather([tmp_path], pattern="{id}_{band}.fits", **options)


def test_folders_without_such_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="matches"):
        gather([tmp_path], pattern="{id}_{band}.fits")
    band(tmp_path / "in" / "a-g.fits")
    with pytest.raises(InputError, match="matches") as caught:
        gather([tmp_path], pattern="{id}_{band}.fits", bands=["g", "r"])
    assert "in/a-g.fits" in caught.value.hint
    with pytest.raises(InputError, match="no file in the band 'r'"):
        gather([tmp_path], pattern="{id}-{band}.fits", bands=["g", "r"])
    with pytest.raises(ConfigError, match="twice"):
        gather([tmp_path], pattern="{id}-{band}.fits", bands=["g", "g"])
    with pytest.raises(ConfigError, match="not a folder"):
        gather([tmp_path / "in" / "a-g.fits"], pattern="{id}-{band}.fits")
    with pytest.raises(InputError, match="There is nothing at"):
        gather([tmp_path / "ni"], pattern="{id}-{band}.fits")
