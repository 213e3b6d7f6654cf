"""Cutouts of images whose headers say more, or something else, than those of their neighbours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from astropy.io import fits

import galaxtool
from galaxtool.containers.reading import read_ref
from galaxtool.errors import ConfigError, InputError
from galaxtool.images.reading import read_file
from galaxtool.tables.read import read_table
from galaxtool.types import ImageRef

SIDE = 60
STEP = 1e-4
UPRIGHT = (-STEP, 0.0, 0.0, STEP)


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make_header(matrix: tuple[float, ...] = UPRIGHT, ra: float = 150.0, **cards: Any) -> fits.Header:
    header = fits.Header()
    for axis, name, place in ((1, "RA---TAN", ra), (2, "DEC--TAN", 2.0)):
        header[f"CTYPE{axis}"], header[f"CRVAL{axis}"], header[f"CRPIX{axis}"] = name, place, 30.0
    for key, value in zip(("CD1_1", "CD1_2", "CD2_1", "CD2_2"), matrix, strict=True):
        header[key] = value
    header.update(cards)
    return header


def make_pixels(*lead: int) -> np.ndarray:
    return np.random.default_rng(0).normal(5, 1, (*lead, SIDE, SIDE)).astype(np.float32)


def write_catalogue(*ra: float) -> str:
    Path("cat.csv").write_text("id,ra,dec\n" + "".join(f"o{n},{one},2\n" for n, one in enumerate(ra)))
    return "cat.csv"


def cut(*images: str, **options: Any) -> galaxtool.CutoutsResult:
    return galaxtool.cutouts([*images, "cat.csv"], output=Path("out"), size=16, **options)


def test_the_wcs_of_a_cutout_is_not_mixed_with_that_of_the_primary_image() -> None:
    other = make_header((0.0, -STEP, STEP, 0.0), 10.0, RADESYS="FK4", EQUINOX=1950.0, LONPOLE=90.0, FILTER="r")
    for key in ("CD1_1", "CD1_2", "CD2_1", "CD2_2"):
        other[key.replace("CD", "PC")] = other.pop(key) / STEP
    other["CDELT1"], other["CDELT2"] = -STEP, STEP
    fits.HDUList([fits.PrimaryHDU(make_pixels(), other), fits.ImageHDU(make_pixels(), make_header())]).writeto("a.fits")
    write_catalogue(150.0)
    assert cut("a.fits", hdu="1").cut == 1
    found = read_file(Path("out/images/o0.fits"))
    assert found.ra == pytest.approx(150.0, abs=STEP) and found.dec == pytest.approx(2.0, abs=STEP)
    assert found.bands == ("r",) and found.flags == ()  # other cards of the primary HDU are kept


def test_bands_of_which_one_is_mirrored_are_flagged() -> None:
    fits.writeto("g.fits", make_pixels(), make_header())
    fits.writeto("r.fits", make_pixels(), make_header((0.0, -STEP, STEP, 0.0)))
    write_catalogue(150.0)
    assert cut("g=g.fits", "r=r.fits").flags == {"MISALIGNED": 1}


@pytest.mark.parametrize("kind", ["fits", "png", "hdf5"])
@pytest.mark.parametrize("lead", [(), (1, 1), (7,)])
def test_one_band_alone(lead: tuple[int, ...], kind: str) -> None:
    cards = {"CTYPE3": "FREQ", "CRVAL3": 1.4e9} if lead == (7,) else {}
    pixels = make_pixels(*lead)
    fits.writeto("r.fits", pixels, make_header(FILTER="r", **cards))
    write_catalogue(150.0)
    assert cut("r.fits", bands=["r"], kind=kind).bands == ("r",)
    if kind == "png":
        assert read_file(Path("out/images/o0.png")).data.shape == (1, 16, 16)
        return
    if kind == "fits":
        found = read_file(Path("out/images/o0.fits"))
        data, bands = found.data, found.bands
    else:
        with h5py.File("out/cutouts.h5") as file:
            data, bands = file["images"][0], tuple(file["images"].attrs["bands"])
    expected = pixels.reshape(-1, SIDE, SIDE).mean(axis=0)[21:37, 21:37]
    assert bands == ("r",)
    np.testing.assert_allclose(data, expected[None], rtol=1e-5)


def test_cubes_with_other_bands_do_not_share_a_stack() -> None:
    for name, bands, unit, ra in (("a", "g,r,z", "nJy", 150), ("b", "z,r,g", "nJy", 151), ("c", "g,r,z", "mJy", 152)):
        fits.writeto(f"{name}.fits", make_pixels(3), make_header(ra=ra, BANDS=bands, BUNIT=unit))
    write_catalogue(150.0, 151.0)
    with pytest.raises(ConfigError, match=r"a.fits\[0\]' has g, r, z and 'b.fits\[0\]' has z, r, g"):
        cut("a.fits", "b.fits", kind="hdf5")
    write_catalogue(150.0, 152.0)
    cut("a.fits", "c.fits", kind="hdf5")
    with h5py.File("out/cutouts.h5") as file:
        assert list(file["images"].attrs["bands"]) == ["g", "r", "z"]
        assert file["images"].attrs["unit"] == ""  # they differ


@pytest.mark.parametrize("key", ["CRPIX1A", "LTV2"])
def test_a_text_where_another_coordinate_system_has_a_number(key: str) -> None:
    fits.writeto("a.fits", make_pixels(), make_header(**{key: "unknown"}))
    write_catalogue(150.0)
    assert cut("a.fits").cut == 1
    assert fits.getval("out/images/o0.fits", key) == "unknown"


@pytest.mark.parametrize("again", ["resume", "overwrite"])
def test_cutouts_are_not_cut_from_the_cutouts_of_an_earlier_run(again: str) -> None:
    fits.writeto("field.fits", make_pixels(), make_header())
    write_catalogue(150.0, 150.0005)
    options: dict[str, Any] = {"output": Path("cutouts"), "size": 50}
    before = galaxtool.cutouts([".", "cat.csv"], **options)
    after = galaxtool.cutouts([".", "cat.csv"], **options, **{again: True})
    assert after == before and after.cut == 2
    assert set(read_table(after.manifest)["image"]) == {"field.fits[0]"}
    with pytest.raises(InputError, match="All images are in 'cutouts', the folder of the output"):
        galaxtool.cutouts(["cutouts", "cat.csv"], **options, **{again: True})


def test_bands_in_different_units_have_no_unit_in_common() -> None:
    hdus = [fits.PrimaryHDU()]
    for band, unit in (("g", "nanomaggy"), ("r", "count")):
        hdus.append(fits.ImageHDU(make_pixels(), make_header(FILTER=band, BUNIT=unit), name=band))
        fits.writeto(f"{band}.fits", hdus[-1].data, hdus[-1].header)
    fits.HDUList(hdus).writeto("both.fits")
    write_catalogue(150.0)
    cut("g.fits", "r.fits")
    bands = (("g", Path("g.fits")), ("r", Path("r.fits")))
    found = [read_file(Path(name)) for name in ("out/images/o0.fits", "both.fits")]
    found.append(read_ref(ImageRef(Path("g.fits"), bands=bands)))
    assert [(image.bands, image.unit) for image in found] == [(("g", "r"), "")] * 3
    assert read_file(Path("g.fits")).unit == "nanomaggy"
