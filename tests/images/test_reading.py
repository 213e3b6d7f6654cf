"""Reading image files: FITS of every shape, pictures of every kind, and whatever only looks like one."""

from __future__ import annotations

import gzip
import io
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from galaxtool.errors import UnreadableImage
from galaxtool.images.fits.reader import FitsReader
from galaxtool.images.image_file import ImageFile
from galaxtool.images.raster.reader import RasterReader
from galaxtool.images.read_options import ReadOptions
from galaxtool.images.reading import list_image_suffixes, read_file
from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.manager import PluginManager
from galaxtool.plugins.registry import Registry
from galaxtool.plugins.specs import ReaderSpec
from galaxtool.types import BLANK, NAME_MISMATCH, NAN_PIXELS, Cutout

PLANE = np.arange(6 * 9, dtype=np.float32).reshape(6, 9)
CUBE = np.stack([PLANE, PLANE + 100, PLANE + 200])


def write(path: Path, *units: fits.PrimaryHDU | fits.ImageHDU | np.ndarray, **cards: object) -> Path:
    """Write HDUs, the cards into the last one."""
    hdus = [fits.PrimaryHDU(unit) if isinstance(unit, np.ndarray) else unit for unit in units]
    hdus[-1].header.update(cards)
    fits.HDUList(hdus).writeto(path)
    return path


def image(data: np.ndarray, name: str = "", **cards: object) -> fits.ImageHDU:
    hdu = fits.ImageHDU(data, name=name)
    hdu.header.update(cards)
    return hdu


def wcs_cards(ctypes: tuple[str, str] = ("RA---TAN", "DEC--TAN"), crval: tuple[float, float] = (150.0, 2.0)) -> dict:
    return {
        **{"CTYPE1": ctypes[0], "CTYPE2": ctypes[1], "CRVAL1": crval[0], "CRVAL2": crval[1]},
        **{"CRPIX1": 5.0, "CRPIX2": 3.5, "CDELT1": -0.1 / 3600, "CDELT2": 0.1 / 3600},
    }


# what a FITS file may hold


def test_plain_image(tmp_path: Path) -> None:
    cutout = read_file(write(tmp_path / "a.fits", PLANE, BUNIT="nanomaggy", FILTER="r", **wcs_cards()))
    np.testing.assert_array_equal(cutout.data, PLANE[None])
    assert cutout.data.dtype == np.dtype("=f4")
    assert (cutout.bands, cutout.unit, cutout.flags) == (("r",), "nanomaggy", ())
    assert (cutout.ra, cutout.dec) == pytest.approx((150, 2), abs=1e-9)
    assert cutout.pixel_scale == pytest.approx(0.1)
    assert cutout.source == str(tmp_path / "a.fits")


@pytest.mark.parametrize("suffix", [".fits.gz", ".fit.gz", ".fts", ".fits"])
def test_gzip_is_seen_by_content(tmp_path: Path, suffix: str) -> None:
    plain = write(tmp_path / "plain.fits", PLANE)
    packed = tmp_path / f"a{suffix}"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    np.testing.assert_array_equal(read_file(packed).data[0], PLANE)


@pytest.mark.parametrize("compression", ["RICE_1", "GZIP_1", "GZIP_2"])
def test_tile_compressed_image_behind_an_empty_primary(tmp_path: Path, compression: str) -> None:
    whole = PLANE.astype(np.int16)
    path = write(tmp_path / "a.fits.fz", fits.PrimaryHDU(), fits.CompImageHDU(whole, compression_type=compression))
    np.testing.assert_array_equal(read_file(path).data[0], PLANE)


@pytest.mark.parametrize("shape", [(1, 1, 6, 9), (1, 1, 1, 6, 9), (1, 6, 9)])
def test_degenerate_axes_are_dropped(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.testing.assert_array_equal(read_file(write(tmp_path / "a.fits", PLANE.reshape(shape))).data, PLANE[None])


def test_degenerate_axis_between_bands_and_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "a.fits", CUBE[:, None], BANDS="grz")
    cutout = read_file(path)
    np.testing.assert_array_equal(cutout.data, CUBE)
    assert cutout.bands == ("g", "r", "z")


