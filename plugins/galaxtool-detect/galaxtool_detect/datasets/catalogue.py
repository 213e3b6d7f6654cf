"""Boxes from a catalogue of sources: in pixels, or of positions and sizes on the sky, over one image or many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.table import Table

from galaxtool import InputError, SkyMap, open_map, read_positions, read_table
from galaxtool_detect.boxes import DetectionSet
from galaxtool_detect.datasets.annotated import find_stem, make_annotated_set
from galaxtool_detect.datasets.catalogue_columns import (
    convert_truth,
    find_boxes,
    find_column,
    find_labels,
    find_sizes,
    find_truth,
    find_truth_units,
    group_rows,
    read_texts,
)
from galaxtool_detect.datasets.ellipses import EllipseSizes, outline_ellipses
from galaxtool_detect.datasets.images import IMAGE_SUFFIXES, Annotation, clip
from galaxtool_detect.datasets.names import SOURCES

_IMAGE_COLUMNS = ("image", "image_path", "path", "file", "filename", "file_name", "file_loc")
_SPLIT_COLUMNS = ("split",)
_SHARE_INSIDE = 0.5


@dataclass(frozen=True, kw_only=True)
class CatalogueOptions:
    """How to read a catalogue of sources.

    Parameters
    ----------
    size_arcsec : float, optional
        Side of the boxes, for a catalogue without sizes.
    ra_column, dec_column, image_column, label_column : str, optional
        Names of columns; by default those whose names say so.
    """

    size_arcsec: float | None = None
    ra_column: str | None = None
    dec_column: str | None = None
    image_column: str | None = None
    label_column: str | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class _Catalogue:
    """The columns of a catalogue that boxes need; each array has one value for each row."""

    path: Path
    labels: np.ndarray
    classes: tuple[str, ...]
    ignored: np.ndarray
    truth: dict[str, np.ndarray]
    units: dict[str, str]
    boxes: np.ndarray | None
    ra: np.ndarray
    dec: np.ndarray
    sizes: EllipseSizes | None


def read_catalogue(path: Path, images: Path | None, options: CatalogueOptions) -> DetectionSet:
    """Read a catalogue of sources as boxes.

    Parameters
    ----------
    path : Path
        Catalogue of any format that galaxtool reads. Boxes are its columns x0, y0, x1 and y1 in pixels; or they follow
        from its positions, and from sizes in arcsec or in the unit of the column, such as those of Aegean and PyBDSF.
    images : Path, optional
        Image or folder of images that the sources lie in; needed if the catalogue has no column of images.
    options : CatalogueOptions
        How to read it.

    Raises
    ------
    InputError
        If the catalogue has neither boxes nor positions, no sizes, or no source lies in the images.
    """
    table = read_table(path)
    catalogue = _read_columns(table, path, options)
    column = find_column(table, options.image_column, _IMAGE_COLUMNS, path)
    if column is not None and (images is None or images.is_dir()):
        names = read_texts(table, column)
        found = list(_from_image_column(catalogue, names, read_splits(table), images or path.parent))
    elif images is not None:
        decides = column is not None and catalogue.boxes is not None
        found = list(_from_images(catalogue, images, read_texts(table, str(column)) if decides else None))
    else:
        raise InputError(
            f"'{path}' has no column with the image of each source.", hint="Name the image with --images map.fits."
        )
    return make_annotated_set(path.stem, catalogue.classes, found)


def read_truth(folder: Path) -> dict[str, dict[str, np.ndarray]]:
    """Return the true values in the catalogue of a folder of simulated fields, for each file name of an image."""
    path = folder / SOURCES
    if not path.is_file():
        return {}
    table = read_table(path)
    column = find_column(table, None, _IMAGE_COLUMNS, path)
    if column is None:
        return {}
    rows, truth = group_rows([Path(name).name for name in read_texts(table, column)]), find_truth(table)
    return {name: {key: values[some] for key, values in truth.items()} for name, some in rows.items()}


def read_splits(table: Table) -> np.ndarray:
    """Return the split of each row, or empty texts."""
    column = find_column(table, None, _SPLIT_COLUMNS, Path())
    return np.full(len(table), "") if column is None else read_texts(table, column)


def _read_columns(table: Table, path: Path, options: CatalogueOptions) -> _Catalogue:
    if not len(table):
        raise InputError(f"The catalogue '{path}' has no rows.")
    boxes = find_boxes(table)
    positions = read_positions(table, path, ra_column=options.ra_column, dec_column=options.dec_column)
    has_positions = bool(np.isfinite(positions.ra).any())
    if boxes is None and not has_positions:
        raise InputError(
            f"The catalogue '{path}' has neither boxes nor positions.",
            hint="It needs the columns x0, y0, x1 and y1 in pixels, or ra and dec; see --ra-column.",
        )
    sizes = None if boxes is not None else find_sizes(table, options.size_arcsec)
    if boxes is None and sizes is None:
        raise InputError(
            f"The catalogue '{path}' has positions but no sizes.",
            hint="Give the side of the boxes, such as --size-arcsec 12; sizes are in columns such as a and b, Maj and "
            "Min, major and minor, or size.",
        )
    labels, classes = find_labels(table, options.label_column, path)
    ignored = labels < 0
    if "ignored" in table.colnames:
        ignored |= np.char.lower(read_texts(table, "ignored").astype(str)) == "true"
    return _Catalogue(
        path=path, labels=labels, classes=classes, ignored=ignored, truth=find_truth(table),
        units=find_truth_units(table), boxes=boxes, ra=positions.ra, dec=positions.dec, sizes=sizes,
    )  # fmt: skip


def _from_image_column(
    catalogue: _Catalogue, names: np.ndarray, splits: np.ndarray, folder: Path
) -> Iterator[tuple[str, Annotation]]:
    """Yield the boxes of each image that the catalogue names, and of those beside them without sources."""
    for name, rows in group_rows(names.tolist()).items():
        path = folder / name
        if not path.is_file():
            raise InputError(f"The image '{path}' of the catalogue '{catalogue.path}' does not exist.")
        yield str(splits[rows[0]]), _annotate(catalogue, path, rows, all_inside=True)


def _from_images(
    catalogue: _Catalogue, images: Path, names: np.ndarray | None = None
) -> Iterator[tuple[str, Annotation]]:
    """Yield the boxes within each image; those in pixels fit into any, so the names of images, if given, decide."""
    paths = list_images(images)
    if not paths:
        raise InputError(f"There is no image at '{images}'.", hint="--images is an image or a folder of images.")
    if catalogue.boxes is not None and len(paths) > 1:
        raise InputError(
            f"The boxes of '{catalogue.path}' are in pixels, but not of one image: '{images}' has {len(paths)}.",
            hint="Name one image, or add a column 'image' to the catalogue.",
        )
    rows = np.arange(len(catalogue.labels)) if names is None else _find_rows(catalogue, names, images)
    found = [("", _annotate(catalogue, path, rows)) for path in paths]
    if not any(len(one.boxes) + len(one.ignored) for _, one in found):
        raise InputError(
            f"None of the {len(catalogue.labels)} sources of '{catalogue.path}' lies in '{images}'.",
            hint="Check that they belong together, and that the positions are read as meant; see --ra-column.",
        )
    yield from found


def _find_rows(catalogue: _Catalogue, names: np.ndarray, image: Path) -> np.ndarray:
    """Return the rows of a catalogue of several images that belong to one of them; all if it does not name that one."""
    paths = {name: Path(name) for name in dict.fromkeys(names.tolist())}
    same = [name for name, path in paths.items() if find_stem(path) == find_stem(image)]
    if not same:
        return np.arange(len(names))
    if len(same) > 1:  # of several folders
        same = [name for name in same if paths[name].parent.name == image.resolve().parent.name]
    if len(same) != 1:
        raise InputError(
            f"'{catalogue.path}' has boxes in several images called '{image.name}', in other folders than '{image}'.",
            hint="Give the folder of the images, or a catalogue with only the rows of this image.",
        )
    return np.flatnonzero(names == same[0])


def list_images(images: Path) -> list[Path]:
    """Return the images that a path names: itself, or those in it."""
    if not images.is_dir():
        return [images] if images.exists() else []
    return sorted(path for path in images.iterdir() if path.name.lower().endswith(IMAGE_SUFFIXES))


def _annotate(catalogue: _Catalogue, path: Path, rows: np.ndarray, *, all_inside: bool = False) -> Annotation:
    """Return the boxes of some rows in an image; those outside of it are left out unless all must be inside."""
    with open_map(path) as opened:
        size = opened.shape[1], opened.shape[2]
        boxes = _find_boxes_in(catalogue, opened, rows)
        truth = convert_truth(catalogue.truth, catalogue.units, opened.unit)
    if not all_inside:
        with np.errstate(invalid="ignore"):
            inside = clip(boxes, size)
            left = np.prod(np.clip(inside[:, 2:] - inside[:, :2], 0, None), axis=1)
            keep = left > _SHARE_INSIDE * np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
        boxes, rows = boxes[keep], rows[keep]
    ignored = catalogue.ignored[rows]
    order = np.concatenate([rows[~ignored], rows[ignored]])
    return Annotation(
        path=path,
        boxes=boxes[~ignored],
        labels=catalogue.labels[rows[~ignored]],
        ignored=boxes[ignored],
        size=size,
        source=str(catalogue.path),
        truth={key: values[order] for key, values in truth.items()},
    )


def _find_boxes_in(catalogue: _Catalogue, opened: SkyMap, rows: Sequence[int] | np.ndarray) -> np.ndarray:
    """Return the boxes of some rows in the pixels of an image."""
    if catalogue.boxes is not None:
        boxes: np.ndarray = catalogue.boxes[rows]
        return boxes
    assert catalogue.sizes is not None
    if opened.wcs is None:
        raise InputError(
            f"'{opened.path}' has no WCS, so the positions of '{catalogue.path}' cannot be found in it: "
            f"{opened.wcs_problem}.",
            hint="Solve its astrometry first, or give boxes in pixels as the columns x0, y0, x1 and y1.",
        )
    return outline_ellipses(opened, catalogue.ra[rows], catalogue.dec[rows], catalogue.sizes.select(rows))
