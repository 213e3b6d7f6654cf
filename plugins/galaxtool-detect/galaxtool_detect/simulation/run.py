"""Write simulated fields: FITS files, a table of their sources, and boxes in the COCO format."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Table, vstack

from galaxtool import ConfigError, OutputExists, Progress, write_table
from galaxtool_detect.boxes import FieldImage
from galaxtool_detect.datasets.coco import describe_coco
from galaxtool_detect.datasets.names import BOXES, IMAGES, SOURCES
from galaxtool_detect.simulation.dataset import make_simulated_set
from galaxtool_detect.simulation.field import FieldOptions
from galaxtool_detect.simulation.sources import CLASSES

_SMALLEST, _LARGEST = 32, 20_000


@dataclass(frozen=True, kw_only=True)
class SimulateOptions:
    """What to simulate; see `galaxtool_detect.commands.simulate.simulate`."""

    output: Path
    n: int
    seed: int
    size: int
    density: float
    crowded: float
    valid: float
    overwrite: bool


def simulate_fields(options: SimulateOptions, progress: Progress | None = None) -> dict[str, int]:
    """Simulate fields and write them.

    Returns
    -------
    dict
        Class -> number of labelled sources.

    Raises
    ------
    ConfigError
        If a number is out of range.
    OutputExists
        If the folder is not empty.
    """
    _check(options)
    images = options.output / IMAGES
    images.mkdir(parents=True, exist_ok=True)
    fields = make_simulated_set(
        options.n, options.seed, valid=options.valid,
        options=FieldOptions(size=options.size, density=options.density, crowded=options.crowded),
    )  # fmt: skip
    if progress is not None:
        progress.start("Simulating fields", options.n)
    described, tables = [], []
    counts = dict.fromkeys(CLASSES, 0)
    for index, split in enumerate(fields.splits):
        field = fields[index]
        path = images / f"{field.name}.fits"
        write_field(field, path)
        # the boxes are kept, not the pixels
        empty = np.broadcast_to(np.float32(0), field.pixels.shape)
        described.append((f"{IMAGES}/{path.name}", split, replace(field, pixels=empty)))
        tables.append(_list_sources(field, f"{IMAGES}/{path.name}", split))
        for label in field.labels:
            counts[CLASSES[label]] += 1
        if progress is not None:
            progress.advance()
    write_table(vstack(tables), options.output / SOURCES)
    text = json.dumps(describe_coco(described, CLASSES), indent=1)
    (options.output / BOXES).write_text(text + "\n", encoding="utf-8")
    return counts


def write_field(field: FieldImage, path: Path) -> None:
    """Write a field as FITS, with its WCS, beam and unit.

    Parameters
    ----------
    field : FieldImage
        With one band, which becomes an image with two axes, or several.
    path : Path
        File to write; an existing one is replaced.
    """
    header = field.wcs.to_header() if field.wcs is not None else fits.Header()
    header["BUNIT"] = field.unit or None
    if field.beam is not None:
        header["BMAJ"], header["BMIN"] = field.beam.major / 3600, field.beam.minor / 3600
        header["BPA"] = field.beam.angle
    header["ORIGIN"] = "galaxtool detect simulate"
    data = field.pixels[0] if len(field.pixels) == 1 else field.pixels
    fits.PrimaryHDU(data, header).writeto(path, overwrite=True)


def _check(options: SimulateOptions) -> None:
    if options.n < 1:
        raise ConfigError(f"-n is {options.n}; simulate at least one field.")
    if not _SMALLEST <= options.size <= _LARGEST:
        raise ConfigError(f"--size is {options.size}; it must be from {_SMALLEST} to {_LARGEST} pixels.")
    if not 0 <= options.density <= 10_000:
        raise ConfigError(f"--density is {options.density:g}; it must be from 0 to 10000 sources in 256 x 256 pixels.")
    if not 0 <= options.crowded <= 1:
        raise ConfigError(f"--crowded is {options.crowded:g}; it is a share of the fields, from 0 to 1.")
    if not 0 <= options.valid < 1:
        raise ConfigError(f"--valid is {options.valid:g}; it is a share of the fields, from 0 to below 1.")
    if options.output.exists() and not options.output.is_dir():
        raise OutputExists(f"'{options.output}' is a file.", hint="Choose another --output.")
    if options.output.is_dir() and any(options.output.iterdir()):
        if not options.overwrite:
            raise OutputExists(
                f"The folder '{options.output}' is not empty.", hint="Choose another --output, or --overwrite."
            )
        for old in (options.output / IMAGES).glob("field-*.fits"):
            old.unlink()


def _list_sources(field: FieldImage, image: str, split: str) -> Table:
    """Return the sources of a field as a table; those without labels are marked."""
    boxes = np.concatenate([field.boxes, field.ignored])
    truth = field.truth
    ra, dec = (
        field.wcs.all_pix2world(np.column_stack([truth["x"], truth["y"]]), 0).T
        if field.wcs is not None and len(boxes)
        else np.full((2, len(boxes)), np.nan)
    )
    stem = Path(image).stem
    table = Table()
    table["id"] = [f"{stem}-{i:03d}" for i in range(len(boxes))] or np.zeros(0, "U20")
    table["image"] = np.full(len(boxes), image)
    table["split"] = np.full(len(boxes), split)
    table["label"] = [CLASSES[int(label)] for label in truth["label"]] or np.zeros(0, "U20")
    table["ignored"] = np.arange(len(boxes)) >= len(field.boxes)
    table["ra"], table["dec"] = ra, dec
    table["x"], table["y"] = truth["x"], truth["y"]
    for i, name in enumerate(("x0", "y0", "x1", "y1")):
        table[name] = boxes[:, i]
    for name in ("flux", "peak", "rms", "snr"):
        table[name] = truth[name]
    return table
