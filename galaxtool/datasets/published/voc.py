"""Images with one labelled object in a development kit of the form of PASCAL VOC, such as that of Radio Galaxy Zoo."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

from galaxtool.datasets.files import FileDataset, find_split
from galaxtool.errors import InputError
from galaxtool.images.reading import list_image_suffixes
from galaxtool.types import ImageRef, Item
from galaxtool.utils.counts import format_count
from galaxtool.utils.files.regular_files import TEXT_LIMIT, open_regular

_MAX_BYTES = 2**20
"""Larger annotation files are refused; a real one has about a kilobyte."""

_SETS = Path("ImageSets") / "Main"
_LISTS = re.compile(r"(train|trainval|training|val|valid|validation|test)(\w*)")
_POSITION = re.compile(r"J(\d\d)(\d\d)(\d\d(?:\.\d+)?)([+-])(\d\d)(\d\d)(\d\d(?:\.\d+)?)")


@dataclass(frozen=True)
class Kit:
    """A development kit, and the lists of its images.

    Parameters
    ----------
    folder : Path
        Folder with ``Annotations``, ``ImageSets/Main`` and ``PNGImages`` or ``JPEGImages``.
    lists : mapping of str to Path
        Split -> text file with the name of an image in each line.
    """

    folder: Path
    lists: dict[str, Path]


def find_devkit(path: Path) -> Kit | None:
    """Return the development kit at a path; None if it is another folder.

    Parameters
    ----------
    path : Path
        The kit (``RGZdevkit2017``), the folder in it (``RGZ2017``), or one of the lists there
        (``ImageSets/Main/trainD4.txt``), which then decides which kind of images is read.

    Raises
    ------
    InputError
        If a kit has no list of images that are there.
    """
    if path.is_file() and path.suffix == ".txt" and path.parent.parts[-2:] == _SETS.parts:
        return Kit(path.parents[2], _find_lists(path.parent)[_kind_of(path)])
    places = [path, *sorted(path.iterdir())] if path.is_dir() else []
    folder = next((place for place in places if (place / "Annotations").is_dir() and (place / _SETS).is_dir()), None)
    if folder is None:
        return None
    kinds = _find_lists(folder / _SETS)
    images = _list_images(folder)
    for lists in kinds.values():
        first = next((names[0] for file in lists.values() if (names := _read_list(file))), "")
        if _find_image(first, images):
            return Kit(folder, lists)
    shown = ", ".join(str(file.name) for lists in kinds.values() for file in lists.values())
    raise InputError(
        f"The images that '{folder / _SETS}' lists ({shown or 'no list'}) are not in '{folder}'.",
        hint="Unpack the images, such as D1_images.tgz, into its folder PNGImages.",
    )


def open_devkit(kit: Kit) -> FileDataset:
    """Open the images of a development kit that have exactly one labelled object.

    Returns
    -------
    FileDataset
        Labels as written in the annotations, splits from the names of the lists, and positions from the names of the
        images if they have one: ``FIRSTJ133309.4+045007``. Objects that are marked as difficult do not count. Images
        with no or several objects are skipped and counted.

    Raises
    ------
    InputError
        If an annotation is missing or cannot be read, or if no image has exactly one object.
    """
    items: list[Item] = []
    skipped: Counter[str] = Counter()
    images = _list_images(kit.folder)
    for split, file in kit.lists.items():
        for name in _read_list(file):
            labels = read_object_names(kit.folder / "Annotations" / f"{name}.xml")
            if len(labels) != 1:
                skipped["with several labelled objects" if labels else "without a labelled object"] += 1
                continue
            image = _find_image(name, images) or kit.folder / "PNGImages" / f"{name}.png"
            ra, dec = _parse_position(name)
            items.append(Item(id=name, ref=ImageRef(image), label=labels[0], split=split, ra=ra, dec=dec))
    if not items:
        raise InputError(
            f"No image of '{kit.folder}' has exactly one labelled object.", hint="Check its folder Annotations."
        )
    names = " and ".join(file.name for file in kit.lists.values())
    notes = [f"Read the images that {names} list."]
    notes += [f"{format_count(count, 'image')} {why} are left out." for why, count in skipped.items()]
    return FileDataset("voc", items, skipped, notes=tuple(notes))


def read_object_names(path: Path) -> list[str]:
    """Return the names of the objects in an annotation, without those marked as difficult.

    The parser knows no entities: a document type declaration, by which a small file could grow without end, is refused.

    Raises
    ------
    InputError
        If the file is missing, too large, or not such XML.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"The annotation '{path}' is larger than 1 MB.", hint="A real one has about a kilobyte.")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"The annotation '{path}' cannot be read: {error.strerror}.", hint="Unpack annotation.tar into its folder."
        ) from error
    reader = _ObjectReader()
    try:
        reader.parse(content)
    except (expat.ExpatError, ValueError) as error:
        raise InputError(f"The annotation '{path}' is damaged: {error}.", hint="Download it again.") from error
    return reader.names