@pytest.mark.parametrize(
    ("cards", "bands"),
    [
        ({"BANDS": "grz"}, ("g", "r", "z")),
        ({"BANDS": "g,r, z"}, ("g", "r", "z")),
        ({"BAND0": "u", "BAND1": "g", "BAND2": "i"}, ("u", "g", "i")),
        ({"BAND1": "J", "BAND2": "H", "BAND3": "Ks"}, ("J", "H", "Ks")),
        ({"FILTER": "F606W/F814W/F160W"}, ("F606W", "F814W", "F160W")),
        ({"FILTER1": "g DECam", "FILTER2": "r DECam", "FILTER3": "z DECam"}, ("g", "r", "z")),
        ({"FILTER": "abc"}, ("", "", "")),
        ({}, ("", "", "")),
    ],
)
def test_band_names_of_a_cube(tmp_path: Path, cards: dict[str, str], bands: tuple[str, ...]) -> None:
    cutout = read_file(write(tmp_path / "a.fits", CUBE, **cards))
    assert cutout.bands == bands
    np.testing.assert_array_equal(cutout.data, CUBE)


@pytest.mark.parametrize(
    ("cards", "band"),
    [
        ({"FILTER": "z DECam SDSS c0004 9260.0 1520.0"}, "z"),
        ({"FILTER1": "CLEAR1L", "FILTER2": "F814W"}, "F814W"),
        ({"EXTNAME": "SCI_G"}, "g"),
        ({"EXTNAME": "N10"}, ""),
    ],
)
def test_band_name_of_an_image(tmp_path: Path, cards: dict[str, str], band: str) -> None:
    assert read_file(write(tmp_path / "a.fits", PLANE, **cards)).bands == (band,)


def test_unit_and_filter_in_an_empty_primary(tmp_path: Path) -> None:
    primary = fits.PrimaryHDU()
    primary.header.update({"BUNIT": "adu", "FILTER": "r"})
    cutout = read_file(write(tmp_path / "a.fits", primary, image(PLANE, "CCD4")))
    assert (cutout.unit, cutout.bands) == ("adu", ("r",))


# bands in several HDUs


@pytest.mark.parametrize("key", ["EXTNAME", "FILTER", "BAND"])
def test_bands_in_several_hdus_are_stacked(tmp_path: Path, key: str) -> None:
    units = [image(plane, **{key: band}) for plane, band in zip(CUBE, "grz", strict=True)]
    cutout = read_file(write(tmp_path / "a.fits", fits.PrimaryHDU(), *units))
    np.testing.assert_array_equal(cutout.data, CUBE)
    assert cutout.bands == ("g", "r", "z")
    assert cutout.source == str(tmp_path / "a.fits")


def test_weights_and_masks_are_not_bands(tmp_path: Path) -> None:
    units = [
        image(CUBE[0], "G_SCI", FILTER="g"),
        image(CUBE[1], "G_WHT", FILTER="g"),
        image(CUBE[2], "R_SCI", FILTER="r"),
        image(CUBE[1], "R_MASK", FILTER="r"),
    ]
    cutout = read_file(write(tmp_path / "a.fits", fits.PrimaryHDU(), *units))
    assert cutout.bands == ("g", "r")
    np.testing.assert_array_equal(cutout.data, CUBE[[0, 2]])


