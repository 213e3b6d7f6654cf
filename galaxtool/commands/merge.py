"""Joining what the shards of a job have done."""

from __future__ import annotations

from pathlib import Path

from galaxtool.inference.results import MergeResult
from galaxtool.reports.output_options import OutputOptions
from galaxtool.types import Progress, Silent


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
    from galaxtool.inference.merge import merge_shards

    outputs = OutputOptions(
        table=Path(output or job), html=html and Path(html), sort_into=sort_into and Path(sort_into), sort_by=sort_by,
        samp=samp,
    )  # fmt: skip
    return merge_shards(Path(job), outputs, overwrite=overwrite, keep=keep, progress=progress or Silent())
