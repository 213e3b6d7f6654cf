"""Classifying cutouts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inference.results import ClassifyResult
from galaxtool.jobs.options import JobOptions
from galaxtool.jobs.shard import Shard
from galaxtool.reports.output_options import OutputOptions
from galaxtool.types import Progress, Silent


def classify(
    inputs: Sequence[str | Path],
    *,
    model: str = "mini",
    output: Path = Path("predictions.csv"),
    engine: str = "auto",
    top_k: int = 1,
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
    size_arcsec: float | None = None,
    stretch: str | None = None,
    image_column: str | None = None,
    id_column: str | None = None,
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

    One row for each input, in input order: the columns of an input catalogue, then id, path, ra, dec, label,
    probability, p_<class> for each class, flags and error. An image that cannot be read is a row with an error.

    Parameters
    ----------
    inputs : sequence of str or Path
        Folders, files, globs, tar and zip archives, HDF5 and NumPy stacks, @list.txt with a path a line, and
        catalogues with a column of paths.
    model : str
        Registered name, model or run directory, or .onnx file.
    output : Path
        Table to write; its suffix chooses the format: .csv, .ecsv, .fits, .vot, .parquet, or another that astropy
        writes.
    engine : str
        auto, onnx, openvino or torch; auto takes ONNX Runtime where the model has an ONNX file, but for many images
        bf16 by OpenVINO or PyTorch where the processor has AMX, which is much faster.
    top_k : int
        For more than 1, further columns label_2, probability_2 and so on.
    html : Path, optional
        Write a page too: summary, thumbnails by class, confusing cases, errors, all rows.
    sort_into : Path, optional
        Make a folder with a sub-folder for each class and the images in it.
    sort_by : str
        How images are sorted into folders: link or copy.
    samp : bool
        Send the table to TOPCAT, Aladin and what else listens to SAMP.
    hdu : str, optional
        HDU of FITS files, by number or EXTNAME; by default the first with an image.
    each_hdu : bool
        Take every image HDU of a FITS file as an object of its own.
    bands : sequence of str
        Bands to take, in this order: g,r,z.
    pattern : str, optional
        Where each band has its own file, how they are called below a folder: "{id}_{band}.fits".
    mask_hdu : str, optional
        HDU of FITS files in which pixels that must not be used are not zero.
    weight_hdu : str, optional
        HDU of FITS files with weights: pixels whose weight is not above zero are not used.
    pixel_scale : float, optional
        arcsec per pixel of images that do not say it themselves.
    size_arcsec : float, optional
        Side of the square about the centre that is looked at, cut by the image's pixel scale; by default the model's
        own, if it was trained with one.
    stretch : str, optional
        How brightness is shown in place of the model's own stretch: asinh, or with options asinh:softening=3.
    image_column, id_column : str, optional
        Columns of a catalogue, where they do not have one of the usual names.
    batch_size : int
        Images scored at once.
    workers : int, optional
        How many work at the same time; one for each processor where it is not said.
    executor : str
        Where: threads, processes, ray, or ray://HEAD:PORT; auto takes processes for many images.
    precision : str
        auto, fp32, bf16 or fp16; onnx computes in fp32 alone, openvino in fp32 or bf16.
    device : str
        auto, cpu, cuda, cuda:1 or mps.
    shard : str, optional
        Do one part of several, e.g. 2/8, in a job array; `galaxtool merge` then writes the table.
    resume : bool
        Go on with an interrupted job on the same output.
    overwrite : bool
        Throw away an interrupted job on the same output.
    strict : bool
        Exit with status 1 if any input has an error; the table is written all the same.

    Returns
    -------
    ClassifyResult

    Raises
    ------
    InputError
        If there is nothing to classify, nothing can be read, or `strict` and something cannot.
    ModelError, UnknownName
        If the model cannot be used.
    """
    from galaxtool.inference.classify import classify_inputs

    return classify_inputs(
        inputs,
        model,
        top_k=top_k,
        strict=strict,
        reading=ReadingOptions(
            hdu=hdu, each_hdu=each_hdu, bands=bands, pattern=pattern, mask_hdu=mask_hdu, weight_hdu=weight_hdu,
            pixel_scale=pixel_scale, size_arcsec=size_arcsec, stretch=stretch, image_column=image_column,
            id_column=id_column,
        ),
        compute=ComputeOptions(
            executor=executor, workers=workers, batch_size=batch_size, engine=engine, device=device,
            precision=precision,
        ),
        outputs=OutputOptions(
            table=Path(output), html=html and Path(html), sort_into=sort_into and Path(sort_into), sort_by=sort_by,
            samp=samp,
        ),
        job_options=JobOptions(shard=Shard.parse(shard), resume=resume, overwrite=overwrite),
        progress=progress or Silent(),
    )  # fmt: skip