@dataclass
class _ObjectReader:
    """Collects the names of the objects of an annotation."""

    names: list[str] = field(default_factory=list)
    _path: list[str] = field(default_factory=list)
    _fields: dict[str, str] = field(default_factory=dict)

    def parse(self, content: bytes) -> None:
        parser: Any = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._add
        parser.Parse(content, True)

    def _refuse(self, *_: Any) -> None:
        raise ValueError("it declares a document type")

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        self._path.append(name)
        if self._path == ["annotation", "object"]:
            self._fields = {}

    def _add(self, text: str) -> None:
        if len(self._path) == 3 and self._path[1] == "object":
            self._fields[self._path[2]] = self._fields.get(self._path[2], "") + text

    def _end(self, _name: str) -> None:
        if self._path == ["annotation", "object"]:
            if "name" not in self._fields:
                raise ValueError("an object has no name")
            if self._fields.get("difficult", "0").strip() in ("", "0"):
                self.names.append(self._fields["name"].strip())
        self._path.pop()


def _kind_of(file: Path) -> str:
    """Return what follows the split in the name of a list: ``D4`` for ``trainD4.txt``."""
    match = _LISTS.fullmatch(file.stem)
    return match[2] if match else ""


def _find_lists(folder: Path) -> dict[str, dict[str, Path]]:
    """Return the lists of each kind of images, by split; the kinds are sorted."""
    found: dict[str, dict[str, Path]] = {}
    for file in sorted(folder.glob("*.txt")):
        match = _LISTS.fullmatch(file.stem)
        if match:
            split = "train" if match[1] == "trainval" else find_split(match[1])
            found.setdefault(match[2], {})[split] = file
    return {kind: {s: found[kind][s] for s in ("train", "valid", "test") if s in found[kind]} for kind in sorted(found)}


def _read_list(file: Path) -> list[str]:
    """Return the names of the images in a list; a second word in a line, as of one class, is dropped."""
    with open_regular(file) as stream:
        lines = stream.read(TEXT_LIMIT).decode("utf-8", "replace").splitlines()
    return [line.split()[0] for line in lines if line.strip()]


def _list_images(folder: Path) -> dict[str, Path]:
    """Return the images of a kit by their names without the suffix."""
    suffixes = tuple(list_image_suffixes())
    places = [place for place in (folder / "PNGImages", folder / "JPEGImages") if place.is_dir()]
    files = [file for place in places for file in place.iterdir() if file.name.lower().endswith(suffixes)]
    return {file.name[: -len(file.suffix)]: file for file in files}


def _find_image(name: str, images: dict[str, Path]) -> Path | None:
    """Return the image of an entry of a list; some are stored as ``NAME_radio.png``."""
    return images.get(name) or images.get(f"{name}_radio")


def _parse_position(name: str) -> tuple[float | None, float | None]:
    """Return the position in the name of an image, in degrees: ``FIRSTJ133309.4+045007``."""
    match = _POSITION.search(name)
    if match is None:
        return None, None
    hours, minutes, seconds = (float(text) for text in match.groups()[:3])
    degrees, arcmin, arcsec = (float(text) for text in match.groups()[4:])
    dec = (degrees + arcmin / 60 + arcsec / 3600) * (-1 if match[4] == "-" else 1)
    return 15 * (hours + minutes / 60 + seconds / 3600), dec
