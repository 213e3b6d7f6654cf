"""Join the parts of all shards of a job: the work of ``galaxtool merge``."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from galaxtool.errors import ConfigError, GalaxtoolError, InputError, OutputExists
from galaxtool.inference.embeddings.file import check_embedding_path
from galaxtool.inference.embeddings.parts import write_embeddings
from galaxtool.inference.results import MergeResult
from galaxtool.jobs.job import job_folder, list_part_paths
from galaxtool.jobs.job_files import LOCK
from galaxtool.jobs.part_check import list_damaged
from galaxtool.jobs.part_file import count_parts, list_part_columns
from galaxtool.jobs.record import EmbeddingsRecord, JobRecord, PredictionsRecord, load_record
from galaxtool.jobs.shard import Shard
from galaxtool.reports.output_options import OutputOptions
from galaxtool.reports.outputs import send_outputs, write_outputs
from galaxtool.reports.thumbnails import check_images
from galaxtool.tables.formats.find import check_columns, check_table_path
from galaxtool.types import FLAGS, Progress
from galaxtool.utils.counts import format_count
from galaxtool.utils.files.ignored_names import UNFINISHED
from galaxtool.utils.files.locks import lock_file, lock_owner

_MOST_NAMED = 8


def merge_shards(job: Path, outputs: OutputOptions, *, overwrite: bool, keep: bool, progress: Progress) -> MergeResult:
    """Join the parts of a job and write its outputs; see `galaxtool.commands.merge.merge`.

    Parameters
    ----------
    job : Path
        Output that the shards were given, or its folder of parts.
    outputs : OutputOptions
        What to write; the table is `job`, or its folder, if the output keeps its name.
    overwrite : bool
        Whether to sort into a folder that contains files.
    keep : bool
        Whether to keep the parts.
    progress : Progress
        Receiver of progress messages.
    """
    folder = job if job.is_dir() and job.name.endswith(UNFINISHED) else job_folder(job)
    if outputs.table == job:
        outputs = replace(outputs, table=folder.with_name(folder.name.removesuffix(UNFINISHED)))
    record = load_record(folder)
    outputs.check(Shard(), overwrite=overwrite)
    try:
        lock = lock_file(folder / LOCK)
    except OSError as error:
        raise GalaxtoolError(
            f"The folder '{folder}' cannot be locked: {error.strerror}.",
            hint="If its disk is read-only, copy the folder to another one and merge there.",
        ) from error
    if lock is None:
        owners = [text for path in sorted(folder.glob(f"{LOCK}*")) if (text := lock_owner(path))]
        raise OutputExists(
            f"A shard of '{outputs.table}' is still running{': ' + owners[0] if owners else ''}.",
            hint="Merge when all shards are done.",
        )
    with lock:
        _check_complete(folder, record, outputs.table)
        progress.start(f"Joining {format_count(record.parts, 'part')}")
        try:
            if isinstance(record, EmbeddingsRecord):
                result = _merge_embeddings(folder, record, outputs)
            else:
                result = _merge_predictions(folder, record, outputs, progress)
        except (GalaxtoolError, KeyboardInterrupt) as error:
            error.add_note(f"The parts are kept in '{folder}'.")
            raise
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    send_outputs(outputs, progress)
    return result


def _merge_embeddings(folder: Path, record: EmbeddingsRecord, outputs: OutputOptions) -> MergeResult:
    if outputs.has_extras:
        raise ConfigError(
            "Embeddings have no classes to show or to sort by.", hint="Leave out --html, --sort-into and --samp."
        )
    check_embedding_path(outputs.table)
    write_embeddings(folder, record, outputs.table)
    counts = count_parts(list_part_paths(folder, record.parts))
    return MergeResult(
        str(outputs.table), counts.rows, counts.errors, record.parts, record.shards,
        flags=counts.order_flags(FLAGS), notes=tuple(record.meta.get("notes", ())),
    )  # fmt: skip


def _merge_predictions(
    folder: Path, record: PredictionsRecord, outputs: OutputOptions, progress: Progress
) -> MergeResult:
    check_table_path(outputs.table)
    if note := check_columns(outputs.table, list_part_columns(folder, record.parts)):
        progress.say(note)
    if outputs.html is not None or outputs.sort_into is not None:
        check_images(folder, record, progress)
    sorted_into = write_outputs(outputs, folder, record, progress)
    counts = count_parts(list_part_paths(folder, record.parts))
    return MergeResult(
        str(outputs.table), counts.rows, counts.errors, record.parts, record.shards, sorted_into,
        flags=counts.order_flags(FLAGS), notes=tuple(record.notes),
    )  # fmt: skip


def _check_complete(folder: Path, record: JobRecord, target: Path) -> None:
    """Raise `InputError` if parts are missing, naming the shards that must run again."""
    paths = list_part_paths(folder, record.parts)
    damaged = list_damaged(path for path in paths if path.exists())
    missing = [number for number, path in enumerate(paths) if path in damaged or not path.exists()]
    if not missing:
        return
    count = record.shards
    shards = sorted({number % count + 1 for number in missing})
    names = ", ".join(f"{i}/{count}" for i in shards[:_MOST_NAMED]) + (", ..." if len(shards) > _MOST_NAMED else "")
    hint = "Run it again with --resume." if count == 1 else f"Run these shards again with --resume: --shard {names}."
    if len(damaged) == len(missing):
        first, damage = next(iter(damaged.items()))
        others = f", and {format_count(len(damaged) - 1, 'other part')} cannot be used" if len(damaged) > 1 else ""
        raise InputError(f"'{first}' {damage}{others}.", hint=hint)
    raise InputError(f"{len(missing)} of {record.parts} parts of '{target}' are not done.", hint=hint)
