"""The command ``evaluate``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from galaxtool.assessment.options import EvaluateOptions
from galaxtool.assessment.results import EvaluateResult
from galaxtool.commands.shared_options import describe_shared_options
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.jobs.options import JobOptions
from galaxtool.types import Progress, Silent
from galaxtool.utils.path_arguments import accept_paths


@accept_paths
@describe_shared_options
def evaluate(
    dataset: str | Path,
    *,
    output: Path,
    model: str | Path | Sequence[str | Path] = ("mini",),
    split: str | None = None,
    where: str | None = None,
    label_column: str | None = None,
    by: Sequence[str] = (),
    coarse: str | None = None,
    prior: str | Path = "training",
    gallery: str | Path | None = None,
    gallery_split: str | None = None,
    perturb: Sequence[str] = (),
    figures: bool = True,
    seed: int = 0,
    hdu: str | None = None,
    bands: Sequence[str] = (),
    pattern: str | None = None,
    mask_hdu: str | None = None,
    weight_hdu: str | None = None,
    pixel_scale: float | None = None,
    pixels: str = "auto",
    size_arcsec: float | None = None,
    stretch: str | None = None,
    image_column: str | None = None,
    ra_column: str | None = None,
    dec_column: str | None = None,
    table: str | None = None,
    engine: str = "auto",
    provider: str = "auto",
    device: str = "auto",
    precision: str = "auto",
    tta: int | None = None,
    batch_size: int = 64,
    workers: int | None = None,
    executor: str = "auto",
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> EvaluateResult:
    """Score a model on labelled cutouts, with confidence intervals.

    The output is a folder with metrics.json, the table predictions.parquet with the true class of each image,
    embeddings.parquet, tables, figures, and report.html, a page with everything.

    Parameters
    ----------
    dataset : str or Path
        Labelled images: a registered data set (see `galaxtool datasets`), a folder with a sub-folder for each class or
        a labels.csv, or a catalogue.
    output : Path
        Folder to write.
    model : str, Path or sequence
        Name of a model, a model directory, a run directory or an .onnx file. Repeat it for trainings that differ only
        in their seed: each is scored, and the result is their mean and spread.
    split : str, optional
        Split to score: train, valid, test or all. By default test if there is one, else valid, else all. The splits are
        those of the data set, or those of the run if the model was trained on these images.
    {where}
    {label_column}
    by : sequence of str
        Numeric columns by which to tabulate the accuracy, in bins: z,petro_mag.
    coarse : str, optional
        Coarser taxonomy to score in, such as gz2-5: the probabilities of the classes that each of its classes contains
        are summed. Needed if the labels are coarser than the classes of the model.
    {prior}
    gallery : str or Path, optional
        Gallery for the retrieval scores: another labelled data set, read with the same options, or an index with labels
        that was built with the same model. By default each image is compared with all others.
    gallery_split : str, optional
        Split of the gallery: train, valid, test or all. By default all.
    perturb : sequence of str
        Also measure the accuracy on perturbed images, at several levels: any of noise,psf,rotation,crop,brightness.
    figures : bool
        Draw figures.
    seed : int
        Random seed of the bootstrap.
    {hdu}
    {bands}
    {pattern}
    {mask_hdu}
    {weight_hdu}
    {pixel_scale}
    {pixels}
    {size_arcsec}
    {stretch}
    {image_column}
    {ra_column}
    {dec_column}
    {table}
    {engine}
    {provider}
    {device}
    {precision}
    {tta}
    {batch_size}
    {workers}
    {executor}
    {resume}
    overwrite : bool
        Replace an earlier evaluation, finished or interrupted.
    {progress}

    Returns
    -------
    EvaluateResult
        The scores, and the path of the folder.

    Raises
    ------
    InputError
        If the data set does not exist, a split is empty, or labels are not classes of the model.
    ModelError, UnknownName
        If the model cannot be used, or `prior` or `coarse` does not fit it.
    OutputExists
        If the folder contains a finished or unfinished evaluation, unless `overwrite` or `resume` is set.
    """
    from galaxtool.assessment.several_models import evaluate_models

    return evaluate_models(
        EvaluateOptions(
            dataset=str(dataset), model="", output=Path(output), split=split, where=where,
            label_column=label_column, by=by, coarse=coarse, prior=str(prior), perturb=perturb,
            gallery=None if gallery is None else str(gallery), gallery_split=gallery_split, figures=figures, seed=seed,
        ),
        [str(model)] if isinstance(model, (str, Path)) else [str(one) for one in model],
        reading=ReadingOptions(
            hdu=hdu, bands=bands, pattern=pattern, mask_hdu=mask_hdu, weight_hdu=weight_hdu, pixel_scale=pixel_scale,
            pixels=pixels, size_arcsec=size_arcsec, stretch=stretch, image_column=image_column, ra_column=ra_column,
            dec_column=dec_column, table=table,
        ),
        compute=ComputeOptions(
            executor=executor, workers=workers, batch_size=batch_size, engine=engine, provider=provider, device=device,
            precision=precision, tta=tta,
        ),
        job_options=JobOptions(resume=resume, overwrite=overwrite),
        progress=progress or Silent(),
    )  # fmt: skip
