"""Boxes in the format of Pascal VOC: an XML file for each image, as in the development kit of Radio Galaxy Zoo."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from galaxtool import InputError, read_regular_text
from galaxtool_detect.boxes import DetectionSet
from galaxtool_detect.datasets.annotated import make_annotated_set
from galaxtool_detect.datasets.images import Annotation, find_image

ANNOTATIONS = "Annotations"
_FOLDERS = ("JPEGImages", "PNGImages", "Images", "images", "FITSImages", "")
_ENDINGS = ("", "_radio")  # the development kit of Radio Galaxy Zoo has several pictures of each source
_LARGEST = 16 << 20
_LIST = re.compile(r"(train|valid|val|test)(\w*)")
_SPLITS = {"train": "train", "valid": "valid", "val": "valid", "test": "test"}


def find_voc_folder(folder: Path) -> Path | None:
    """Return the folder that has the annotations: the given one, or one below as in a development kit."""
    for one in (folder, *sorted(path for path in folder.iterdir() if path.is_dir())):
        if (one / ANNOTATIONS).is_dir():
            return one
    return None


def read_voc(path: Path, images: Path | None = None, lists: str = "") -> DetectionSet:
    """Read boxes in the format of Pascal VOC.

    Parameters
    ----------
    path : Path
        Folder with ``Annotations/`` and images, or one XML file.
    images : Path, optional
        Folder of the images; by default looked for beside the annotations.
    lists : str
        Ending of the lists in ``ImageSets/Main`` that say which images are for training, validation and tests:
        ``D4`` for ``trainD4.txt`` and ``testD4.txt``. By default the only ones there are.

    Returns
    -------
    DetectionSet
        With the classes in alphabetical order. Objects marked as difficult are neither learned nor counted, as in the
        scores of Pascal VOC.

    Raises
    ------
    InputError
        If a file is not an annotation, defines XML entities, or has a box that is none.

    Notes
    -----
    Pixels count from 1 in this format, and a box includes its last pixels. If any box of the data set begins at 0, they
    count from 0.
    """
    folder = path.parent.parent if path.is_file() else find_voc_folder(path)
    if folder is None:
        raise InputError(
            f"'{path}' has no folder '{ANNOTATIONS}'.", hint="Annotations of VOC are in a folder of this name."
        )
    files = [path] if path.is_file() else sorted((folder / ANNOTATIONS).glob("*.xml"))
    splits = {} if path.is_file() else _read_lists(folder / "ImageSets" / "Main", lists)
    if splits:
        files = [file for file in files if file.stem in splits]
    if not files:
        raise InputError(f"'{folder / ANNOTATIONS}' has no annotations (.xml).")
    read = [_read_file(file, folder, images) for file in files]
    names = tuple(sorted({name for _, labels in read for name in labels}))
    lowest = min(boxes.min(initial=1) for one, _ in read for boxes in (one.boxes, one.ignored))
    offset = 1.0 if lowest >= 1 else 0.0
    shift = np.array([-0.5, -0.5, 0.5, 0.5]) - offset
    return make_annotated_set(
        path.name,
        names,
        [
            (
                splits.get(file.stem, ""),
                replace(
                    one,
                    boxes=one.boxes + shift,
                    ignored=one.ignored + shift,
                    labels=np.array([names.index(name) for name in labels], np.int64),
                ),
            )
            for file, (one, labels) in zip(files, read, strict=True)
        ],
    )


def _read_lists(folder: Path, wanted: str) -> dict[str, str]:
    """Return the split of each image that the lists name."""
    found: dict[str, dict[str, str]] = {}
    for file in sorted(folder.glob("*.txt")):
        if match := _LIST.fullmatch(file.stem):
            for line in read_regular_text(file, _LARGEST).splitlines():
                if words := line.split():
                    found.setdefault(match[2], {}).setdefault(words[0], _SPLITS[match[1]])
    if wanted and wanted not in found:
        raise InputError(f"'{folder}' has no list 'train{wanted}.txt'.", hint=f"It has {', '.join(found) or 'none'}.")
    usual = {ending: splits for ending, splits in found.items() if ending != "val"}  # trainval.txt repeats the others
    if not wanted and set(usual) <= {""} and not {"train", "valid"} & set(usual.get("", {}).values()):
        return {**found.get("val", {}), **usual.get("", {})}  # or stands for them
    if wanted or "" in usual:
        return found[wanted]
    different = {tuple(sorted(splits.items())) for splits in usual.values()}
    if len(different) > 1:
        raise InputError(
            f"'{folder}' has several lists of images: {', '.join(usual)}.",
            hint=f"Name one of them after the folder: voc:FOLDER#{next(iter(usual))}",
        )
    return next(iter(usual.values()), {})


def _read_file(file: Path, folder: Path, images: Path | None) -> tuple[Annotation, list[str]]:
    """Return an annotation with its boxes as they stand in the file, and the names of their classes."""
    root = _parse(file)
    try:
        objects = [one for one in root.iter("object") if one.find("bndbox") is not None]
        clear = [one for one in objects if not _is_difficult(one)]
        boxes, ignored = (_read_boxes(some) for some in (clear, [one for one in objects if _is_difficult(one)]))
        labels = [_get(one, "name").strip() for one in clear]
        size = (int(float(_get(root, "size/height"))), int(float(_get(root, "size/width"))))
    except (KeyError, ValueError) as error:
        raise InputError(
            f"'{file}' is not an annotation of VOC: {error.args[0]}.",
            hint="It needs size, and bndbox and name of each object.",
        ) from error
    annotation = Annotation(
        path=_find_image(file, folder, images, (root.findtext("filename") or "").strip()),
        boxes=boxes,
        ignored=ignored,
        labels=np.zeros(len(boxes), np.int64),
        size=size if min(size) > 0 else None,
        source=str(file),
    )
    return annotation, labels


def _is_difficult(one: Element) -> bool:
    return (one.findtext("difficult") or "0").strip() not in ("", "0")


def _read_boxes(objects: Sequence[Element]) -> np.ndarray:
    """Return the boxes of some objects, float64 (N, 4)."""
    boxes = [[float(_get(one, f"bndbox/{key}")) for key in ("xmin", "ymin", "xmax", "ymax")] for one in objects]
    return np.array(boxes, float).reshape(-1, 4)


def _parse(file: Path) -> Element:
    """Parse XML that may come from anywhere."""
    try:
        if not file.is_file() and file.exists():
            raise InputError(f"'{file}' is not a file.", hint="Remove it from the annotations.")
        if file.stat().st_size > _LARGEST:
            raise InputError(f"'{file}' has more than {_LARGEST >> 20} MB, which no annotation of an image has.")
        root: Element = fromstring(file.read_bytes(), forbid_dtd=False, forbid_entities=True, forbid_external=True)
    except DefusedXmlException as error:
        raise InputError(
            f"'{file}' defines XML entities, which could make it read other files or fill the memory; it was not read.",
            hint="Remove the <!ENTITY ...> lines; annotations need none.",
        ) from error
    except FileNotFoundError as error:
        raise InputError(f"There is no file '{file}'.") from error
    except (OSError, ParseError, ValueError, LookupError) as error:
        raise InputError(
            f"'{file}' is not readable XML: {error}.", hint="Check that the whole file is there."
        ) from error
    return root


def _get(element: Element, path: str) -> str:
    text = element.findtext(path)
    if text is None:
        raise KeyError(f"it has no {path}")
    return text


def _find_image(file: Path, folder: Path, images: Path | None, name: str) -> Path:
    """Return the path of the image of an annotation; where it should be if it is nowhere."""
    folders = [images] if images is not None else [folder / one for one in _FOLDERS]
    plain = Path(name).name  # never a path that leads out of the folders
    for one in folders:
        if plain and (one / plain).is_file():
            return one / plain
    for ending in _ENDINGS:
        if (found := find_image(folders, f"{file.stem}{ending}")) is not None:
            return found
    return folders[0] / (plain or f"{file.stem}.png")
