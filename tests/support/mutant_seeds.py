"""Small files of every kind that galaxtool reads, from which mutants are made; the same each time."""

from __future__ import annotations

import bz2
import functools
import gzip
import io
import lzma
import re
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from PIL import Image

from galaxtool.tables.write import write_table

SIDE = 24
_DATED = re.compile(rb"(\x1f\x8b\x08\x00).{4}", re.DOTALL)  # gzip data in tiles, which include the time of day
PACKERS: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "gz": (functools.partial(gzip.compress, mtime=0), gzip.decompress),
    "bz2": (bz2.compress, bz2.decompress),
    "xz": (lzma.compress, lzma.decompress),
}
"""Functions that pack and unpack a file, by the last suffix of its name."""


def make_pixels(*shape: int, seed: int = 1) -> np.ndarray:
    """Return a blob with noise, float32, from about 0 to 1, of shape (..., ny, nx)."""
    y, x = np.mgrid[: shape[-2], : shape[-1]] - np.array(shape[-2:])[:, None, None] / 2
    noise = np.random.default_rng(seed).normal(0, 0.02, shape)
    return (np.exp(-np.hypot(x, y) / 4) + noise).astype(np.float32)


@functools.cache
def make_images() -> dict[str, bytes]:
    """Return files with a single image by name: FITS files and pictures."""
    plane, wcs = make_pixels(SIDE, SIDE), _make_wcs_header()
    whole = (plane * 1000).astype(np.int16)
    gaps = plane.copy()
    gaps[:3] = np.nan
    scaled = fits.PrimaryHDU(whole)
    scaled.scale("int16", bscale=0.5, bzero=10)
    scaled.header["BLANK"] = -32768
    primary = fits.PrimaryHDU()
    units = [fits.ImageHDU(make_pixels(SIDE, SIDE, seed=i), wcs, name=band) for i, band in enumerate("grz")]
    masked = [primary, fits.ImageHDU(plane, wcs, name="SCI"), fits.ImageHDU(whole, name="MASK"), _make_table_hdu()]
    cards = wcs.copy()
    cards["BANDS"] = "grz"
    made = {
        "plain.fits": _encode_fits(fits.PrimaryHDU(gaps, wcs)),
        "scaled.fits": _encode_fits(scaled),
        "unsigned.fit": _encode_fits(fits.PrimaryHDU(whole.astype(np.uint16))),
        "cube.fits": _encode_fits(fits.PrimaryHDU(make_pixels(3, SIDE, SIDE), cards)),
        "bands.fts": _encode_fits(primary, *units),
        "masked.fits": _encode_fits(*masked),
        "packed.fits.gz": gzip.compress(_encode_fits(primary, *units), mtime=0),
    }
    for kind in ("RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1"):
        data = np.abs(whole) if kind == "PLIO_1" else whole if kind != "GZIP_2" else plane
        packed = _encode_fits(primary, fits.CompImageHDU(data, wcs, compression_type=kind))
        made[f"{kind.lower()}.fits.fz"] = _DATED.sub(rb"\1\0\0\0\0", packed)
    gray = np.clip(plane * 200, 0, 255).astype(np.uint8)
    light = Image.fromarray(np.stack([gray, gray // 2, 255 - gray], axis=-1))
    deep = Image.fromarray((plane.clip(0, 1) * 60000).astype(np.uint16))
    frames = [Image.fromarray(gray), Image.fromarray(255 - gray)]
    pictures: dict[str, tuple[Image.Image, dict[str, object]]] = {
        "gray.png": (Image.fromarray(gray), {}),
        "colour.png": (light, {}),
        "deep.png": (deep, {}),
        "alpha.png": (light.convert("RGBA"), {}),
        "palette.png": (light.convert("P"), {"transparency": 3}),
        "bits.png": (Image.fromarray(gray).convert("1"), {}),
        "colour.jpg": (light, {"quality": 90}),
        "gray.jpeg": (Image.fromarray(gray), {}),
        "cmyk.jpg": (light.convert("CMYK"), {}),
        "steps.jpg": (light, {"progressive": True}),
        "gray.tif": (Image.fromarray(gray), {}),
        "deep.tiff": (deep, {}),
        "float.tif": (Image.fromarray(plane), {}),
        "lzw.tif": (light, {"compression": "tiff_lzw"}),
        "colour.webp": (light, {"lossless": True}),
        "lossy.webp": (light.convert("RGBA"), {}),
        "colour.bmp": (light, {}),
        "palette.bmp": (light.convert("P"), {}),
        "frames.gif": (frames[0], {"save_all": True, "append_images": frames[1:]}),
    }
    return made | {name: _encode_picture(picture, name, **options) for name, (picture, options) in pictures.items()}


@functools.cache
def make_containers() -> dict[str, bytes]:
    """Return files with many images by name: archives with members of several kinds, and stacks."""
    members = {
        f"set/{name}": make_images()[name] for name in ("plain.fits", "packed.fits.gz", "gray.png", "colour.jpg")
    }
    members |= {"../../up.png": make_images()["deep.png"], "labels.csv": b"path,label\nset/gray.png,a\n"}
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    stack = np.clip(make_pixels(5, 16, 16)[..., None] * [250, 200, 150], 0, 255).astype(np.uint8)
    made = {
        "archive.tar": tar.getvalue(),
        "stack.npy": _encode_npy(make_pixels(5, 16, 16)),
        "bands.npy": _encode_npy(make_pixels(4, 3, 9, 9)),
    }
    made |= {f"archive.tar.{end}": pack(tar.getvalue()) for end, (pack, _) in PACKERS.items()}
    for name, method in (("archive.zip", zipfile.ZIP_DEFLATED), ("stored.zip", zipfile.ZIP_STORED)):
        made[name] = make_zip(members, method)
    columns = {"id": np.arange(5) + 100, "ra": np.linspace(0, 359, 5), "dec": np.linspace(-90, 90, 5)}
    arrays = {f"{name}.npy": _encode_npy(array) for name, array in {"images": stack, **columns}.items()}
    made["stack.npz"] = make_zip(arrays, zipfile.ZIP_STORED)
    made["packed.npz"] = make_zip(arrays, zipfile.ZIP_DEFLATED)
    for name, options in (("stack.h5", {}), ("packed.hdf5", {"chunks": (2, 16, 16, 3), "compression": "gzip"})):
        buffer = io.BytesIO()
        with h5py.File(buffer, "w", track_order=False) as file:
            file.create_dataset("images", data=stack, track_times=False, **options)
            file["images"].attrs.update({"bands": "grz", "pixel_scale": 0.3})
            for column, values in columns.items():
                file.create_dataset(column, data=values, track_times=False)
        made[name] = buffer.getvalue()
    return made


@functools.cache
def make_catalogues() -> dict[str, bytes]:
    """Return catalogues in every format, whose rows refer to ``good/0.png`` to ``good/5.png``."""
    table = Table({"id_str": [f"00{i}" for i in range(6)], "file_loc": [f"good/{i}.png" for i in range(6)]})
    table["ra"] = MaskedColumn([0.0, 359.99, 1, 2, 3, 4], mask=[0, 0, 0, 1, 0, 0], unit="deg")
    table["dec"] = MaskedColumn([-90.0, 90, 1, -99, 3, 4], unit="deg")
    table["number"] = np.arange(6) - (1 << 62)
    table["note"] = ["", "é\n", '"', ",", "\t", " "]
    table["odd"] = [True, False] * 3
    made = {}
    with tempfile.TemporaryDirectory() as folder:
        for suffix in (".csv", ".ecsv", ".fits", ".vot", ".parquet", ".csv.gz"):
            path = Path(folder) / f"catalogue{suffix}"
            write_table(table, path)
            made[path.name] = path.read_bytes()
    return made


@functools.cache
def make_tables_of_pictures() -> dict[str, bytes]:
    """Return tables whose cells are images: FITS with an array in each row, and Parquet with a picture in each."""
    cells = make_pixels(5, 16, 16)
    columns = [
        fits.Column("id", "K", array=np.arange(5)),
        fits.Column("ra", "D", array=np.linspace(0, 359, 5)),
        fits.Column("dec", "D", array=np.linspace(-90, 90, 5)),
        fits.Column("image", "256E", dim="(16,16)", array=cells),
    ]
    table = fits.BinTableHDU.from_columns(columns)
    pictures = [make_images()[name] for name in ("gray.png", "colour.jpg", "colour.png")]
    rows = {"image": [{"bytes": content, "path": f"{n}.png"} for n, content in enumerate(pictures)], "id": [1, 2, 3]}
    stream = io.BytesIO()
    pq.write_table(pa.table(rows), stream)
    return {"cells.fits": _encode_fits(fits.PrimaryHDU(), table), "pictures.parquet": stream.getvalue()}


def make_zip(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a ZIP archive of the given files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return buffer.getvalue()


def _make_wcs_header() -> fits.Header:
    header = fits.Header()
    header.update({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 359.9999, "CRVAL2": -60.0})
    header.update({"CRPIX1": 12.5, "CRPIX2": 12.5, "CDELT1": -0.3 / 3600, "CDELT2": 0.3 / 3600})
    header.update({"FILTER": "r", "BUNIT": "nanomaggy", "SATURATE": 60000.0})
    return header


def _make_table_hdu() -> fits.BinTableHDU:
    columns = [fits.Column("a", "E", array=np.arange(3.0)), fits.Column("b", "PJ()", array=np.array([[1], [2], [3]]))]
    return fits.BinTableHDU.from_columns(columns)


def _encode_fits(*units: object) -> bytes:
    buffer = io.BytesIO()
    fits.HDUList(list(units)).writeto(buffer)
    return buffer.getvalue()


def _encode_picture(picture: Image.Image, name: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, Image.registered_extensions()[Path(name).suffix], **options)
    return buffer.getvalue()


def _encode_npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()
