"""The command ``cutouts``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from galaxtool.commands.shared_options import describe_shared_options
from galaxtool.types import Progress, Silent
from galaxtool.utils.path_arguments import accept_paths


@dataclass(frozen=True)
class CutoutsResult:
    """The result of `cutouts`.

    Parameters
    ----------
    output : Path
        The folder.
    manifest : Path
        ``cutouts.csv`` in the folder.
    n : int
        Number of rows of the catalogue.
    cut : int
        Number of cutouts.
    outside : int
        Number of objects that are outside all images.
    errors : int
        Number of rows without a cutout, including those outside all images.
    flags : dict
        Flag -> number of rows.
    bands : tuple of str
        Bands that were stacked; empty for none.
    unreadable : tuple of str
        One message for each image that could not be used.
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


@accept_paths
@describe_shared_options
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
    table: str | None = None,
    stretch: str | None = None,
    workers: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> CutoutsResult:
    """Cut out the objects of a catalogue from FITS images.

    Each object is cut out from the image in which it is farthest from an edge, on the pixel grid of that image. The
    folder also contains cutouts.csv, with one row for each row of the catalogue; `galaxtool classify` accepts it as a
    catalogue.

    Parameters
    ----------
    inputs : sequence of str or Path
        Images, followed by the catalogue. An image is a FITS file, a folder of FITS files or a glob. g=FILE
        states the band of an image, and FIELD_{band}.fits stands for one file for each of --bands.
    output : Path
        Folder to create.
    size : int, optional
        Side of the cutouts in pixels; 96 if no size is given.
    size_arcsec : float, optional
        Side of the cutouts in arcsec.
    size_column : str, optional
        Catalogue column with the side of each cutout, in the unit of the column if it has one.
    size_unit : str, optional
        Unit of a size column that has none: pix or arcsec.
    size_factor : float
        Factor to multiply the size column by, e.g. 4 for a column of radii.
    kind : str
        Kind of output: fits or png for one file per object, hdf5 or zarr for a single stack.
    bands : sequence of str
        Bands to stack as planes, in this order: g,r,z; by default those that the headers state, if they differ.
    hdu : str, optional
        HDU to cut from, by number or EXTNAME; by default every image in a file except weights, masks and the like.
    {ra_column}
    {dec_column}
    {id_column}
    {table}
    stretch : str, optional
        Brightness stretch of PNG files: asinh, or with options asinh:softening=3; by default the one of `classify`.
    workers : int, optional
        Number of processes; by default one per available core if there are many objects.
    {resume}
    overwrite : bool
        Discard earlier cutouts in the same folder.
    {progress}

    Returns
    -------
    CutoutsResult
        Counts of cutouts and flags, and the paths of the folder and of cutouts.csv.

    Raises
    ------
    InputError
        If no image can be used, or no object is inside an image.
    TableError
        If the catalogue cannot be read, or has no positions.
    OutputExists
        If the folder is not empty, and neither `resume` nor `overwrite` is set.
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
        table=table,
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
