"""Classify images the plain way: numpy, Pillow and ONNX Runtime in two processes, without checks; write a CSV file.

    python benchmarks/loop_plain.py FOLDER --model model.onnx --size 96 --crop 0.55 -o predictions.csv

A FITS file is read whole, its bytes are swapped by numpy, and Pillow shrinks the central square of each band, without
a stretch: the largest value is white. There are no positions, no tests for missing values and no flags.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import multiprocessing
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import onnxruntime
from PIL import Image

BATCH, PROCESSES = 64, 2
_END = b"END".ljust(80)
_BLOCK = 2880


@dataclass(frozen=True)
class Square:
    """The square that a model sees: side in pixels, and the share of the image that is kept."""

    size: int
    crop: float

    def cut(self, image: Image.Image, extent: tuple[float, float]) -> np.ndarray:
        """Return the central square of an image, of which `extent`, (width, height), is filled."""
        side = min(extent) * self.crop
        left, top = (extent[0] - side) / 2, (extent[1] - side) / 2
        box = (left, top, left + side, top + side)
        return np.asarray(image.resize((self.size, self.size), Image.Resampling.BICUBIC, box=box))


@dataclass(frozen=True)
class Place:
    """Where an image is: a file, and a row of a stack or the offset and length of a member of an archive."""

    path: Path
    start: int = 0
    length: int = -1


def list_places(inputs: Sequence[Path]) -> list[Place]:
    """Return the images in folders, stacks and archives."""
    places: list[Place] = []
    for path in inputs:
        if path.is_dir():
            places += [Place(file) for file in sorted(path.iterdir())]
        elif path.suffix == ".h5":
            with h5py.File(path) as file:
                places += [Place(path, row) for row in range(len(file["images"]))]
        else:
            with tarfile.open(path) as archive:
                places += [Place(path, member.offset_data, member.size) for member in archive]
    return places


def read(place: Place) -> Any:
    """Return the bytes of an image, or the row of a stack."""
    if place.path.suffix == ".h5":
        return _open_stack(place.path)[place.start]
    with place.path.open("rb") as stream:
        stream.seek(place.start)
        return stream.read(place.length)


def decode(content: Any, place: Place, square: Square) -> Any:
    """Return float32 planes of measured data, or an open picture in colours and its size."""
    name = place.path.name
    if name.endswith((".jpg", ".png")):
        image = Image.open(io.BytesIO(content))
        width, height = image.size
        if name.endswith(".jpg"):
            least = round(1.5 * square.size / square.crop)
            image.draft("RGB", (least, least))
        image = image.convert("RGB")
        scale = max(1, round(width / image.width))
        return image, (width / scale, height / scale)
    if isinstance(content, np.ndarray):
        return content
    if name.endswith(".fz"):
        from astropy.io import fits

        return np.asarray(fits.getdata(io.BytesIO(content)), dtype=np.float32)
    return swap(gzip.decompress(content) if name.endswith(".gz") else content)


def swap(content: bytes) -> np.ndarray:
    """Return the array behind the first header of a FITS file as native floats."""
    end = content.find(_END)
    cards = {content[i : i + 8].strip(): content[i + 10 : i + 30] for i in range(0, end, 80)}
    shape = [int(cards[b"NAXIS%d" % axis]) for axis in range(int(cards[b"NAXIS"]), 0, -1)]
    start = -(-(end + 80) // _BLOCK) * _BLOCK
    data = np.frombuffer(content, ">f4", int(np.prod(shape)), start).astype(np.float32)
    return data.reshape(-1, *shape[-2:])


def shrink(decoded: Any, square: Square) -> np.ndarray:
    """Return the central square, uint8 (size, size, 3)."""
    if isinstance(decoded, tuple):
        return square.cut(*decoded)
    bands, ny, nx = decoded.shape
    planes = [square.cut(Image.fromarray(plane), (nx, ny)) for plane in decoded]
    shown = np.stack(planes if bands == 3 else planes * 3, axis=-1)[::-1]
    return (np.clip(shown / shown.max(), 0, 1) * 255).astype(np.uint8)


def normalize(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Return the input of the network, with a mean and a standard deviation of 0.5."""
    images = np.stack(pictures).transpose(0, 3, 1, 2).astype(np.float32, order="C")
    images *= np.float32(1 / 127.5)
    images -= 1
    return images


def open_model(path: Path, threads: int = 1) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from images to probabilities."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda images: session.run(["probabilities"], {"image": images})[0]


_stacks: dict[Path, Any] = {}
_models: list[Callable[[np.ndarray], np.ndarray]] = []


def _open_stack(path: Path) -> Any:
    if path not in _stacks:
        _stacks[path] = h5py.File(path)["images"]
    return _stacks[path]


def _start(model: Path) -> None:
    _models.append(open_model(model))


def _score(square: Square, places: Sequence[Place]) -> np.ndarray:
    pictures = [shrink(decode(read(place), place, square), square) for place in places]
    return _models[0](normalize(pictures))


def main() -> None:
    """Classify the images and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inputs", type=Path, nargs="+", help="folders, HDF5 stacks or tar archives")
    parser.add_argument("--model", type=Path, required=True, help="ONNX file")
    parser.add_argument("--size", type=int, required=True, help="side of the model's pictures in pixels")
    parser.add_argument("--crop", type=float, default=1.0, help="share of the image that is kept")
    parser.add_argument("-o", dest="output", type=Path, default=Path("predictions.csv"), help="CSV file to write")
    options = parser.parse_args()
    places = list_places(options.inputs)
    batches = [places[start : start + BATCH] for start in range(0, len(places), BATCH)]
    score = partial(_score, Square(options.size, options.crop))
    with (
        options.output.open("w", newline="") as stream,
        multiprocessing.Pool(PROCESSES, initializer=_start, initargs=(options.model,)) as pool,
    ):
        writer = csv.writer(stream)
        for batch, probabilities in zip(batches, pool.imap(score, batches), strict=True):
            for place, row in zip(batch, probabilities.tolist(), strict=True):
                writer.writerow([place.path, place.start, row.index(max(row)), *row])


if __name__ == "__main__":
    main()
