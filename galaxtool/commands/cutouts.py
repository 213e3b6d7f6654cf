"""Cutting the objects of a catalogue out of large images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from galaxtool.types import Progress, Silent


@dataclass(frozen=True)
class CutoutsResult:
    """What `cutouts` wrote.

    Parameters
    ----------
    output : Path
        The folder.
    manifest : Path
        ``cutouts.csv`` in it.
    n : int
        Rows of the catalogue.
    cut : int
        Cutouts.
    outside : int
        Objects that lie in none of the images.
    errors : int
        Rows without a cutout, those outside among them.
    flags : dict
        Flag -> rows.
    bands : tuple of str
        What was stacked; empty for nothing.
    unreadable : tuple of str
        What is wrong with each image that could not be used.
    """

    output: Path
    manifest: Path
    n: int
    cut: int
    outside: int
    errors: int
    flags: dict[str, int]
    bands: tuple[str, ...]
    unreadable: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "output": str(self.output), "manifest": str(self.manifest)}


def cutouts(
    inputs: Sequence[str | Path],
    *,
    output: Path,
    size: int | None = None,
    size_arcsec: float | None = None,
    size_column: str | None = None,
    size_unit: str | None = None,
    size_factor: float = 1.0,
    kind: str = "fits",
    bands: Sequence[str] = (),
    hdu: str | None = None,
    ra_column: str | None = None,
    dec_column: str | None = None,
    id_column: str | None = None,
    stretch: str | None = None,
    workers: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> CutoutsResult:
    """Cut the objects of a catalogue out of FITS images.

    Each object is cut from the image in which it lies furthest from an edge, in that image's own pixels. Beside the
    cutouts stands cutouts.csv: a row for each row of the catalogue, and a catalogue that `galaxtool classify` takes.

    Parameters
    ----------
    inputs : sequence of str or Path
        Images, and last the catalogue. An image is a FITS file, a folder of them or a pattern; g=FILE says its band,
        and FIELD_{band}.fits stands for one file for each of --bands.
    output : Path
        Folder to make.
    size : int, optional
        Side of the cutouts in pixels; 64 where no size is given.
    size_arcsec : float, optional
        Side in arcsec.
    size_column : str, optional
        Column of the catalogue with the side of each, in the column's own unit if it has one.
    size_unit : str, optional
        Unit of a column of sizes that has none: pix or arcsec.
    size_factor : float
        What a column of sizes is multiplied by, e.g. 4 for a column of radii.
    kind : str
        fits or png, a file for each object; hdf5 or zarr, one stack.
    bands : sequence of str
        Bands to stack as planes, in this order: g,r,z; by default those that the headers name, if they differ.
    hdu : str, optional
        HDU by number or EXTNAME; by default every image in a file, but for weights, masks and the like.
    ra_column, dec_column, id_column : str, optional
        Columns of the catalogue, where they do not have one of the usual names. Degrees, ICRS.
    stretch : str, optional
        How brightness is shown in a PNG: asinh, or with options asinh:softening=3; by default as `classify` does.
    workers : int, optional
        Processes; by default one for each processor where there are many objects.
    resume : bool
        Go on with an interrupted job on the same output.
    overwrite : bool
        Throw away earlier cutouts in the same folder.

    Returns
    -------
    CutoutsResult

    Raises
    ------
    InputError
        If no image can be used, or no object lies in one.
    TableError
        If the catalogue cannot be read, or has no positions.
    OutputExists
        If the folder holds something, and neither `resume` nor `overwrite` was given.
    """
    from galaxtool.cutting.run import CutoutsOptions, cut_catalogue

    options = CutoutsOptions(
        inputs=inputs,
        output=Path(output),
        size=size,
        size_arcsec=size_arcsec,
        size_column=size_column,
        size_unit=size_unit,
        size_factor=size_factor,
        kind=kind,
        bands=bands,
        hdu=hdu,
        ra_column=ra_column,
        dec_column=dec_column,
        id_column=id_column,
        stretch=stretch,
        workers=workers,
        resume=resume,
        overwrite=overwrite,
    )
    record = cut_catalogue(options, progress or Silent())
    return CutoutsResult(
        output=options.output,
        manifest=options.output / "cutouts.csv",
        n=record.n,
        cut=record.cut,
        outside=record.flags.get("OUTSIDE", 0),
        errors=record.n - record.cut,
        flags=record.flags,
        bands=tuple(record.bands),
        unreadable=tuple(record.unreadable),
    )
