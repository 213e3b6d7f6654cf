"""Do what ``galaxtool label`` was asked for: measure the loop, rank all objects, or open the page."""

from __future__ import annotations

import os

from galaxtool.errors import InputError, OutputExists
from galaxtool.labeling.answers import LogEntry, merge_labels
from galaxtool.labeling.fit import check_labels, check_objects, fit_labels
from galaxtool.labeling.log import read_log
from galaxtool.labeling.options import LabelOptions, ReplayOptions
from galaxtool.labeling.rank_table import write_ranking
from galaxtool.labeling.renamed import describe_renamed, follow_images
from galaxtool.labeling.replay import replay
from galaxtool.labeling.results import LabelResult
from galaxtool.labeling.serve import serve_label
from galaxtool.labeling.space import make_space
from galaxtool.labeling.start import read_earlier_labels
from galaxtool.labeling.state import make_result
from galaxtool.search.features import FeatureArgs, Features, open_features
from galaxtool.tables.formats.find import check_table_path
from galaxtool.types import Progress, warn
from galaxtool.utils.counts import format_count
from galaxtool.utils.files.atomic_write import check_writable
from galaxtool.webserver.server import ServerOptions


def run_label(
    args: FeatureArgs, options: LabelOptions | ReplayOptions, server: ServerOptions, progress: Progress
) -> LabelResult:
    """Do what was asked for; see `galaxtool.commands.label.label`."""
    if isinstance(options, ReplayOptions):
        return replay(open_features(args, progress), options, progress)
    if options.rank is not None:
        return _rank(args, options, progress)
    return serve_label(args, options, server, progress)


def _rank(args: FeatureArgs, options: LabelOptions, progress: Progress) -> LabelResult:
    """Write the table of all objects."""
    assert options.rank is not None
    check_table_path(options.rank)
    check_writable(options.rank)
    _check_rank_path(args, options)
    answers: list[LogEntry] = []
    if options.output.exists() or options.start.labels is None:
        answers = read_log(options.output)
    check_labels(answers, options.question, str(options.output))
    features = open_features(args, progress)
    row_of = {name: row for row, name in enumerate(features.items["id"].to_pylist())}
    answers, renamed = follow_images(answers, row_of, features)
    notes = (
        *describe_renamed(renamed, str(options.output), features.name, progress),
        *_check_answers(answers, row_of, options, features, progress),
    )
    earlier = read_earlier_labels(features, options.start, options.question, progress)
    labels = merge_labels(answers, earlier)
    progress.start("Ranking")
    space = make_space(features.vectors)
    ranking = fit_labels(space, row_of, labels, options.question)
    if ranking is None:
        raise InputError(
            f"'{options.output}' has no labels to rank by.", hint="Label some objects first, without --rank."
        )
    write_ranking(options.rank, features, ranking, labels, options.question)
    return make_result(
        features, options, answers, earlier, kind="ranking", rank=str(options.rank), model=ranking.model, notes=notes
    )


def _check_answers(
    answers: list[LogEntry], row_of: dict[str, int], options: LabelOptions, features: Features, progress: Progress
) -> tuple[str, ...]:
    """Check that the log is about these objects; return a note if some of its objects do not exist."""
    missing = check_objects(answers, row_of, str(options.output), features.name)
    if not missing:
        return ()
    note = f"{format_count(missing, 'object')} of '{options.output}' that '{features.name}' does not have, left out."
    warn(progress, note)
    return (note,)


def _check_rank_path(args: FeatureArgs, options: LabelOptions) -> None:
    """Raise an error if the table would replace the labels or an input."""
    assert options.rank is not None
    target = os.path.realpath(options.rank)
    kept = [options.output, *([options.start.labels] if options.start.labels else []), *args.inputs]
    if any(os.path.realpath(path) == target for path in kept):
        raise OutputExists(
            f"'{options.rank}' is the log of labels or an input, and would be overwritten.",
            hint="Choose another name with --rank.",
        )