@pytest.mark.parametrize("kind", ["mask_hdu", "weight_hdu"])
@pytest.mark.parametrize("number", [1, 2])
def test_the_mask_that_is_named_is_not_the_image(tmp_path: Path, kind: str, number: int) -> None:
    good = np.ones((6, 9), dtype=np.int16)
    good[0, 0] = 0
    units = [image(PLANE, FILTER="g"), image(PLANE + 100, FILTER="r")]
    mask = image(good if kind == "weight_hdu" else 1 - good, FILTER="z")
    units.insert(number - 1, mask)
    path = write(tmp_path / "a.fits", fits.PrimaryHDU(), *units)
    cutout = read_file(path, ReadOptions(**{kind: number}))
    assert cutout.bands == ("g", "r") and cutout.flags == (NAN_PIXELS,)
    np.testing.assert_array_equal(cutout.data, np.where(good == 1, [PLANE, PLANE + 100], np.nan))
    assert read_file(path, ReadOptions(**{kind: number}, header_only=True)).bands == ("g", "r")
    alone = write(tmp_path / "b.fits", PLANE - 5)  # the only image is its own weight
    assert np.isnan(read_file(alone, ReadOptions(weight_hdu=0)).data).sum() == 6


@pytest.mark.parametrize(
    "units",
    [
        [image(CUBE[0], "SCI"), image(CUBE[1], "WHT"), image(CUBE[2], "CTX")],
        [image(CUBE[0], "CCD1", FILTER="r"), image(CUBE[1], "CCD2", FILTER="r")],
        [image(CUBE[0], "g"), image(CUBE[1, :5], "r")],
    ],
    ids=["one science image", "chips in one filter", "different shapes"],
)
def test_otherwise_the_first_image_is_taken(tmp_path: Path, units: list[fits.ImageHDU]) -> None:
    path = write(tmp_path / "a.fits", fits.PrimaryHDU(), *units)
    cutout = read_file(path)
    np.testing.assert_array_equal(cutout.data, CUBE[:1])
    assert cutout.source == f"{path}[1]" or len(units) == 2


@pytest.mark.parametrize("hdu", [2, "2", "r", "R"])
def test_the_hdu_that_is_asked_for(tmp_path: Path, hdu: int | str) -> None:
    path = write(tmp_path / "a.fits", fits.PrimaryHDU(), image(CUBE[0], "g"), image(CUBE[1], "r"))
    cutout = read_file(path, ReadOptions(hdu=hdu))
    np.testing.assert_array_equal(cutout.data, CUBE[1:2])
    assert (cutout.bands, cutout.source) == (("r",), f"{path}[2]")


@pytest.mark.parametrize(("hdu", "says"), [(7, "no HDU 7"), ("SCI", "no HDU 'SCI'"), (0, "not an image")])
def test_an_hdu_that_is_not_there(tmp_path: Path, hdu: int | str, says: str) -> None:
    path = write(tmp_path / "a.fits", fits.PrimaryHDU(), image(PLANE, "g"))
    with pytest.raises(UnreadableImage, match=says) as caught:
        read_file(path, ReadOptions(hdu=hdu))
    assert "1 G, image" in caught.value.hint


# cubes that are not bands


def test_spectral_axis_is_averaged_without_the_missing(tmp_path: Path) -> None:
    cube = np.stack([PLANE * i for i in range(4)])
    cube[0, 0, 0] = cube[1, 2, 3] = np.nan
    cutout = read_file(write(tmp_path / "a.fits", cube, CTYPE3="FREQ"))
    np.testing.assert_allclose(cutout.data[0], np.nanmean(cube, axis=0), rtol=1e-6)
    assert cutout.bands == ("",)


def test_many_planes_without_names_are_averaged_and_with_names_kept(tmp_path: Path) -> None:
    cube = np.stack([PLANE * i for i in range(7)])
    np.testing.assert_allclose(read_file(write(tmp_path / "a.fits", cube)).data, cube.mean(axis=0)[None], rtol=1e-6)
    assert read_file(write(tmp_path / "b.fits", cube, BANDS="ugrizyJ")).bands == tuple("ugrizyJ")


