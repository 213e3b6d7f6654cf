"""Cutting the objects of a catalogue out of large images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxtool.errors import InputError
from galaxtool.types import Progress, Silent
from galaxtool.utils.config import one_of

if TYPE_CHECKING:
    import numpy as np

    from galaxtool.cutting.output import OutputFolder
    from galaxtool.cutting.plan import CutPlan
    from galaxtool.cutting.tasks import CutSettings
    from galaxtool.cutting.writers.hdf5 import StackContent
    from galaxtool.jobs.job import Job

_KINDS = ("fits", "png", "hdf5", "zarr")


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
    from galaxtool.cutting.image_set import plan_cuts, read_image_set
    from galaxtool.cutting.objects import SizeOptions, read_objects
    from galaxtool.cutting.output import MANIFEST, OutputFolder
    from galaxtool.cutting.tasks import CutSettings
    from galaxtool.cutting.writers.preallocate import check_kind
    from galaxtool.executors.cores import checked
    from galaxtool.inference.input_options import band_names, stretch_of
    from galaxtool.jobs.job import folder_of
    from galaxtool.vision.stretch import Stretch

    progress = progress or Silent()
    one_of("kind", kind, _KINDS)
    checked(workers)
    given = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    if len(given) < 2:
        raise InputError("Cutouts need images and a catalogue, and one thing was given.", hint="The catalogue is last.")
    check_kind(kind)
    shown = stretch_of(stretch) if stretch else Stretch()
    sizes = SizeOptions(
        size=size, size_arcsec=size_arcsec, size_column=size_column, size_unit=size_unit, size_factor=size_factor
    )
    folder = OutputFolder(Path(output), kind, folder_of(Path(output) / MANIFEST))
    objects = read_objects(Path(given[-1]), sizes, ra_column=ra_column, dec_column=dec_column, id_column=id_column)
    opened = read_image_set(given[:-1], band_names(bands), hdu, progress)
    plan = plan_cuts(objects, opened, band_names(bands), progress)
    settings = CutSettings(
        kind=kind,
        folder=folder.files,
        stack=folder.growing_stack,
        catalogue=str(objects.path),
        bands=plan.bands,
        stretch=shown,
    )
    about = {**plan.digests(), "kind": kind, "stretch": shown.as_dict() if kind == "png" else None}
    record = folder.check(about, resume=resume, overwrite=overwrite)
    if record:
        progress.say(f"'{folder.folder}' is finished; nothing was left to do.")
    else:
        record = _cut(
            folder, plan, settings, about, opened.unreadable, workers, progress, resume=resume, overwrite=overwrite
        )
    result = _result(folder, plan, record)
    if not result.cut:
        raise InputError("No pixels could be read.", hint=f"The error column of '{folder.manifest}' says why.")
    return result


def _cut(
    output: OutputFolder,
    plan: CutPlan,
    settings: CutSettings,
    about: dict[str, Any],
    unreadable: list[str],
    workers: int | None,
    progress: Progress,
    *,
    resume: bool,
    overwrite: bool,
) -> dict[str, Any]:
    """Do what is left of the job, write the manifest, and return the record."""
    from galaxtool.cutting.file_names import make_file_names
    from galaxtool.cutting.output import STACK_FILES, SUFFIXES
    from galaxtool.cutting.split_tasks import rows_of_tasks
    from galaxtool.cutting.writers.preallocate import rows_a_file, stack_content
    from galaxtool.jobs.job import Job

    kind = settings.kind
    content = stack_content(plan) if kind in STACK_FILES else None
    multiple = rows_a_file(kind, content) if content is not None else 1
    chunks = rows_of_tasks(plan, in_order=kind == "zarr", multiple=multiple)
    paths = make_file_names(plan.objects.ids, SUFFIXES[kind]) if content is None else [""] * len(plan.errors)
    with Job(output.manifest, about, count=len(chunks), resume=resume, overwrite=overwrite) as job:
        if overwrite or (output.finished and not job.done):
            output.clear()
        progress.start("Cutting", len(plan.wanted))
        progress.advance(sum(len(chunks[number]) for number in set(range(job.count)) - set(job.missing)))
        _work(job, plan, settings, chunks, paths, content, output, workers, progress)
        record = _finish(output, plan, job, about, paths, unreadable)
        job.finished = True
    return record


def _work(
    job: Job,
    plan: CutPlan,
    settings: CutSettings,
    chunks: list[np.ndarray],
    paths: list[str],
    content: StackContent | None,
    output: OutputFolder,
    workers: int | None,
    progress: Progress,
) -> None:
    """Do the tasks that are not done, and keep what became of each."""
    import numpy as np
    from astropy.table import Table

    from galaxtool.cutting.run_tasks import do_tasks, number_of_workers
    from galaxtool.cutting.split_tasks import make_task
    from galaxtool.cutting.writers.preallocate import prepare
    from galaxtool.tables.tables import write_table

    missing = job.missing
    if not missing:
        return
    slots = np.full(len(plan.nx), -1, dtype=np.int64)
    if content is not None:
        slots = prepare(settings.kind, output.growing_stack, plan, content)
    else:
        output.make_folders(paths[row] for number in missing for row in chunks[number])
    tasks = (make_task(plan, number, chunks[number], paths, slots) for number in missing)
    processes = number_of_workers(workers, len(plan.wanted), len(missing))
    with closing(do_tasks(tasks, settings, processes)) as results:
        for done in results:
            texts = {"flags": np.array(done.flags, dtype=str), "error": np.array(done.errors, dtype=str)}
            write_table(Table({"row": done.rows, **texts}), job.place(done.number))
            progress.advance(len(done.rows))


def _finish(
    output: OutputFolder, plan: CutPlan, job: Job, about: dict[str, Any], paths: list[str], unreadable: list[str]
) -> dict[str, Any]:
    """Put the stack in its place, write the manifest, and return the record, written too."""
    from galaxtool.cutting.manifest import make_manifest
    from galaxtool.inputs.catalogue import texts
    from galaxtool.jobs.job import read_parts
    from galaxtool.tables.tables import write_table
    from galaxtool.utils.run_directory import utc_now, versions

    flags, errors = [" ".join(flags) for flags in plan.flags], list(plan.errors)
    for part in read_parts(job.folder, job.count):
        for row, found, error in zip(part["row"].tolist(), texts(part["flags"]), texts(part["error"]), strict=True):
            flags[row], errors[row] = found, error
    output.place_stack()
    places = output.places(plan.wanted, paths, errors)
    write_table(make_manifest(plan, places, flags, errors), output.manifest)
    return output.write_record(
        {
            "about": about,
            "catalogue": str(plan.objects.path),
            "images": [str(image.place) for image in plan.images],
            "unreadable": unreadable,
            "bands": list(plan.bands),
            "n": len(errors),
            "cut": sum(not error for error in errors),
            "flags": dict(Counter(flag for joined in flags for flag in joined.split()).most_common()),
            "finished": utc_now(),
            "versions": versions(),
        }
    )


def _result(output: OutputFolder, plan: CutPlan, record: dict[str, Any]) -> CutoutsResult:
    from galaxtool.cutting.plan import OUTSIDE

    return CutoutsResult(
        output=output.folder,
        manifest=output.manifest,
        n=len(plan.errors),
        cut=record["cut"],
        outside=record["flags"].get(OUTSIDE, 0),
        errors=len(plan.errors) - record["cut"],
        flags=record["flags"],
        bands=plan.bands,
        unreadable=tuple(record["unreadable"]),
    )
