"""Boxes in the format of YOLO: a text file for each image, with a class and a box in shares of the image in a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from galaxtool import InputError, open_map, read_regular_text
from galaxtool_detect.boxes import DetectionSet
from galaxtool_detect.datasets.annotated import make_annotated_set
from galaxtool_detect.datasets.images import IMAGE_SUFFIXES, Annotation

SETTINGS = ("data.yaml", "data.yml", "dataset.yaml")
LABELS = "labels"
_SPLITS = {"train": "train", "valid": "valid", "val": "valid", "test": "test"}
_LARGEST = 1 << 20
_COLUMNS = 5
_SLACK = 1e-3  # labels are rounded


@dataclass(frozen=True)
class _Settings:
    """What data.yaml says: the folder of images of each split, and the names of the classes."""

    folders: dict[str, Path]
    classes: tuple[str, ...]


def read_yolo(path: Path, images: Path | None = None) -> DetectionSet:
    """Read boxes in the format of YOLO.

    Parameters
    ----------
    path : Path
        Folder with ``images/`` and ``labels/``, which may have folders for the splits, or ``data.yaml``.
    images : Path, optional
        Folder of the images, if not the one beside the labels.

    Raises
    ------
    InputError
        If a line is not a class and four shares, a box lies outside its image, or images are missing.
    """
    folder = path.parent if path.is_file() else path
    file = path if path.is_file() else next((folder / name for name in SETTINGS if (folder / name).is_file()), None)
    settings = _read_settings(file, folder) if file is not None else _Settings({}, ())
    found = list(_find_labels(folder, images, settings))
    if not found:
        raise InputError(
            f"'{path}' has no labels of YOLO.", hint="They are text files in a folder 'labels' beside 'images'."
        )
    read = [(split, label, image, _read_lines(label)) for split, label, image in found]
    highest = max((int(rows[:, 0].max()) for *_, rows in read if len(rows)), default=0)
    classes = settings.classes or _read_names(folder) or tuple(f"class {i}" for i in range(highest + 1))
    if highest >= len(classes):
        raise InputError(
            f"'{path}' has boxes of class {highest}, but names of only {len(classes)} classes.",
            hint="Add the missing names to data.yaml.",
        )
    annotations = [(split, _make_annotation(label, image, rows)) for split, label, image, rows in read]
    return make_annotated_set(folder.name, classes, annotations)


def _find_labels(folder: Path, images: Path | None, settings: _Settings) -> Iterator[tuple[str, Path, Path]]:
    """Yield split, labels and image; images without labels have no boxes."""
    pairs = [("", folder / "images", folder / LABELS)]
    for word, split in _SPLITS.items():
        pairs.append((split, folder / "images" / word, folder / LABELS / word))
        pairs.append((split, folder / word / "images", folder / word / LABELS))
    for split, one in settings.folders.items():
        parts = [LABELS if part == "images" else part for part in one.parts]
        pairs.append((split, one, Path(*parts)))
    seen: set[Path] = set()
    for split, pictures, labels in pairs:
        if not labels.is_dir():
            continue
        place = images if images is not None else pictures
        for image in sorted(place.iterdir()) if place.is_dir() else ():
            suffix = next((one for one in IMAGE_SUFFIXES if image.name.lower().endswith(one)), "")
            if suffix and image.is_file() and image not in seen:
                seen.add(image)
                yield split, labels / f"{image.name[: -len(suffix)]}.txt", image


def _read_lines(label: Path) -> np.ndarray:
    """Return class, centre and size of each box, shape (N, 5)."""
    if not label.is_file():
        return np.zeros((0, _COLUMNS))
    rows = []
    for number, line in enumerate(label.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            values = [float(word) for word in line.split()]
            if len(values) < _COLUMNS or not np.isfinite(values).all() or values[0] != int(values[0]) or values[0] < 0:
                raise ValueError
        except (ValueError, OverflowError) as error:
            raise InputError(
                f"Line {number} of '{label}' is not a box of YOLO: '{line.strip()[:60]}'.",
                hint="A line has the number of a class, and x, y, width and height as shares of the image.",
            ) from error
        rows.append(_outline(values) if len(values) > _COLUMNS + 1 else values[:_COLUMNS])
    boxes = np.array(rows, float).reshape(-1, _COLUMNS)
    low, high = boxes[:, 1:3] - boxes[:, 3:5] / 2, boxes[:, 1:3] + boxes[:, 3:5] / 2
    if (high < -_SLACK).any() or (low > 1 + _SLACK).any():
        raise InputError(
            f"'{label}' has a box outside its image.",
            hint="x, y, width and height are shares of the image, from 0 to 1.",
        )
    return boxes


def _outline(values: list[float]) -> list[float]:
    """Return the box around a polygon: segmentation labels have points after the class."""
    x, y = values[1::2], values[2::2]
    n = min(len(x), len(y))
    x, y = x[:n], y[:n]
    return [values[0], (min(x) + max(x)) / 2, (min(y) + max(y)) / 2, max(x) - min(x), max(y) - min(y)]


def _make_annotation(label: Path, image: Path, rows: np.ndarray) -> Annotation:
    with open_map(image) as opened:
        ny, nx = opened.shape[1:]
    center, half = rows[:, 1:3] * (nx, ny), rows[:, 3:5] * (nx, ny) / 2
    return Annotation(
        path=image,
        boxes=np.concatenate([center - half, center + half], axis=1) - 0.5,
        labels=rows[:, 0].astype(np.int64),
        size=(ny, nx),
        source=str(label),
    )


def _read_names(folder: Path) -> tuple[str, ...]:
    """Return the classes of classes.txt or obj.names, one on each line."""
    for name in ("classes.txt", "obj.names"):
        for place in (folder, folder / LABELS):
            if (place / name).is_file():
                lines = read_regular_text(place / name, _LARGEST).splitlines()
                return tuple(line.strip() for line in lines if line.strip())
    return ()


def _read_settings(file: Path, folder: Path) -> _Settings:
    """Read data.yaml."""
    try:
        document: Any = yaml.safe_load(read_regular_text(file, _LARGEST))
        names = document.get("names", ())
        if isinstance(names, dict):
            names = [names[key] for key in sorted(names)]
        if not all(isinstance(name, str | int | float) for name in names):
            raise ValueError("the names of its classes are not texts")
        base = folder / str(document.get("path") or ".")
        base = base if base.is_dir() else folder
        splits = {split: document[word] for word, split in _SPLITS.items() if isinstance(document.get(word), str)}
    except FileNotFoundError as error:
        raise InputError(f"There is no file '{file}'.") from error
    except (OSError, ValueError, TypeError, AttributeError, yaml.YAMLError, RecursionError) as error:
        line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"'{file}' is not the description of a data set of YOLO: {line}.") from error
    return _Settings({split: _resolve(base, text) for split, text in splits.items()}, tuple(map(str, names)))


def _resolve(base: Path, text: str) -> Path:
    """Return a folder of images; the paths of data.yaml often begin with one ``../`` too many."""
    path = base / text
    return path if path.is_dir() else base / text.removeprefix("../")