@pytest.mark.parametrize(("first", "step", "plane"), [(1.0, 1.0, 0), (-2.0, 1.0, 0), (3.0, -1.0, 2)])
def test_stokes_i_is_taken(tmp_path: Path, first: float, step: float, plane: int) -> None:
    path = write(tmp_path / "a.fits", CUBE[:, None], CTYPE4="STOKES", CRVAL4=first, CRPIX4=1.0, CDELT4=step)
    np.testing.assert_array_equal(read_file(path).data, CUBE[plane : plane + 1])


def test_colours_last_are_turned_round(tmp_path: Path) -> None:
    colour = np.moveaxis(np.stack([CUBE[:, :, :8]] * 1)[0], 0, -1)
    np.testing.assert_array_equal(
        read_file(write(tmp_path / "a.fits", np.ascontiguousarray(colour))).data, CUBE[:, :, :8]
    )


def test_two_possible_band_axes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="9 x 6 x 3 x 2 pixels, and more than one"):
        read_file(write(tmp_path / "a.fits", np.stack([CUBE, CUBE])))


# values


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(["u1", "i2", "i4", "i8", "f4", "f8"]),
    scale=st.sampled_from([None, 0.5, 2.922738]),
    zero=st.sampled_from([0.0, 32768.0, -3.25]),
    seed=st.integers(0, 2**31),
)
def test_any_type_and_scaling_gives_physical_float32(
    tmp_path_factory: pytest.TempPathFactory, kind: str, scale: float | None, zero: float, seed: int
) -> None:
    stored = np.random.default_rng(seed).integers(0, 100, (4, 7)).astype(kind)
    path = tmp_path_factory.mktemp("scaled") / "a.fits"
    cards = {} if scale is None else {"BSCALE": scale, "BZERO": zero}
    hdu = fits.PrimaryHDU(stored, do_not_scale_image_data=True)
    buffer = io.BytesIO()
    hdu.writeto(buffer)
    raw = buffer.getvalue()
    extra = b"".join(f"{key:8}= {value:20}".ljust(80).encode() for key, value in cards.items())
    end = raw.index(b"END".ljust(80))
    path.write_bytes(raw[:end] + extra + raw[end : 2880 - len(extra)] + raw[2880:])
    cutout = read_file(path)
    assert cutout.data.dtype == np.dtype("=f4")
    wanted = stored.astype(float) * (1 if scale is None else scale) + (0 if scale is None else zero)
    np.testing.assert_allclose(cutout.data[0], wanted, rtol=1e-6, atol=1e-5)


def test_unsigned_and_blank_integers(tmp_path: Path) -> None:
    np.testing.assert_array_equal(
        read_file(write(tmp_path / "u.fits", PLANE.astype(np.uint16) + 40000)).data[0], PLANE + 40000
    )
    cutout = read_file(write(tmp_path / "b.fits", PLANE.astype(np.int16), BLANK=5))
    assert np.isnan(cutout.data[0, 0, 5])
    assert cutout.flags == (NAN_PIXELS,)


def test_nan_and_infinity_become_nan_with_a_flag(tmp_path: Path) -> None:
    data = PLANE.astype(np.float64)
    data[0, 0], data[1, 1], data[2, 2] = np.nan, -np.inf, 1e300
    cutout = read_file(write(tmp_path / "a.fits", data))
    assert np.isnan(cutout.data[0, [0, 1, 2], [0, 1, 2]]).all()
    assert np.isnan(cutout.data).sum() == 3
    assert cutout.flags == (NAN_PIXELS,)


def test_blank_images(tmp_path: Path) -> None:
    assert read_file(write(tmp_path / "a.fits", np.full((5, 5), 3.0))).flags == (BLANK,)
    assert read_file(write(tmp_path / "b.fits", CUBE * 0 + 1)).flags == (BLANK,)
    with pytest.raises(UnreadableImage, match="no pixel with a value"):
        read_file(write(tmp_path / "c.fits", np.full((5, 5), np.nan)))


# position


