"""`galaxtool cutouts`: pixels and positions as astropy has them, whatever the image."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.nddata import Cutout2D
from astropy.table import Table
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st

import galaxtool
from galaxtool.images.reading import read_file
from galaxtool.tables.read import read_table

SHAPE = (60, 80)


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make_wcs(
    ra: float = 150.0, dec: float = 2.0, *, ctype: str = "RA---TAN,DEC--TAN", scale: tuple[float, float] = (0.3, 0.3),
    angle: float = 0.0, shape: tuple[int, int] = SHAPE,
) -> WCS:  # fmt: skip
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ctype.split(",")
    wcs.wcs.crval, wcs.wcs.crpix = [ra, dec], [shape[1] / 2 + 0.3, shape[0] / 2 - 0.4]
    wcs.wcs.cdelt = [-scale[0] / 3600, scale[1] / 3600]
    c, s = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    wcs.wcs.pc = [[c, -s], [s, c]]
    wcs.wcs.set()
    return wcs


def make_noise(shape: tuple[int, ...] = SHAPE, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def write_field(path: str, wcs: WCS, data: np.ndarray | None = None, **cards: Any) -> np.ndarray:
    data = make_noise() if data is None else data
    header = wcs.to_header(relax=True)
    header.update(cards)
    fits.writeto(path, data, header, overwrite=True)
    return data


def write_catalogue(wcs: WCS, x: Any, y: Any, path: str = "cat.csv", **columns: Any) -> SkyCoord:
    sky = wcs.pixel_to_world(np.atleast_1d(x), np.atleast_1d(y)).icrs
    Table({"id": [f"o{i}" for i in range(len(sky))], "ra": sky.ra.deg, "dec": sky.dec.deg, **columns}).write(
        path, overwrite=True
    )
    # what the file says, digit for digit
    table = read_table(Path(path))
    return SkyCoord(table["ra"], table["dec"], unit="deg")


def run_cutouts(*inputs: str, output: str = "out", **options: Any) -> Table:
    """Run the command; return the manifest."""
    result = galaxtool.cutouts([*inputs], output=Path(output), **options)
    return read_table(result.manifest)


def read_cutout(name: str = "o0", folder: str = "out") -> tuple[np.ndarray, fits.Header]:
    with fits.open(f"{folder}/images/{name}.fits") as units:
        units.verify("exception")
        return np.array(units[0].data), units[0].header


def assert_same_sky(header: fits.Header, parent: WCS, x0: float, y0: float, size: int) -> None:
    x, y = np.meshgrid([0, size / 3, size - 1], [0, size / 2, size - 1])
    found = WCS(header).celestial.pixel_to_world(x, y)
    assert found.separation(parent.pixel_to_world(x + x0, y + y0)).arcsec.max() < 1e-6


# --- as astropy ------------------------------------------------------------------------------------------------------


@settings(max_examples=15)
@given(
    places=st.lists(st.tuples(st.floats(-0.4, 79.4), st.floats(-0.4, 59.4)), min_size=1, max_size=12),
    size=st.integers(1, 90),
    angle=st.floats(-180, 180),
    dec=st.sampled_from([0.0, 2.0, -47.3, 89.999, -90.0]),
    ra=st.sampled_from([0.0, 359.9999, 150.0]),
)
def test_values_and_wcs_are_those_of_cutout2d(
    tmp_path_factory: pytest.TempPathFactory, places: list[tuple[float, float]], size: int, angle: float, dec: float,
    ra: float,
) -> None:  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("cut"))
        wcs = make_wcs(ra, dec, angle=angle)
        data = write_field("field.fits", wcs)
        parent = WCS(fits.getheader("field.fits"))
        sky = write_catalogue(parent, *np.array(places).T)
        table = run_cutouts("field.fits", "cat.csv", size=size)
        assert set(table["flags"].filled("") if hasattr(table["flags"], "filled") else table["flags"]) <= {
            "", "OFF_EDGE", "OFF_EDGE BLANK", "BLANK",
        }  # fmt: skip
        for i, position in enumerate(sky):
            wanted = Cutout2D(data, position, size, wcs=parent, mode="partial", fill_value=np.nan)
            found, header = read_cutout(f"o{i}")
            np.testing.assert_array_equal(found, wanted.data)
            assert found.dtype == np.dtype(">f4")
            ours = WCS(header)
            np.testing.assert_allclose(ours.wcs.crpix, wanted.wcs.wcs.crpix, rtol=0, atol=1e-9)
            assert ("OFF_EDGE" in str(table["flags"][i])) == bool(np.isnan(wanted.data).any())


@pytest.mark.parametrize(
    "wcs",
    [
        make_wcs(scale=(0.2, 0.5), angle=30),
        make_wcs(0.0, 0.0),
        make_wcs(10, 90),
        make_wcs(120.0, -30.0, ctype="GLON-CAR,GLAT-CAR"),
        make_wcs(80.0, 40.0, ctype="RA---SIN,DEC--SIN"),
    ],
    ids=["sheared", "across 360", "pole", "Galactic", "SIN"],
)
def test_pixels_keep_their_positions(wcs: WCS) -> None:
    data = write_field("field.fits", wcs)
    write_catalogue(wcs, [40, 2.2, 77], [30, 3.1, 20.4])
    table = run_cutouts("field.fits", "cat.csv", size=11)
    for i, (x, y) in enumerate([(40, 30), (2, 3), (77, 20)]):
        found, header = read_cutout(f"o{i}")
        x0, y0 = (int(part.split(":")[0]) - 1 for part in header["CUTSEC1"][1:-1].split(","))
        assert (x0, y0) == (x - 5, y - 5)
        assert_same_sky(header, wcs, x0, y0, 11)
        assert found[5, 5] == data[y, x]
        assert abs(float(table["x"][i]) - 1 - x) < 0.5


def test_sip_stays_valid() -> None:
    wcs = make_wcs(ctype="RA---TAN-SIP,DEC--TAN-SIP")
    cards = {"A_ORDER": 2, "B_ORDER": 2, "A_2_0": 3e-4, "A_1_1": -1e-4, "B_0_2": -2e-4, "B_1_1": 2e-4}
    data = make_noise()
    head = wcs.to_header()
    head["CTYPE1"], head["CTYPE2"] = "RA---TAN-SIP", "DEC--TAN-SIP"
    head.update(cards)
    fits.writeto("field.fits", data, head)
    parent = WCS(head)
    assert parent.sip is not None
    sky = write_catalogue(parent, [10.2, 60.7, 40.1], [50.6, 8.3, 30.2])
    run_cutouts("field.fits", "cat.csv", size=16)
    for i, position in enumerate(sky):
        wanted = Cutout2D(data, position, 16, wcs=parent, mode="partial")
        found, header = read_cutout(f"o{i}")
        np.testing.assert_array_equal(found, wanted.data)
        assert_same_sky(header, parent, *wanted._origin_original_true, 16)


def test_lookup_tables_become_a_shift_that_is_right_at_the_object() -> None:
    wcs = make_wcs()
    head = wcs.to_header()
    for axis in (1, 2):
        head[f"CPDIS{axis}"] = "LOOKUP"
        head[f"DP{axis}"] = f"EXTVER: {axis}"
        head[f"DP{axis}.NAXES"], head[f"DP{axis}.AXIS.1"], head[f"DP{axis}.AXIS.2"] = 2, 1, 2
    units = fits.HDUList([fits.PrimaryHDU(make_noise(), head)])
    for axis, shift in ((1, 0.8), (2, -0.6)):
        grid = fits.ImageHDU(np.full((4, 4), shift, np.float32), name="WCSDVARR", ver=axis)
        grid.header.update({f"CRPIX{i}": 1.0 for i in (1, 2)} | {f"CRVAL{i}": 1.0 for i in (1, 2)})
        grid.header.update({f"CDELT{i}": 30.0 for i in (1, 2)})
        units.append(grid)
    units.writeto("field.fits")
    with fits.open("field.fits") as again:
        parent = WCS(again[0].header, fobj=again)
        assert parent.cpdis1 is not None
        sky = write_catalogue(parent, 30.0, 20.0)
    run_cutouts("field.fits", "cat.csv", size=9)
    _, header = read_cutout()
    assert not [key for key in header if key.startswith(("CPDIS", "DP1", "DP2"))]
    x, y = WCS(header).world_to_pixel(sky[0])
    assert (x, y) == pytest.approx((4, 4), abs=1e-4)


# --- files of every kind ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["field.fits.gz", "field.fits.fz", "field.fits", "int32.fits", "scaled.fits"])
def test_every_kind_of_pixels(name: str) -> None:
    wcs = make_wcs(shape=(300, 200))
    header = wcs.to_header()
    data: np.ndarray = make_noise((300, 200))
    if name == "int32.fits":
        data = (data * 1e6).astype(np.int32)
    if name == "scaled.fits":
        data = np.arange(60000, dtype=np.float32).reshape(300, 200) % 9000
        unit = fits.PrimaryHDU(data.copy(), header)
        unit.scale("int16", bscale=0.5, bzero=100)
        unit.header["BLANK"] = -7
        unit.writeto(name)
        with fits.open(name, mode="update", do_not_scale_image_data=True) as again:
            again[0].data[150, 100] = -7
        data[150, 100] = np.nan
    elif name.endswith(".fz"):
        packed = fits.CompImageHDU(data, header, quantize_level=0.0, compression_type="GZIP_2")
        fits.HDUList([fits.PrimaryHDU(), packed]).writeto(name)
    else:
        fits.writeto(name, data, header)
    sky = write_catalogue(wcs, [100, 1, 198, 50], [150, 1, 280, 63])
    table = run_cutouts(name, "cat.csv", size=20)
    for i, position in enumerate(sky):
        wanted = Cutout2D(data.astype(float), position, 20, wcs=wcs, mode="partial")
        found, cards = read_cutout(f"o{i}")
        np.testing.assert_array_equal(found, wanted.data)
        assert found.dtype == np.dtype(">f8" if name == "int32.fits" else ">f4")
        assert "BSCALE" not in cards and "BLANK" not in cards and "ZIMAGE" not in cards
    assert ("NAN_PIXELS" in str(table["flags"][0])) == (name == "scaled.fits")


def test_an_object_is_cut_where_it_is_furthest_from_an_edge() -> None:
    left, right = make_wcs(), make_wcs()
    right.wcs.crpix[0] -= 40
    units = [
        fits.PrimaryHDU(),
        fits.ImageHDU(make_noise(seed=1), left.to_header()),
        fits.ImageHDU(make_noise(seed=2), right.to_header()),
    ]
    units[1].header["EXTNAME"], units[2].header["EXTNAME"] = "CCD1", "CCD2"
    units.append(fits.ImageHDU(np.ones(SHAPE, np.float32), left.to_header(), name="WHT"))
    units[0].header["EXPTIME"] = 90.0
    fits.HDUList(units).writeto("mosaic.fits")
    write_catalogue(left, [10, 50, 70, 100, 300], [30, 30, 30, 30, 30])
    table = run_cutouts("mosaic.fits", "cat.csv", size=8)
    assert [str(image)[-3:] for image in table["image"][:4]] == ["[1]", "[1]", "[2]", "[2]"]
    assert table["flags"][4] == "OUTSIDE" and "none of the images" in table["error"][4] and table["path"].mask[4]
    data, header = read_cutout("o2")
    np.testing.assert_array_equal(data, units[2].data[26:34, 26:34])
    assert (header["EXPTIME"], header["CUTHDU1"], header["CUTIMG1"]) == (90.0, 2, "mosaic.fits")
    assert "EXTNAME" not in header and "XTENSION" not in header
    table = run_cutouts("mosaic.fits", "cat.csv", output="one", hdu="CCD1")
    assert [str(image)[-3:] for image in table["image"][:3]] == ["[1]"] * 3


def test_axes_of_a_radio_map_are_kept() -> None:
    wcs = make_wcs()
    header = wcs.to_header()
    header.update({"CTYPE3": "FREQ", "CRVAL3": 1.4e9, "CRPIX3": 1.0, "CDELT3": 1e6, "CTYPE4": "STOKES", "CRVAL4": 1.0})
    header["HISTORY"] = "AIPS   CLEAN BMAJ=  1.5000E-03 BMIN=  1.5000E-03"
    data = make_noise((1, 1, *SHAPE))
    fits.writeto("map.fits", data, header)
    write_catalogue(wcs, 40, 30)
    run_cutouts("map.fits", "cat.csv", size=6)
    found, cards = read_cutout()
    np.testing.assert_array_equal(found, data[..., 27:33, 37:43])
    assert cards["CRVAL3"] == 1.4e9 and "BMAJ" in str(cards["HISTORY"])


# --- bands -----------------------------------------------------------------------------------------------------------


def write_three_bands() -> WCS:
    wcs = make_wcs()
    for seed, band in enumerate("grz"):
        write_field(
            f"field_{band}.fits", wcs, make_noise(seed=seed), FILTER=f"{band} DECam SDSS c0001", BUNIT="nanomaggy"
        )
    write_catalogue(wcs, [40.2, 2.2], [30.2, 30.2])
    return wcs


@pytest.mark.parametrize(
    ("inputs", "bands", "order"),
    [
        (["field_g.fits", "field_r.fits", "field_z.fits"], "", "grz"),
        (["field_?.fits"], "z,g", "zg"),
        (["field_{band}.fits"], "r,g,z", "rgz"),
        (["a=field_z.fits", "b=field_g.fits"], "", "zg"),
    ],
    ids=["headers", "chosen", "pattern", "said"],
)
def test_bands_are_stacked(inputs: list[str], bands: str, order: str) -> None:
    wcs = write_three_bands()
    run_cutouts(*inputs, "cat.csv", size=10, bands=[bands] if bands else ())
    names = ("a", "b") if inputs[0].startswith("a=") else tuple(order)
    for i, x in enumerate((40.2, 2.2)):
        cutout = read_file(Path(f"out/images/o{i}.fits"))
        assert cutout.bands == names and cutout.unit == "nanomaggy"
        for plane, band in zip(cutout.data, order, strict=True):
            wanted = Cutout2D(fits.getdata(f"field_{band}.fits"), (x, 30.2), 10, mode="partial")
            np.testing.assert_array_equal(plane, wanted.data)
    header = read_cutout()[1]
    assert header["CUTIMG2"].endswith(f"field_{order[1]}.fits") and header["NAXIS3"] == len(order)
    assert_same_sky(header, wcs, 36, 26, 10)


def test_a_band_that_is_missing_or_elsewhere_is_flagged() -> None:
    wcs = write_three_bands()
    shifted = make_wcs(angle=20)
    shifted.wcs.crpix[0] += 30
    write_field("field_r.fits", shifted, FILTER="r")
    write_catalogue(wcs, [10, 60], [30, 30])
    table = run_cutouts("field_g.fits", "field_r.fits", "cat.csv", size=8)
    assert table["flags"].tolist() == ["MISALIGNED", "MISSING_BAND"]
    data, _ = read_cutout("o1")
    assert np.isnan(data[1]).all() and np.isfinite(data[0]).all()


def test_unclear_bands_are_refused() -> None:
    wcs = write_three_bands()
    write_field("plain.fits", wcs)
    with pytest.raises(galaxtool.ConfigError, match=r"others, such as 'plain.fits\[0\]', do not"):
        run_cutouts("field_g.fits", "field_r.fits", "plain.fits", "cat.csv")
    with pytest.raises(galaxtool.ConfigError, match="does not name its band"):
        run_cutouts("plain.fits", "cat.csv", bands=["g"])
    with pytest.raises(galaxtool.InputError, match="No image is in the band 'i'"):
        run_cutouts("field_g.fits", "cat.csv", bands=["g", "i"])
    with pytest.raises(galaxtool.ConfigError, match="no bands are given"):
        run_cutouts("field_{band}.fits", "cat.csv")
    assert not Path("out").exists()


# --- sizes -----------------------------------------------------------------------------------------------------------


def test_sizes_in_arcsec_and_from_columns() -> None:
    wcs = make_wcs(scale=(0.3, 0.6))
    write_field("field.fits", wcs)
    write_catalogue(wcs, [40, 30, 20, 50], [30, 30, 30, 30], size=[3.0, 6.0, -1.0, np.nan])
    run_cutouts("field.fits", "cat.csv", size_arcsec=6.0)
    assert read_cutout()[0].shape == (10, 20)
    table = run_cutouts("field.fits", "cat.csv", size_column="size", size_unit="arcsec", size_factor=2.0, output="two")
    assert [read_cutout(f"o{i}", "two")[0].shape for i in (0, 1)] == [(10, 20), (20, 40)]
    assert read_cutout("o1", "two")[1]["NAXIS1"] == 40
    assert table["size"].tolist()[:2] == [20, 40]
    assert "size is -2 arcsec" in table["error"][2] and "size is nan" in table["error"][3]
    with pytest.raises(galaxtool.ConfigError, match="no unit"):
        run_cutouts("field.fits", "cat.csv", size_column="size", output="three")
    units = Table(read_table(Path("cat.csv"))[:2])
    units["size"].unit = "arcmin"
    units["size"] /= 60
    units.write("cat.ecsv")
    assert run_cutouts("field.fits", "cat.ecsv", size_column="size", output="four")["size"].tolist() == [10, 20]
    with pytest.raises(galaxtool.ConfigError, match="has the unit 'arcmin', not arcsec"):
        run_cutouts("field.fits", "cat.ecsv", size_column="size", size_unit="arcsec", output="five")
    for wrong in (
        {"size": 0},
        {"size": -3},
        {"size": 4, "size_arcsec": 3.0},
        {"size_arcsec": -1.0},
        {"size_unit": "m"},
        {"size": 4, "size_unit": "arcsec"},
        {"size": 4, "size_factor": 2.0},
    ):
        with pytest.raises(galaxtool.ConfigError):
            run_cutouts("field.fits", "cat.csv", output="five", **wrong)


# --- names and the manifest ------------------------------------------------------------------------------------------


def test_every_identifier_has_its_own_file() -> None:
    wcs = make_wcs()
    write_field("field.fits", wcs)
    ids = ["a/b", "a b", "A_B", "NGC 1", "NGC 1", "../../x", "ωμέγα", "", ".hid", "x" * 300, "it's"]
    sky = write_catalogue(wcs, np.full(len(ids), 40), np.full(len(ids), 30))
    Table({"name": ids, "RA": sky.ra.deg, "DEC": sky.dec.deg, "file_loc": ids, "hdu": [1] * len(ids)}).write("odd.ecsv")
    table = run_cutouts("field.fits", "odd.ecsv", size=4)
    paths = [Path("out", path) for path in table["path"]]
    assert len({str(path).lower() for path in paths}) == len(ids) and all(path.is_file() for path in paths)
    assert {path.parent for path in paths} == {Path("out/images")}
    assert table["id"].tolist() == ["a/b", "a b", "A_B", "NGC 1", "NGC 1-2", *ids[5:7], "row08", *ids[8:]]
    assert {"in_RA", "in_DEC", "in_file_loc", "in_hdu", "name"} <= set(table.colnames)
    assert fits.getheader(paths[-1])["CUTID"] == "it's"
    from galaxtool.inputs.catalogue import read_catalogue

    again = read_catalogue(Path("out/cutouts.csv"))
    assert [Path(path) for path in again.images] == paths and list(again.names) == table["id"].tolist()
    np.testing.assert_allclose(again.ra, sky.ra.deg)


def test_positions_outside_the_usual_range() -> None:
    wcs = make_wcs(0.0, 0.0)
    write_field("field.fits", wcs)
    Table({"alpha": [-0.001, 359.999, 0.001, 360.001, np.nan, 10.0], "delta": [0.0, 0.0, 0.0, 0.0, 0.0, -99.0]}).write(
        "cat.csv"
    )
    table = run_cutouts("field.fits", "cat.csv", size=4, ra_column="alpha", dec_column="delta")
    assert [bool(error) for error in table["error"].filled("")] == [False] * 4 + [True] * 2
    np.testing.assert_allclose(table["ra"][:4], [359.999, 359.999, 0.001, 0.001], atol=1e-9)
    np.testing.assert_array_equal(read_cutout("row1")[0], read_cutout("row2")[0])
    assert table["error"][4] == table["error"][5] == "It has no position."


@pytest.mark.parametrize("kind", ["hdf5", "zarr"])
def test_a_stack_has_the_pixels_of_the_files(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("galaxtool.cutting.writers.zarr._SHARD_BYTES", 3 * 4 * 3 * 12 * 12)  # a whole shard and a part
    wcs = write_three_bands()
    write_catalogue(wcs, [40, 300, 2, 78, 50], [30, 30, 30, 59, 8])
    run_cutouts("field_?.fits", "cat.csv", size=12)
    table = run_cutouts("field_?.fits", "cat.csv", size=12, kind=kind, output="stack")
    name = "cutouts.h5" if kind == "hdf5" else "cutouts.zarr"
    assert table["path"].tolist() == [f"{name}[images/0]", None, *(f"{name}[images/{i}]" for i in (1, 2, 3))]
    if kind == "zarr":
        zarr = pytest.importorskip("zarr")
        group = zarr.open_group("stack/cutouts.zarr", mode="r")
        ids = group["id"][:].tolist()
    else:
        group = h5py.File("stack/cutouts.h5")
        ids = [one.decode() for one in group["id"][()]]
        assert group["images"].chunks == (1, 3, 12, 12)
    images = group["images"]
    assert ids == ["o0", "o2", "o3", "o4"] and list(group["row"][:]) == [1, 3, 4, 5]
    assert images.dtype == np.float32 and images.attrs["unit"] == "nanomaggy"
    assert list(images.attrs["bands"]) == ["g", "r", "z"]
    np.testing.assert_allclose(group["ra"][:], table["ra"][[0, 2, 3, 4]])
    for number, one in enumerate(ids):
        np.testing.assert_array_equal(images[number], read_cutout(one)[0])


def test_a_stack_of_different_sizes_is_refused() -> None:
    wcs = make_wcs()
    write_field("field.fits", wcs)
    write_catalogue(wcs, [40, 30], [30, 30], size=[8, 9])
    with pytest.raises(galaxtool.ConfigError, match="one shape"):
        run_cutouts("field.fits", "cat.csv", size_column="size", size_unit="pix", kind="hdf5")


def test_pictures_are_as_classify_shows_them() -> None:
    from PIL import Image

    from galaxtool.vision.stretch import to_display

    write_three_bands()
    run_cutouts("field_?.fits", "cat.csv", size=24, output="fits")
    run_cutouts("field_?.fits", "cat.csv", size=24, kind="png", output="png")
    cutout = read_file(Path("fits/images/o1.fits"))
    with Image.open("png/images/o1.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), to_display(cutout))
        assert "field_g.fits[0][" in picture.text["Source"]
    with pytest.raises(galaxtool.ConfigError, match="--stretch is for PNG files, and --kind is fits"):
        run_cutouts("field_g.fits", "cat.csv", size=24, stretch="linear", output="none")
    run_cutouts("field_g.fits", "cat.csv", size=24, kind="png", stretch="linear", output="gray")
    with Image.open("gray/images/o0.png") as picture:
        assert picture.mode == "L" and picture.size == (24, 24)


def test_flags_come_along_into_predictions() -> None:
    wcs = make_wcs()
    write_field("field.fits", wcs)
    write_catalogue(wcs, [50, 2], [30, 30])  # the second is cut at the edge
    inputs = []
    for kind, place in (("fits", "images"), ("png", "images"), ("hdf5", "cutouts.h5")):
        run_cutouts("field.fits", "cat.csv", output=kind, size=24, kind=kind)
        inputs += [f"{kind}/cutouts.csv", f"{kind}/{place}"]
    galaxtool.classify(inputs, output=Path("p.ecsv"), executor="threads", workers=1)
    table = read_table(Path("p.ecsv"))
    assert ["OFF_EDGE" in flags.split() for flags in table["flags"]] == [False, True] * len(inputs)


def test_default_cutouts_are_not_enlarged_for_the_default_model() -> None:
    wcs = make_wcs(shape=(140, 140))
    write_field("field.fits", wcs, make_noise((140, 140)))
    write_catalogue(wcs, 70, 70)
    run_cutouts("field.fits", "cat.csv")
    galaxtool.classify(["out/images"], output=Path("p.csv"), executor="threads", workers=1)
    (row,) = csv.DictReader(io.StringIO(Path("p.csv").read_text()))
    assert row["label"] and row["flags"] == "UNLIKE_TRAINING"  # it is noise
