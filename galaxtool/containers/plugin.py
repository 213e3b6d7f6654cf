"""The built-in containers."""

from __future__ import annotations

from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import ContainerSpec

_TAR = ContainerSpec(
    name="tar",
    summary="tar archives, plain or packed by gzip, bzip2, xz or Zstandard; nothing is unpacked to disk",
    factory="galaxtool.containers.tar:TarContainer",
    suffixes=(
        ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz", ".tar.zst", ".tzst", ".tar.lzma",
        ".tar.z",
    ),
    magic=(b"ustar",),
    offsets=(257,),
)  # fmt: skip
_ZIP = ContainerSpec(
    name="zip",
    summary="zip archives; nothing is unpacked to disk",
    factory="galaxtool.containers.zip:ZipContainer",
    suffixes=(".zip",),
    magic=(b"PK\x03\x04", b"PK\x05\x06"),
)
_HDF5 = ContainerSpec(
    name="hdf5",
    summary="HDF5 stacks: an array images of (N, ny, nx), (N, ny, nx, 3) or (N, bands, ny, nx)",
    factory="galaxtool.containers.hdf5.container:Hdf5Container",
    suffixes=(".h5", ".hdf5", ".hdf", ".he5"),
    magic=(b"\x89HDF\r\n\x1a\n",),
    offsets=(0, 512, 1024, 2048),
)
_NUMPY = ContainerSpec(
    name="numpy",
    summary="NumPy stacks: an array of (N, ny, nx), (N, ny, nx, 3) or (N, bands, ny, nx) in .npy, or images in .npz",
    factory="galaxtool.containers.numpy_stack:NumpyContainer",
    suffixes=(".npy", ".npz"),
    magic=(b"\x93NUMPY", b"PK\x03\x04"),  # an .npz is a zip
)
_HDUS = ContainerSpec(
    name="fits-hdus",
    summary="FITS files with an object in each HDU; used only on request, because HDUs may also be bands",
    factory="galaxtool.containers.hdus:HduContainer",
    suffixes=(),
)

_PARQUET = ContainerSpec(
    name="parquet-images",
    summary="Parquet files with an image in each cell of a column, as Hugging Face publishes data sets",
    factory="galaxtool.containers.parquet_images:ParquetImages",
    suffixes=(),
)
_FITS_CELLS = ContainerSpec(
    name="fits-cells",
    summary="FITS tables with an image in each cell of a column, such as VIGNET of SExtractor",
    factory="galaxtool.containers.fits_cells:FitsCells",
    suffixes=(),
)


@hookimpl
def register_containers() -> list[ContainerSpec]:
    return [_TAR, _ZIP, _HDF5, _NUMPY, _HDUS, _PARQUET, _FITS_CELLS]
