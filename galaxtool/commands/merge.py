"""Joining what the shards of a job have done."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from galaxtool.errors import ConfigError, InputError, OutputExists
from galaxtool.jobs.job import LOCK, folder_of, part, read_record
from galaxtool.jobs.shard import Shard
from galaxtool.reports.outputs import Outputs
from galaxtool.reports.thumbnails import check_images
from galaxtool.types import Progress, Silent
from galaxtool.utils.locks import lock_file, lock_owner

_NAMED = 8


@dataclass(frozen=True)
class MergeResult:
    """What `merge` wrote.

    Parameters
    ----------
    output : str
        The table, or file of embeddings.
    n : int
        Rows.
    errors : int
        Rows with an error.
    parts, shards : int
        Of how many it was made.
    sorted_into : dict of int
        Images in each folder that was made, if any.
    """

    output: str
    n: int
    errors: int
    parts: int
    shards: int
    sorted_into: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def merge(
    job: Path,
    *,
    output: Path | None = None,
    html: Path | None = None,
    sort_into: Path | None = None,
    sort_by: str = "link",
    samp: bool = False,
    overwrite: bool = False,
    keep: bool = False,
    progress: Progress | None = None,
) -> MergeResult:
    """Join what the shards of a job have done.

    The result is what one process would have written.

    Parameters
    ----------
    job : Path
        The output that all shards were given: predictions.fits, whose parts are in predictions.fits.unfinished.
    output : Path, optional
        Where to write, if not there: another name, or another format of table.
    html : Path, optional
        Write a page too, as `classify` does. It shows the images, so run this where the shards ran.
    sort_into : Path, optional
        Make a folder with a sub-folder for each class and the images in it.
    sort_by : str
        How images are sorted into folders: link or copy.
    samp : bool
        Send the table to TOPCAT, Aladin and what else listens to SAMP.
    overwrite : bool
        Sort into a folder that is there already.
    keep : bool
        Leave the parts where they are.

    Returns
    -------
    MergeResult

    Raises
    ------
    InputError
        If there are no parts, or some are missing; the shards that have to be run again are named. If images are to be
        shown or sorted that are not there any more.
    OutputExists
        If a shard is still at work.
    """
    progress = progress or Silent()
    job = Path(job)
    folder = job if job.is_dir() and job.name.endswith(".unfinished") else folder_of(job)
    target = Path(output) if output else folder.with_name(folder.name.removesuffix(".unfinished"))
    about = read_record(folder)
    outputs = Outputs(target, html=html, sort_into=sort_into, sort_by=sort_by, samp=samp)
    outputs.check(Shard(), overwrite=overwrite)
    lock = lock_file(folder / LOCK)
    if lock is None:
        who = [text for path in sorted(folder.glob(f"{LOCK}*")) if (text := lock_owner(path))]
        raise OutputExists(
            f"Work on '{target}' is still going on{': ' + who[0] if who else ''}.",
            hint="Merge when all shards are done.",
        )
    with lock:
        _check_whole(folder, about, target)
        progress.start(f"Joining {about['parts']} parts")
        rows, errors, sorted_into = _write(folder, about, outputs, progress)
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    outputs.send(progress)
    return MergeResult(str(target), rows, errors, about["parts"], about["shards"], sorted_into)


def _write(
    folder: Path, about: dict[str, Any], outputs: Outputs, progress: Progress
) -> tuple[int, int, dict[str, int]]:
    """Write the output; return how many rows it has, how many with an error, and what was sorted where."""
    from galaxtool.inference.classify_result import ResultCounts

    paths = [part(folder, number) for number in range(about["parts"])]
    if about["kind"] == "embeddings":
        from galaxtool.inference.embed_parts import first_errors, write_embeddings
        from galaxtool.inference.embedding_file import check_embedding_path

        if outputs.more:
            raise ConfigError(
                "Embeddings have no classes to show or to sort by.", hint="Leave --html and the like out."
            )
        check_embedding_path(outputs.table)
        write_embeddings(folder, outputs.table)
        return *first_errors(paths)[:2], {}
    from galaxtool.tables.tables import check_table_path

    check_table_path(outputs.table)
    if outputs.html is not None or outputs.sort_into is not None:
        check_images(folder, about, progress)
    sorted_into = outputs.write(folder, about, progress)
    tally = ResultCounts.of(paths)
    return tally.n, tally.errors, sorted_into


def _check_whole(folder: Path, about: dict[str, Any], target: Path) -> None:
    missing = [number for number in range(about["parts"]) if not part(folder, number).exists()]
    if not missing:
        return
    shards = sorted({number % about["shards"] + 1 for number in missing})
    named = ", ".join(f"{i}/{about['shards']}" for i in shards[:_NAMED]) + (", ..." if len(shards) > _NAMED else "")
    again = "Run it again with --resume." if about["shards"] == 1 else f"Run again, with --resume: --shard {named}."
    raise InputError(f"{len(missing)} of {about['parts']} parts of '{target}' are not done.", hint=again)
