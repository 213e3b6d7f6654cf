"""The command ``merge``."""

from __future__ import annotations

from pathlib import Path

from galaxtool.commands.shared_options import describe_shared_options
from galaxtool.inference.results import MergeResult
from galaxtool.reports.output_options import OutputOptions
from galaxtool.types import Progress, Silent
from galaxtool.utils.path_arguments import accept_paths


@accept_paths
@describe_shared_options
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
    """Merge the results of all shards of a job.

    The output is the same as that of a single process.

    Parameters
    ----------
    job : Path
        The output path that all shards were given, such as predictions.fits; their parts are in
        predictions.fits.unfinished.
    output : Path, optional
        Different path to write to, possibly in another table format.
    {html}
        It shows the images, so merge on a machine that can read them.
    {sort_into}
    {sort_by}
    {samp}
    overwrite : bool
        Sort into an existing folder.
    keep : bool
        Keep the parts.
    {progress}

    Returns
    -------
    MergeResult
        Number of rows and errors, and the path of the output.

    Raises
    ------
    InputError
        If parts are missing (the message names the shards to run again), or images that should be shown or sorted no
        longer exist.
    OutputExists
        If a shard is still running.
    """
    from galaxtool.inference.merge import merge_shards

    outputs = OutputOptions(
        table=Path(output or job), html=html and Path(html), sort_into=sort_into and Path(sort_into), sort_by=sort_by,
        samp=samp,
    )  # fmt: skip
    return merge_shards(Path(job), outputs, overwrite=overwrite, keep=keep, progress=progress or Silent())
