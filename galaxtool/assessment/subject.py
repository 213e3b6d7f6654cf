"""A model and the labelled images that it is scored on, opened and matched."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from galaxtool.assessment.gallery import GallerySource, open_gallery
from galaxtool.assessment.held_out import find_cross_fit
from galaxtool.assessment.labeled_items import DatasetItem, list_dataset_items, open_labeled, select_split
from galaxtool.assessment.metrics.by_column import check_columns
from galaxtool.assessment.options import EvaluateOptions
from galaxtool.assessment.run_split import list_given_splits, read_run_split
from galaxtool.assessment.truth import Truth, match_gallery, match_truth, name_truth, read_value_truth, read_vote_truth
from galaxtool.datasets.files import find_notes as find_dataset_notes
from galaxtool.datasets.protocols import Dataset
from galaxtool.datasets.reading import read_as_classify
from galaxtool.datasets.subset import create_items_table
from galaxtool.errors import ModelError
from galaxtool.evaluation.cross_fit import CrossFit
from galaxtool.evaluation.prior import TRAINING
from galaxtool.inference.class_prior import ClassPrior, choose_prior
from galaxtool.inference.coarse_terms import CoarseTerms, find_terms
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.notes import find_notes
from galaxtool.inference.pixel_scale import assume_pixel_scale
from galaxtool.inference.reading import override_preprocess
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inference.runner import open_batch_engine
from galaxtool.models.engines.protocol import Engine
from galaxtool.models.find import find_model
from galaxtool.models.record import ModelRecord
from galaxtool.types import Progress
from galaxtool.vision.perturb import list_perturbations

NO_CLASSES = "none"
"""Head of a model that was trained without labels."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A model and the labelled images that it is scored on.

    Parameters
    ----------
    engine : Engine
        The open model.
    dataset : Dataset
        The data set, of which `items` are scored.
    items : list of DatasetItem
        The N images.
    splits : list of str
        Split of each image; empty where it has none.
    split : str
        Split that is scored, or ``all``.
    truth : Truth
        Their true classes.
    terms : CoarseTerms or None
        Coarser classes that the model is scored in.
    prior : ClassPrior
        Mix of classes of the probabilities.
    cross_fit : CrossFit or None
        How the calibration is measured, if the temperature was fitted to the images.
    notes : list of str
        What to beware of.
    gallery : GallerySource or None
        Images in which the others are looked up, if not among themselves.
    gallery_targets : ndarray of int or None
        Their true classes.
    """

    engine: Engine
    dataset: Dataset
    items: list[DatasetItem]
    splits: list[str]
    split: str
    truth: Truth
    terms: CoarseTerms | None
    prior: ClassPrior
    cross_fit: CrossFit | None
    notes: list[str]
    gallery: GallerySource | None = None
    gallery_targets: np.ndarray | None = None


def open_subject(
    options: EvaluateOptions, reading: ReadingOptions, compute: ComputeOptions, progress: Progress
) -> tuple[Subject, ReadingOptions]:
    """Open the model and the data set, and match the labels with the classes of the model."""
    list_perturbations(options.perturbations)
    files = find_model(options.model)
    engine = open_batch_engine(files, compute, 0, progress)
    record = engine.record
    _refuse_unless_classes(options, record)
    prior, terms = choose_prior(record, options.prior), find_terms(record, options.coarse)
    assumed = assume_pixel_scale(record, reading)
    dataset = open_labeled(
        options.dataset,
        assumed,
        label_column=options.label_column,
        where=options.where,
        needs_labels=record.votes is None and record.regression is None,
    )
    preprocess = override_preprocess(record.make_preprocess(), reading)
    read_as_classify(dataset, preprocess)
    of_run = read_run_split(files, dataset, options.dataset)
    splits = list(of_run.splits if of_run else list_given_splits(dataset))
    rows, split = select_split(dataset, splits, options.split)
    items = list_dataset_items(dataset, rows)
    if options.by_columns:
        check_columns(create_items_table([dataset.items[row] for row in rows]), options.by_columns)
    own = [dataset.items[row] for row in rows]
    if record.votes is not None:
        truth = read_vote_truth(own, record)
    elif record.regression is not None:
        truth = read_value_truth(own, record)
    elif record.head == NO_CLASSES:
        truth = name_truth([item.label for item in own], options.model)
    else:
        truth = match_truth([item.label for item in own], record, options.model, terms)
    tta = record.tta if compute.tta is None else compute.tta
    gallery, among = open_gallery(options, assumed, files, record, preprocess, tta=tta), None
    if gallery is not None:
        truth, among = match_gallery(
            truth, [item.label for item in own], gallery.labels, gallery.name, record, options.model, terms
        )
    notes = [*find_dataset_notes(dataset), *truth.notes, *find_notes(record, reading, [i for i in items if i.ref])]
    if of_run and (learned := sum(splits[row] == "train" for row in rows)):
        notes.append(f"{learned} of the {len(rows)} images are training images of this run: the scores are too good.")
    if of_run and of_run.note:
        notes.append(of_run.note)
    if terms is not None and (dropped := terms.describe_dropped()):
        notes.append(dropped)
    notes += gallery.notes if gallery else ()
    chosen = [splits[row] for row in rows]
    cross_fit, note = find_cross_fit(
        record,
        chosen if of_run else None,
        factors=prior.factors,
        is_coarse=terms is not None,
        tta=tta,
    )
    notes += [note] if note else []
    subject = Subject(engine, dataset, items, chosen, split, truth, terms, prior, cross_fit, notes, gallery, among)
    return subject, assumed


def _refuse_unless_classes(options: EvaluateOptions, record: ModelRecord) -> None:
    """Raise `ModelError` for options that score classes, if the model has none."""
    if record.has_classes:
        return
    has = "was trained without labels and has no classes"
    if record.votes is not None or record.regression is not None:
        has = "predicts shares of votes" if record.regression is None else "predicts numbers"
    given = {"--by": options.by_columns, "--perturb": options.perturbations, "--coarse": options.coarse}
    if record.head != NO_CLASSES:
        given["--gallery"] = options.gallery
    if options.prior != TRAINING:
        given["--prior"] = options.prior
    for flag, value in given.items():
        if value:
            raise ModelError(
                f"The model '{options.model}' {has}, and {flag} needs probabilities of classes.",
                hint=f"Leave {flag} out, or give a model of classes.",
            )