@pytest.mark.parametrize(
    ("ctypes", "cards", "frame"),
    [
        (("RA---TAN", "DEC--TAN"), {}, "icrs"),
        (("RA---SIN", "DEC--SIN"), {"RADESYS": "ICRS"}, "icrs"),
        (("RA---TAN", "DEC--TAN"), {"RADESYS": "FK5", "EQUINOX": 1975.0}, "fk5"),
        (("RA---TAN", "DEC--TAN"), {"RADESYS": "FK4", "EQUINOX": 1950.0}, "fk4"),
        (("GLON-CAR", "GLAT-CAR"), {}, "galactic"),
        (("DEC--TAN", "RA---TAN"), {}, "swapped"),
    ],
)
def test_centre_is_icrs_whatever_the_frame(
    tmp_path: Path, ctypes: tuple[str, str], cards: dict[str, object], frame: str
) -> None:
    crval = (2.0, 150.0) if frame == "swapped" else (150.0, 2.0)
    cutout = read_file(write(tmp_path / "a.fits", PLANE, **wcs_cards(ctypes, crval), **cards))
    equinox = {"equinox": f"J{cards['EQUINOX']}"} if frame == "fk5" else {"equinox": "B1950"} if frame == "fk4" else {}
    there = SkyCoord(150, 2, unit="deg", frame="icrs" if frame == "swapped" else frame, **equinox).icrs
    here = SkyCoord(cutout.ra, cutout.dec, unit="deg")
    assert here.separation(there).arcsec < 0.05
    assert cutout.pixel_scale == pytest.approx(0.1, rel=2e-3)


@pytest.mark.parametrize(
    "cards",
    [
        {},
        {"CTYPE1": "LINEAR", "CTYPE2": "LINEAR", "CRVAL1": 1.0},
        {"CTYPE1": "RA---TAN", "CTYPE2": "GLAT-TAN"},
        {"CTYPE1": "RA---XYZ", "CTYPE2": "DEC--XYZ"},
        wcs_cards() | {"CDELT1": 0.0},
        wcs_cards() | {"CTYPE1": 7},
        wcs_cards() | {"CUNIT1": "furlong"},
    ],
)
def test_absent_or_bad_wcs_is_no_error(tmp_path: Path, cards: dict[str, object]) -> None:
    cutout = read_file(write(tmp_path / "a.fits", PLANE, **cards))
    assert (cutout.ra, cutout.dec, cutout.pixel_scale) == (None, None, None)
    np.testing.assert_array_equal(cutout.data[0], PLANE)


def test_header_only_promises_what_reading_gives(tmp_path: Path) -> None:
    path = write(tmp_path / "a.fits", CUBE, BANDS="grz", **wcs_cards())
    head, whole = (FitsReader().read(ImageFile.on_disk(path), ReadOptions(header_only=only)) for only in (True, False))
    assert (head.data.shape, head.data.dtype, head.bands) == (whole.data.shape, whole.data.dtype, whole.bands)
    assert (head.ra, head.dec, head.pixel_scale) == (whole.ra, whole.dec, whole.pixel_scale)
    Image.new("RGB", (9, 6)).save(tmp_path / "a.png")
    assert RasterReader().read(ImageFile.on_disk(tmp_path / "a.png"), ReadOptions(header_only=True)).data.shape == (
        3,
        6,
        9,
    )


# what is no image


def bytes_of(*units: object) -> bytes:
    buffer = io.BytesIO()
    fits.HDUList(list(units)).writeto(buffer)
    return buffer.getvalue()


