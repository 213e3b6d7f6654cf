"""Names of filters as observatories write them, and the order of bands by wavelength on every road."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from PIL import Image

import galaxtool
from galaxtool.errors import UnreadableImage
from galaxtool.images.filters import find_wavelengths, name_band, order_by_wavelength
from galaxtool.images.fits.wavelengths import find_header_wavelength
from galaxtool.images.read_options import ReadOptions
from galaxtool.images.reading import read_file
from galaxtool.inputs.gather import gather
from galaxtool.vision.colors import choose_colors
from galaxtool.vision.stretch import Stretch, to_display

SIDE = 16


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("g", "g"), ("F814W", "F814W"), ("SDSS g'", "g"), ("Sloan r", "r"), ("i.MP9703", "i"), ("HSC-G", "g"),
        ("HSC-R2", "r"), ("r_SDSS", "r"), ("Bessell V", "V"), ("Johnson-Cousins I", "I"), ("g_03", "g"),
        ("g DECam SDSS c0001 4720.0 1520.0", "g"), ("Y DECam c0005 10095.0 1130.0", "Y"), ("ZTF_g", "g"),
        ("g.00000", "g"), ("NIR_Y", "Y"), ("VIS", "VIS"), ("CLEAR1L;F814W", "F814W"), ("F150W2;F162M", "F162M"),
        ("W-S-R+", "r"), ("W-J-B", "B"), ("gSDSS", "g"), ("z'", "z"), ("Ks_2MASS", "Ks"), ("2MASS J", "J"),
        ("H-alpha", "Halpha"), ("O III", "OIII"), ("N964 DECam c0008 9645.0 94.0", "N964"), ("IRAC 1", "IRAC1"),
        ("BB#Rc/162_ESO844", "Rc"), ("Baader Red", "Red"), ("Filter 5", "Filter_5"), ("clear", "clear"),
        ("Ha 7nm", "Halpha"), ("H_alpha 656", "Halpha"), ("OIII 6.5nm", "OIII"), ("Stromgren y", "Stromgren_y"),
    ],
)  # fmt: skip
def test_a_name_is_found_in_what_observatories_write(text: str, name: str) -> None:
    assert name_band(text) == name == name_band(name)


@pytest.mark.parametrize(
    "bands",
    [
        ("F275W", "F336W", "F438W", "F606W", "F814W", "F105W", "F125W", "F160W"),
        ("F070W", "F090W", "F115W", "F150W", "F200W", "F277W", "F356W", "F410M", "F444W", "F770W", "F1000W", "F2100W"),
        ("F410M", "F438W", "F555W"),
        ("F606W", "F814W", "F115W", "F410M"),
        ("FUV", "NUV", "u", "g", "r", "i", "z", "Y", "J", "H", "Ks", "W1", "W2", "W3", "W4"),
        ("BP", "G", "RP"),
        ("VIS", "NIR_Y", "NIR_J", "NIR_H"),
        ("IRAC1", "IRAC2", "IRAC3", "IRAC4", "24um", "PACS 100um", "850 micron"),
        ("j", "h", "k"),
        ("OIII", "Halpha", "SII"),
        ("OIII 3nm", "Ha_7nm", "SII-3.5nm"),
        ("zg", "zr", "zi"),
        ("PACS70", "SPIRE250", "SCUBA2_850"),
        ("NB0387", "NB0921", "NB118"),
        ("F062", "F106", "F184"),
        ("500nm", "6563 Angstrom", "1.2 micron", "3 mm", "1.4 GHz", "150 MHz"),
    ],
)
def test_bands_are_ordered_by_wavelength_whatever_their_names(bands: tuple[str, ...]) -> None:
    wavelengths = find_wavelengths(bands)
    assert None not in wavelengths and list(wavelengths) == sorted(wavelengths, key=lambda one: one or 0)
    for mixed in itertools.islice(itertools.permutations(bands[-3:]), 6):
        order = order_by_wavelength(mixed)
        assert [mixed[index] for index in order] == sorted(mixed, key=bands.index)
        red, _, blue = choose_colors(mixed)
        assert (mixed[red[0]], mixed[blue[0]]) == (bands[-1], bands[-3])


@pytest.mark.parametrize(
    ("cards", "band"),
    [
        ({"FILTER1": "CLEAR1L", "FILTER2": "F814W"}, "F814W"),
        ({"FILTER1": "F606W", "FILTER2": "POL0V"}, "F606W"),
        ({"FILTER": "F200W", "PUPIL": "CLEAR"}, "F200W"),
        ({"FILTER": "F150W2", "PUPIL": "F162M"}, "F162M"),
        ({"FILTER": "CLEAR", "PUPIL": "F115W"}, "F115W"),
        ({"FILTER": "Clear"}, "Clear"),
        ({"FILTNAM1": "F702W", "FILTNAM2": ""}, "F702W"),
        ({"FILTER01": "HSC-I2"}, "i"),
        ({"BAND": 1, "TELESCOP": "WISE"}, "W1"),
        ({"BAND": 2, "TELESCOP": "GALEX"}, "FUV"),
        ({"CHNLNUM": 2, "INSTRUME": "IRAC"}, "IRAC2"),
        ({"FILTERID": 1, "FILTER": "ZTF r"}, "r"),
        ({"HIERARCH FPA.FILTERID": "i.00000"}, "i"),
        ({"HIERARCH ESO INS FILT1 NAME": "r_SDSS"}, "r"),
        ({"FILTER1": "g", "FILTER2": "r"}, ""),
        ({"OBJECT": "M51"}, ""),
    ],
)
def test_the_filter_of_an_image(cards: dict[str, Any], band: str, tmp_path: Path) -> None:
    unit = fits.PrimaryHDU(np.random.default_rng(0).normal(size=(SIDE, SIDE)).astype(np.float32))
    for key, value in cards.items():
        unit.header[key] = value
    unit.writeto(tmp_path / "a.fits")
    assert read_file(tmp_path / "a.fits").bands == (band,)
    inner = fits.HDUList([fits.PrimaryHDU(header=unit.header), fits.ImageHDU(unit.data, name="SCI")])
    inner.writeto(tmp_path / "b.fits")
    assert read_file(tmp_path / "b.fits").bands == (band,)


@pytest.mark.parametrize(
    ("cards", "bands"),
    [
        ({"CTYPE3": "RGB"}, "RGB"),
        ({"COLORSPC": "RGB"}, "RGB"),
        ({"PROGRAM": "Siril 1.2.0"}, "RGB"),
        ({"SWCREATE": "N.I.N.A. 3.0"}, "RGB"),
        ({"CREATOR": "ZWO ASIAIR Plus"}, "RGB"),
        ({"BAYERPAT": "RGGB"}, "RGB"),
        ({"CTYPE3": "BGR"}, "BGR"),
        ({"BANDS": "RGB"}, "RGB"),
        ({"FILTER": "LRGB"}, "LRGB"),
        ({"FILTER": "SDSS g, SDSS r, SDSS i"}, "gri"),
        ({"PROGRAM": "ds9"}, None),
    ],
)
@pytest.mark.parametrize("last", [False, True])
def test_cubes_of_colour_cameras(cards: dict[str, str], bands: str | None, last: bool, tmp_path: Path) -> None:
    n = len(bands or "abc")
    data = np.random.default_rng(1).normal(size=(n, SIDE, SIDE)).astype(np.float32)
    header = fits.Header(cards)
    if last and "CTYPE3" in header:
        header["CTYPE1"] = header.pop("CTYPE3")
    fits.writeto(tmp_path / "rgb.fits", np.ascontiguousarray(np.moveaxis(data, 0, 2)) if last else data, header)
    cutout = read_file(tmp_path / "rgb.fits")
    assert cutout.bands == (tuple(bands) if bands else ("",) * 3)
    np.testing.assert_array_equal(cutout.data, data)
    if bands:
        red, _, blue = choose_colors(cutout.bands)
        assert (cutout.bands[red[0]], cutout.bands[blue[0]]) == (("i", "g") if bands == "gri" else ("R", "B"))


@pytest.mark.parametrize(
    ("cards", "micrometers"),
    [
        ({"PHOTPLAM": 15369.2}, 1.53692),
        ({"WAVELEN": (1.25, "[um] central")}, 1.25),
        ({"WAVELEN": (622.0, "[nm]")}, 0.622),
        ({"WAVELEN": 4770.0}, 0.477),
        ({"LAMBDA": "0.9 micron"}, 0.9),
        ({"WAVELEN": (2159.0, "nm")}, 2.159),
        ({"CTYPE3": "WAVE", "CRVAL3": 6.5e-7, "CUNIT3": "m"}, 0.65),
        ({"CTYPE3": "FREQ", "CRVAL3": 1.4e9, "CUNIT3": "Hz"}, 214137.47),
        ({"WAVELEN": "unknown"}, None),
    ],
)
def test_the_wavelength_of_a_header(cards: dict[str, Any], micrometers: float | None) -> None:
    header = fits.Header()
    for key, value in cards.items():
        header[key] = value
    found = find_header_wavelength(header, header)
    assert found == (None if micrometers is None else pytest.approx(micrometers))


def make_planes(n: int = 3) -> tuple[fits.Header, list[np.ndarray]]:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], [150, 2], [31, 31]
    wcs.wcs.cdelt = [-1e-4, 1e-4]
    y, x = np.mgrid[:61, :61] - 30
    blob = np.exp(-(x**2 + y**2) / 100)
    noise = np.random.default_rng(4)
    return wcs.to_header(), [
        (noise.normal(size=(61, 61)) + 40 * (place + 0.2) * blob).astype(np.float32) for place in range(n)
    ]


NAMES = ("F606W", "F814W", "F160W")  # of the planes, each brighter than the one before


def measure_red(cutout: galaxtool.Cutout) -> float:
    """Return how much brighter the middle of the picture is in red than in blue."""
    picture = to_display(cutout, Stretch()).astype(float)
    return float(picture[25:36, 25:36, 0].mean() / picture[25:36, 25:36, 2].mean())


def test_the_longest_wavelength_is_red_on_every_road(tmp_path: Path) -> None:
    header, planes = make_planes()
    by_name = sorted(zip(NAMES, planes, strict=True))  # F160W first
    folder = tmp_path / "in"
    folder.mkdir()
    for name, plane in by_name:
        fits.writeto(folder / f"x_{name}.fits", plane, fits.Header([*header.cards, ("FILTER", name)]))
    units = [fits.ImageHDU(plane, header, name=name) for name, plane in by_name]
    fits.HDUList([fits.PrimaryHDU(), *units]).writeto(tmp_path / "units.fits")
    cube = fits.Header([*header.cards, *((f"BAND{i}", name) for i, (name, _) in enumerate(by_name))])
    fits.writeto(tmp_path / "cube.fits", np.array([plane for _, plane in by_name]), cube)
    (tmp_path / "cat.csv").write_text("id,ra,dec\nx,150,2\n")
    columns = ",".join(f"{name}_path" for name, _ in by_name)
    paths = ",".join(f"in/x_{name}.fits" for name, _ in by_name)
    (tmp_path / "paths.csv").write_text(f"id,{columns}\nx,{paths}\n")

    assert measure_red(read_file(tmp_path / "units.fits")) > 1.3
    assert measure_red(read_file(tmp_path / "cube.fits")) > 1.3
    pattern = gather([str(folder)], pattern="{id}_{band}.fits").items[0]
    assert [band for band, _ in pattern.ref.bands] == list(NAMES)
    for source in (folder, tmp_path / "units.fits", tmp_path / "cube.fits"):
        galaxtool.cutouts([source, tmp_path / "cat.csv"], output=tmp_path / f"out_{source.stem}", size=61, kind="png")
        picture = np.asarray(Image.open(tmp_path / f"out_{source.stem}/images/x.png")).astype(float)
        assert picture[25:36, 25:36, 0].mean() > 1.3 * picture[25:36, 25:36, 2].mean()


def test_headers_order_bands_of_unknown_names(tmp_path: Path) -> None:
    header, planes = make_planes()
    (tmp_path / "in").mkdir()
    units: list[Any] = [fits.PrimaryHDU()]
    for name, plane, nanometers in zip(("one", "two", "three"), planes, (900, 500, 700), strict=True):
        cards = fits.Header([*header.cards, ("FILTER", name), ("WAVELEN", nanometers, "[nm]")])
        fits.writeto(tmp_path / f"in/{name}.fits", plane, cards)
        units.append(fits.ImageHDU(plane, cards))
    (tmp_path / "cat.csv").write_text("id,ra,dec\nx,150,2\n")
    result = galaxtool.cutouts([tmp_path / "in", tmp_path / "cat.csv"], output=tmp_path / "out", size=9)
    assert result.bands == ("two", "three", "one")
    fits.HDUList(units).writeto(tmp_path / "units.fits")
    assert read_file(tmp_path / "units.fits").bands == ("two", "three", "one")


def test_images_that_are_not_used_are_named(tmp_path: Path) -> None:
    header, planes = make_planes()
    said: list[str] = []

    class Listener(galaxtool.types.Silent):
        def say(self, message: str) -> None:
            said.append(message)

    far = header.copy()
    far["CRVAL1"] = 10.0
    fits.writeto(tmp_path / "a.fits", planes[0], fits.Header([*header.cards, ("FILTER", "SDSS g'")]))
    fits.writeto(tmp_path / "b.fits", planes[1], fits.Header([*header.cards, ("FILTER", "Sloan g")]))
    fits.writeto(tmp_path / "c.fits", planes[2], fits.Header([*far.cards, ("FILTER", "g.00000")]))
    no_wcs = fits.HDUList([fits.PrimaryHDU(planes[0], header), fits.ImageHDU(planes[0], name="FOCUS")])
    no_wcs[0].header["FILTER"] = "r"
    no_wcs.writeto(tmp_path / "d.fits")
    (tmp_path / "cat.csv").write_text("id,ra,dec\nx,150,2\n")
    inputs = [tmp_path / name for name in ("a.fits", "b.fits", "c.fits", "d.fits", "cat.csv")]
    galaxtool.cutouts(inputs, output=tmp_path / "out", size=9, progress=Listener())
    text = "\n".join(said)
    assert "b.fits[0]'; another image of the band g shows" in text and "c.fits[0]'; no object lies in it" in text
    assert "d.fits[1]' has no celestial WCS" in text


def test_bands_may_be_named_as_the_header_does(tmp_path: Path) -> None:
    _, planes = make_planes()
    cards = fits.Header({"FILTER0": "HSC-G", "FILTER1": "HSC-R2", "FILTER2": "HSC-I"})
    fits.writeto(tmp_path / "a.fits", np.array(planes), cards)
    assert read_file(tmp_path / "a.fits", ReadOptions(bands=("i", "g"))).bands == ("i", "g")
    cutout = read_file(tmp_path / "a.fits", ReadOptions(bands=("HSC-I", "g")))
    np.testing.assert_array_equal(cutout.data[0], planes[2])
    with pytest.raises(UnreadableImage, match="no band 'z'"):
        read_file(tmp_path / "a.fits", ReadOptions(bands=("z",)))


def test_science_comes_before_weights(tmp_path: Path) -> None:
    _, planes = make_planes()
    units = [fits.PrimaryHDU(), *(fits.ImageHDU(p, name=n) for n, p in zip(("WHT", "SCI", "ERR"), planes, strict=True))]
    fits.HDUList(units).writeto(tmp_path / "a.fits")
    np.testing.assert_array_equal(read_file(tmp_path / "a.fits").data[0], planes[1])


@pytest.mark.parametrize(
    ("names", "flagged"),
    [
        (("SCI", "ERR", "DQ"), False),
        (("IMAGE", "MASK", "VARIANCE"), False),
        (("SCI", "VAR_POISSON", "WHT", "CON"), False),
        (("CCD1", "CCD2"), True),
        (("g", "r"), False),
        (("VIS", "NIR_Y", "NIR_H"), False),
        (("HSC-G", "HSC-R"), False),
    ],
)
def test_further_images_of_the_sky_are_flagged(names: tuple[str, ...], flagged: bool, tmp_path: Path) -> None:
    _, planes = make_planes(len(names))
    units = [fits.ImageHDU(plane, name=name) for plane, name in zip(planes, names, strict=True)]
    fits.HDUList([fits.PrimaryHDU(), *units]).writeto(tmp_path / "a.fits")
    cutout = read_file(tmp_path / "a.fits")
    np.testing.assert_array_equal(cutout.data[0], planes[0])
    assert cutout.flags == (("OTHER_IMAGES",) if flagged else ())
    assert read_file(tmp_path / "a.fits", ReadOptions(hdu=1)).flags == ()
