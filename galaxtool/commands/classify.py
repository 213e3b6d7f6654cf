"""The command ``classify``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from galaxtool.commands.shared_options import describe_shared_options
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inference.results import ClassifyResult
from galaxtool.jobs.options import JobOptions
from galaxtool.jobs.shard import Shard
from galaxtool.reports.output_options import OutputOptions
from galaxtool.types import Progress, Silent
from galaxtool.utils.path_arguments import accept_paths


@accept_paths
@describe_shared_options
def classify(
    inputs: Sequence[str | Path],
    *,
    model: str | Path = "mini",
    output: Path = Path("predictions.csv"),
    engine: str = "auto",
    provider: str = "auto",
    top_k: int = 1,
    prior: str | Path = "training",
    terms: str | None = None,
    html: Path | None = None,
    sort_into: Path | None = None,
    sort_by: str = "link",
    samp: bool = False,
    hdu: str | None = None,
    each_hdu: bool = False,
    bands: Sequence[str] = (),
    pattern: str | None = None,
    mask_hdu: str | None = None,
    weight_hdu: str | None = None,
    pixel_scale: float | None = None,
    pixels: str = "auto",
    size_arcsec: float | None = None,
    stretch: str | None = None,
    image_column: str | None = None,
    id_column: str | None = None,
    ra_column: str | None = None,
    dec_column: str | None = None,
    table: str | None = None,
    tta: int | None = None,
    passes: int | None = None,
    batch_size: int = 64,
    workers: int | None = None,
    executor: str = "auto",
    precision: str = "auto",
    device: str = "auto",
    shard: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    strict: bool = False,
    progress: Progress | None = None,
) -> ClassifyResult:
    """Classify cutouts and write a table of probabilities.

    The table has one row for each input, in input order: the columns of an input catalogue, then id, path, ra, dec,
    label, probability, p_<class> for each class, flags and error. An image that cannot be read becomes a row with an
    error message.

    Parameters
    ----------
    {inputs}
    {model}
    output : Path
        Table to write. The suffix selects the format: .csv, .ecsv, .fits, .vot or .parquet.
    {engine}
    {provider}
    top_k : int
        Number of classes to report for each image; above 1 adds the columns label_2, probability_2 and so on.
    {prior}
    terms : str, optional
        Taxonomy with coarser classes to report instead of those of the model, such as gz2-5. The probabilities of the
        classes in each of them are summed, and the sums are scaled to a total of 1. Classes without a counterpart are
        dropped; the column dropped has their total probability.
    {html}
    {sort_into}
    {sort_by}
    {samp}
    {hdu}
    {each_hdu}
    {bands}
    {pattern}
    {mask_hdu}
    {weight_hdu}
    {pixel_scale}
    {pixels}
    {size_arcsec}
    {stretch}
    {image_column}
    {id_column}
    {ra_column}
    {dec_column}
    {table}
    {tta}
    passes : int, optional
        Number of passes with dropout, for a model of votes that was trained with it: p_<answer> is the mean share over
        the passes, and the columns std_<answer> have its standard deviation.
    {batch_size}
    {workers}
    {executor}
    {precision}
    {device}
    {shard}
    {resume}
    {overwrite}
    strict : bool
        Exit with status 1 if any input has an error; the table is still written.
    {progress}

    Returns
    -------
    ClassifyResult
        Counts of labels and errors, and the path of the table.

    Raises
    ------
    InputError
        If there is nothing to classify, no image can be read, or `strict` is set and one cannot be read; also if the
        fractions of `prior` cannot be used.
    OutputExists
        If the table or the page would replace an input.
    ModelError, UnknownName
        If the model cannot be used, or `prior` or `terms` does not fit it.
    """
    from galaxtool.inference.classify import classify_inputs

    return classify_inputs(
        inputs,
        str(model),
        top_k=top_k,
        prior=str(prior),
        terms=terms,
        strict=strict,
        reading=ReadingOptions(
            hdu=hdu, each_hdu=each_hdu, bands=bands, pattern=pattern, mask_hdu=mask_hdu, weight_hdu=weight_hdu,
            pixel_scale=pixel_scale, pixels=pixels, size_arcsec=size_arcsec, stretch=stretch,
            image_column=image_column, id_column=id_column, ra_column=ra_column, dec_column=dec_column, table=table,
        ),
        compute=ComputeOptions(
            executor=executor, workers=workers, batch_size=batch_size, engine=engine, provider=provider, device=device,
            precision=precision, tta=tta, passes=passes,
        ),
        outputs=OutputOptions(
            table=Path(output), html=html and Path(html), sort_into=sort_into and Path(sort_into), sort_by=sort_by,
            samp=samp,
        ),
        job_options=JobOptions(shard=Shard.parse(shard), resume=resume, overwrite=overwrite),
        progress=progress or Silent(),
    )  # fmt: skip
