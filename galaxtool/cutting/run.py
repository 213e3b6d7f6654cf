"""Run `galaxtool cutouts`: from the options to the folder of cutouts and its manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.table import Table

from galaxtool.cutting.file_names import make_file_names
from galaxtool.cutting.image_set import read_image_set
from galaxtool.cutting.job_record import CutJobRecord
from galaxtool.cutting.manifest import make_manifest
from galaxtool.cutting.objects import SizeOptions, read_objects
from galaxtool.cutting.output import KINDS, MANIFEST, SUFFIXES, CutoutsRecord, OutputFolder
from galaxtool.cutting.plan import CutPlan, plan_cuts
from galaxtool.cutting.tasks import CutSettings, make_task, split_rows
from galaxtool.cutting.worker import count_workers, run_tasks
from galaxtool.cutting.writers.formats import check_kind, prepare_stack
from galaxtool.cutting.writers.stack import describe_stack
from galaxtool.errors import ConfigError, InputError
from galaxtool.executors.cores import resolve_workers
from galaxtool.inference.reading import parse_stretch
from galaxtool.inference.reading_options import split_band_names
from galaxtool.inputs.cells import list_texts
from galaxtool.jobs.job import Job, job_folder
from galaxtool.jobs.options import JobOptions
from galaxtool.jobs.part_check import name_part
from galaxtool.jobs.part_file import read_parts
from galaxtool.tables.write import write_table
from galaxtool.types import Progress
from galaxtool.utils.config import check_choice
from galaxtool.utils.run_manifest import find_versions, utc_now
from galaxtool.vision.stretch import Stretch


@dataclass(frozen=True, slots=True, kw_only=True)
class CutoutsOptions:
    """The options of `galaxtool cutouts`, described in `galaxtool.commands.cutouts.cutouts`."""

    inputs: Sequence[str | Path]
    output: Path
    size: int | None = None
    size_arcsec: float | None = None
    size_column: str | None = None
    size_unit: str | None = None
    size_factor: float = 1.0
    kind: str = "fits"
    bands: Sequence[str] = ()
    hdu: str | None = None
    ra_column: str | None = None
    dec_column: str | None = None
    id_column: str | None = None
    table: str | None = None
    stretch: str | None = None
    workers: int | None = None
    resume: bool = False
    overwrite: bool = False


def cut_catalogue(options: CutoutsOptions, progress: Progress) -> CutoutsRecord:
    """Cut the objects of a catalogue out of images, and write the manifest.

    Raises
    ------
    InputError
        If no image can be used, no object lies in an image, or no pixels can be read.
    TableError
        If the catalogue cannot be read, or has no positions.
    ConfigError
        If a value cannot be used, or a stretch is given for files that are not PNG.
    OutputExists
        If the folder is not empty, and neither `resume` nor `overwrite` is set.
    """
    check_choice("kind", options.kind, KINDS)
    resolve_workers(options.workers)
    inputs = [options.inputs] if isinstance(options.inputs, str | Path) else list(options.inputs)
    if len(inputs) < 2:
        raise InputError(
            "`galaxtool cutouts` needs images and a catalogue, but only one input was given.",
            hint="The catalogue is the last argument.",
        )
    check_kind(options.kind)
    bands = split_band_names(options.bands)
    if options.stretch and options.kind != "png":
        raise ConfigError(
            f"--stretch is for PNG files, and --kind is {options.kind}: its pixels stay as they are in the images.",
            hint="Leave --stretch out, or give --kind png.",
        )
    stretch = parse_stretch(options.stretch) if options.stretch else Stretch()
    sizes = SizeOptions(
        size=options.size,
        size_arcsec=options.size_arcsec,
        size_column=options.size_column,
        size_unit=options.size_unit,
        size_factor=options.size_factor,
    )
    folder = OutputFolder(options.output, options.kind, job_folder(options.output / MANIFEST))
    objects = read_objects(
        Path(inputs[-1]),
        sizes,
        ra_column=options.ra_column,
        dec_column=options.dec_column,
        id_column=options.id_column,
        table_name=options.table,
    )
    for note in objects.notes:
        progress.say(note)
    image_set = read_image_set(inputs[:-1], bands, options.hdu, options.output, progress)
    plan = plan_cuts(objects, image_set, bands, progress)
    run = _CutoutsRun(plan, folder, stretch, image_set.unreadable, options)
    record = folder.find_record(run.record.describe_result(), resume=options.resume, overwrite=options.overwrite)
    if record:
        progress.say(f"'{folder.folder}' is finished; there is nothing left to do.")
    else:
        record = run.execute(progress)
    if not record.cut:
        raise InputError("No pixels could be read.", hint=f"See the error column of '{folder.manifest}'.")
    return record


class _CutoutsRun:
    """One run over a plan."""

    def __init__(
        self, plan: CutPlan, output: OutputFolder, stretch: Stretch, unreadable: list[str], options: CutoutsOptions
    ) -> None:
        self.plan, self.output, self.unreadable, self.options = plan, output, unreadable, options
        self.settings = CutSettings(
            kind=options.kind,
            folder=output.files,
            stack=output.unfinished_stack,
            catalogue=str(plan.objects.path),
            bands=plan.bands,
            stretch=stretch,
        )
        self.content = describe_stack(plan) if output.is_stack else None
        self.chunks = split_rows(plan)
        self.record = CutJobRecord(
            parts=len(self.chunks),
            images=plan.digest_images(),
            objects=plan.digest_objects(),
            kind=options.kind,
            stretch=stretch.as_dict() if options.kind == "png" else None,
        )
        self.paths = [""] * len(plan.errors)
        if not output.is_stack:
            self.paths = make_file_names(plan.objects.ids, SUFFIXES[options.kind])

    def execute(self, progress: Progress) -> CutoutsRecord:
        """Do the remaining tasks of the job, write the manifest, and return the record."""
        resume, overwrite = self.options.resume, self.options.overwrite
        with Job(self.output.manifest, self.record, JobOptions(resume=resume, overwrite=overwrite)) as job:
            if overwrite or not job.done:  # files and a stack of a run that finished no part may be of other objects
                self.output.clear()
            progress.start("Cutting", len(self.plan.wanted))
            progress.advance(sum(len(self.chunks[number]) for number in set(range(job.count)) - set(job.missing)))
            if job.missing:
                self._run_tasks(job, progress)
            finished = self._finish(job)
            job.finished = True
        return finished

    def _run_tasks(self, job: Job[CutJobRecord], progress: Progress) -> None:
        """Run the tasks that are not done, and store the outcome of each as a part of the job."""
        missing, slots = job.missing, self._allocate(job.missing)
        tasks = (make_task(self.plan, number, self.chunks[number], self.paths, slots) for number in missing)
        workers = count_workers(self.options.workers, len(self.plan.wanted), len(missing))
        with closing(run_tasks(tasks, self.settings, workers)) as results:
            for result in results:
                columns = {"flags": np.array(result.flags, dtype=str), "error": np.array(result.errors, dtype=str)}
                path = job.place(result.number)
                write_table(Table({"row": result.rows, **columns}), path, meta=name_part(path))
                progress.advance(len(result.rows))

    def _allocate(self, missing: Sequence[int]) -> np.ndarray:
        """Create the stack or the folders of the files; return the slot of each row, -1 where it has none."""
        if self.content:
            return prepare_stack(self.options.kind, self.output.unfinished_stack, self.plan, self.content)
        self.output.make_folders(self.paths[row] for number in missing for row in self.chunks[number])
        return np.full(len(self.plan.nx), -1, dtype=np.int64)

    def _finish(self, job: Job[CutJobRecord]) -> CutoutsRecord:
        """Move the stack to its final path, write the manifest and the record, and return the record."""
        plan = self.plan
        flags, errors = [" ".join(flags) for flags in plan.flags], list(plan.errors)
        for part in read_parts(job.folder, job.count):
            for row, flag, error in zip(
                part["row"].tolist(), list_texts(part["flags"]), list_texts(part["error"]), strict=True
            ):
                flags[row], errors[row] = flag, error
        self.output.publish_stack()
        paths = self.output.locate_cutouts(plan.wanted, self.paths, errors)
        write_table(make_manifest(plan, paths, flags, errors), self.output.manifest)
        record = CutoutsRecord(
            about=self.record.describe_result(),
            catalogue=str(plan.objects.path),
            images=[str(image.ref) for image in plan.images],
            unreadable=self.unreadable,
            bands=list(plan.bands),
            n=len(errors),
            cut=sum(not error for error in errors),
            flags=dict(Counter(flag for joined in flags for flag in joined.split()).most_common()),
            finished=utc_now(),
            versions=find_versions(),
        )
        self.output.write_record(record)
        return record
