"""The command ``compare``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from galaxtool.commands.shared_options import describe_shared_options
from galaxtool.comparison.results import CompareResult
from galaxtool.types import Progress, Silent
from galaxtool.utils.path_arguments import accept_paths


@accept_paths
@describe_shared_options
def compare(
    evaluations: Sequence[str | Path],
    *,
    output: Path | None = None,
    metric: Sequence[str] = (),
    against: str | None = None,
    common: bool = False,
    resamples: int = 1000,
    seed: int = 0,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> CompareResult:
    """Compare evaluations on the same images: differences with intervals, and tests.

    Images are paired by their identifiers. The interval of a difference comes from a bootstrap that resamples the
    images of each true class for all evaluations together. The p-value of accuracy is that of the exact McNemar test,
    and that of other scores comes from the bootstrap; both are corrected for the number of pairs (Holm).

    Parameters
    ----------
    evaluations : sequence of str or Path
        Folders written by galaxtool evaluate, tables of predictions with the columns id, truth and label, or runs of
        finetune --readouts --test-fraction, as RUN or RUN:READOUT. NAME=PATH gives a name; several with the same name
        are trainings with different seeds, which are averaged and whose spread is shown.
    output : Path, optional
        Folder for the tables and the figure.
    metric : sequence of str
        Scores to compare, such as accuracy; by default all that can be computed from predictions.
    against : str, optional
        Name of the evaluation to compare each of the others with; by default all pairs are compared.
    common : bool
        Where the evaluations have different images, compare them on those that all share.
    resamples : int
        Number of bootstrap resamples.
    seed : int
        Random seed of the bootstrap.
    overwrite : bool
        Replace the output of an earlier comparison.
    {progress}

    Returns
    -------
    CompareResult
        Scores, differences, intervals and p-values.

    Raises
    ------
    InputError
        If the evaluations are of different images or of different true classes.
    ModelError
        If a run has not kept its predictions.
    OutputExists
        If the output exists.
    """
    from galaxtool.comparison.compare import CompareOptions, compare_evaluations

    options = CompareOptions(
        evaluations=[str(one) for one in evaluations], output=output and Path(output), metrics=metric, against=against,
        common=common, resamples=resamples, seed=seed, overwrite=overwrite,
    )  # fmt: skip
    return compare_evaluations(options, progress or Silent())