TABLE = fits.BinTableHDU.from_columns([fits.Column("a", "E", array=np.arange(3.0))])


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.fits", b"", "is an empty file"),
        ("a.png", b"", "is an empty file"),
        ("a.fits", b"id,path\n1,a.png\n", "has the suffix of a fits image but is a text file"),
        ("a.jpg", b"\x00\x01\x02\x03", "has the suffix of a raster image but is something else"),
        ("a.xyz", b"\x00\x01\x02\x03", "is not an image in a known format"),
        ("a.fits", b"SIMPLE  =                    T", "is damaged"),
        ("a.fits.gz", b"\x1f\x8bnot really", "begins like gzip but cannot be decompressed"),
        (
            "a.fits.gz",
            gzip.compress(bytes_of(fits.PrimaryHDU(np.random.default_rng(1).random((60, 60)))))[:9000],
            "damaged or cut short",
        ),
        ("a.fits", bytes_of(fits.PrimaryHDU(PLANE))[:2950], "is cut short: its header promises 9 x 6 pixels"),
        ("a.fits", bytes_of(fits.PrimaryHDU(), TABLE), "contains only a table"),
        ("a.fits", bytes_of(fits.PrimaryHDU()), "without pixels"),
        ("a.fits", bytes_of(fits.PrimaryHDU(np.arange(9.0))), "one-dimensional array"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + b"\x00" * 40, "is damaged"),
        ("a.bmp", b"BMW is no bitmap", "is damaged"),
    ],
)
def test_one_plain_sentence_for_what_is_no_image(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnreadableImage) as caught:
        read_file(path)
    message = caught.value.message
    assert says in message and str(path) in message
    assert "\n" not in message and "Error" not in message and message.endswith(".")


