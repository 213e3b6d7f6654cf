"""Open images with boxes, whatever their format."""

from __future__ import annotations

import re
from pathlib import Path

from galaxtool import InputError, UnreadableImage, open_map
from galaxtool_detect.boxes import DetectionSet
from galaxtool_detect.datasets.catalogue import CatalogueOptions, read_catalogue, read_truth
from galaxtool_detect.datasets.coco import find_coco_files, read_coco
from galaxtool_detect.datasets.images import IMAGE_SUFFIXES
from galaxtool_detect.datasets.names import SOURCES
from galaxtool_detect.datasets.voc import find_voc_folder, read_voc
from galaxtool_detect.datasets.yolo import LABELS, SETTINGS, read_yolo

FORMATS = ("voc", "coco", "yolo", "catalogue")


def open_detection_set(
    source: str | Path, *, images: Path | None = None, catalogue: CatalogueOptions | None = None
) -> DetectionSet:
    """Open images with boxes.

    Parameters
    ----------
    source : str or Path
        A folder or file of one of the formats: Pascal VOC (``Annotations/``), COCO JSON, YOLO text (``labels/`` or
        ``data.yaml``), or a catalogue of sources. ``FORMAT:PATH`` says which, if it could be several.
    images : Path, optional
        Image, or folder of images, that the boxes belong to; by default looked for beside them.
    catalogue : CatalogueOptions, optional
        How to read a catalogue.

    Raises
    ------
    InputError
        If there is no such data set, or it is not sound; the message names the file and says why.
    """
    text = str(source)
    match = re.fullmatch(rf"({'|'.join(FORMATS)}):(.+)", text)
    kind, text = (match[1], match[2]) if match else ("", text)
    path, _, lists = text.partition("#") if kind == "voc" and not Path(text).exists() else (text, "", "")
    place = Path(path).expanduser()
    if not place.exists():
        raise InputError(
            f"There are no images with boxes at '{place}'.", hint="Give a folder, a JSON file or a catalogue."
        )
    kind = kind or _find_format(place)
    if kind == "voc":
        return read_voc(place, images, lists)
    if kind == "coco":
        return read_coco(place, images, read_truth(place))
    if kind == "yolo":
        return read_yolo(place, images)
    return read_catalogue(place / SOURCES if place.is_dir() else place, images, catalogue or CatalogueOptions())


def is_image(path: Path) -> bool:
    """Tell whether a file holds an image, rather than boxes or a catalogue; of FITS its content decides."""
    if not path.name.lower().endswith(IMAGE_SUFFIXES):
        return False
    try:
        open_map(path).close()
    except UnreadableImage:
        return False
    return True


def _find_format(path: Path) -> str:
    """Return the format of a folder or file."""
    if path.is_file():
        names = {".json": "coco", ".xml": "voc", ".yaml": "yolo", ".yml": "yolo"}
        return names.get(path.suffix.lower(), "catalogue")
    if find_coco_files(path):
        return "coco"
    if (path / SOURCES).is_file():
        return "catalogue"
    if find_voc_folder(path) is not None:
        return "voc"
    if any((path / name).is_file() for name in SETTINGS) or any(path.glob(LABELS)) or any(path.glob(f"*/{LABELS}")):
        return "yolo"
    raise InputError(
        f"'{path}' has no boxes in a known format.",
        hint="Known are Annotations/*.xml (VOC), boxes.json or annotations.json (COCO), labels/*.txt (YOLO) and "
        f"{SOURCES}; or give the catalogue itself, with --images.",
    )
