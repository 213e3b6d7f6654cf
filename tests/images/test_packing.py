"""Files that were packed as a whole, and files that are no images at all."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import fits
from PIL import Image

import galaxtool
from galaxtool.containers.find import find_container_name
from galaxtool.containers.reading import read_image
from galaxtool.cutting.images import read_images
from galaxtool.cutting.open_images import OpenImage
from galaxtool.cutting.sources import ImageSource
from galaxtool.errors import GalaxtoolError, UnreadableImage
from galaxtool.images.content import describe_content
from galaxtool.inputs.gather import gather

PACK = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda content: lzma.compress(content, format=lzma.FORMAT_ALONE),
    "zst": lambda content: pa.Codec("zstd").compress(content, asbytes=True),
}
PIXELS = np.random.default_rng(1).normal(size=(200, 200)).astype(np.float32)  # packs badly, so takes several blocks


def fits_bytes(compress=False):
    header = fits.Header({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0})
    header.update({"CRPIX1": 100.5, "CRPIX2": 100.5, "CDELT1": -1e-4, "CDELT2": 1e-4})
    hdus = [fits.PrimaryHDU(PIXELS, header)]
    if compress:
        hdus = [fits.PrimaryHDU(), fits.CompImageHDU(PIXELS, header, compression_type="GZIP_1")]
    buffer = io.BytesIO()
    fits.HDUList(hdus).writeto(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize("name", ["frame.fits.{}", "frame.fits", "frame.fits.gz"])
def test_packed_fits_is_read_whatever_its_name(tmp_path, name, suffix):
    path = tmp_path / name.format(suffix)
    path.write_bytes(PACK[suffix](fits_bytes()))
    cutout = read_image(path)
    np.testing.assert_array_equal(cutout.data[0], PIXELS)
    assert cutout.ra == pytest.approx(150) and cutout.source == str(path)


@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize("compress", [False, True])
def test_cutouts_from_packed_fits(tmp_path, suffix, compress):
    path = tmp_path / f"frame.fits.{suffix}"
    path.write_bytes(PACK[suffix](fits_bytes(compress)))
    (image,) = read_images(ImageSource(path))
    opened = OpenImage(image.ref)
    np.testing.assert_allclose(opened.box(20, 40, 30, 60), PIXELS[20:40, 30:60], atol=0.1 * compress)
    opened.close()


@pytest.mark.parametrize("suffix", ["gz", "bz2", "zst"])
def test_packed_twice_and_packed_pictures(tmp_path, suffix):
    (tmp_path / "a.fits.gz").write_bytes(PACK[suffix](gzip.compress(fits_bytes())))
    np.testing.assert_array_equal(read_image(tmp_path / "a.fits.gz").data[0], PIXELS)
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (1, 2, 3)).save(buffer, "PNG")
    (tmp_path / "a.png").write_bytes(PACK[suffix](buffer.getvalue()))
    assert read_image(tmp_path / "a.png").data[:, 0, 0].tolist() == [1, 2, 3]


@pytest.mark.parametrize("suffix", PACK)
def test_packed_archives_of_packed_files(tmp_path, suffix):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        content = PACK[suffix](fits_bytes())
        member = tarfile.TarInfo(f"a.fits.{suffix}")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    for name in (f"a.tar.{suffix}", "download"):  # the suffix, or the content alone
        (tmp_path / name).write_bytes(PACK[suffix](buffer.getvalue()))
        assert find_container_name(tmp_path / name) == "tar"
        (item,) = gather([tmp_path / name]).items
        assert item.id == "a"
        np.testing.assert_array_equal(read_image(item.ref).data[0], PIXELS)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packed_members_of_zip_archives(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        archive.writestr("a.fits.bz2", bz2.compress(fits_bytes()))
    np.testing.assert_array_equal(read_image(f"{tmp_path / 'a.zip'}[a.fits.bz2]").data[0], PIXELS)


def test_folders_list_packed_images_and_not_packed_tables(tmp_path):
    (tmp_path / "frame.fits.bz2").write_bytes(bz2.compress(fits_bytes()))
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns([fits.Column("a", "J", array=[1])])]).writeto(buffer)
    (tmp_path / "table.fits.bz2").write_bytes(bz2.compress(buffer.getvalue()))
    found = gather([tmp_path])
    assert [item.id for item in found.items] == ["frame"] and found.skipped == {"FITS table": 1}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.fits.Z", b"\x1f\x9d\x90" + bytes(99), "is packed by compress (unpack it first with uncompress)"),
        ("a.fits", b"7z\xbc\xaf\x27\x1c" + bytes(99), "is packed by 7-Zip (unpack it first with 7z x)"),
        ("a.rar", b"Rar!\x1a\x07\x01\x00" + bytes(99), "is packed by RAR (unpack it first with unrar x)"),
        ("a.fits", b"\n<!DOCTYPE html>\n<html>", "is a web page (HTML)"),
        ("a.jpg", b"\xef\xbb\xbf<html lang='en'>", "is a web page (HTML)"),
        ("a.fits.gz", gzip.compress(b"<html><body>Login", mtime=0), "is a web page (HTML)"),
        ("a.zip", b"<html>", "is a web page (HTML), not a zip archive"),
        ("a.tar.gz", b"<html>", "is a web page (HTML), not a tar archive"),
        ("a.npz", b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS (git lfs pull fetches"),
        ("a.npy", b"<html>", "is a web page (HTML), not a NumPy file"),
        ("a.h5", b"<html>", "is a web page (HTML), not an HDF5 file"),
        ("a.fits", b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "is an XML document"),
        ("a.fits", b'{"detail": "Not found"}', "is JSON"),
        ("a.png", b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS (git lfs pull fetches"),
        ("a.png", b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X" + bytes(99), "is a macOS resource fork"),
        ("a.fits", bytes(2880), "is nothing but zeros"),
        ("a.heic", b"\x00\x00\x00\x18ftypheic" + bytes(99), "is an HEIC image, not an image in a known format"),
        ("a.jxl", b"\xff\x0a" + bytes(99), "is a JPEG XL image, not an image in a known format"),
        ("a.fits.bz2", bz2.compress(fits_bytes())[:9000], "begins like bzip2 but cannot be decompressed"),
    ],
)
def test_files_that_are_no_images_are_named(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    (item,) = gather([tmp_path / name]).items
    with pytest.raises(UnreadableImage) as caught:
        read_image(item.ref)
    assert said in caught.value.message


def test_a_packed_bomb_is_not_unpacked_into_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("galaxtool.images.packing.LARGEST_IN_MEMORY", 1 << 16)
    monkeypatch.setattr("galaxtool.images.fits.bounded_stream._MOST_UNPACKED", 1 << 17)
    header = fits_bytes()[:2880].replace(b"NAXIS2  =                  200", b"NAXIS2  =              9000000")
    (tmp_path / "a.fits.bz2").write_bytes(bz2.compress(header + bytes(1 << 20)))
    with pytest.raises(UnreadableImage):
        read_image(tmp_path / "a.fits.bz2")


def test_cutouts_name_what_is_not_fits(tmp_path):
    (tmp_path / "a.fits").write_bytes(b"<html>")
    (tmp_path / "c.csv").write_text("id,ra,dec\na,150,2\n")
    with pytest.raises(GalaxtoolError, match=r"is a web page \(HTML\), not a FITS file"):
        galaxtool.cutouts([tmp_path / "a.fits", tmp_path / "c.csv"], output=tmp_path / "out", size=32)


def test_unknown_bytes_have_no_name():
    assert describe_content(b"\x01\x02\x03") == ("", "")


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz"])
def test_pixels_of_a_corrupt_file_are_not_used(tmp_path, monkeypatch, suffix, small):
    if not small:
        monkeypatch.setattr("galaxtool.images.image_file._SMALL", 1000)
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.int16)
    buffer = io.BytesIO()
    images = [fits.ImageHDU(pixels, name=name) for name in ("SCI", "WHT")]
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto(buffer)
    packed = PACK[suffix](buffer.getvalue())
    path = tmp_path / f"a.fits.{suffix}"
    for place in np.random.default_rng(1).integers(100, len(packed) - 9, 6):
        content = bytearray(packed)
        content[place] ^= 4
        path.write_bytes(content)
        with pytest.raises(UnreadableImage, match=r"is damaged|is something else"):
            read_image(path)
    path.write_bytes(packed)
    np.testing.assert_array_equal(read_image(path).data[0], pixels)


def test_an_image_in_front_of_the_missing_end_of_a_packed_file_is_read(tmp_path):
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, 200_000).astype(np.uint8)
    fits.HDUList([fits.PrimaryHDU(PIXELS), fits.ImageHDU(noise)]).writeto(buffer)
    path = tmp_path / "a.fits.gz"
    path.write_bytes(gzip.compress(buffer.getvalue())[:-50_000])
    np.testing.assert_array_equal(read_image(path).data[0], PIXELS)


def test_tables_and_mosaics_that_are_corrupt_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = fits.BinTableHDU.from_columns(
        [fits.Column("ra", "D", array=np.full(999, 150.0)), fits.Column("dec", "D", array=np.full(999, 2.0))]
    )
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(buffer)
    for name, content in (("table", buffer.getvalue()), ("field", fits_bytes())):
        packed = bytearray(gzip.compress(content))
        (tmp_path / f"good_{name}.fits.gz").write_bytes(packed)
        packed[-8] ^= 1  # the checksum
        (tmp_path / f"{name}.fits.gz").write_bytes(packed)
    with pytest.raises(GalaxtoolError, match=r"'table.fits.gz' cannot be read: CRC check failed"):
        galaxtool.cutouts(["good_field.fits.gz", "table.fits.gz"], output=tmp_path / "out", size=8)
    monkeypatch.setattr("galaxtool.images.image_file._SMALL", 1000)
    with pytest.raises(GalaxtoolError, match="No pixels could be read"):
        galaxtool.cutouts(["field.fits.gz", "good_table.fits.gz"], output=tmp_path / "out", size=8)
    assert "CRC check failed" in (tmp_path / "out" / "cutouts.csv").read_text()