def test_folder_missing_file_and_forbidden_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnreadableImage, match="is a folder"):
        read_file(tmp_path)
    with pytest.raises(UnreadableImage, match="There is no file"):
        read_file(tmp_path / "a.fits")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path / "b.fits", PLANE)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UnreadableImage, match="permission denied"):
        read_file(path)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_header_that_lies_costs_no_memory(tmp_path: Path, pack: object) -> None:
    content = bytes_of(fits.PrimaryHDU(PLANE))
    content = content.replace(b"NAXIS1  =                    9", b"NAXIS1  =              2000000")
    content = content.replace(b"NAXIS2  =                    6", b"NAXIS2  =                 2000")
    path = tmp_path / "a.fits"
    path.write_bytes(pack(content))
    tracemalloc.start()
    with pytest.raises(UnreadableImage, match="2000000 x 2000 pixels"):
        read_file(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_damage_raises_anything_else(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    sources = _sources()
    content = bytearray(sources[data.draw(st.sampled_from(sorted(sources)))])
    cut = data.draw(st.integers(1, len(content)))
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "a.fits"
    path.write_bytes(bytes(content[:cut]))
    try:
        cutout = read_file(path)
    except UnreadableImage as error:
        assert error.message.endswith(".") and "\n" not in error.message
    else:
        assert cutout.data.ndim == 3


_MADE: dict[str, bytes] = {}


def _sources() -> dict[str, bytes]:
    if not _MADE:
        several = bytes_of(fits.PrimaryHDU(), image(CUBE[0], "g", **wcs_cards()), image(CUBE[1], "r"), TABLE)
        picture = io.BytesIO()
        Image.fromarray(np.arange(600, dtype=np.uint8).reshape(10, 20, 3)).save(picture, "JPEG")
        tiff = io.BytesIO()
        Image.fromarray(PLANE).save(tiff, "TIFF", compression="tiff_lzw")
        _MADE.update(
            several=several,
            gzip=gzip.compress(several),
            compressed=bytes_of(fits.PrimaryHDU(), fits.CompImageHDU(PLANE.astype(np.int16))),
            jpeg=picture.getvalue(),
            tiff=tiff.getvalue(),
        )
    return _MADE


# the content decides


def test_content_decides_over_the_name(tmp_path: Path) -> None:
    write(tmp_path / "a.fits", PLANE)
    (tmp_path / "a.fits").rename(tmp_path / "a.png")
    cutout = read_file(tmp_path / "a.png")
    np.testing.assert_array_equal(cutout.data[0], PLANE)
    assert cutout.flags == (NAME_MISMATCH,)
    Image.fromarray(PLANE.astype(np.uint8)).save(tmp_path / "b.fits", "PNG")
    cutout = read_file(tmp_path / "b.fits")
    assert (cutout.unit, cutout.flags) == ("display", (NAME_MISMATCH,))


def test_a_picture_named_like_another_kind_of_picture(tmp_path: Path) -> None:
    Image.fromarray(PLANE.astype(np.uint8)).save(tmp_path / "a.jpg", "PNG")
    assert read_file(tmp_path / "a.jpg").flags == (NAME_MISMATCH,)
    Image.fromarray(PLANE.astype(np.uint8)).save(tmp_path / "a.dat", "PNG")
    assert read_file(tmp_path / "a.dat").flags == ()


def test_a_reader_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Module:
        @staticmethod
        def reader() -> object:
            class Npy:
                def read(self, file: ImageFile, options: ReadOptions) -> Cutout:
                    return Cutout(data=np.load(file.open())[None], bands=("",), source=file.name)

            return Npy()

    class Plugin:
        @hookimpl
        def register_readers(self) -> list[ReaderSpec]:
            return [ReaderSpec(name="npy", factory="npy_reader:reader", suffixes=(".npy",), magic=(b"\x93NUMPY",))]

    monkeypatch.setitem(sys.modules, "npy_reader", Module)
    registry = Registry(PluginManager([]))
    registry.plugins.register(Plugin(), "npy")
    np.save(tmp_path / "a.npy", PLANE)
    np.testing.assert_array_equal(read_file(tmp_path / "a.npy", registry=registry).data[0], PLANE)
    assert ".npy" in list_image_suffixes(registry)
    (tmp_path / "b.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(UnreadableImage, match="not supported by the npy reader"):
        read_file(tmp_path / "b.npy", registry=registry)


def test_suffixes() -> None:
    assert {".fits", ".fits.gz", ".fz", ".fts", ".png", ".jpeg", ".tif", ".webp"} <= set(list_image_suffixes())
    assert list(list_image_suffixes()) == sorted(set(list_image_suffixes()))


# pictures

CORNER = np.zeros((6, 9, 3), dtype=np.uint8)
CORNER[0, 0] = 200, 100, 50  # top left


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".webp", ".gif", ".tiff"])
def test_top_left_of_a_picture_is_the_last_row(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    Image.fromarray(CORNER).save(path, **({"lossless": True} if suffix == ".webp" else {}))
    cutout = read_file(path)
    assert (cutout.bands, cutout.unit, cutout.data.dtype) == (("R", "G", "B"), "display", np.uint8)
    assert cutout.data[:, -1, 0].tolist() == [200, 100, 50]
    assert cutout.data.sum() == 350


def test_jpeg(tmp_path: Path) -> None:
    Image.new("RGB", (32, 16), (200, 100, 50)).save(tmp_path / "a.jpeg", quality=100)
    cutout = read_file(tmp_path / "a.jpeg")
    assert cutout.data.shape == (3, 16, 32)
    np.testing.assert_allclose(cutout.data[:, 8, 8], [200, 100, 50], atol=2)
    assert cutout.flags == (BLANK,)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_every_mode_shows_its_picture(tmp_path: Path, mode: str) -> None:
    picture = Image.new("L", (4, 3), 0)
    picture.putpixel((1, 0), 255)
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    picture.convert("RGB").convert(mode).save(path)
    data = read_file(path).data
    assert data.shape == (1 if mode in ("1", "L", "LA") else 3, 3, 4)
    assert (data[:, 2, 1] >= 254).all()
    assert data[:, 0].max() <= 1


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGB"])
def test_transparent_pixels_lie_over_black(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.png"
    if mode == "RGB":
        Image.new("RGB", (2, 1), (250, 250, 250)).save(path, transparency=(250, 250, 250))
    elif mode == "P":
        Image.new("P", (2, 1), 0).save(path, transparency=b"\x00")
    else:
        Image.new(mode, (2, 1), (200, 0) if mode == "LA" else (200, 200, 200, 0)).save(path)
    assert read_file(path).data.max() == 0


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_become_eight(tmp_path: Path, suffix: str) -> None:
    values = np.array([[0, 257 * 7, 257 * 128, 65535]], dtype=np.uint16)
    path = tmp_path / f"a{suffix}"
    Image.fromarray(values).save(path)
    cutout = read_file(path)
    assert (cutout.data[0, 0].tolist(), cutout.unit) == ([0, 7, 128, 255], "display")


def test_float_tiff_is_measured(tmp_path: Path) -> None:
    values = PLANE / 7
    values[0, 0] = np.nan
    Image.fromarray(values).save(tmp_path / "a.tif")
    cutout = read_file(tmp_path / "a.tif")
    assert (cutout.unit, cutout.data.dtype, cutout.flags) == ("", np.float32, (NAN_PIXELS,))
    np.testing.assert_array_equal(cutout.data[0, ::-1], values)


def test_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("L", (4, 3), value) for value in (10, 200)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    cutout = read_file(tmp_path / "a.gif")
    assert (cutout.data == 10).all() and "FIRST_FRAME" in cutout.flags


def test_a_decompression_bomb_is_not_set_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("L", (40, 40)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert read_file(tmp_path / "a.png").data.shape == (1, 40, 40)  # large, but not beyond twice the limit
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(UnreadableImage, match="more pixels than a picture should have"):
        read_file(tmp_path / "a.png")


def test_a_picture_cut_short(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (50, 50), dtype=np.uint8)).save(buffer, "PNG")
    (tmp_path / "a.png").write_bytes(buffer.getvalue()[:1500])
    with pytest.raises(UnreadableImage, match="damaged or cut short"):
        read_file(tmp_path / "a.png")


# real files


@pytest.mark.shared_data
def test_every_real_fits_file_is_read(shared_data: Path) -> None:
    paths = sorted((shared_data / "fits").rglob("*.fits"))
    refused = {}
    for path in paths:
        try:
            cutout = read_file(path)
        except UnreadableImage as error:
            refused[path.name] = error.message
            continue
        assert cutout.data.dtype == np.dtype("=f4") and cutout.data.ndim == 3
        assert (cutout.ra is None) == ("ntt_emmi" in path.name)
    assert sorted(refused) == ["1904_comp.fits", "example_incomplete.fits"]
    assert "424 x 424 x 3" in refused["example_incomplete.fits"]
    assert "only a table" in refused["1904_comp.fits"]


@pytest.mark.shared_data
def test_real_positions_bands_and_scales(shared_data: Path) -> None:
    first = read_file(next((shared_data / "fits/radio_mirabest").glob("200_207.795*")))
    assert (first.ra, first.dec, first.pixel_scale) == pytest.approx((207.795, 7.4795, 1.8), abs=1e-3)
    cube = read_file(shared_data / "fits/decals_grz/example_a.fits")
    assert (cube.bands, cube.data.shape, cube.pixel_scale) == (("g", "r", "z"), (3, 424, 424), pytest.approx(0.1))
    sdss = read_file(shared_data / "fits/sdss_r/ngc3073_r.fits")  # NGC 3073: 10 00 52.1, +55 37 08 (NED)
    assert SkyCoord(sdss.ra, sdss.dec, unit="deg").separation(SkyCoord("10h00m52.1s", "+55d37m08s")).arcsec < 20
    assert (sdss.bands, sdss.pixel_scale) == (("r",), pytest.approx(0.396, abs=1e-3))


@pytest.mark.shared_data
def test_real_pictures_are_read(shared_data: Path) -> None:
    for pattern in ("optical_galaxy10_decals_samples/images/*.jpg", "radio_first_4class/valid/FRI/*.png"):
        for path in sorted(shared_data.glob(pattern))[:20]:
            cutout = read_file(path)
            assert cutout.unit == "display" and not cutout.flags and len(cutout.data) in (1, 3)
