"""Boxes in the COCO format: one JSON file for many images.

COCO counts from the outer edge of the first pixel of a file. For a picture the first row is the top one; for a FITS
image it is the first one of the array, as anybody gets it who reads the file in Python.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool import InputError, read_regular_text
from galaxtool_detect.boxes import DetectionSet, FieldImage
from galaxtool_detect.datasets.annotated import make_annotated_set
from galaxtool_detect.datasets.images import Annotation
from galaxtool_detect.datasets.names import BOXES

_FILES = (BOXES, "annotations.json", "_annotations.coco.json", "annotations/instances_{split}.json")
_LARGEST = 1 << 30
_SPLITS = {"train": "train", "valid": "valid", "val": "valid", "test": "test"}
_FOLDERS = ("", "images", "{split}", "images/{split}")


def find_coco_files(folder: Path) -> list[tuple[Path, str]]:
    """Return the COCO files of a folder, each with its split, or with an empty text."""
    found: dict[Path, str] = {}
    for name in _FILES:
        if "{split}" in name:
            for word, split in _SPLITS.items():
                for year in ("", "2017", "2014"):
                    found.setdefault(folder / name.format(split=word + year), split)
        else:
            found.setdefault(folder / name, "")
            for word, split in _SPLITS.items():
                found.setdefault(folder / word / name, split)
    return [(path, split) for path, split in found.items() if path.is_file()]


def read_coco(
    path: Path, images: Path | None = None, truth: dict[str, dict[str, np.ndarray]] | None = None
) -> DetectionSet:
    """Read boxes in the COCO format.

    Parameters
    ----------
    path : Path
        JSON file, or a folder with one, or with one for each split.
    images : Path, optional
        Folder that the names of the images are relative to; by default looked for beside the file.
    truth : dict, optional
        File name of an image -> further true values of its boxes, in the order of labelled and ignored ones.

    Raises
    ------
    InputError
        If the file is not COCO JSON, an image is missing, or a box lies outside its image.
    """
    files = find_coco_files(path) if path.is_dir() else [(path, "")]
    if not files:
        raise InputError(
            f"'{path}' has no COCO file.", hint=f"It is called {BOXES} or annotations.json; or name the file."
        )
    documents = [(file, split, _load(file)) for file, split in files]
    classes = tuple(dict.fromkeys(name for _, _, document in documents for name in _list_classes(document)))
    annotations: list[tuple[str, Annotation]] = []
    for file, split, document in documents:
        annotations += _read_document(file, split, document, classes, images)
    annotations = [(split, _add_truth(one, (truth or {}).get(one.path.name, {}))) for split, one in annotations]
    return make_annotated_set(path.stem or path.name, classes, annotations)


def _add_truth(annotation: Annotation, values: dict[str, np.ndarray]) -> Annotation:
    """Return an annotation with true values, if there is one for each box."""
    n = len(annotation.boxes) + len(annotation.ignored)
    return replace(annotation, truth=values) if all(len(one) == n for one in values.values()) else annotation


def describe_coco(images: Iterable[tuple[str, str, FieldImage]], classes: Sequence[str]) -> dict[str, Any]:
    """Return images with boxes as a COCO document.

    Parameters
    ----------
    images : iterable of (str, str, FieldImage)
        Name of the file relative to the document, split, and the image. Rows are those of FITS.
    classes : sequence of str
        Names of the classes.
    """
    listed: list[dict[str, Any]] = []
    boxes: list[dict[str, Any]] = []
    for number, (name, split, image) in enumerate(images, start=1):
        ny, nx = image.shape
        listed.append({"id": number, "file_name": name, "width": nx, "height": ny, "split": split})
        for box, label in zip(image.boxes.tolist(), image.labels.tolist(), strict=True):
            boxes.append(_describe_box(len(boxes) + 1, number, box, label + 1, ignored=False))
        for box in image.ignored.tolist():
            boxes.append(_describe_box(len(boxes) + 1, number, box, 1, ignored=True))
    categories = [{"id": i, "name": name} for i, name in enumerate(classes, start=1)]
    return {"images": listed, "annotations": boxes, "categories": categories}


def _describe_box(number: int, image: int, box: Sequence[float], category: int, *, ignored: bool) -> dict[str, Any]:
    x0, y0, x1, y1 = (value + 0.5 for value in box)
    sides = [round(value, 3) for value in (x0, y0, x1 - x0, y1 - y0)]
    described = {"id": number, "image_id": image, "category_id": category, "bbox": sides}
    return {**described, "area": round((x1 - x0) * (y1 - y0), 3), "iscrowd": 0, "ignore": int(ignored)}


def _load(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(read_regular_text(path, _LARGEST))
    except FileNotFoundError as error:
        raise InputError(f"There is no file '{path}'.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"'{path}' is not readable JSON: {error}.", hint="Check that the whole file is there."
        ) from error
    if not isinstance(document, dict) or not all(
        isinstance(document.get(key), list) for key in ("images", "annotations", "categories")
    ):
        raise InputError(
            f"'{path}' is not in the COCO format.", hint="It needs the lists 'images', 'annotations' and 'categories'."
        )
    return document


def _list_classes(document: dict[str, Any]) -> list[str]:
    """Return the names of the categories that occur in boxes, in the order of their numbers."""
    used = {one.get("category_id") for one in document["annotations"] if isinstance(one, dict)}
    categories = [one for one in document["categories"] if isinstance(one, dict) and one.get("id") in used]
    return [str(one.get("name", one["id"])) for one in sorted(categories, key=lambda one: str(one["id"]).zfill(9))]


def _read_document(
    file: Path, split: str, document: dict[str, Any], classes: tuple[str, ...], images: Path | None
) -> list[tuple[str, Annotation]]:
    try:
        names = {one["id"]: str(one.get("name", one["id"])) for one in document["categories"]}
        entries = {one["id"]: one for one in document["images"]}
        boxes: dict[Any, list[tuple[Any, int]]] = {key: [] for key in entries}
        ignored: dict[Any, list[Any]] = {key: [] for key in entries}
        for one in document["annotations"]:
            x, y, width, height = map(float, one["bbox"])
            box = (x - 0.5, y - 0.5, x + width - 0.5, y + height - 0.5)
            if one.get("iscrowd") or one.get("ignore"):
                ignored[one["image_id"]].append(box)
            else:
                boxes[one["image_id"]].append((box, classes.index(names[one["category_id"]])))
        found = []
        for key, entry in entries.items():
            path = _find_image(file, str(entry["file_name"]), split, images)
            size = (int(entry["height"]), int(entry["width"])) if "height" in entry and "width" in entry else None
            annotation = Annotation(
                path=path,
                boxes=np.array([box for box, _ in boxes[key]], float).reshape(-1, 4),
                labels=np.array([label for _, label in boxes[key]], np.int64),
                ignored=np.array(ignored[key], float).reshape(-1, 4),
                size=size,
                source=f"{file}, image {entry['file_name']}",
            )
            found.append((_SPLITS.get(str(entry.get("split", split)), ""), annotation))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"'{file}' is not in the COCO format ({type(error).__name__}: {error}).",
            hint="Each box needs image_id, category_id and bbox; each image id and file_name.",
        ) from error
    return found


def _find_image(file: Path, name: str, split: str, images: Path | None) -> Path:
    """Return the path of an image; the first place to look where it is nowhere."""
    bases = [images] if images is not None else [file.parent, file.parent.parent]
    words = [word for word, one in _SPLITS.items() if one == split] or [""]
    for base in bases:
        for folder in _FOLDERS:
            for word in words if "{split}" in folder else words[:1]:
                for year in ("", "2017", "2014") if "{split}" in folder and word else ("",):
                    path = base / folder.format(split=word + year) / name
                    if path.is_file():
                        return path
    return bases[0] / name
