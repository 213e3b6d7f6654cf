"""The command ``doubts``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from galaxtool.commands.shared_options import describe_shared_options
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.jobs.options import JobOptions
from galaxtool.label_checks.options import DoubtOptions
from galaxtool.label_checks.results import DoubtsResult
from galaxtool.types import Progress, Silent
from galaxtool.utils.path_arguments import accept_paths


@accept_paths
@describe_shared_options
def doubts(
    dataset: str | Path,
    *,
    output: Path = Path("doubts.csv"),
    html: Path | None = None,
    model: str | Path = "mini",
    folds: int = 5,
    separation: float = 60.0,
    seed: int = 0,
    where: str | None = None,
    label_column: str | None = None,
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
    device: str = "auto",
    precision: str = "auto",
    tta: int | None = None,
    batch_size: int = 64,
    workers: int | None = None,
    executor: str = "auto",
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> DoubtsResult:
    """Find labels that are probably wrong.

    Logistic regressions on the features of a model predict each label from images in other parts of the sky, and
    confident learning decides which labels they contradict. Images of the same object with different labels are listed
    too. The table has the columns id, path, label, suggested, p_<class> for each class, and reason.

    Parameters
    ----------
    dataset : str or Path
        Labelled images: a registered data set (see `galaxtool datasets`), a folder with a sub-folder for each class or
        a labels.csv, or a catalogue. The labels may be of any kind; the model need not know them.
    output : Path
        Table to write. The suffix selects the format: .csv, .ecsv, .fits, .vot or .parquet.
    html : Path, optional
        Also write an HTML page with the pictures of the doubtful labels.
    {model}
    folds : int
        Number of folds of the cross-validation.
    separation : float
        Images closer to each other on the sky than this, in arcsec, stay in the same fold.
    seed : int
        Random seed of the folds.
    {where}
    {label_column}
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
    {device}
    {precision}
    {tta}
    {batch_size}
    {workers}
    {executor}
    {resume}
    {overwrite}
    {progress}

    Returns
    -------
    DoubtsResult
        The doubtful labels, and the paths of the table and the page.

    Raises
    ------
    ConfigError
        If the value of an option cannot be used.
    OutputExists
        If an output has the name of the data set or of its table of labels.
    InputError
        If the data set does not exist or has no labels, there is only one class, or a class has fewer images than there
        are folds.
    """
    from galaxtool.label_checks.check import find_doubts

    return find_doubts(
        DoubtOptions(
            dataset=str(dataset), output=Path(output), html=None if html is None else Path(html), model=str(model),
            folds=folds, separation=separation, seed=seed, label_column=label_column, where=where,
        ),
        reading=ReadingOptions(
            hdu=hdu, bands=bands, pattern=pattern, mask_hdu=mask_hdu, weight_hdu=weight_hdu, pixel_scale=pixel_scale,
            pixels=pixels, size_arcsec=size_arcsec, stretch=stretch, image_column=image_column, ra_column=ra_column,
            dec_column=dec_column, table=table,
        ),
        compute=ComputeOptions(
            executor=executor, workers=workers, batch_size=batch_size, engine=engine, device=device,
            precision=precision, tta=tta,
        ),
        job_options=JobOptions(resume=resume, overwrite=overwrite),
        progress=progress or Silent(),
    )  # fmt: skip
