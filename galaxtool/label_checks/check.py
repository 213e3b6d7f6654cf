"""Find labels that are probably wrong, and write the table and the page: the work of ``galaxtool doubts``."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from galaxtool.assessment.labeled_items import DatasetItem, find_image, list_dataset_items, open_labeled
from galaxtool.datasets.files import find_notes as find_dataset_notes
from galaxtool.datasets.protocols import Dataset
from galaxtool.datasets.reading import read_as_classify
from galaxtool.datasets.splits.leaks import find_leaks
from galaxtool.errors import UnreadableImage
from galaxtool.inference.compute_options import ComputeOptions, restore_engine
from galaxtool.inference.embeddings.compute import report_unreadable
from galaxtool.inference.notes import find_notes
from galaxtool.inference.pixel_scale import assume_pixel_scale
from galaxtool.inference.reading import override_preprocess
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inference.runner import open_batch_engine
from galaxtool.inputs.probe import FileProber
from galaxtool.jobs.options import JobOptions
from galaxtool.label_checks.confident import find_wrong_labels
from galaxtool.label_checks.doubt_table import DoubtfulLabels, describe_doubts, write_doubts_page, write_doubts_table
from galaxtool.label_checks.duplicates import SIDE, Duplicate, find_duplicates, make_gray_pictures
from galaxtool.label_checks.embedding import DatasetEmbedder, embed_items, open_embedding_job
from galaxtool.label_checks.folds import cross_validate, draw_folds
from galaxtool.label_checks.labels import CheckedLabels, check_classes, read_checked_labels
from galaxtool.label_checks.options import DoubtOptions
from galaxtool.label_checks.results import DoubtsResult
from galaxtool.models.find import find_model
from galaxtool.tables.formats.find import check_table_path
from galaxtool.tables.kept_inputs import refuse_inputs
from galaxtool.types import Progress, warn
from galaxtool.utils.files.atomic_write import check_writable
from galaxtool.vision.preprocess import Preprocess

SHOWN = 100
"""Number of labels in the result."""

_PICTURE_SIDE = 192


@dataclass(frozen=True, eq=False)
class Judgement:
    """What is thought of the labels of N images.

    Parameters
    ----------
    probabilities : ndarray of float64, shape (N, K)
        Cross-validated probabilities; NaN where an image was not judged.
    wrong : ndarray of int
        Rows of the labels that these contradict, the worst first.
    duplicates : list of Duplicate
        Images of the same object with different labels.
    notes : list of str
        What to beware of.
    """

    probabilities: np.ndarray
    wrong: np.ndarray
    duplicates: list[Duplicate]
    notes: list[str]


def find_doubts(
    options: DoubtOptions,
    *,
    reading: ReadingOptions,
    compute: ComputeOptions,
    job_options: JobOptions,
    progress: Progress,
) -> DoubtsResult:
    """Find labels that are probably wrong; see `galaxtool.commands.doubts.doubts`."""
    check_table_path(options.output)
    if options.html is not None:
        check_writable(options.html)
    refuse_inputs({"--output": options.output, "--html": options.html}, [options.dataset])
    prober = FileProber(reading.read_options.hdu)
    compute = compute if job_options.overwrite else restore_engine(options.output, compute)
    engine = open_batch_engine(find_model(options.model), compute, 0, progress)
    reading = assume_pixel_scale(engine.record, reading)
    preprocess = override_preprocess(engine.record.make_preprocess(), reading)
    dataset = open_labeled(
        options.dataset, reading, label_column=options.label_column, where=options.where, needs_labels=False
    )
    labels = read_checked_labels(dataset, options.folds)
    read_as_classify(dataset, preprocess)
    items = list_dataset_items(dataset, labels.rows.tolist())
    notes = [*find_dataset_notes(dataset), *labels.notes]
    for note in (*notes, *find_notes(engine.record, reading, [item for item in items if item.ref])):
        warn(progress, note)
    runner = DatasetEmbedder(
        dataset, engine=engine, model=options.model, reading=reading.read_options, preprocess=preprocess,
        compute=compute,
    )  # fmt: skip
    with open_embedding_job(items, runner, options.output, job_options) as job:
        vectors, errors = embed_items(job, items, runner, progress)
        report_unreadable([error for error in errors if error], len(items), progress)
        good = np.flatnonzero(np.isfinite(vectors).all(axis=1))
        if len(good) < len(items):
            items, vectors = [items[at] for at in good.tolist()], vectors[good]
            labels = replace(labels, rows=labels.rows[good], targets=labels.targets[good])
            check_classes([labels.slugs[target] for target in labels.targets.tolist()], options.folds)
        judgement = judge_labels(dataset, items, labels, vectors, preprocess, options, prober, progress)
        for note in judgement.notes:
            warn(progress, note)
        result = _write(options, dataset, items, labels, judgement, preprocess, sum(map(bool, errors)), notes, progress)
        job.finished = True
    return result


def judge_labels(
    dataset: Dataset,
    items: list[DatasetItem],
    labels: CheckedLabels,
    vectors: np.ndarray,
    preprocess: Preprocess,
    options: DoubtOptions,
    prober: FileProber,
    progress: Progress,
) -> Judgement:
    """Cross-validate the labels, and look for images of the same object."""
    own = [replace(dataset.items[row], ref=find_image(dataset, row)) for row in labels.rows.tolist()]
    leaks = find_leaks(own, separation_arcsec=options.separation, prober=prober)
    folds = draw_folds(leaks, labels.targets, options.folds, options.separation, options.seed)
    probabilities = cross_validate(vectors, labels.targets, folds, progress)
    judged = np.flatnonzero(np.isfinite(probabilities).all(axis=1))
    notes = []
    if len(judged) < len(items):
        notes.append(
            f"{len(items) - len(judged)} of {len(items)} labels were not judged: all images of the class are "
            "neighbours on the sky or copies. A smaller --separation may help."
        )
    # some class may have no judged image
    present = np.unique(labels.targets[judged])
    known = probabilities[np.ix_(judged, present)]
    wrong = (
        judged[find_wrong_labels(np.searchsorted(present, labels.targets[judged]), known)] if len(judged) else judged
    )
    small = replace(preprocess, size=SIDE)
    pictures = make_gray_pictures(labels.rows.tolist(), lambda row: _make_picture(dataset, row, small), progress)
    return Judgement(probabilities, wrong, find_duplicates(leaks, labels.targets, pictures), notes)


def _make_picture(dataset: Dataset, row: int, preprocess: Preprocess) -> np.ndarray | None:
    try:
        return preprocess.display(dataset.cutout(row))
    except UnreadableImage:
        return None


def _write(
    options: DoubtOptions,
    dataset: Dataset,
    items: list[DatasetItem],
    labels: CheckedLabels,
    judgement: Judgement,
    preprocess: Preprocess,
    unreadable: int,
    notes: list[str],
    progress: Progress,
) -> DoubtsResult:
    """Write the table and the page."""
    progress.start("Writing")
    paths = [str(item.ref) if find_image(dataset, item.row) is not None else "" for item in items]
    doubtful = DoubtfulLabels(
        ids=[item.id for item in items],
        paths=paths,
        slugs=labels.slugs,
        targets=labels.targets,
        probabilities=judgement.probabilities,
        wrong=judgement.wrong,
        duplicates=judgement.duplicates,
    )
    write_doubts_table(options.output, doubtful, model=options.model)
    if options.html is not None:
        large = replace(preprocess, size=_PICTURE_SIDE)
        write_doubts_page(
            options.html,
            doubtful,
            make_picture=lambda at: _make_picture(dataset, items[at].row, large),
            notes=[*notes, *judgement.notes],
            settings={
                "Data set": dataset.name,
                "Model of the features": options.model,
                "Folds": str(options.folds),
                "Table": str(options.output),
            },
        )
    doubts = describe_doubts(doubtful)
    return DoubtsResult(
        output=str(options.output),
        html="" if options.html is None else str(options.html),
        dataset=dataset.name,
        model=options.model,
        count=len(items),
        unlabeled=labels.unlabeled,
        unreadable=unreadable,
        contradicted=len(judgement.wrong),
        duplicates=len(judgement.duplicates),
        rows=len(doubts),
        doubts=tuple(doubts[:SHOWN]),
        notes=(*notes, *judgement.notes),
    )
