"""Make the images of `loop.py`: simulated galaxies in each format, and sets of many of them."""

from __future__ import annotations

import gzip
import shutil
import tarfile
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
from astropy.io import fits
from PIL import Image

import galaxtool

FORMATS = (
    "fits-1x64", "fits-1x256", "fits-1x424", "fits-3x64", "fits-3x256", "fits-3x424", "fits.gz", "fits.fz", "jpg",
    "png", "hdf5", "tar",
)  # fmt: skip
"""Names of the formats: bands and side of FITS; 3 x 256 pixels where nothing is said, 424 pixels of JPG and PNG."""

_SIDES = {"fits-1x64": 64, "fits-3x64": 64, "fits-1x424": 424, "fits-3x424": 424, "jpg": 424, "png": 424}


class ImageSource:
    """Distinct images, from which sets of any number are made.

    Parameters
    ----------
    folder : Path
        Folder for the files.
    distinct : int
        Number of distinct images of each format.
    jpgs : sequence of Path
        Real JPGs to use instead of simulated ones.
    """

    def __init__(self, folder: Path, distinct: int, jpgs: Sequence[Path] = ()) -> None:
        self._folder, self._distinct, self._jpgs = folder, distinct, list(jpgs)

    def make_set(self, name: str, count: int) -> list[Path]:
        """Return what to name on the command line for `count` images of a format: a folder of links, or one file."""
        place = self._folder / f"{name}-{count}"
        files = self._make_files("fits-3x256" if name in ("hdf5", "tar") else name)
        place.mkdir(parents=True, exist_ok=True)
        if name == "hdf5":
            return [_write_stack(files, place / "stack.h5", count)]
        if name == "tar":
            return [_write_tar(files, place / "images.tar", count)]
        suffix = "".join(files[0].suffixes)
        for number in range(count):
            link = place / f"{number:07d}{suffix}"
            if not link.is_symlink():
                link.symlink_to(files[number % len(files)].resolve())
        return [place]

    def remove_set(self, name: str, count: int) -> None:
        """Remove what `make_set` made."""
        shutil.rmtree(self._folder / f"{name}-{count}", ignore_errors=True)

    def _make_files(self, name: str) -> list[Path]:
        """Return the distinct files of a format."""
        if name == "jpg" and self._jpgs:
            return self._jpgs
        folder = self._folder / f"distinct-{name}"
        if not folder.exists():
            folder.mkdir(parents=True)
            for source in self._simulate(_SIDES.get(name, 256), "png" if name in ("jpg", "png") else "fits"):
                _convert(source, name, folder)
        return sorted(folder.iterdir())

    def _simulate(self, side: int, kind: str) -> list[Path]:
        folder = self._folder / f"simulated-{kind}-{side}"
        if not folder.exists():
            galaxtool.simulate(output=folder, n=self._distinct, size=side, kind=kind)
        return sorted((folder / "images").iterdir())


def _convert(source: Path, name: str, folder: Path) -> None:
    """Write one simulated image in a format."""
    target = folder / f"{source.stem}.{name if name.startswith('fits.') else name.partition('-')[0]}"
    if name == "jpg":
        Image.open(source).convert("RGB").save(target, quality=90)
    elif name == "fits.gz":
        target.write_bytes(gzip.compress(source.read_bytes(), 6))
    elif name == "fits.fz":
        with fits.open(source) as opened:
            fits.CompImageHDU(opened[0].data, opened[0].header, tile_shape=(1, 256, 256)).writeto(target)
    elif name.startswith("fits-1x"):
        with fits.open(source) as opened:
            header = opened[0].header
            for key in ("BANDS", "FILTER1", "FILTER2", "FILTER3"):
                del header[key]
            header["FILTER"] = "r"
            fits.PrimaryHDU(opened[0].data[1], header).writeto(target)
    else:
        shutil.copyfile(source, target)


def _write_stack(files: Sequence[Path], path: Path, count: int) -> Path:
    """Write an HDF5 stack of images with positions."""
    if path.exists():
        return path
    images = np.stack([np.asarray(fits.getdata(file), dtype=np.float32) for file in files])
    with h5py.File(path, "w") as file:
        array = file.create_dataset("images", (count, *images.shape[1:]), np.float32)
        array.attrs["bands"], array.attrs["unit"] = ["g", "r", "z"], "nanomaggy"
        for start in range(0, count, len(images)):
            array[start : start + len(images)] = images[: count - start]
        file["ra"], file["dec"] = np.linspace(0, 359, count), np.linspace(-30, 30, count)
    return path


def _write_tar(files: Sequence[Path], path: Path, count: int) -> Path:
    if path.exists():
        return path
    with tarfile.open(path, "w") as archive:
        for number in range(count):
            archive.add(files[number % len(files)], arcname=f"{number:07d}.fits")
    return path
